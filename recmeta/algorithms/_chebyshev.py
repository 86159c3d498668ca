"""A matrix of users that is inverted by Chebyshev iteration, with sparse products alone.

======  ===============================================================  ==================
symbol  meaning                                                          shape
======  ===============================================================  ==================
X       interactions, or one item of each kind, sparse                   (n_users, n_items)
D       positive weights of the columns, on a diagonal                   (n_items, n_items)
A       I + X D X', never made                                           (n_users, n_users)
kappa   at least A's largest eigenvalue; the smallest is at least 1
r       (sqrt(kappa) - 1) / (sqrt(kappa) + 1)
======  ===============================================================  ==================

n terms leave at most 2 r^n of a column: eight where kappa is 2. Each takes 6 n_users + 4 nnz
operations a column, where a product with A^-1 takes 2 n_users^2.
"""

import sys
from itertools import pairwise
from math import atanh, ceil, log, sqrt
from typing import NamedTuple

import numpy as np
from numba import njit
from scipy.sparse import csr_array

from recmeta.algorithms._tiles import F32, FINITE, TILE, as_tile, gather

LEFT = 2e-6  # r^n: products in float32 are no closer


class Chebyshev(NamedTuple):
    """A^-1 as a polynomial of A."""

    X: csr_array
    turned: csr_array  # X' by rows
    weights: F32  # D
    steps: F32  # (n_terms, 2)

    def solve(self, Y: F32) -> F32:
        """A^-1 Y, for at most TILE columns."""
        X, turned = self.X, self.turned
        left = as_tile(Y)
        left = left.copy() if left is Y else left
        direction, found = left.copy(), left * self.steps[0, 0]
        by_item, ones = np.empty((len(self.weights), TILE), np.float32), np.ones(len(Y), np.float32)
        for last, step in pairwise(self.steps):
            gather((turned.indptr, turned.indices, turned.data), ones, direction, by_item)
            _add_term(
                (X.indptr, X.indices, X.data), self.weights, by_item, last[0], step,
                direction, left, found,
            )  # fmt: skip
        return found if Y.shape[1] == TILE else np.ascontiguousarray(found[:, : Y.shape[1]])


def n_terms(kappa: float) -> int:
    """Until no more than LEFT is left."""
    if kappa <= 1:
        return 1
    digits = 2 * atanh(1 / sqrt(kappa))  # -log(r), which rounds to 0 sooner
    return ceil(-log(LEFT) / digits) if -log(LEFT) < sys.maxsize * digits else sys.maxsize


def steps_of(kappa: float) -> F32:
    """Of each term: how far it goes along its direction, and how much it keeps of the last one.

    Those of conjugate gradients for eigenvalues spread from 1 to kappa: Saad, Iterative methods for
    sparse linear systems, 2nd edition, SIAM 2003, section 12.3.
    """
    middle, radius = (kappa + 1) / 2, (kappa - 1) / 2
    steps = [(1 / middle, 0.0)]
    for term in range(1, n_terms(kappa)):
        last = steps[-1][0]
        kept = (radius * last) ** 2 / (2 if term == 1 else 4)
        steps.append((1 / (middle - kept / last), kept))
    return np.array(steps, dtype=np.float32)


@njit(cache=True, nogil=True, fastmath=FINITE)
def _add_term(X, weights, by_item, length, step, direction, left, found):  # type: ignore[no-untyped-def]
    """What is left after the last direction, of that ``length``; the next one, and its part."""
    starts, places, values = X
    next_length, kept = step
    one = np.empty(TILE, np.float32)
    for row in range(len(left)):
        for column in range(TILE):
            one[column] = direction[row, column]
        for entry in range(starts[row], starts[row + 1]):
            place = places[entry]
            other, value = by_item[place], values[entry] * weights[place]
            for column in range(TILE):
                one[column] += value * other[column]
        for column in range(TILE):
            rest = left[row, column] - length * one[column]
            following = rest + kept * direction[row, column]
            left[row, column], direction[row, column] = rest, following
            found[row, column] += next_length * following
