"""UserKNNCBF: what users with similar features have."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender
from recmeta.algorithms._content import content_cost, content_of, neighbour_weights
from recmeta.algorithms._similarity import SIMILARITIES, WEIGHTINGS
from recmeta.space import Space


class UserKNNCBF(Recommender):
    """An item is scored by how like the user, in their features, are the users who have it.

    scores_u = sum over the n_neighbours users v most similar to u in their features of
    similarity(u, v) x_v. A user's own history is not looked at, so one without any is ranked for
    like any other; one who was not in ``fit`` has no features here, and gets an empty list. Users
    with the same features come in the order of their number.

    Time grows with the sum over features of (users who have it)^2, up to n_users^2 * features of a
    user; memory with n_users * n_neighbours.

    Parameters
    ----------
    n_neighbours : int
    shrink : float
        Added to the denominator: similarities from few features get smaller.
    similarity : str
        cosine, jaccard, dice, tversky or asymmetric.
    feature_weighting : str
        none, tf-idf or bm25: rare features count for more; the scores take x_v as it is.
    alpha, beta : float
        tversky: weight of what only u, only v has. asymmetric: alpha is u's exponent.

    Attributes
    ----------
    histories_ : float32 csr_array, (n_users, n_items)
        X.
    user_weights_ : float32 csr_array, (n_users, n_users)
        Similarities: row u has those of u's neighbours.

    References
    ----------
    Ferrari Dacrema, Cremonesi, Jannach, Are we really making much progress?, RecSys 2019,
    arXiv:1907.06902. Pazzani, A framework for collaborative, content-based and demographic
    filtering, 1999, doi:10.1023/A:1006544522159.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 1]])  # user 0 has nothing yet
    >>> groups = np.array([[1, 0], [0, 1], [1, 0]])
    >>> UserKNNCBF().fit(X, user_features=groups).recommend(X, k=2)[0]
    array([[ 1,  2],
           [-1, -1],
           [-1, -1]], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_neighbours": IntDistribution(5, 1000, log=True),
        "shrink": FloatDistribution(0.01, 1000.0, log=True),
        "similarity": CategoricalDistribution(SIMILARITIES),
        "feature_weighting": CategoricalDistribution(WEIGHTINGS),
        "alpha": FloatDistribution(0.0, 2.0),
        "beta": FloatDistribution(0.0, 2.0),
    }
    family = "neighbourhood"
    inductive = False
    uses: ClassVar[frozenset[str]] = frozenset({"user_features"})

    def __init__(
        self,
        n_neighbours: int = 100,
        shrink: float = 1.0,
        similarity: str = "cosine",
        feature_weighting: str = "none",
        alpha: float = 0.5,
        beta: float = 0.5,
    ) -> None:
        self.n_neighbours = n_neighbours
        self.shrink = shrink
        self.similarity = similarity
        self.feature_weighting = feature_weighting
        self.alpha = alpha
        self.beta = beta

    def _fit(self, X: csr_array, user_features: csr_array) -> None:
        content = content_of("user_features", user_features, self.feature_weighting)
        weights = neighbour_weights(
            content, self.n_neighbours, self.shrink, self.similarity, self.alpha, self.beta
        )
        self.user_weights_ = csr_array(weights.T.tocsr())
        self.histories_ = X.copy()

    def _scores(self, X: csr_array, users: NDArray[np.int64]) -> NDArray[np.float32]:
        known = users >= 0
        scores = np.zeros(X.shape, dtype=np.float32)
        scores[known] = (self.user_weights_[users[known]] @ self.histories_).toarray()
        return scores

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        """For users of 10 features, any two with 0.7 in common on average."""
        content = content_cost(n_users, cls(**params).n_neighbours)
        return Cost(content.seconds + 1e-8 * nnz, content.bytes + 8.0 * nnz)
