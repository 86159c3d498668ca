"""UserKNNCFCBF: what users with a similar history and similar features have."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender, _check_counts
from recmeta.algorithms._content import FEATURES, content_of, stacked
from recmeta.algorithms._gram import is_even
from recmeta.algorithms._neighbours import nearest, weights_from
from recmeta.algorithms._similarity import (
    SIMILARITIES,
    WEIGHTINGS,
    form_of,
    squared_lengths,
    weigh_like,
)
from recmeta.space import Space


class UserKNNCFCBF(Recommender):
    """An item is scored by the similarity of the users who have it, in history and features.

    Each user is a row of [x, c f]: what he has, and his features times the content weight c.
    scores_u = sum over the n_neighbours users v of fit most similar to u of similarity(u, v) x_v;
    a known user is not his own neighbour. Neighbours are looked for when u is ranked, by the
    history given and the features of ``fit``. Of a user who was not there no feature is known: his
    row is [x, 0], which shares nothing of v's features while they stay in v's length, so that he is
    ranked by his history alone, those with few features first among the equally near.

    Fit only turns the rows over. Ranking takes the entries of the users who share an item or a
    feature, for each of his, then n_neighbours histories; memory is n_users a thread.

    Parameters
    ----------
    n_neighbours : int
    shrink : float
        Added to the denominator: similarities from little evidence get smaller.
    similarity : str
        cosine, jaccard, dice, tversky or asymmetric.
    feature_weighting : str
        none, tf-idf or bm25: weights of items and features in the similarity, by part; the scores
        take x_v as it is.
    content_weight : float
        c: at 1 a feature counts as much as an item; what is shared in features grows with c^2.
    alpha, beta : float
        tversky: weight of what only u, only v has. asymmetric: alpha is u's exponent.

    Attributes
    ----------
    histories_ : float32 csr_array, (n_users, n_items)
        X.
    content_ : float32 csr_array, (n_users, n_features)
        Weighted features, without c.
    term_users_ : float32 csr_array, (n_items + n_features, n_users)
        Weighted [X, c F], turned over.
    even_ : bool
        Each term has one value in all of ``term_users_``: then the values are read once.
    user_lengths_ : float32 array, (n_users,)
        Squared length of each weighted row.

    References
    ----------
    Ferrari Dacrema, Cremonesi, Jannach, Are we really making much progress?, RecSys 2019,
    arXiv:1907.06902.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0]])
    >>> groups = np.array([[1, 0], [0, 1], [1, 0]])
    >>> UserKNNCFCBF(shrink=0).fit(X, user_features=groups).recommend(X[:1], k=3)[0]
    array([[ 2,  1, -1]], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_neighbours": IntDistribution(5, 1000, log=True),
        "shrink": FloatDistribution(0.01, 1000.0, log=True),
        "similarity": CategoricalDistribution(SIMILARITIES),
        "feature_weighting": CategoricalDistribution(WEIGHTINGS),
        "content_weight": FloatDistribution(0.01, 100.0, log=True),
        "alpha": FloatDistribution(0.0, 2.0),
        "beta": FloatDistribution(0.0, 2.0),
    }
    family = "neighbourhood"
    uses: ClassVar[frozenset[str]] = frozenset({"user_features"})

    def __init__(
        self,
        n_neighbours: int = 100,
        shrink: float = 10.0,
        similarity: str = "cosine",
        feature_weighting: str = "tf-idf",
        content_weight: float = 1.0,
        alpha: float = 0.5,
        beta: float = 0.5,
    ) -> None:
        self.n_neighbours = n_neighbours
        self.shrink = shrink
        self.similarity = similarity
        self.feature_weighting = feature_weighting
        self.content_weight = content_weight
        self.alpha = alpha
        self.beta = beta

    def _fit(self, X: csr_array, user_features: csr_array) -> None:
        _check_counts(n_neighbours=self.n_neighbours)
        self.histories_ = X.copy()
        self.content_ = content_of("user_features", user_features, self.feature_weighting).copy()
        rows = self._rows(X, np.arange(X.shape[0]))
        self.user_lengths_ = squared_lengths(rows)
        self.term_users_ = csr_array(rows.T.tocsr())
        self.even_ = is_even(self.term_users_)
        form_of(self.similarity, self.user_lengths_, self.user_lengths_, 0.0, 0.5, 0.5)  # its name

    def _rows(self, X: csr_array, users: NDArray[np.int64]) -> csr_array:
        known = csr_array(self.content_[np.maximum(users, 0)])
        content = csr_array(known.multiply((users >= 0)[:, None]))
        content.eliminate_zeros()
        histories = weigh_like(X, self.histories_, self.feature_weighting)
        return stacked(histories, content, self.content_weight)

    def _scores(self, X: csr_array, users: NDArray[np.int64]) -> NDArray[np.float32]:
        rows = self._rows(X, users)
        of_rows, of_users = squared_lengths(rows), self.user_lengths_
        form = form_of(self.similarity, of_rows, of_users, self.shrink, self.alpha, self.beta)
        k = min(self.n_neighbours, self.n_users_)
        itself = users.astype(np.int32)
        found = nearest(rows, self.term_users_, form, k, itself=itself, even=self.even_)
        weights = weights_from(*found, self.n_users_)  # (n_users, n_rows)
        return np.asarray((weights.T.tocsr() @ self.histories_).toarray())

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        """For users of 10 features."""
        entries = nnz + FEATURES * n_users
        return Cost(1e-3 + 4e-8 * entries, 48.0 * entries + 16 * (n_users + n_items))
