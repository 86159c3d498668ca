"""UserKNN: what users with a similar history have."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender, _check_counts
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


class UserKNN(Recommender):
    """An item is scored by the similarity of the users who have it.

    scores_u = sum over the n_neighbours users v of fit most similar to u of similarity(u, v) x_v.
    (Divided by the sum of the similarities it would rank the same.) Neighbours are looked for when
    u is ranked, by the history given, so new users are ranked like known ones; a known user is not
    his own neighbour. Formulas of the similarities: ``_similarity.form_of``.

    Fit only turns X over. Ranking takes a user's history times its items' interactions, then
    n_neighbours histories; memory is n_users a thread.

    Parameters
    ----------
    n_neighbours : int
    shrink : float
        Added to the denominator: similarities from little evidence get smaller.
    similarity : str
        cosine, jaccard, dice, tversky or asymmetric.
    feature_weighting : str
        none, tf-idf or bm25: weights of the items in the similarity; the scores take x_v as it is.
    alpha, beta : float
        tversky: weight of what only u, only v has. asymmetric: alpha is u's exponent.

    Attributes
    ----------
    histories_ : float32 csr_array, (n_users, n_items)
        X.
    item_users_ : float32 csr_array, (n_items, n_users)
        Weighted X, turned over.
    user_lengths_ : float32 array, (n_users,)
        Squared length of each weighted history.
    even_ : bool
        Each item has one value in all of ``item_users_``: then the values are read once.

    References
    ----------
    Resnick et al., GroupLens, CSCW 1994, doi:10.1145/192844.192905. Aiolli, RecSys 2013,
    doi:10.1145/2507157.2507189 (asymmetric).

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1, 1, 0, 0], [1, 1, 0, 1], [0, 0, 1, 1]])
    >>> UserKNN(shrink=0).fit(X).recommend(np.array([[1, 0, 0, 0]]), k=2, users=[-1])[0]
    array([[1, 3]], dtype=int32)
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

    def __init__(
        self,
        n_neighbours: int = 100,
        shrink: float = 10.0,
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

    def _fit(self, X: csr_array) -> None:
        _check_counts(n_neighbours=self.n_neighbours)
        self.histories_ = X.copy()
        weighted = weigh_like(X, X, self.feature_weighting)
        self.user_lengths_ = squared_lengths(weighted)
        self.item_users_ = csr_array(weighted.T.tocsr())
        self.even_ = is_even(self.item_users_)
        form_of(self.similarity, self.user_lengths_, self.user_lengths_, 0.0, 0.5, 0.5)  # its name

    def _scores(self, X: csr_array, users: NDArray[np.int64]) -> NDArray[np.float32]:
        rows = weigh_like(X, self.histories_, self.feature_weighting)
        lengths = squared_lengths(rows)
        form = form_of(
            self.similarity, lengths, self.user_lengths_, self.shrink, self.alpha, self.beta
        )
        k = min(self.n_neighbours, self.n_users_)
        itself = users.astype(np.int32)
        found = nearest(rows, self.item_users_, form, k, itself=itself, even=self.even_)
        weights = weights_from(*found, self.n_users_)  # (n_users, n_rows)
        return np.asarray((weights.T.tocsr() @ self.histories_).toarray())

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        return Cost(1e-3 + 1.5e-8 * nnz, 24.0 * nnz + 16 * (n_users + n_items))
