"""Which differences of paired scores are more than chance: tests, Holm's correction, intervals.

``d`` are differences of two algorithms, a row a case (a user, or a data set) and a column a pair:
(n_cases, n_pairs). A test gives a two-sided p a column.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

EXACT_UP_TO = 50  # cases up to which the signed rank test counts all signs
BLOCK = 2**22  # numbers that a block of resamples may have


def t_test(d: Array) -> Array:
    """Two-sided p of Student's paired t: mean(d) / (std(d) / sqrt(n)), n - 1 degrees of freedom.

    It asks about the mean, by which a leaderboard ranks. NaN for less than two cases.
    """
    n = len(d)
    if n < 2:
        return np.full(d.shape[1], np.nan)
    mean, error = d.mean(axis=0), d.std(axis=0, ddof=1) / np.sqrt(n)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(mean == 0, 0.0, np.abs(mean) / error)
    return np.asarray(2 * stats.t.sf(t, n - 1))


def signed_rank_test(d: Array) -> Array:
    """Two-sided p of Wilcoxon's signed rank test; zero differences are dropped.

    The sum W of the ranks of |d| where d > 0 has, under the null, mean sum(r) / 2 and variance
    sum(r^2) / 4 (which is the textbook's, ties included). Exact for at most 50 differences without
    ties, else normal, without continuity correction. 1 where all differences are zero.

    References
    ----------
    Wilcoxon. Individual comparisons by ranking methods. Biometrics Bulletin 1(6), 1945.
    """
    size = np.abs(d)
    zero = size == 0
    ranks = np.where(zero, 0.0, stats.rankdata(size, axis=0) - zero.sum(axis=0))
    total = ranks.sum(axis=0)
    above = np.where(d > 0, ranks, 0.0).sum(axis=0)
    squares = (ranks**2).sum(axis=0)
    with np.errstate(invalid="ignore"):
        z = np.abs(above - total / 2) / np.sqrt(squares / 4)
    p = np.where(squares == 0, 1.0, 2 * stats.norm.sf(z))
    n = (~zero).sum(axis=0)
    no_ties = np.isclose(squares, n * (n + 1) * (2 * n + 1) / 6, rtol=1e-12)
    for column in np.flatnonzero(no_ties & (n > 0) & (n <= EXACT_UP_TO)):
        smaller = round(min(above[column], total[column] - above[column]))
        p[column] = min(1.0, 2 * _rank_sum_cdf(int(n[column]))[smaller])
    return p


@cache
def _rank_sum_cdf(n: int) -> Array:
    """P(W <= w), w = 0 .. n(n+1)/2, where each of the ranks 1..n is in the sum by a fair coin."""
    probabilities = np.zeros(n * (n + 1) // 2 + 1)
    probabilities[0] = 1.0
    for rank in range(1, n + 1):
        shifted = np.concatenate([np.zeros(rank), probabilities[:-rank]])
        probabilities = (probabilities + shifted) / 2
    return np.cumsum(probabilities)


def sign_flip_test(d: Array, *, n_flips: int = 10_000, seed: int = 0) -> Array:
    """Two-sided p of the paired permutation test: how often random signs give |sum(d)| or more.

    All 2^n signs where they are at most ``n_flips``; else (1 + hits) / (1 + n_flips), so that p is
    never 0. Time grows with n_flips x n_cases x n_pairs, memory is bounded.

    References
    ----------
    Smucker, Allan, Carterette. A comparison of statistical significance tests for information
    retrieval evaluation. CIKM 2007. doi:10.1145/1321440.1321528
    """
    n = len(d)
    exact = 2**n <= n_flips if n < 63 else False
    n_all = 2**n if exact else n_flips
    reached = np.abs(d.sum(axis=0)) * (1 - 1e-12) - 1e-15  # rounding must not hide a tie
    rng = np.random.default_rng(seed)
    hits = np.zeros(d.shape[1])
    for start in range(0, n_all, step := max(1, BLOCK // max(n, 1))):
        size = min(step, n_all - start)
        if exact:
            bits = np.arange(start, start + size)[:, None] >> np.arange(n) & 1
        else:
            packed = rng.integers(0, 256, size=(size, -(-n // 8)), dtype=np.uint8)
            bits = np.unpackbits(packed, axis=1, count=n).astype(np.int64)
        hits += (np.abs((2.0 * bits - 1) @ d) >= reached).sum(axis=0)
    return hits / n_all if exact else (1 + hits) / (1 + n_all)


TESTS: dict[str, Callable[[Array], Array]] = {
    "t": t_test,
    "wilcoxon": signed_rank_test,
    "permutation": sign_flip_test,
}


def holm(p: Array) -> Array:
    """Holm's adjusted p: of m, the i-th smallest times m - i + 1, never below a smaller one's.

    Holds the chance of one false alarm or more at alpha, whatever the dependence. NaN (not tested)
    stays NaN and is not counted.

    References
    ----------
    Holm. A simple sequentially rejective multiple test procedure. Scand. J. Statistics 6, 1979.
    """
    order = np.argsort(p, kind="stable")  # NaN last
    m = int(np.isfinite(p).sum())
    scaled = p[order] * np.maximum(m - np.arange(len(p)), 1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted


def bootstrap_intervals(
    values: Array,
    *,
    confidence: float = 0.95,
    method: str = "bca",
    n_resamples: int = 2000,
    seed: int = 0,
) -> tuple[Array, Array]:
    """Lower and upper ends of an interval of the mean of each column, over resampled rows.

    Parameters
    ----------
    values : array (n_cases, n_columns)
        All columns are resampled together: the same users for all algorithms.
    confidence : float
        The share of such intervals that hold the true mean.
    method : "bca" or "percentile"
        Percentile takes quantiles of the resampled means. BCa shifts them for bias and skewness;
        the jackknife of a mean needs no loop: a = sum((x - mean)^3) / (6 sum((x - mean)^2)^1.5).
    n_resamples, seed : int

    Notes
    -----
    Time grows with n_resamples x n_cases x n_columns; memory is bounded.

    References
    ----------
    Efron. Better bootstrap confidence intervals. JASA 82, 1987. doi:10.2307/2289144
    """
    if method not in ("bca", "percentile"):
        raise ValueError(f"method is 'bca' or 'percentile', not {method!r}")
    means = np.sort(_resampled_means(values, n_resamples, seed), axis=0)
    tails = stats.norm.ppf([(1 - confidence) / 2, (1 + confidence) / 2])[:, None]
    if method == "bca":
        centre = values.mean(axis=0)
        slack = 1e-12 * np.abs(centre)  # a resample of the same sum may differ by rounding
        below = (means < centre - slack).mean(axis=0) + 0.5 * (abs(means - centre) <= slack).mean(0)
        bias = stats.norm.ppf(np.clip(below, 0.5 / n_resamples, 1 - 0.5 / n_resamples))
        moved = values - centre
        spread = np.maximum((moved**2).sum(axis=0), np.finfo(float).tiny)
        skewness = (moved**3).sum(axis=0) / (6 * spread**1.5)
        tails = bias + (bias + tails) / (1 - skewness * (bias + tails))
    places = stats.norm.cdf(np.broadcast_to(tails, (2, values.shape[1]))) * (n_resamples - 1)
    floor = np.floor(places).astype(np.int64)
    lower = np.take_along_axis(means, floor, axis=0)
    upper = np.take_along_axis(means, np.minimum(floor + 1, n_resamples - 1), axis=0)
    ends = lower + (places - floor) * (upper - lower)
    return ends[0], ends[1]


def _resampled_means(values: Array, n_resamples: int, seed: int) -> Array:
    """Means of ``n_resamples`` draws of rows with replacement.  # (n_resamples, n_columns)"""
    n = len(values)
    rng = np.random.default_rng(seed)
    means = np.empty((n_resamples, values.shape[1]))
    for start in range(0, n_resamples, step := max(1, BLOCK // n)):
        size = min(step, n_resamples - start)
        drawn = rng.integers(0, n, size=(size, n)) + n * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        means[start : start + size] = times.astype(np.float64) @ values / n
    return means
