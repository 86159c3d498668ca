"""Least squares of many curves at once: Levenberg-Marquardt within bounds, batched over curves.

======  =============================================  =========
symbol  meaning                                        shape
======  =============================================  =========
x       steps                                          (t,)
Y       curves                                         (n, t)
w       weight of the squared error of each step       (t,)
p       parameters within the bounds of the family     (n, p)
J       derivatives of the fitted values by p          (n, t, p)
======  =============================================  =========
"""

from dataclasses import dataclass

import numpy as np

from recmeta.predictors._base import F64
from recmeta.predictors._curve_families import Family

MAX_STEPS = 100  # in the flattest valleys, of pow4 and exp4, a few percent above the least error
TOLERANCE = 1e-9  # relative decrease of the squared error below which a curve is done
EXACT = 1e-12  # squared error of a curve of values around [0, 1] that needs no better
TINY = 1e-14


@dataclass(frozen=True)
class CurveFit:
    """Least-squares parameters of each curve, (n, p), and the weighted squared errors, (n,)."""

    parameters: F64
    squared_errors: F64


def fit_family(
    family: Family, x: F64, Y: F64, weights: F64 | None = None, *, max_steps: int = MAX_STEPS
) -> CurveFit:
    """Least squares of one family to each curve, from each of its starts; the best is kept.

    Damping follows Marquardt: (J'WJ + lambda diag(J'WJ)) step = J'W r, with lambda of its own for
    each curve. A parameter at a bound that the gradient pushes outwards is left out of the step.

    Notes
    -----
    O(starts steps n t p^2); curves that are done drop out.

    References
    ----------
    Marquardt (1963), An algorithm for least-squares estimation of nonlinear parameters,
    doi:10.1137/0111030.
    """
    w = np.ones(len(x)) if weights is None else weights
    best: CurveFit | None = None
    for start in family.starts:
        found = _minimised(family, x, Y, w, _solved(family, x, Y, w, start), max_steps)
        if best is not None:
            better = found.squared_errors < best.squared_errors
            found = CurveFit(
                np.where(better[:, None], found.parameters, best.parameters),
                np.where(better, found.squared_errors, best.squared_errors),
            )
        best = found
    assert best is not None
    return best


def _solved(family: Family, x: F64, Y: F64, w: F64, start: tuple[float, ...]) -> F64:
    """The start, its linear parameters solved for each curve: (n, p)."""
    parameters = np.tile(np.array(start), (len(Y), 1))
    columns = list(family.linear)
    if columns:
        values, derivatives = family.with_derivatives(x, parameters[:1])
        design = derivatives[0][:, columns]
        rest = Y - values + design @ parameters[0, columns]
        root = np.sqrt(w)
        solution = np.linalg.lstsq(design * root[:, None], (rest * root).T, rcond=1e-10)[0]
        parameters[:, columns] = solution.T
    return np.clip(parameters, family.lower, family.upper)


def _minimised(family: Family, x: F64, Y: F64, w: F64, parameters: F64, max_steps: int) -> CurveFit:
    lower, upper = np.array(family.lower), np.array(family.upper)
    parameters = parameters.copy()
    values, J = family.with_derivatives(x, parameters)
    errors = ((Y - values) ** 2) @ w
    damping = np.full(len(Y), 1e-2)
    active, residuals, J = np.arange(len(Y)), Y - values, J.copy()
    for _ in range(max_steps):
        step = _step(J, residuals, w, damping[active], parameters[active], lower, upper)
        trial = np.clip(parameters[active] + step, lower, upper)
        values, slopes = family.with_derivatives(x, trial)
        missed = Y[active] - values
        error = (missed**2) @ w
        before = errors[active]
        accepted = error < before
        done = np.where(accepted, before - error <= TOLERANCE * before, damping[active] > 1e8)
        done |= error <= EXACT
        kept = active[accepted]
        parameters[kept], errors[kept] = trial[accepted], error[accepted]
        residuals[accepted], J[accepted] = missed[accepted], slopes[accepted]
        damping[active] *= np.where(accepted, 0.2, 5.0)
        damping[active] = np.maximum(damping[active], 1e-10)
        active, residuals, J = active[~done], residuals[~done], J[~done]
        if not len(active):
            break
    return CurveFit(parameters, errors)


def _step(J: F64, r: F64, w: F64, damping: F64, p: F64, lower: F64, upper: F64) -> F64:
    gradient, matrix = _normal_equations(J, r, w)
    fixed = ((p <= lower) & (gradient < 0)) | ((p >= upper) & (gradient > 0))
    matrix[fixed] = 0
    matrix.swapaxes(1, 2)[fixed] = 0
    gradient[fixed] = 0
    diagonal = np.einsum("nii->ni", matrix)
    diagonal += damping[:, None] * diagonal + TINY + fixed
    return np.asarray(np.linalg.solve(matrix, gradient[:, :, None])[:, :, 0])


def _normal_equations(J: F64, r: F64, w: F64) -> tuple[F64, F64]:
    weighted = J * w[:, None]
    transposed = weighted.swapaxes(1, 2)
    return (transposed @ r[:, :, None])[:, :, 0], transposed @ J


def explained_variance_at(family: Family, x: F64, at: float, parameters: F64, w: F64) -> F64:
    """j' (J'WJ)^+ j, (n,): variance of the fitted value at the step ``at``, per noise variance.

    Directions that the curve leaves open (eigenvalues below 1e-8 of the largest) are left out.
    """
    J = family.with_derivatives(x, parameters)[1]
    j = family.with_derivatives(np.array([at]), parameters)[1][:, 0]
    matrix = _normal_equations(J, np.zeros(J.shape[:2]), w)[1]
    inverse = np.linalg.pinv(matrix, rcond=1e-8, hermitian=True)
    return np.asarray(np.einsum("ni,nij,nj->n", j, inverse, j))
