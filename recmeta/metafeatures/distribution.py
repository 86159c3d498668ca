"""How values and activity are spread: ten statistics of seven distributions (RecZilla's 70).

======  =====================================================  ==================
symbol  meaning                                                shape
======  =====================================================  ==================
v       one distribution: a value an event, item or user       (n,)
p       abs(v) / sum of abs(v)                                 (n,)
======  =====================================================  ==================
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import kurtosis, skew

from recmeta.data import Interactions


def extract(X: csr_array, log: Interactions, *, seed: int = 0) -> dict[str, float]:
    """Statistics of the ratings (1 without), and of their mean, sum and count by item and user.

    O(n_events + n log n).
    """
    values = np.ones(log.n_events) if log.values is None else log.values.astype(np.float64)
    features = statistics("distribution.rating", values)
    for side, places in (("item", log.item_columns), ("user", log.user_rows)):
        n_events = np.bincount(places)
        present = n_events > 0
        counts = n_events[present].astype(np.float64)
        sums = np.bincount(places, values)[present].astype(np.float64)
        features |= statistics(f"distribution.{side}_count", counts)
        features |= statistics(f"distribution.{side}_sum", sums)
        features |= statistics(f"distribution.{side}_mean", sums / np.maximum(counts, 1))
    return features


def statistics(name: str, values: NDArray[np.float64]) -> dict[str, float]:
    """mean, max, min, std, median, mode, entropy, gini, skewness, kurtosis of one distribution.

    mode: the most frequent value, the smallest of several. entropy: -sum p log p / log n.
    gini: sum (2 i - n - 1) v_i / (n sum v) over ascending v - min(0, v). Skewness and excess
    kurtosis are 0 where all values are equal.
    """
    if len(values) == 0:
        values = np.zeros(1)
    distinct, frequency = np.unique(values, return_counts=True)
    constant = len(distinct) == 1
    return {
        f"{name}.mean": values.mean(),
        f"{name}.max": values.max(),
        f"{name}.min": values.min(),
        f"{name}.std": values.std(),
        f"{name}.median": float(np.median(values)),
        f"{name}.mode": distinct[frequency.argmax()],
        f"{name}.entropy": entropy(values),
        f"{name}.gini": gini(values),
        f"{name}.skewness": 0.0 if constant else float(skew(values)),
        f"{name}.kurtosis": 0.0 if constant else float(kurtosis(values)),
    }


def entropy(values: NDArray[np.float64]) -> float:
    """-sum p log p / log n; 1 where all are equal, and for a single value."""
    total = np.abs(values).sum()
    if len(values) < 2 or total == 0:
        return 1.0
    shares = np.abs(values[values != 0]) / total
    return float(-(shares * np.log(shares)).sum() / np.log(len(values)))


def gini(values: NDArray[np.float64]) -> float:
    """0 where all are equal, towards 1 where one has all."""
    ascending = np.sort(values - min(values.min(), 0.0))
    n, total = len(ascending), ascending.sum()
    if total == 0:
        return 0.0
    return float(((2 * np.arange(1, n + 1) - n - 1) * ascending).sum() / (n * total))
