"""TopPopular: what most people have."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender
from recmeta.algorithms._sums import column_sums


class TopPopular(Recommender):
    """Everyone gets the items with the most interactions.

    score_i = sum over users of x_ui. O(nnz) time, O(n_items) memory.

    Attributes
    ----------
    popularity_ : float32 array, (n_items,)
        Interactions of each item.

    References
    ----------
    Cremonesi, Koren, Turrin, Performance of recommender algorithms on top-n recommendation tasks,
    RecSys 2010, doi:10.1145/1864708.1864721.

    Examples
    --------
    >>> import numpy as np
    >>> model = TopPopular().fit(np.array([[1, 1, 0], [1, 0, 0]]))
    >>> items, scores = model.recommend(np.zeros((1, 3)))
    >>> items[0, :3], scores[0, :3]
    (array([ 0,  1, -1], dtype=int32), array([2., 1., 0.], dtype=float32))
    """

    family = "baseline"
    personal = False

    def _fit(self, X: csr_array) -> None:
        self.popularity_ = column_sums(X.indices, X.data, X.shape[1]).astype(np.float32)

    def _scores(self, X: csr_array, users: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.repeat(self.popularity_[None, :], X.shape[0], axis=0)

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: object) -> Cost:
        return Cost(1e-4 + 2e-9 * nnz, 2.0 * nnz + 16.0 * n_items)
