"""FunkSVD: matrix factorisation by stochastic gradient steps on the squared error."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, _check_counts
from recmeta.algorithms._iterative import IterativeRecommender
from recmeta.algorithms._squared_error import START, WHOLE, check_rates, factor_steps
from recmeta.algorithms._sums import column_counts
from recmeta.space import Space


class FunkSVD(IterativeRecommender):
    """The values of X are predicted by inner products, learned step by step (Funk 2006).

    A step goes down the gradient of one squared error, for an entry of X or for a sampled zero:

        1/2 (x_ui - p_ui)^2 + regularisation,      p_ui = m + b_u + c_i + w_u h_i,

    m the mean of these targets, b and c learned with the factors. A zero is an item outside the
    history, drawn at random; negative_share of all steps are on zeros. With a share of 0 only
    values can be learned: where all of them are 1 the prediction is 1 for every pair, the ranking
    is noise, and some zeros are needed. One epoch visits the users in random order and each
    entry of X once: n_epochs * nnz * n_factors / (1 - negative_share) time, in one thread, so that
    a seed gives one answer. Memory grows with (n_users + n_items) * n_factors.

    Parameters
    ----------
    n_factors : int
    learning_rate : float
    user_l2, item_l2 : float
        Ridge penalty on the factors and the bias of the user and of the item, at each step in
        which they take part.
    negative_share : float
        Share of the steps on sampled zeros, in [0, 1): 0.2 has one zero for four entries of X.
    n_epochs : int
    random_state : int or None
        Seed of the initial factors and of the draws.
    biases : bool
        Whether m, b and c are part of the prediction.

    Attributes
    ----------
    user_factors_ : float32 array, (n_users, n_factors + 2)
        w, and with biases 1 and m + b in the last two columns; 0 for users without history.
    item_factors_ : float32 array, (n_items, n_factors + 2)
        h, and with biases c and 1 in the last two columns; 0 for items without interactions.

    References
    ----------
    Funk, Netflix update: try this at home, 2006, https://sifter.org/simon/journal/20061211.html.
    The steps: Kulis, Bartlett, Implicit online learning, ICML 2010.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.kron(np.eye(2), np.ones((5, 5))) - np.eye(10)
    >>> items, scores = FunkSVD(n_factors=4).fit(X).recommend(X, k=1)
    >>> items.ravel()
    array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_factors": IntDistribution(4, 256, log=True),
        "learning_rate": FloatDistribution(1e-3, 0.1, log=True),
        "user_l2": FloatDistribution(1e-4, 0.1, log=True),
        "item_l2": FloatDistribution(1e-4, 0.1, log=True),
        "negative_share": FloatDistribution(0.3, 0.95),  # published: to 0.5, far below the best
        "n_epochs": IntDistribution(10, 300, log=True),
        "biases": CategoricalDistribution([True, False]),
    }
    inductive = False
    family = "factorisation"

    # 0.96 of the best of 60 tried on four logs, all binary; with biases 0.84
    def __init__(
        self,
        n_factors: int = 64,
        learning_rate: float = 0.03,
        user_l2: float = 0.03,
        item_l2: float = 0.015,
        negative_share: float = 0.9,
        n_epochs: int = 60,
        random_state: int | None = 0,
        *,
        biases: bool = False,
    ) -> None:
        self.n_factors = n_factors
        self.learning_rate = learning_rate
        self.user_l2 = user_l2
        self.item_l2 = item_l2
        self.negative_share = negative_share
        self.n_epochs = n_epochs
        self.random_state = random_state
        self.biases = biases

    def _begin(self, X: csr_array, rng: np.random.Generator) -> None:
        _check_counts(n_factors=self.n_factors)
        check_rates(self.learning_rate, self.negative_share, self.user_l2, self.item_l2)
        known, seen = np.diff(X.indptr) > 0, column_counts(X.indices, X.shape[1]) > 0
        self.user_factors_, self.item_factors_ = (self._start(rows, rng) for rows in (known, seen))
        if self.biases:
            self.user_factors_[:, -2:] = known[:, None] * np.array([1, self._mean(X)])
            self.item_factors_[:, -2:] = seen[:, None] * np.array([0, 1])

    def _epoch(self, prepared: csr_array, rng: np.random.Generator) -> None:
        indptr = prepared.indptr.astype(np.int32, copy=False)
        items = prepared.indices.astype(np.int32, copy=False)
        users = rng.permutation(np.flatnonzero(np.diff(indptr)).astype(np.int32))
        state = rng.integers(1, 2**63, size=1, dtype=np.uint64)
        rates = [self.learning_rate, self.user_l2, self.item_l2, self._mean(prepared)]
        factor_steps(
            users, indptr, items, prepared.data, np.array(rates, dtype=np.float32),
            int(self.negative_share * WHOLE), self.biases, state,
            self.user_factors_, self.item_factors_,
        )  # fmt: skip
        unseen = column_counts(items, len(self.item_factors_)) == 0
        self.item_factors_[unseen] = 0  # pushed down as zeros: there is no evidence on them

    def _mean(self, X: csr_array) -> float:
        entries = X.data.mean(dtype=np.float64) if X.nnz else 0.0
        return float((1 - self.negative_share) * entries)

    def _start(self, rows: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float32]:
        shape = len(rows), self.n_factors + 2 * self.biases
        draws = rng.standard_normal(shape, dtype=np.float32)
        draws *= np.float32(START) * rows[:, None]
        return draws

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        model = cls(**params)
        n_steps = model.n_epochs * nnz / (1 - model.negative_share)
        seconds = n_steps * (5e-8 + 5e-10 * model.n_factors)
        return Cost(seconds, 6.0 * (n_users + n_items) * model.n_factors + 4 * nnz)
