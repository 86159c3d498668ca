"""ItemKNNCBF: items with features like those of the history."""

from typing import Any, ClassVar

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender
from recmeta.algorithms._content import content_cost, content_of, neighbour_weights
from recmeta.algorithms._similarity import SIMILARITIES, WEIGHTINGS
from recmeta.space import Space


class ItemKNNCBF(Recommender):
    """An item is scored by how its features are like those of the items of the history.

    W_ij = similarity of the features of i and j if i is among the n_neighbours most similar items
    of j, else 0; scores = x W. Interactions don't enter W, so an item that nobody has yet is ranked
    like any other. Items with the same features come in the order of their number, and with few
    features many are the same.

    Time grows with the sum over features of (items that have it)^2, up to n_items^2 * features of
    an item; memory with n_items * n_neighbours.

    Parameters
    ----------
    n_neighbours : int
        Neighbours that each item keeps.
    shrink : float
        Added to the denominator: similarities from few features get smaller.
    similarity : str
        cosine, jaccard, dice, tversky or asymmetric.
    feature_weighting : str
        none, tf-idf or bm25: rare features count for more.
    alpha, beta : float
        tversky: weight of what only j, only i has. asymmetric: alpha is j's exponent.

    Attributes
    ----------
    item_weights_ : float32 csr_array, (n_items, n_items)

    References
    ----------
    Ferrari Dacrema, Cremonesi, Jannach, Are we really making much progress?, RecSys 2019,
    arXiv:1907.06902. Lops, de Gemmis, Semeraro, Content-based recommender systems, 2011,
    doi:10.1007/978-0-387-85820-3_3.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1, 0, 0, 0], [0, 1, 0, 0]])  # nobody has items 2 and 3
    >>> genres = np.array([[1, 0], [0, 1], [1, 0], [0, 1]])
    >>> ItemKNNCBF().fit(X, item_features=genres).recommend(X, k=2)[0]
    array([[ 2, -1],
           [ 3, -1]], dtype=int32)
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
    uses: ClassVar[frozenset[str]] = frozenset({"item_features"})

    # .996 of the best of 7 in the median over 26 logs, 100 neighbours and a shrink of 100 have .983
    def __init__(
        self,
        n_neighbours: int = 150,
        shrink: float = 500.0,
        similarity: str = "cosine",
        feature_weighting: str = "tf-idf",
        alpha: float = 0.5,
        beta: float = 0.5,
    ) -> None:
        self.n_neighbours = n_neighbours
        self.shrink = shrink
        self.similarity = similarity
        self.feature_weighting = feature_weighting
        self.alpha = alpha
        self.beta = beta

    def _fit(self, X: csr_array, item_features: csr_array) -> None:
        content = content_of("item_features", item_features, self.feature_weighting)
        self.item_weights_ = neighbour_weights(
            content, self.n_neighbours, self.shrink, self.similarity, self.alpha, self.beta
        )

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        """For items of 10 features, any two with 0.7 in common on average."""
        return content_cost(n_items, cls(**params).n_neighbours)
