"""Two ways to spend epochs: every candidate to the end, or few epochs, extrapolation, the best n.

======  =========================================================================
symbol  meaning
======  =========================================================================
T       horizon: epochs of a full training
s       epochs after which curves are extrapolated
n       candidates, of which the first n_known are trained in full for the predictor
m       candidates that are trained in full after extrapolation
======  =========================================================================

single_fidelity costs n T epochs, extrapolate_then_train n_known T + (n - n_known) s + m (T - s):
compare them by the regret at equal epochs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from recmeta.predictors import Predictor

F64 = NDArray[np.float64]
Train = Callable[[Any, int], Sequence[float] | F64]


@dataclass(frozen=True)
class Spent:
    """What came of the epochs.

    Attributes
    ----------
    best : int
        Position, among the candidates, of the one with the best final value.
    value : float
        Its final value.
    n_epochs : int
        Epochs trained, all candidates together.
    curves : float64 array, (n, T)
        What was seen; NaN beyond, and infinitely bad from where a training diverged.
    """

    best: int
    value: float
    n_epochs: int
    curves: F64


def table_of(curves: F64) -> Train:
    """A ``train`` that looks curves (n, T) up: its candidates are row numbers."""

    def train(candidate: Any, epochs: int) -> F64:
        return np.asarray(curves[candidate, :epochs])

    return train


def single_fidelity(
    candidates: Sequence[Any],
    train: Train,
    *,
    horizon: int,
    budget: int,
    larger_is_better: bool = True,
) -> Spent:
    """Train the candidates in their order, each to the end, as long as the budget lasts.

    Parameters
    ----------
    candidates : sequence
    train : callable
        ``train(candidate, epochs)`` gives the curve from the first epoch to that one, ``epochs``
        values. It may go on from where it stopped. Values that are no number are a divergence.
    horizon : int
        T, in epochs.
    budget : int
        Epochs of all candidates together: at least T.

    Raises
    ------
    ValueError
        If the budget is not enough for one candidate, or a curve has another length.
    """
    n = min(budget // horizon, len(candidates)) if horizon > 0 else 0
    if n < 1:
        raise ValueError(
            f"horizon={horizon}, budget={budget}, {len(candidates)} candidates: "
            "the budget must be enough to train one candidate to the horizon"
        )
    curves = np.full((len(candidates), horizon), np.nan)
    for row in range(n):
        curves[row] = _trained(train, candidates[row], horizon, larger_is_better)
    return _spent(curves, larger_is_better)


def extrapolate_then_train(
    candidates: Sequence[Any],
    train: Train,
    predictor: Predictor,
    X: F64,
    *,
    horizon: int,
    few: int,
    n_known: int,
    n_full: int,
    larger_is_better: bool = True,
) -> Spent:
    """Train a few in full, all others for a few epochs, and in full those with the best prediction.

    Parameters
    ----------
    candidates, train, horizon
        As of ``single_fidelity``.
    predictor : Predictor
        Reads curves. A copy is fitted to the curves and final values of the known.
    X : float64 array, (n, d)
        Encodings of the candidates.
    few : int
        s, in epochs, below T.
    n_known, n_full : int
        How many of the first candidates the predictor learns from, at least 2; and m. The known
        take part in the choice of the best.

    Raises
    ------
    ValueError
        For numbers that don't fit together, or a curve of another length.
    """
    n = len(candidates)
    if not (0 < few < horizon and 2 <= n_known <= n and n_full >= 0):
        raise ValueError(
            f"few={few}, horizon={horizon}, n_known={n_known}, n_full={n_full}, {n} candidates: "
            "give 0 < few < horizon, 2 <= n_known <= candidates and n_full >= 0"
        )
    curves = np.full((n, horizon), np.nan)
    for row in range(n):
        epochs = horizon if row < n_known else few
        curves[row, :epochs] = _trained(train, candidates[row], epochs, larger_is_better)
    known, rest = np.arange(n_known), np.arange(n_known, n)
    model: Any = clone(predictor)
    model.fit(X[known], _finite(curves[known])[:, -1], curves=curves[known])
    mean = model.predict(X[rest], curves=curves[rest])[0] if len(rest) else np.empty(0)
    order = np.argsort(-mean if larger_is_better else mean, kind="stable")
    for row in rest[order[:n_full]]:
        curves[row] = _trained(train, candidates[row], horizon, larger_is_better)
    return _spent(curves, larger_is_better)


def regret(spent: Spent, best: float, *, larger_is_better: bool = True) -> float:
    """How much worse the value is than the best that there is: 0 or more."""
    return best - spent.value if larger_is_better else spent.value - best


def _trained(train: Train, candidate: Any, epochs: int, larger_is_better: bool) -> F64:
    curve = np.array(train(candidate, epochs), dtype=np.float64)
    if curve.shape != (epochs,):
        raise ValueError(
            f"train({candidate!r}, {epochs}) must give {epochs} values, from the first epoch on: "
            f"got shape {curve.shape}"
        )
    # what diverged is as bad as can be, and never looks as if it had not been trained that far
    return np.where(np.isfinite(curve), curve, -np.inf if larger_is_better else np.inf)


def _finite(curves: F64) -> F64:
    """Curves whose infinite values are the worst finite ones; 0 where there is none."""
    finite = curves[np.isfinite(curves)]
    low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 0.0)
    return np.asarray(np.clip(curves, low, high))


def _spent(curves: F64, larger_is_better: bool) -> Spent:
    worst = -np.inf if larger_is_better else np.inf
    ends = np.where(np.isnan(curves[:, -1]), worst, curves[:, -1])
    best = int(np.argmax(ends) if larger_is_better else np.argmin(ends))
    # the best is one that was trained to the end, even where all of those diverged
    if not np.isfinite(ends[best]):
        best = int(np.flatnonzero(~np.isnan(curves[:, -1]))[0])
    return Spent(best, float(curves[best, -1]), int((~np.isnan(curves)).sum()), curves)
