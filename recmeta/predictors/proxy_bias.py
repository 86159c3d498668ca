"""Proxies that like large networks: how much, and the proxy without that liking.

======  ==========================================================
symbol  meaning
======  ==========================================================
f       a proxy, one value an architecture
b       a quantity that it may be biased to: cell size, parameters
y       performance
bias    Pearson correlation of f and b
f'      f / (b + C), the proxy with its bias removed
======  ==========================================================

A bias is no fault where b itself makes networks better: then removing it removes what the proxy
knows. So C is chosen on one half of the architectures and reported on the other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearsonr, spearmanr

F64 = NDArray[np.float64]
Strategy = Literal["minimise", "equalise", "performance"]
N_OFFSETS = 60  # values of C that are tried, evenly on a logarithmic scale


@dataclass(frozen=True)
class Debiased:
    """A proxy divided by (b + C).

    Attributes
    ----------
    offset : float
        C, larger than -min(b); infinity where the proxy is best left alone.
    values : float64 array, (n,)
        f'.
    bias, performance : float
        On the held-out half: Pearson correlation of f' and b, Spearman correlation of f' and y.
    bias_before, performance_before : float
        The same of f.
    """

    offset: float
    values: F64
    bias: float
    performance: float
    bias_before: float
    performance_before: float


def bias(f: F64, b: F64) -> float:
    """Pearson correlation of a proxy and a quantity, over the rows where both are known."""
    known = np.isfinite(f) & np.isfinite(b)
    if known.sum() < 3 or np.ptp(f[known]) == 0 or np.ptp(b[known]) == 0:
        return float("nan")
    return float(pearsonr(f[known], b[known]).statistic)


def remove_bias(f: F64, b: F64, y: F64, *, strategy: Strategy, seed: int = 0) -> Debiased:
    """Choose C on half of the architectures, and say what came of it on the other half.

    Parameters
    ----------
    f, b, y : float64 array, (n,)
        Rows with a NaN count in no choice; their f' is NaN.
    strategy : str
        ``"minimise"``: least |bias|; ``"equalise"``: bias nearest to that of y;
        ``"performance"``: highest Spearman correlation with y.
    seed : int
        Of the halves.

    Raises
    ------
    ValueError
        If fewer than 8 rows are complete, or b or f is constant.

    Notes
    -----
    Where no C has a loss, since y is constant on the half that chooses, the proxy is left alone.
    For a proxy with negative values, such as jacob_cov, dividing by b adds knowledge of b more than
    it removes a liking: compare with ``residual``.
    """
    known = np.flatnonzero(np.isfinite(f) & np.isfinite(b) & np.isfinite(y))
    if len(known) < 8 or np.ptp(f[known]) == 0 or np.ptp(b[known]) == 0:
        raise ValueError(f"8 rows with a proxy and a quantity that vary are needed: {len(known)}")
    order = np.random.default_rng(seed).permutation(known)
    choose, hold = order[: len(order) // 2], order[len(order) // 2 :]
    least = float(b[known].min())
    spread = float(np.ptp(b[known]))
    offsets = [*(spread * np.logspace(-3, 3, N_OFFSETS) - least), np.inf]
    loss = _losses(f, b, y, choose)[strategy]
    losses = np.array([loss(_divided(f, b, offset)) for offset in offsets])
    best = np.inf if np.isnan(losses).all() else offsets[int(np.nanargmin(losses))]
    values = _divided(f, b, best)
    return Debiased(
        best,
        values,
        bias(values[hold], b[hold]),
        _rank_correlation(values[hold], y[hold]),
        bias(f[hold], b[hold]),
        _rank_correlation(f[hold], y[hold]),
    )


def residual(f: F64, b: F64) -> F64:
    """f without what a straight line in b explains of it; NaN where either is missing."""
    known = np.isfinite(f) & np.isfinite(b)
    left = np.full(len(f), np.nan)
    if known.sum() < 2 or np.ptp(b[known]) == 0:
        left[known] = f[known]
        return left
    slope, level = np.polyfit(b[known], f[known], 1)
    left[known] = f[known] - slope * b[known] - level
    return left


def _losses(f: F64, b: F64, y: F64, rows: NDArray[np.int64]) -> dict[str, Callable[[F64], float]]:
    goal = bias(y[rows], b[rows])
    return {
        "minimise": lambda values: abs(bias(values[rows], b[rows])),
        "equalise": lambda values: abs(bias(values[rows], b[rows]) - goal),
        "performance": lambda values: -_rank_correlation(values[rows], y[rows]),
    }


def _divided(f: F64, b: F64, offset: float) -> F64:
    return f.copy() if np.isinf(offset) else np.asarray(f / (b + offset))


def _rank_correlation(f: F64, y: F64) -> float:
    if np.ptp(f) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(spearmanr(f, y).statistic)
