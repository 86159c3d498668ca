"""ItemKNN: items like those of the history."""

from typing import Any, ClassVar

import numpy as np
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender
from recmeta.algorithms._neighbours import item_neighbours_cost, nearest_items, weights_from
from recmeta.algorithms._similarity import SIMILARITIES, WEIGHTINGS, form_of, weigh
from recmeta.algorithms._sums import column_sums
from recmeta.space import Space


class ItemKNN(Recommender):
    """An item is scored by its similarity to the items of the history.

    W_ij = similarity of i and j if i is among the n_neighbours most similar items of j, else 0;
    scores = x W. The cut is per scored item j, which ranks better than one per item of the history.
    Formulas of the similarities: ``_similarity.form_of``.

    Time grows with the sum over users of (history length)^2, memory with n_items * n_neighbours and
    16 MiB of X'X at a time.

    Parameters
    ----------
    n_neighbours : int
        Neighbours that each item keeps.
    shrink : float
        Added to the denominator: similarities from little evidence get smaller.
    similarity : str
        cosine, jaccard, dice, tversky or asymmetric.
    feature_weighting : str
        none, tf-idf or bm25: weights of the users in the similarity; the scores take x as it is.
    alpha, beta : float
        tversky: weight of what only j, only i has. asymmetric: alpha is j's exponent.

    Attributes
    ----------
    item_weights_ : float32 csr_array, (n_items, n_items)

    References
    ----------
    Deshpande, Karypis, Item-based top-N recommendation algorithms, ACM TOIS 22(1), 2004,
    doi:10.1145/963770.963776. Aiolli, Efficient top-N recommendation for very large scale binary
    rated datasets, RecSys 2013, doi:10.1145/2507157.2507189 (asymmetric).

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1, 1, 0, 0], [1, 1, 0, 1], [0, 0, 1, 1]])
    >>> ItemKNN(shrink=0).fit(X).recommend(np.array([[1, 0, 0, 0]]), k=2)[0]
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
        n_items, weighted = X.shape[1], X
        if self.feature_weighting != "none":
            weighted = csr_array(weigh(csr_array(X.T.tocsr()), self.feature_weighting).T.tocsr())
        lengths = column_sums(weighted.indices, weighted.data**2, n_items).astype(np.float32)
        form = form_of(self.similarity, lengths, lengths, self.shrink, self.alpha, self.beta)
        k = min(self.n_neighbours, max(n_items - 1, 1))
        self.item_weights_ = weights_from(*nearest_items(weighted, form, k), n_items)

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        return item_neighbours_cost(n_users, n_items, nnz, cls(**params).n_neighbours)
