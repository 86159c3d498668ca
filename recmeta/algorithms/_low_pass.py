"""Which low-pass filter ranks best beside GFCF's linear one: its rank and its weight.

======  ==================================================  ====================
symbol  meaning                                             shape
======  ==================================================  ====================
X       interactions                                        (n_users, n_items)
R       D_U^-1/2 X D_I^-1/2, D_U and D_I the sums of X      (n_users, n_items)
U       leading right singular vectors of R                 (n_items, n_factors)
======  ==================================================  ====================
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array, issparse

from recmeta.algorithms._factors import F32
from recmeta.algorithms._gram import sparse_or_dense_gram
from recmeta.algorithms._rank import Nested, gains_of_ranks, lesson_of
from recmeta.algorithms._singular_vectors import top_right_singular_vectors

RANKS, WEIGHTS = (16, 64, 256), (0.25, 1.0, 4.0)


def ranks_of(n_users: int, n_items: int) -> list[int]:
    """Those that are tried: below the smaller side, which stands alone if it is below all."""
    smaller = min(n_users, n_items)
    return [rank for rank in RANKS if rank < smaller] or [smaller]


def best_filter(
    X: csr_array, ranks: Sequence[int], weights: Sequence[float], rng: np.random.Generator
) -> tuple[int, float]:
    """The pair with the highest mean NDCG@10 on what up to 2,000 users do not show.

    The smallest of equals; the middle ones where nobody has two items. Time: one decomposition at
    the largest rank, R'R, its products with the histories of those users, and for each pair the
    places of the hidden items among users * n_items scores.
    """
    lesson = lesson_of(X, rng)
    if lesson is None:
        return ranks[len(ranks) // 2], weights[len(weights) // 2]
    R, item_sums = normalised(lesson.left)
    U = top_right_singular_vectors(R, ranks[-1], rng)[1]
    weights_between = sparse_or_dense_gram(R)

    def linear(rows: csr_array) -> F32:
        scores = rows @ weights_between
        return np.asarray(scores.toarray() if issparse(scores) else scores)

    def along(rows: csr_array) -> F32:
        return np.asarray(columns_times(rows, inverse_root(item_sums)) @ U)

    scores = Nested(along, U * np.sqrt(item_sums)[:, None], linear)
    gains = gains_of_ranks(lesson, scores, ranks, weights).mean(axis=2)
    rank, weight = divmod(int(np.argmax(gains)), len(weights))
    return ranks[rank], weights[weight]


def normalised(X: csr_array) -> tuple[csr_array, F32]:
    """R, and the sums of the items."""
    user_sums, item_sums = (np.asarray(X.sum(axis=axis), dtype=np.float32) for axis in (1, 0))
    R = columns_times(X, inverse_root(item_sums))
    R.data *= np.repeat(inverse_root(user_sums), np.diff(X.indptr))
    return R, item_sums


def columns_times(X: csr_array, weights: F32) -> csr_array:
    """X with each column multiplied by its weight: a new array."""
    return csr_array((X.data * weights[X.indices], X.indices, X.indptr), shape=X.shape)


def inverse_root(sums: F32) -> F32:
    """1 / sqrt(sums), and 0 where there is nothing."""
    return np.where(sums > 0, 1 / np.sqrt(np.where(sums > 0, sums, 1)), 0).astype(np.float32)
