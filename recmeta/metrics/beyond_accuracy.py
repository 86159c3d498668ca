"""What the lists of all users look like together: diversity, exposure, coverage.

======  =====================================================  ==================
symbol  meaning                                                shape
======  =====================================================  ==================
c_i     lists at the cutoff that have item i                   (n_items,)
p_i     c_i / sum of c
n       users with a held-out item
m       items
======  =====================================================  ==================
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Exposure:
    """How often each item was recommended at one cutoff, and to how many users what happened."""

    k: int
    counts: NDArray[np.int64]  # (n_items,)
    hits: NDArray[np.int64]  # (n_items,)
    n_full_lists: int
    n_hit_users: int
    n_users: int
    n_rows: int
    n_held_out_items: int

    @property
    def shares(self) -> NDArray[np.float64]:
        """p, of the items with c_i > 0."""
        shown = self.counts[self.counts > 0]
        return shown / shown.sum()


def diversity_mean_inter_list(e: Exposure) -> float:
    """1 - mean over pairs of users of |L_u and L_v| / k = 1 - sum c_i (c_i - 1) / (n (n - 1) k).

    The closed form counts each shared item of each pair once, so short lists are right too. NaN
    for fewer than two users.
    """
    if e.n_users < 2:
        return math.nan
    counts = e.counts.astype(np.float64)
    return float(1 - (counts * (counts - 1)).sum() / (e.n_users * (e.n_users - 1) * e.k))


def diversity_herfindahl(e: Exposure) -> float:
    """1 - sum p_i^2; NaN where nothing was recommended."""
    return float(1 - (e.shares**2).sum()) if e.counts.any() else math.nan


def diversity_gini(e: Exposure) -> float:
    """2 / (m + 1) sum over items, by ascending c, of (m + 1 - rank) p: 1 is equal exposure."""
    total = e.counts.sum()
    if total == 0:
        return math.nan
    m = len(e.counts)
    ascending = np.sort(e.counts[e.counts > 0])  # the others are 0 and add nothing
    ranks = np.arange(m - len(ascending) + 1, m + 1)
    return float(2 * ((m + 1 - ranks) * ascending).sum() / ((m + 1) * total))


def shannon_entropy(e: Exposure) -> float:
    """- sum p_i log2 p_i, in bits; NaN where nothing was recommended."""
    return float(-(e.shares * np.log2(e.shares)).sum() + 0.0) if e.counts.any() else math.nan


def coverage_item(e: Exposure) -> float:
    """Items in at least one list / m."""
    return float((e.counts > 0).mean()) if len(e.counts) else math.nan


def coverage_item_hit(e: Exposure) -> float:
    """Items that are a hit for at least one user / m."""
    return float((e.hits > 0).mean()) if len(e.hits) else math.nan


def coverage_user(e: Exposure) -> float:
    """Users whose list has k items / n."""
    return e.n_full_lists / e.n_users if e.n_users else math.nan


def coverage_user_hit(e: Exposure) -> float:
    """Users with at least one hit / n."""
    return e.n_hit_users / e.n_users if e.n_users else math.nan


def items_in_gt(e: Exposure) -> float:
    """Items that somebody holds out / m; the same for every algorithm and cutoff."""
    return e.n_held_out_items / len(e.counts) if len(e.counts) else math.nan


def users_in_gt(e: Exposure) -> float:
    """Users with a held-out item / users; the same for every algorithm and cutoff."""
    return e.n_users / e.n_rows if e.n_rows else math.nan


FORMULAS: dict[str, Callable[[Exposure], float]] = {
    formula.__name__: formula
    for formula in (
        diversity_mean_inter_list,
        diversity_herfindahl,
        diversity_gini,
        shannon_entropy,
        coverage_item,
        coverage_item_hit,
        coverage_user,
        coverage_user_hit,
        items_in_gt,
        users_in_gt,
    )
}
