"""The gradient steps of LogisticMF, a block of users or items at a time.

======  =====================================================  ==================
symbol  meaning                                                shape
======  =====================================================  ==================
v_r     factors of row r                                       (width,)
h_i     factors of the other side, held fixed                  (width,)
pool    those h_i with interactions, in random order           (n_pool, width)
P       a run of m rows of the pool, cyclic, of one block      (m, width)
m_r     zeros that row r asks for; m is the largest of them
======  =====================================================  ==================

    g_r = sum_(i in history) alpha x_ri sigmoid(-v_r h_i) h_i
          - c_r / m sum_(h in P) sigmoid(v_r h) h - l2 v_r

With c_r = n_pool the mean of g_r is the gradient over all pairs: a run starts anywhere with the
same chance, so over the random order each h is in it with the chance m / n_pool. With c_r = m_r
each zero that was asked for counts once. Rows of one block have nearly the same m_r and share a
run, so that its sigmoids come from matrix products.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._base import _in_threads
from recmeta.algorithms._factors import CLOSE, F32, _dot
from recmeta.algorithms._sums import column_counts

ROWS, TILE = 128, 512  # of a block and of its run at once: their log-odds stay in the cache
LOG2_E = np.float32(1 / math.log(2))
TWO_TO = tuple(np.float32(math.log(2) ** n / math.factorial(n)) for n in range(7))


class Steps(NamedTuple):
    """The parameters of LogisticMF that a step needs."""

    n_negatives: int
    max_negatives: int | None
    learning_rate: float
    l2: float
    alpha: float


def climb(
    X: csr_array, fixed: F32, factors: F32, squares: F32, one: int, how: Steps,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """One step of AdaGrad for each row of ``factors`` that has entries in X, in place.

    Column ``one`` stays as it is.
    """
    known = np.flatnonzero(column_counts(X.indices, X.shape[1]))
    pool = fixed[known[rng.permutation(len(known))]]
    turned, n_pool = np.ascontiguousarray(pool.T), len(pool)
    sizes = np.minimum(np.diff(X.indptr).astype(np.int64) * how.n_negatives, n_pool)
    if how.max_negatives is not None:
        sizes = np.minimum(sizes, how.max_negatives)
    order = np.argsort(sizes, kind="stable")[np.count_nonzero(sizes == 0) :]
    offsets = rng.integers(0, max(n_pool, 1), size=len(order) // ROWS + 1)
    indptr, indices = X.indptr.astype(np.int64), X.indices.astype(np.int32, copy=False)
    rates = np.array([how.learning_rate, how.l2, how.alpha], dtype=np.float32)

    def one_block(block: slice) -> None:
        rows = order[block]
        size, offset = sizes[rows[-1]], offsets[block.start // ROWS]
        pull = pull_of_zeros(factors[rows], pool, turned, offset, size)
        asked = n_pool if how.max_negatives is None else sizes[rows, None]
        pull *= (asked / size).astype(np.float32) if np.ndim(asked) else np.float32(asked / size)
        adagrad_steps(
            rows, pull, indptr, indices, X.data, fixed, rates, one % factors.shape[1],
            factors, squares,
        )  # fmt: skip

    _in_threads(one_block, _slices(len(order), ROWS))


def _slices(n: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def pull_of_zeros(
    vectors: F32, pool: F32, turned: F32, offset: int, size: int
) -> NDArray[np.float32]:
    """Sum of sigmoid(v h) h over a run of the pool, (n_rows, width); ``turned`` is its transpose.

    The run has ``size`` rows from ``offset`` on, and begins anew where the pool ends.
    """
    total = np.zeros_like(vectors)
    space = np.empty(len(vectors) * min(TILE, size), dtype=np.float32)
    for tile in _slices(size, TILE):
        odds = space[: len(vectors) * (tile.stop - tile.start)].reshape(len(vectors), -1)
        first, last = ((offset + end) % len(pool) for end in (tile.start, tile.stop - 1))
        if first <= last:
            run, columns = pool[first : last + 1], turned[:, first : last + 1]
        else:
            run = np.concatenate([pool[first:], pool[: last + 1]])
            columns = np.concatenate([turned[:, first:], turned[:, : last + 1]], axis=1)
        np.dot(vectors, columns, out=odds)
        _sigmoids(odds.ravel())
        total += odds @ run
    return total


@njit(cache=True, nogil=True, fastmath=CLOSE, error_model="numpy")
def _sigmoids(x):  # type: ignore[no-untyped-def]
    """1 / (1 + exp(-x)) in place, to 1e-7 plus 1e-7 |x|, relative.

    With -x / ln 2 = k + r, |r| <= 1/2: 2^k is made of its bits and 2^r from Taylor's series, so
    that, unlike with a call of exp, the loop takes 16 numbers at a time.
    """
    for e in range(len(x)):
        power = -LOG2_E * x[e]
        power = np.float32(-125) if power < np.float32(-125) else power
        power = np.float32(125) if power > np.float32(125) else power
        biased = np.int32(power + np.float32(127.5))  # k + 127, since cutting positives rounds down
        r = power - np.float32(np.int32(biased - np.int32(127)))
        series = TWO_TO[6]
        for n in (5, 4, 3, 2, 1, 0):
            series = series * r + TWO_TO[n]
        x[e] = np.float32(1) / (
            np.float32(1) + series * np.int32(biased << np.int32(23)).view(np.float32)
        )


@njit(cache=True, nogil=True, fastmath=CLOSE)
def adagrad_steps(  # type: ignore[no-untyped-def]
    rows, pull, indptr, indices, data, fixed, rates, one, factors, squares
):
    """The rest of the gradient of the rows, that of their histories and of l2, then AdaGrad."""
    longest = 0
    for row in rows:
        longest = max(longest, indptr[row + 1] - indptr[row])
    push, gradient = np.empty(longest, np.float32), np.empty(factors.shape[1], np.float32)
    for place in range(len(rows)):
        vector, first = factors[rows[place]], indptr[rows[place]]
        n = indptr[rows[place] + 1] - first
        for entry in range(n):
            push[entry] = -_dot(vector, fixed[indices[first + entry]])
        _sigmoids(push[:n])
        for f in range(len(vector)):
            gradient[f] = -rates[1] * vector[f] - pull[place, f]
        for entry in range(n):
            other, weight = fixed[indices[first + entry]], rates[2] * data[first + entry]
            for f in range(len(vector)):
                gradient[f] += weight * push[entry] * other[f]
        sums = squares[rows[place]]
        for f in range(len(vector)):
            if f != one:
                sums[f] += gradient[f] * gradient[f]
                vector[f] += rates[0] * gradient[f] / np.sqrt(np.float32(1e-6) + sums[f])
