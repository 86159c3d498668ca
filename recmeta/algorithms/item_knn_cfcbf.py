"""ItemKNNCFCBF: items like those of the history, by who has them and by their features."""

from typing import Any, ClassVar

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender
from recmeta.algorithms._content import content_cost, content_of, neighbour_weights, stacked
from recmeta.algorithms._neighbours import item_neighbours_cost
from recmeta.algorithms._similarity import SIMILARITIES, WEIGHTINGS, weigh
from recmeta.space import Space


class ItemKNNCFCBF(Recommender):
    """An item is scored by its similarity to the history's items, in users and features at once.

    Each item is a row of [X', c F]: who has it, and its features times the content weight c.
    W_ij = similarity of the rows of i and j if i is among the n_neighbours most similar items of j,
    else 0; scores = x W. The more users an item has, the less its features matter; an item that
    nobody has is ranked by them alone.

    Time grows with the sum over users of (history length)^2 and the sum over features of (items
    that have it)^2; memory with n_items * n_neighbours.

    Parameters
    ----------
    n_neighbours : int
        Neighbours that each item keeps.
    shrink : float
        Added to the denominator: similarities from little evidence get smaller.
    similarity : str
        cosine, jaccard, dice, tversky or asymmetric.
    feature_weighting : str
        none, tf-idf or bm25: weights of users and features in the similarity, by part; the scores
        take x as it is.
    content_weight : float
        c: at 1 a feature counts as much as a user; what is shared in features grows with c^2.
    alpha, beta : float
        tversky: weight of what only j, only i has. asymmetric: alpha is j's exponent.

    Attributes
    ----------
    item_weights_ : float32 csr_array, (n_items, n_items)

    References
    ----------
    Ferrari Dacrema, Cremonesi, Jannach, Are we really making much progress?, RecSys 2019,
    arXiv:1907.06902. Mobasher, Jin, Zhou, Semantically enhanced collaborative filtering on the web,
    2004, doi:10.1007/978-3-540-30123-3_4.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]])  # nobody has items 2 and 3
    >>> genres = np.array([[1, 0], [0, 1], [1, 0], [0, 1]])
    >>> ItemKNNCFCBF(shrink=0).fit(X, item_features=genres).recommend(X[1:2], k=3)[0]
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
    uses: ClassVar[frozenset[str]] = frozenset({"item_features"})

    def __init__(
        self,
        n_neighbours: int = 100,
        shrink: float = 100.0,
        similarity: str = "cosine",
        feature_weighting: str = "none",
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

    def _fit(self, X: csr_array, item_features: csr_array) -> None:
        content = content_of("item_features", item_features, self.feature_weighting)
        self.item_weights_ = neighbour_weights(
            stacked(
                weigh(csr_array(X.T.tocsr()), self.feature_weighting), content, self.content_weight
            ),
            self.n_neighbours, self.shrink, self.similarity, self.alpha, self.beta,
        )  # fmt: skip

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        """For items of 10 features, any two with 0.7 in common on average."""
        n_neighbours = cls(**params).n_neighbours
        histories = item_neighbours_cost(n_users, n_items, nnz, n_neighbours)
        content = content_cost(n_items, 0)
        return Cost(histories.seconds + content.seconds, histories.bytes + content.bytes)
