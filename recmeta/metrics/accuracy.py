"""Accuracy of ranked lists, user by user.

======  =====================================================  ==================
symbol  meaning                                                shape
======  =====================================================  ==================
L       a user's list at cutoff k, best first                  (k,)
T       the user's held-out items                              set
h       abs(L and T): hits
rel_i   1 if the item at place i of L is in T, else 0
P@i     hits among the first i / i
======  =====================================================  ==================

Every function takes ``ranking`` (n_rows, at least k; -1 pads), ``relevant`` (CSR,
(n_rows, n_items)) and k, and gives a float64 array (n_rows,), NaN where nothing was held out.
O(n_rows k).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.metrics._kernel import PER_USER

Lists = NDArray[np.int32]
Vector = NDArray[np.float64]


def precision(ranking: Lists, relevant: csr_array, k: int) -> Vector:
    """h / k."""
    return _per_user("precision", ranking, relevant, k)


def recall(ranking: Lists, relevant: csr_array, k: int) -> Vector:
    """h / abs(T)."""
    return _per_user("recall", ranking, relevant, k)


def precision_recall_min_den(ranking: Lists, relevant: csr_array, k: int) -> Vector:
    """h / min(k, abs(T)): recall that a list of k can reach."""
    return _per_user("precision_recall_min_den", ranking, relevant, k)


def f1(ranking: Lists, relevant: csr_array, k: int) -> Vector:
    """2 h / (k + abs(T)): the harmonic mean of the user's precision and recall."""
    return _per_user("f1", ranking, relevant, k)


def hit_rate(ranking: Lists, relevant: csr_array, k: int) -> Vector:
    """1 if h > 0, else 0."""
    return _per_user("hit_rate", ranking, relevant, k)


def ndcg(ranking: Lists, relevant: csr_array, k: int) -> Vector:
    """sum rel_i / log2(i + 1) over the same sum with all of min(k, abs(T)) hits first.

    Järvelin, Kekäläinen, ACM TOIS 20(4), 2002, doi:10.1145/582415.582418; gains are 0 and 1.
    """
    return _per_user("ndcg", ranking, relevant, k)


def map(ranking: Lists, relevant: csr_array, k: int) -> Vector:
    """sum rel_i P@i / min(k, abs(T))."""
    return _per_user("map", ranking, relevant, k)


def mrr(ranking: Lists, relevant: csr_array, k: int) -> Vector:
    """1 / place of the first hit; 0 without a hit."""
    return _per_user("mrr", ranking, relevant, k)


def arhr(ranking: Lists, relevant: csr_array, k: int) -> Vector:
    """sum rel_i / i."""
    return _per_user("arhr", ranking, relevant, k)


ACCURACY = (
    precision, recall, precision_recall_min_den, f1, hit_rate, ndcg, map, mrr, arhr,
)  # fmt: skip


def _per_user(name: str, ranking: Lists, relevant: csr_array, k: int) -> Vector:
    from recmeta.metrics._accumulator import Accumulator  # it reads this room's names when loaded

    counts = np.zeros(relevant.shape[1])  # popularity plays no part here
    values = Accumulator(relevant.shape[1], counts, (k,)).add(ranking, relevant, per_user=True)
    assert values is not None
    return values[:, PER_USER.index(name), 0]
