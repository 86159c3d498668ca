"""GlobalEffects: what most people rate well."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender
from recmeta.algorithms._sums import column_counts
from recmeta.space import Space


class GlobalEffects(Recommender):
    """Everyone gets the items with the highest shrunk bias.

    With the mean rating m, the user biases b_u = sum_i (x_ui - m) / (user_shrinkage + n_u) and the
    item biases on what they leave,

        b_i = sum_u (x_ui - m - b_u) / (item_shrinkage + n_i),    score_i = 1 + b_i - min b.

    Where all values are equal, as in implicit feedback, biases say nothing: then score_i = n_i, the
    popularity. An item without a rating has no bias and is never recommended. O(nnz) time,
    O(n_users + n_items) memory.

    Parameters
    ----------
    user_shrinkage, item_shrinkage : float
        In ratings: a bias from as many ratings is halved; 0 takes plain means.

    Attributes
    ----------
    item_scores_ : float32 array, (n_items,)

    References
    ----------
    Koren, Factor in the neighbors, ACM TKDD 4(1), 2010, doi:10.1145/1644873.1644874.

    Examples
    --------
    >>> import numpy as np
    >>> ratings = np.array([[5, 1, 0], [4, 2, 0], [5, 0, 0]])
    >>> GlobalEffects().fit(ratings).recommend(np.zeros((1, 3)), k=3)[0]
    array([[ 0,  1, -1]], dtype=int32)
    """

    space: ClassVar[Space] = {
        "user_shrinkage": FloatDistribution(1.0, 1e3, log=True),
        "item_shrinkage": FloatDistribution(1.0, 1e3, log=True),
    }
    family = "baseline"
    personal = False

    def __init__(self, user_shrinkage: float = 10.0, item_shrinkage: float = 25.0) -> None:
        self.user_shrinkage = user_shrinkage
        self.item_shrinkage = item_shrinkage

    def _fit(self, X: csr_array) -> None:
        if not (self.user_shrinkage >= 0 and self.item_shrinkage >= 0):
            raise ValueError(
                "user_shrinkage and item_shrinkage must be at least 0: "
                f"got {self.user_shrinkage} and {self.item_shrinkage}"
            )
        n_items = X.shape[1]
        counts = column_counts(X.indices, n_items)
        # 1 for those without: their sums are 0, and 0 / 0 is no bias
        of_user, of_item = np.maximum(np.diff(X.indptr), 1), np.maximum(counts, 1)
        if X.nnz == 0 or X.data.min() == X.data.max():
            scores = counts.astype(np.float64)
        else:
            users = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
            residual = X.data - X.data.mean(dtype=np.float64)
            user_sums = np.bincount(users, residual, X.shape[0])
            user_bias = user_sums / (self.user_shrinkage + of_user)
            item_sums = np.bincount(X.indices, residual - user_bias[users], n_items)
            item_bias = item_sums / (self.item_shrinkage + of_item)
            scores = 1 + item_bias - item_bias[counts > 0].min()
        self.item_scores_ = np.where(counts > 0, scores, 0.0).astype(np.float32)

    def _scores(self, X: csr_array, users: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.repeat(self.item_scores_[None, :], X.shape[0], axis=0)

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: object) -> Cost:
        return Cost(1e-4 + 1e-8 * nnz, 12.0 * nnz + 32.0 * (n_users + n_items))
