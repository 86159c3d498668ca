"""Random: the floor that every other algorithm must be above."""

import zlib

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender
from recmeta.algorithms._sums import column_counts


class Random(Recommender):
    """Each user gets the items in a random order of his own.

    score_ui is uniform in (0, 1], drawn from a generator seeded with (random_state, user), so it
    depends neither on the batch nor on the order of calls; a user unseen in fit is known by his
    history. O(n_items) time a user; nothing is learned but which items there are.

    Parameters
    ----------
    random_state : int or None
        None draws another seed at each fit.

    Attributes
    ----------
    seed_ : int
    known_ : float32 array, (n_items,)
        1 for an item with interactions; others are never recommended.

    Examples
    --------
    >>> import numpy as np
    >>> items, _ = Random(random_state=0).fit(np.ones((2, 3))).recommend(np.eye(2, 3), k=3)
    >>> np.sort(items)
    array([[-1,  1,  2], [-1,  0,  2]], dtype=int32)
    """

    family = "baseline"
    personal = False

    def __init__(self, random_state: int | None = 0) -> None:
        self.random_state = random_state

    def _fit(self, X: csr_array) -> None:
        drawn = np.random.default_rng(self.random_state).integers(2**31)
        self.seed_ = int(drawn)
        self.known_ = (column_counts(X.indices, X.shape[1]) > 0).astype(np.float32)

    def _scores(self, X: csr_array, users: NDArray[np.int64]) -> NDArray[np.float32]:
        scores = np.empty(X.shape, dtype=np.float32)
        for row, user in enumerate(users):  # a generator a user is what makes batches not matter
            if user >= 0:
                key = (self.seed_, int(user), 0)
            else:
                history = np.ascontiguousarray(X.indices[X.indptr[row] : X.indptr[row + 1]])
                key = (self.seed_, zlib.crc32(history.astype(np.int32).tobytes()), 1)
            scores[row] = 1 - np.random.default_rng(key).random(X.shape[1], dtype=np.float32)
        scores *= self.known_
        return scores

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: object) -> Cost:
        return Cost(1e-4 + 1e-9 * nnz, 2.0 * nnz + 16.0 * n_items)
