"""AsySVD: matrix factorisation in which a user is what he has seen."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms import _squared_error as steps
from recmeta.algorithms._base import Cost, _check_counts
from recmeta.algorithms._iterative import IterativeRecommender
from recmeta.algorithms._squared_error import START, WHOLE
from recmeta.algorithms._sums import column_counts
from recmeta.space import Space


class AsySVD(IterativeRecommender):
    """The asymmetric SVD: a user's factors are the sum of those of his items (Koren 2008).

    A step goes down the gradient of one squared error, for an entry of X or for a sampled zero:

        1/2 (x_ui - p_ui)^2 + regularisation,
        p_ui = m + c_i + v_u h_i,      v_u = sum_j x_uj y_j / ||x_u||,

    m the mean of these targets and c learned with the factors. Of a binary X, v_u is the sum over
    the history by the root of its length, as in the paper; a user's own bias would not move his
    ranking and is left out. So a user is his history alone, and unseen users get a list too. A zero
    is an item outside the history, drawn at random; negative_share of all steps are on zeros. As
    with FunkSVD, a share of 0 teaches nothing but values: 1 everywhere if X is binary.

    One epoch visits the users in random order and each entry of X once. v_u is made once a visit,
    and what its steps change is spread over the y at its end: what changing every y at every step
    gives, in n_epochs * nnz * n_factors / (1 - negative_share) time. Memory grows with
    n_items * n_factors. One thread, so that a seed gives one answer.

    Parameters
    ----------
    n_factors : int
    learning_rate : float
    history_l2, item_l2 : float
        Ridge penalty on the y of the whole history, and on the h and the bias of the item that is
        predicted, at each step in which they take part.
    negative_share : float
        Share of the steps on sampled zeros, in [0, 1): 0.2 has one zero for four entries of X.
    n_epochs : int
    random_state : int or None
        Seed of the initial factors and of the draws.
    biases : bool
        Whether m and c are part of the prediction.

    Attributes
    ----------
    history_factors_ : float32 array, (n_items, n_factors)
        y; 0 for items without interactions.
    item_factors_ : float32 array, (n_items, n_factors + 2)
        h, and with biases c and 1 in the last two columns; 0 for items without interactions.
    mean_ : float
        m; 0 without biases.

    References
    ----------
    Koren, Factorization meets the neighborhood, KDD 2008, doi:10.1145/1401890.1401944. The steps:
    Kulis, Bartlett, Implicit online learning, ICML 2010.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.kron(np.eye(2), np.ones((5, 5))) - np.eye(10)
    >>> items, scores = AsySVD(n_factors=2).fit(X).recommend(X, k=1)
    >>> items.ravel()
    array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_factors": IntDistribution(4, 256, log=True),
        "learning_rate": FloatDistribution(1e-3, 0.1, log=True),
        "history_l2": FloatDistribution(1e-5, 0.03, log=True),
        "item_l2": FloatDistribution(1e-4, 0.1, log=True),
        "negative_share": FloatDistribution(0.3, 0.95),  # published: to 0.5, far below the best
        "n_epochs": IntDistribution(5, 100, log=True),
        "biases": CategoricalDistribution([True, False]),
    }
    family = "factorisation"
    tiny: ClassVar[dict[str, Any]] = {"n_factors": 2}

    # 0.96 of the best of 25 tried on four logs, all binary; with biases 0.93
    def __init__(
        self,
        n_factors: int = 64,
        learning_rate: float = 0.03,
        history_l2: float = 1e-3,
        item_l2: float = 0.02,
        negative_share: float = 0.9,
        n_epochs: int = 20,
        random_state: int | None = 0,
        *,
        biases: bool = False,
    ) -> None:
        self.n_factors = n_factors
        self.learning_rate = learning_rate
        self.history_l2 = history_l2
        self.item_l2 = item_l2
        self.negative_share = negative_share
        self.n_epochs = n_epochs
        self.random_state = random_state
        self.biases = biases

    def _begin(self, X: csr_array, rng: np.random.Generator) -> None:
        _check_counts(n_factors=self.n_factors)
        steps.check_rates(self.learning_rate, self.negative_share, self.history_l2, self.item_l2)
        shape = X.shape[1], self.n_factors + 2 * self.biases
        seen = column_counts(X.indices, X.shape[1])[:, None] > 0
        start = np.float32(START) * rng.standard_normal((2, *shape), dtype=np.float32) * seen
        self.history_factors_ = np.ascontiguousarray(start[0][:, : self.n_factors])
        self.item_factors_, self.mean_ = np.ascontiguousarray(start[1]), 0.0
        if self.biases:
            self.item_factors_[:, -2:] = seen * np.array([0, 1])
            self.mean_ = float((1 - self.negative_share) * X.data.mean()) if X.nnz else 0.0

    def _prepared(self, X: csr_array) -> tuple[csr_array, csr_array]:
        return X, steps.of_length_one(X)

    def _epoch(self, prepared: tuple[csr_array, csr_array], rng: np.random.Generator) -> None:
        X, unit = prepared
        indptr, items = (part.astype(np.int32, copy=False) for part in (X.indptr, X.indices))
        users = rng.permutation(np.flatnonzero(np.diff(indptr)).astype(np.int32))
        state = rng.integers(1, 2**63, size=1, dtype=np.uint64)
        rates = [self.learning_rate, self.history_l2, self.item_l2, self.mean_]
        steps.history_steps(
            users, indptr, items, X.data, unit.data, np.array(rates, dtype=np.float32),
            int(self.negative_share * WHOLE), state, self.history_factors_, self.item_factors_,
        )  # fmt: skip
        unseen = column_counts(items, len(self.item_factors_)) == 0
        self.item_factors_[unseen] = 0  # pushed down as zeros: there is no evidence on them

    def _scores(self, X: csr_array, users: NDArray[np.int64]) -> NDArray[np.float32]:
        factors = steps.of_length_one(X) @ self.history_factors_
        if self.biases:
            known = np.tile(np.array([1, self.mean_], dtype=np.float32), (X.shape[0], 1))
            factors = np.hstack([factors, known])
        return np.asarray(factors @ self.item_factors_.T, dtype=np.float32)

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        model = cls(**params)
        n_steps = model.n_epochs * nnz / (1 - model.negative_share)
        seconds = n_steps * (5e-8 + 5e-10 * model.n_factors)
        return Cost(seconds, 12.0 * n_items * model.n_factors + 8 * nnz)
