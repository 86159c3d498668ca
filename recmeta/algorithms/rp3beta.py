"""RP3beta: random walks of three steps, popular items held back."""

from typing import Any, ClassVar

from optuna.distributions import FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender
from recmeta.algorithms._neighbours import item_neighbours_cost
from recmeta.algorithms._walks import walk_weights
from recmeta.space import Space


class RP3beta(Recommender):
    """P3alpha's walk, its end divided by the popularity of the item there.

    W_ij = sum_u (x_ui / n_i)^alpha (x_uj / n_u)^alpha / n_j^beta, with n the sums of X over the
    other side; scores = x W. Each scored item j keeps its n_neighbours largest W_ij: the larger
    alpha, the more of them are rare items i, so with alpha near 1 it takes many.

    Time grows with the sum over users of (history length)^2, memory with n_items * n_neighbours.

    Parameters
    ----------
    n_neighbours : int
        Items that each scored item keeps.
    alpha : float
        Exponent of the probabilities of the walk.
    beta : float
        Exponent of the popularity: 0 is P3alpha, more recommends rarer items.

    Attributes
    ----------
    item_weights_ : float32 csr_array, (n_items, n_items)

    References
    ----------
    Paudel, Christoffel, Newell, Bernstein, Updatable, accurate, diverse, and scalable
    recommendations for interactive applications, ACM TiiS 7(1), 2017, doi:10.1145/2955101.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1, 1, 0, 0], [1, 1, 0, 1], [0, 0, 1, 1]])
    >>> RP3beta().fit(X).recommend(np.array([[1, 0, 0, 0]]), k=2)[0]
    array([[1, 3]], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_neighbours": IntDistribution(5, 1000, log=True),
        "alpha": FloatDistribution(0.0, 1.0),
        "beta": FloatDistribution(0.0, 0.6),
    }
    family = "graph"

    # 0.94 of the best on six logs, against 0.34 with alpha 1 and beta 0.6: benchmarks/defaults.py
    def __init__(self, n_neighbours: int = 100, alpha: float = 0.4, beta: float = 0.2) -> None:
        self.n_neighbours = n_neighbours
        self.alpha = alpha
        self.beta = beta

    def _fit(self, X: csr_array) -> None:
        self.item_weights_ = walk_weights(X, self.n_neighbours, self.alpha, self.beta)

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        return item_neighbours_cost(n_users, n_items, nnz, cls(**params).n_neighbours)
