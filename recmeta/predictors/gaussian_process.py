"""Gaussian process regression with length scales and noise by marginal likelihood."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recmeta.predictors._calibration import calibrated
from recmeta.predictors._features import FeaturePredictor
from recmeta.predictors._kernels import KERNELS, most_likely
from recmeta.registry import find

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

BLOCK = 4096  # new rows at a time: memory is n of them


class GaussianProcessRegression(FeaturePredictor):
    """t ~ GP(0, s2 k(q)) + noise, in closed form and float64.

    q is the squared distance with a length scale for each family of columns (encoding, curves,
    proxies, task), or with ``ard`` for each column. Length scales, s2 and noise maximise marginal
    likelihood times log-normal priors (``_kernels``), with analytic gradients. Slope and offset of
    the variance come from the errors of leaving each row out, with its group, which cost nothing
    more (``_calibration``).

    Time of fit is some 50 ``n_starts`` steps of n^3 + n^2 d, of predict n^2 a row; memory n^2.

    Parameters
    ----------
    kernel : str
        "rbf", "matern32" or "matern52".
    ard : bool
        A length scale for each column.
    n_starts : int
        Of the optimiser.
    normal_scores : bool
        Learn the normal scores of y in place of y itself (``_targets``).
    random_state : int or None
        Of the starts after the first.

    Attributes
    ----------
    process_ : Posterior
        With ``lengths`` (d',), ``signal`` and ``noise``, in units of standardised y.
    calibration_ : Calibration

    References
    ----------
    Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, sections 2.2, 5.4.

    Examples
    --------
    >>> X = np.linspace(0, 1, 20)[:, None]
    >>> mean, std = GaussianProcessRegression().fit(X, np.sin(6 * X[:, 0])).predict([[0.33]])
    >>> abs(mean[0] - np.sin(6 * 0.33)) < 0.05
    np.True_
    """

    tiny: ClassVar[dict[str, Any]] = {"n_starts": 1}

    def __init__(
        self,
        *,
        kernel: str = "matern52",
        ard: bool = False,
        n_starts: int = 2,
        normal_scores: bool = True,
        random_state: int | None = 0,
    ) -> None:
        self.kernel = kernel
        self.ard = ard
        self.n_starts = n_starts
        self.normal_scores = normal_scores
        self.random_state = random_state

    def _learn(self, Z: F64, t: F64, groups: I64, rng: np.random.Generator) -> None:
        families = np.unique(self._families(), return_inverse=True)[1]
        scales = np.arange(Z.shape[1]) if self.ard else families.astype(np.int64)
        kernel = find(KERNELS, self.kernel, "kernel")
        self.process_ = most_likely(kernel, Z, t, scales, self.n_starts, rng)
        self.calibration_ = calibrated(*self.process_.left_out(groups))

    def _posterior(self, Z: F64) -> tuple[F64, F64]:
        parts = [self.process_(Z[start : start + BLOCK]) for start in range(0, len(Z), BLOCK)]
        mean, variance = (np.concatenate(part) for part in zip(*parts, strict=True))
        return mean, self.calibration_(variance)

    def draw(self, X: F64, rng: np.random.Generator) -> F64:
        """Performances of all rows under one function of the posterior, (n_rows,).

        O(n_rows^3): for some thousand candidates at most.
        """
        return self._drawn(X, lambda Z: self.process_.draw(Z, rng))
