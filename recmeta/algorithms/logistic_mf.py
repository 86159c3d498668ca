"""LogisticMF: matrix factorisation of the probability that a user takes an item."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, _check_counts
from recmeta.algorithms._factors import F32
from recmeta.algorithms._iterative import IterativeRecommender
from recmeta.algorithms._logistic_steps import Steps, climb
from recmeta.algorithms._sums import column_counts
from recmeta.space import Space

START = 0.03  # standard deviation of the initial factors: with 1, as in implicit, steps are lost


class LogisticMF(IterativeRecommender):
    """Matrix factorisation of log-odds, by alternating gradient ascent (Johnson 2014).

    With s_ui = w_u h_i + b_u + b_i, the log-odds that user u takes item i, it maximises

        sum_(u,i) alpha x_ui s_ui - (1 + alpha x_ui) ln(1 + exp(s_ui))
        - l2 / 2 (sum_u ||w_u||^2 + b_u^2 + sum_i ||h_i||^2 + b_i^2)

    over all pairs of users and items with interactions. An epoch takes a step of AdaGrad for every
    user, then one for every item. The part of the gradient that x weighs is exact; that of all
    pairs is estimated from a uniform sample, n_negatives for each interaction of the row or more,
    weighted by its inverse share, so without bias; it is exact too where they would be all pairs.
    Time grows with n_epochs * nnz * n_negatives * n_factors, memory with (n_users + n_items) *
    n_factors.

    Parameters
    ----------
    n_factors : int
    l2 : float
        The ridge penalty, in pairs.
    alpha : float
        Weight of an interaction, against 1 for each pair as a zero.
    learning_rate : float
        The first step of each number; AdaGrad shortens the later ones.
    n_negatives : int
        Pairs that are sampled for each interaction.
    n_epochs : int
    max_negatives : int or None
        At most so many pairs are sampled for a row, each with weight 1: the sum over all pairs
        above becomes one over the sample, so that zeros weigh little. implicit takes
        n_factors + 2, whatever its neg_prop. None: no limit, and the sample stands for all pairs.
    random_state : int or None
        Seed of the initial factors and of the samples.

    Attributes
    ----------
    user_factors_ : float32 array, (n_users, n_factors + 2)
        w, b_u and 1; all 0 for users without history.
    item_factors_ : float32 array, (n_items, n_factors + 2)
        h, 1 and b_i; all 0 for items without interactions.
    user_squares_, item_squares_ : float32 arrays of these shapes
        The sums of squared gradients.

    References
    ----------
    Johnson, Logistic matrix factorization for implicit feedback data, NIPS 2014 workshop on
    distributed machine learning and matrix computations. Duchi, Hazan, Singer, JMLR 12, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.kron(np.eye(2), np.ones((5, 5))) - np.eye(10)
    >>> items, scores = LogisticMF(n_factors=4, l2=0.1, alpha=5).fit(X).recommend(X, k=1)
    >>> items.ravel()
    array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_factors": IntDistribution(8, 256, log=True),
        "l2": FloatDistribution(3.0, 300.0, log=True),
        "alpha": FloatDistribution(3.0, 100.0, log=True),
        "learning_rate": FloatDistribution(0.1, 1.0, log=True),
        "n_epochs": IntDistribution(15, 120, log=True),
    }
    inductive = False
    family = "factorisation"
    tiny: ClassVar[dict[str, Any]] = {"n_factors": 4, "l2": 0.1, "alpha": 5.0}

    # of about 50 tried, near the best NDCG@10 on the validation parts of five small logs
    def __init__(
        self,
        n_factors: int = 64,
        l2: float = 70.0,
        alpha: float = 25.0,
        learning_rate: float = 0.4,
        n_negatives: int = 30,
        n_epochs: int = 60,
        max_negatives: int | None = None,
        random_state: int | None = 0,
    ) -> None:
        self.n_factors = n_factors
        self.l2 = l2
        self.alpha = alpha
        self.learning_rate = learning_rate
        self.n_negatives = n_negatives
        self.n_epochs = n_epochs
        self.max_negatives = max_negatives
        self.random_state = random_state

    def _begin(self, X: csr_array, rng: np.random.Generator) -> None:
        _check_counts(n_factors=self.n_factors, n_negatives=self.n_negatives)
        if self.max_negatives is not None:
            _check_counts(max_negatives=self.max_negatives)
        known, seen = np.diff(X.indptr) > 0, column_counts(X.indices, X.shape[1]) > 0
        self.user_factors_, self.item_factors_ = (
            self._start(known, -1, rng),
            self._start(seen, -2, rng),
        )
        self.user_squares_ = np.zeros_like(self.user_factors_)
        self.item_squares_ = np.zeros_like(self.item_factors_)

    def _prepared(self, X: csr_array) -> tuple[csr_array, csr_array]:
        return X, csr_array(X.T.tocsr())

    def _epoch(self, prepared: tuple[csr_array, csr_array], rng: np.random.Generator) -> None:
        users, items = self.user_factors_, self.item_factors_
        how = Steps(self.n_negatives, self.max_negatives, self.learning_rate, self.l2, self.alpha)
        climb(prepared[0], items, users, self.user_squares_, -1, how, rng)
        climb(prepared[1], users, items, self.item_squares_, -2, how, rng)

    def _start(self, known: NDArray[np.bool_], one: int, rng: np.random.Generator) -> F32:
        """Random factors, and at the end the biases of users and of items."""
        factors = rng.standard_normal((len(known), self.n_factors + 2), dtype=np.float32)
        factors *= np.float32(START)
        factors[:, -2:], factors[:, one] = 0, 1
        return factors * known[:, None]

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        model, width = cls(**params), cls(**params).n_factors + 2
        zeros = 0.0
        for n_rows in (n_users, n_items):
            limit = float("inf") if model.max_negatives is None else model.max_negatives * n_rows
            zeros += min(model.n_negatives * nnz, n_users * n_items, limit)
        epoch = 2 * nnz * (6e-9 + 2.2e-10 * width) + zeros * (5e-10 + 4e-11 * width)
        memory = width * (8.0 * (n_users + n_items) + 20.0 * max(n_users, n_items)) + 40 * nnz
        return Cost(model.n_epochs * epoch + 1e-4, memory)
