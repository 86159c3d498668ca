"""The gradient steps of LogisticMF, a row of users or items at a time.

======  ==============================================  =====================
symbol  meaning                                         shape
======  ==============================================  =====================
v_r     the row's factors                               (width,)
h_i     factors of the other side, held fixed           (n_others, width)
pool    those h_i with interactions, in random order    (n_pool, width)
P_r     a run of m_r rows of the pool, cyclic           (m_r, width)
======  ==============================================  =====================

    g_r = sum_(i in history) alpha x_ri sigmoid(-v_r h_i) h_i
          - n_pool / m_r sum_(h in P_r) sigmoid(v_r h) h - l2 v_r

A run starts anywhere with the same chance, so over the random order each h is in it with the
chance m_r / n_pool: the mean of g_r is the gradient over all pairs.
"""

import numpy as np
from numba import njit
from scipy.sparse import csr_array

from recmeta.algorithms._base import _in_threads
from recmeta.algorithms._factors import CLOSE, F32, _dot
from recmeta.algorithms._gram import row_blocks


def climb(
    X: csr_array,
    fixed: F32,
    factors: F32,
    squares: F32,
    one: int,
    how: tuple[int, float, float, float],
    rng: np.random.Generator,
) -> None:
    """One step of AdaGrad for each row of ``factors`` that has entries in X, in place.

    Column ``one`` stays as it is. ``how``: n_negatives, learning_rate, l2, alpha.
    """
    pool = rng.permutation(fixed[np.bincount(X.indices, minlength=X.shape[1]) > 0])
    if not len(pool):
        return
    sizes = np.minimum(np.diff(X.indptr).astype(np.int64) * how[0], len(pool))
    offsets = rng.integers(0, len(pool), size=len(sizes))
    indptr, indices = X.indptr.astype(np.int64), X.indices.astype(np.int32, copy=False)
    rates = np.array(how[1:], dtype=np.float32)

    def one_block(block: slice) -> None:
        logistic_steps(
            block.start, block.stop, indptr, indices, X.data, fixed, pool, offsets, sizes, rates,
            one % factors.shape[1], factors, squares,
        )  # fmt: skip

    _in_threads(one_block, row_blocks(X.shape[0]))


@njit(cache=True, nogil=True, fastmath=CLOSE)
def logistic_steps(  # type: ignore[no-untyped-def]
    start, stop, indptr, indices, data, fixed, pool, offsets, sizes, rates, one, factors, squares
):
    """Rows start..stop: the gradient over the history and a run of the pool, then AdaGrad."""
    unit = np.float32(1)
    gradient = np.empty(factors.shape[1], np.float32)
    for row in range(start, stop):
        if sizes[row] == 0:
            continue
        vector, weight = factors[row], np.float32(len(pool) / sizes[row])
        for f in range(len(vector)):
            gradient[f] = -rates[1] * vector[f]
        for place in range(indptr[row], indptr[row + 1]):
            other = fixed[indices[place]]
            push = rates[2] * data[place] / (unit + np.exp(_dot(vector, other)))
            for f in range(len(vector)):
                gradient[f] += push * other[f]
        for drawn in range(offsets[row], offsets[row] + sizes[row]):
            other = pool[drawn - len(pool) if drawn >= len(pool) else drawn]
            push = weight / (unit + np.exp(-_dot(vector, other)))
            for f in range(len(vector)):
                gradient[f] -= push * other[f]
        for f in range(len(vector)):
            if f != one:
                squares[row, f] += gradient[f] * gradient[f]
                vector[f] += rates[0] * gradient[f] / np.sqrt(np.float32(1e-6) + squares[row, f])
