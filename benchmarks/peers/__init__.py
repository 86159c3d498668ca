"""The best public implementation of each algorithm, behind one face.

``prepare(X)`` brings the matrix into the library's own form (not timed), ``fit`` of that gives a
function ``top(X, k)``. Which peer is the best one: measured, see the tables of the design notes and
docs/benchmarks.md. Each is given the parameters that make it the same model; where a library
writes the objective in another way, the translation stands beside it as an equation.

======  =====================================================  ==================
symbol  meaning                                                shape
======  =====================================================  ==================
X       interactions to fit on                                 (n_users, n_items)
m_u     mean over users of r_u = n_u + a n_items               scalar
m_i     mean over items of r_i = n_i + a n_users               scalar
a       unobserved_weight                                      scalar
======  =====================================================  ==================
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

Top = Callable[[csr_matrix, int], np.ndarray]


def as_it_is(X: csr_matrix) -> Any:
    return X


@dataclass(frozen=True)
class Peer:
    """``fit`` returns a function from (histories, k) to item columns, -1 padded or not."""

    library: str
    fit: Callable[[Any], Top]
    prepare: Callable[[csr_matrix], Any] = as_it_is


def best_of_scores(scores: np.ndarray, X: csr_matrix, k: int) -> np.ndarray:
    """The usual numpy way: mask what was seen, argpartition, sort."""
    scores[X.nonzero()] = -np.inf
    top = np.argpartition(-scores, k, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1, kind="stable")
    return np.take_along_axis(top, order, axis=1)


def in_blocks(score: Callable[[int, int], Any], size: int = 1024) -> Top:
    """A top function over blocks of rows, so that no users x items array is made."""

    def top(X: csr_matrix, k: int) -> np.ndarray:
        blocks = []
        for start in range(0, X.shape[0], size):
            stop = min(start + size, X.shape[0])
            blocks.append(best_of_scores(np.asarray(score(start, stop)), X[start:stop], k))
        return np.vstack(blocks)

    return top


def without_unseen(score: Callable[[int, int], np.ndarray], X: csr_matrix) -> Top:
    """As ``in_blocks``; items that nobody has come last, as they do in ours."""
    unseen = np.bincount(X.indices, minlength=X.shape[1]) == 0

    def masked(start: int, stop: int) -> np.ndarray:
        scores = np.array(score(start, stop))
        scores[:, unseen] = -np.inf
        return scores

    return in_blocks(masked)
