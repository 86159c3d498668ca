"""P3alpha: random walks of three steps over the user-item graph."""

from typing import Any, ClassVar

from optuna.distributions import FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender
from recmeta.algorithms._neighbours import item_neighbours_cost
from recmeta.algorithms._walks import walk_weights
from recmeta.space import Space


class P3alpha(Recommender):
    """An item is scored by the chance of a walk from the user to an item, a user and this item.

    P_ui = (x_ui / sum_j x_uj)^alpha, P_iu = (x_ui / sum_v x_vi)^alpha;  W_ij = sum_u P_iu P_uj;
    scores = x W. Each scored item j keeps its n_neighbours largest W_ij: the larger alpha, the more
    of them are rare items i, so with alpha near 1 it takes many.

    Time grows with the sum over users of (history length)^2, memory with n_items * n_neighbours.

    Parameters
    ----------
    n_neighbours : int
        Items that each scored item keeps.
    alpha : float
        Exponent of the probabilities: 0 counts common users, 1 is the walk itself.

    Attributes
    ----------
    item_weights_ : float32 csr_array, (n_items, n_items)

    References
    ----------
    Cooper, Lee, Radzik, Siantos, Random walks in recommender systems, WWW 2014 Companion,
    doi:10.1145/2567948.2579244.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1, 1, 0, 0], [1, 1, 0, 1], [0, 0, 1, 1]])
    >>> P3alpha().fit(X).recommend(np.array([[1, 0, 0, 0]]), k=2)[0]
    array([[1, 3]], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_neighbours": IntDistribution(5, 1000, log=True),
        "alpha": FloatDistribution(0.0, 1.0),
    }
    family = "graph"

    # 0.95 of the best on six logs, against 0.64 with 100 and alpha 1: benchmarks/defaults.py
    def __init__(self, n_neighbours: int = 50, alpha: float = 0.5) -> None:
        self.n_neighbours = n_neighbours
        self.alpha = alpha

    def _fit(self, X: csr_array) -> None:
        self.item_weights_ = walk_weights(X, self.n_neighbours, self.alpha, beta=0.0)

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        return item_neighbours_cost(n_users, n_items, nnz, cls(**params).n_neighbours)
