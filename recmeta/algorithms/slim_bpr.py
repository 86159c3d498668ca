"""SLIMBPR: an item-item model trained to rank a user's items above others."""

from typing import Any, ClassVar

import numpy as np
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, _check_counts
from recmeta.algorithms._iterative import IterativeRecommender
from recmeta.algorithms._largest_weights import largest_of_rows
from recmeta.algorithms._sums import column_counts
from recmeta.algorithms._weight_steps import OPTIMISERS, by_popularity, renumbered, weight_steps
from recmeta.space import Space


class SLIMBPR(IterativeRecommender):
    """The item weights of SLIM, trained by stochastic steps on pairs of items.

    The model is that of Ning & Karypis (2011), the steps are those of Rendle et al. (2009): for an
    item i of user u's history N(u) and an item j outside it, both drawn at random, a step goes up
    the gradient of

        ln sigmoid(x_ui - x_uj) - regularisation,      x_ui = sum over l in N(u), l != i of S_li.

    One epoch visits the users in random order, each for as many steps as his history is long. In
    the end, or after each epoch that is watched, the n_neighbours largest weights of each scored
    item are chosen for ranking. Values other than 0 in X count as 1. Time grows with the sum over
    users of |N(u)|^2 for each epoch and with n_items^2 for each choice; memory is 4 n_items^2
    bytes, twice that with adagrad, three times with adam. One thread steps: one answer for a seed.

    Parameters
    ----------
    n_neighbours : int
        Items with a weight for each scored item.
    learning_rate : float
    positive_l2, negative_l2 : float
        Ridge penalty on the weights for the item from the history (lambda_i) and for the one from
        outside (lambda_j), at each step in which they take part.
    optimiser : {"sgd", "adagrad", "adam"}
        Steps of the gradient's size, or scaled for each weight by its past gradients.
    n_epochs : int
    random_state : int or None
        Seed of the draws.
    symmetric : bool
        One weight for S_ij and S_ji.

    Attributes
    ----------
    item_weights_ : float32 CSR array, (n_items, n_items)
        Column j holds the weights that score item j: its n_neighbours largest in S.
    items_by_popularity_ : int32 array, (n_items,)
        The most popular first.
    scored_weights_ : float32 array, (n_items, n_items)
        S' in that order, from which training goes on: row j holds all weights that score the item.
        If symmetric, the lower triangle alone.
    moments_ : float32 array, (0 to 2, n_items, n_items)
        What the optimiser knows of the past gradients: mean squares, and for adam means before.

    References
    ----------
    Ning, Karypis, SLIM, ICDM 2011, doi:10.1109/ICDM.2011.134. Rendle et al., BPR, UAI 2009,
    arXiv:1205.2618. Kingma, Ba, Adam, ICLR 2015, arXiv:1412.6980.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.kron(np.eye(2), np.ones((3, 3))) - np.eye(6)
    >>> items, scores = SLIMBPR().fit(X).recommend(X, k=1)
    >>> items.ravel()
    array([0, 1, 2, 3, 4, 5], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_neighbours": IntDistribution(5, 1000, log=True),
        "learning_rate": FloatDistribution(1e-4, 1e-1, log=True),
        "positive_l2": FloatDistribution(1e-5, 1e-2, log=True),
        "negative_l2": FloatDistribution(1e-5, 1e-2, log=True),
        "optimiser": CategoricalDistribution(tuple(OPTIMISERS)),
        "n_epochs": IntDistribution(5, 100, log=True),
        "symmetric": CategoricalDistribution((True, False)),
    }
    family = "linear"
    alternative = "SANSA"

    # 0.99 of the best of 9 tried on four logs; adagrad at 0.05 has 0.94
    def __init__(
        self,
        n_neighbours: int = 200,
        learning_rate: float = 0.01,
        positive_l2: float = 1e-3,
        negative_l2: float = 1e-3,
        optimiser: str = "sgd",
        n_epochs: int = 30,
        random_state: int | None = 0,
        *,
        symmetric: bool = True,
    ) -> None:
        self.n_neighbours = n_neighbours
        self.learning_rate = learning_rate
        self.positive_l2 = positive_l2
        self.negative_l2 = negative_l2
        self.optimiser = optimiser
        self.n_epochs = n_epochs
        self.random_state = random_state
        self.symmetric = symmetric

    def _begin(self, X: csr_array, rng: np.random.Generator) -> None:
        _check_counts(n_neighbours=self.n_neighbours)
        if self.optimiser not in OPTIMISERS:
            raise ValueError(
                f"optimiser must be one of {', '.join(OPTIMISERS)}: got {self.optimiser!r}"
            )
        n_items, n_moments = X.shape[1], OPTIMISERS[self.optimiser]
        self.__dict__.pop("item_weights_", None)  # of an earlier fit
        self.items_by_popularity_ = by_popularity(X)
        self.scored_weights_ = np.zeros((n_items, n_items), dtype=np.float32)
        self.moments_ = np.zeros((n_moments, n_items, n_items), dtype=np.float32)

    def _prepared(self, X: csr_array) -> csr_array:
        return renumbered(X, self.items_by_popularity_)

    def _epoch(self, prepared: csr_array, rng: np.random.Generator) -> None:
        indptr, items = prepared.indptr, prepared.indices
        users = rng.permutation(np.flatnonzero(np.diff(indptr)).astype(np.int32))
        state = rng.integers(1, 2**63, size=1, dtype=np.uint64)
        rates = np.array([self.learning_rate, self.positive_l2, self.negative_l2], dtype=np.float32)
        weight_steps(
            users, items.view(np.uint32), indptr, rates, self.n_epochs_ * prepared.nnz,
            self.symmetric, state, self.moments_, self.scored_weights_,
        )  # fmt: skip

    def _ready(self, prepared: csr_array) -> None:
        seen = column_counts(prepared.indices, prepared.shape[1]) > 0
        self.item_weights_ = largest_of_rows(
            self.scored_weights_, int(self.n_neighbours), seen, self.items_by_popularity_,
            self.symmetric, getattr(self, "item_weights_", None),
        )  # fmt: skip

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        model = cls(**params)
        n_moments, kept = OPTIMISERS.get(model.optimiser, 2), min(model.n_neighbours, n_items)
        pairs = 2 * nnz * nnz / max(n_users, 1)
        full = min(pairs / (n_items * kept), 1)  # rows with more weights than are kept
        selection = (1.5e-9 + 1e-8 * full) * n_items**2 + 5e-8 * full * n_items * kept
        epoch = (1.5e-8 + 3e-8 * n_moments) * pairs
        size = 4.0 * (1 + n_moments) * n_items**2 + 24.0 * n_items * kept
        return Cost(model.n_epochs * epoch + selection, size + 16 * nnz)
