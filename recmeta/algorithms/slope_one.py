"""SlopeOne: ratings predicted from the mean differences between items."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender, _in_threads
from recmeta.algorithms._gram import row_blocks

LEAST = 1e-6  # in place of a predicted rating of 0, which would say that there is no evidence


class SlopeOne(Recommender):
    """A rating is predicted from the user's others, by how much the items differ on average.

    With n_ij the number of users who rated both i and j, and the mean difference
    d_ij = sum_u (x_ui - x_uj) / n_ij over them, the weighted form of Lemire & Maclachlan (2005):

        score_ui = sum_j n_ij (d_ij + x_uj) / sum_j n_ij,    j over the items of x_u.

    It predicts how high a rating will be, not what will be rated: lists begin with items that few
    rated, but highly. Where all values of X are equal, as in implicit feedback, all d_ij are 0 and
    all predictions alike; then score_ui = sum_j n_ij, the co-occurrences. An item that nobody rated
    together with one of the history has no score.

    Time grows with the sum over users of (history length)^2, memory with 8 n_items^2 bytes, or 4
    where all values are equal.

    Attributes
    ----------
    pair_counts_ : float32 array, (n_items, n_items)
        n_ij; the diagonal is 0: an item is predicted from others.
    difference_sums_ : float32 array, (n_items, n_items)
        n_ij d_ij in row j, column i; (0, 0) where all values of X are equal.
    rated_ : bool
        Whether X had values that differ, so that ratings are predicted.

    References
    ----------
    Lemire, Maclachlan, Slope One predictors for online rating-based collaborative filtering,
    SDM 2005, arXiv:cs/0702144.

    Examples
    --------
    >>> import numpy as np
    >>> ratings = np.array([[5, 3, 2], [3, 4, 0], [0, 2, 5]])
    >>> items, scores = SlopeOne().fit(ratings).recommend(ratings[[2]], k=1)
    >>> items.item(), round(scores.item(), 2)
    (0, 4.33)
    """

    family = "neighbourhood"
    alternative = "ItemKNN"

    def _fit(self, X: csr_array) -> None:
        n_items = X.shape[1]
        try:
            self._count(X)
        except MemoryError as error:
            raise MemoryError(
                f"SlopeOne needs {8 * n_items**2 / 1e9:.1f} GB for {n_items} items: "
                "drop rare items, or take a sparse model such as ItemKNN"
            ) from error

    def _count(self, X: csr_array) -> None:
        self.rated_ = bool(X.nnz and X.data.min() < X.data.max())
        shape = (X.shape[1], X.shape[1])
        counts = np.zeros(shape, dtype=np.float32)
        sums = np.zeros(shape if self.rated_ else (0, 0), dtype=np.float32)
        by_item = X.tocsc()
        columns = by_item.indptr, by_item.indices, by_item.data
        _in_threads(
            lambda block: _pairs(
                block.start, block.stop, *columns, X.indptr, X.indices, X.data, counts, sums
            ),
            row_blocks(X.shape[1]),
        )
        self.pair_counts_, self.difference_sums_ = counts, sums

    def _scores(self, X: csr_array, users: NDArray[np.int64]) -> NDArray[np.float32]:
        rated = csr_array((np.ones_like(X.data), X.indices, X.indptr), shape=X.shape)
        weight = np.asarray(rated @ self.pair_counts_)  # (n_rows, n_items)
        if not self.rated_:
            return weight
        scores = np.asarray(rated @ self.difference_sums_ + X @ self.pair_counts_)
        scores /= np.maximum(weight, 1)
        scores[(weight > 0) & (scores == 0)] = LEAST
        return scores

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        pairs = 2 * nnz * nnz / max(n_users, 1)
        return Cost(3e-9 * pairs + 1e-8 * n_items**2, 8.4 * n_items**2 + 30 * nnz)


@njit(cache=True, nogil=True)
def _pairs(start, stop, item_start, raters, ratings, user_start, items, values, counts, sums):  # type: ignore[no-untyped-def]
    """Rows start..stop of n_ij and, unless it is empty, of the sums of differences."""
    for j in range(start, stop):
        for entry in range(item_start[j], item_start[j + 1]):
            user, rating = raters[entry], ratings[entry]
            for other in range(user_start[user], user_start[user + 1]):
                i = items[other]
                counts[j, i] += 1
                if len(sums):
                    sums[j, i] += values[other] - rating
        counts[j, j] = 0
