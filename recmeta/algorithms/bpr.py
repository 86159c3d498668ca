"""BPR: matrix factorisation trained to rank a user's items above others."""

from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, _check_counts
from recmeta.algorithms._iterative import IterativeRecommender
from recmeta.algorithms._sampling import contains, draw_below, visits_of
from recmeta.algorithms._sums import column_counts
from recmeta.space import Space

VISIT = 8  # steps: with whole histories NDCG@10 is 1 % lower on MovieLens-1M; 1 takes twice as long
START = 0.01  # standard deviation of the initial factors: larger ones learn faster, and overfit


class BPR(IterativeRecommender):
    """Matrix factorisation by stochastic gradient steps on pairs of items (Rendle et al. 2009).

    For an item i of user u's history and an item j outside it, both drawn at random, a step goes
    up the gradient of

        ln sigmoid(x_ui - x_uj) - regularisation,      x_ui = w_u h_i + b_i.

    An epoch has nnz steps, in visits to the users in random order, of eight steps at most: no long
    history is learned at one go. n_epochs * nnz * n_factors time, in one thread, so that a seed
    gives one answer. Values other than 0 in X count as 1.

    Parameters
    ----------
    n_factors : int
    learning_rate : float
    user_l2, positive_l2, negative_l2 : float
        Ridge penalty on the user's factors, and on those of the item drawn from the history or
        from outside, at each step in which they take part.
    n_epochs : int
    random_state : int or None
        Seed of the initial factors and of the draws.

    Attributes
    ----------
    user_factors_ : float32 array, (n_users, n_factors + 1)
        w, and 1 in the last column; 0 for users without history.
    item_factors_ : float32 array, (n_items, n_factors + 1)
        h, and the bias b in the last column; 0 for items without interactions.

    References
    ----------
    Rendle et al., BPR: Bayesian personalized ranking from implicit feedback, UAI 2009,
    arXiv:1205.2618.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.kron(np.eye(2), np.ones((5, 5))) - np.eye(10)
    >>> items, scores = BPR(n_factors=4, n_epochs=200).fit(X).recommend(X, k=1)
    >>> items.ravel()
    array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_factors": IntDistribution(8, 256, log=True),
        "learning_rate": FloatDistribution(5e-3, 0.3, log=True),
        "user_l2": FloatDistribution(1e-4, 1e-1, log=True),
        "positive_l2": FloatDistribution(1e-4, 1e-1, log=True),
        "negative_l2": FloatDistribution(1e-4, 1e-1, log=True),
        "n_epochs": IntDistribution(10, 300, log=True),
    }
    inductive = False
    family = "factorisation"

    # 0.98 of the best on six logs; 64, 0.05, l2 of 0.01 and 100 have 0.92: benchmarks/defaults.py
    def __init__(
        self,
        n_factors: int = 128,
        learning_rate: float = 0.03,
        user_l2: float = 0.02,
        positive_l2: float = 0.003,
        negative_l2: float = 0.004,
        n_epochs: int = 150,
        random_state: int | None = 0,
    ) -> None:
        self.n_factors = n_factors
        self.learning_rate = learning_rate
        self.user_l2 = user_l2
        self.positive_l2 = positive_l2
        self.negative_l2 = negative_l2
        self.n_epochs = n_epochs
        self.random_state = random_state

    def _begin(self, X: csr_array, rng: np.random.Generator) -> None:
        _check_counts(n_factors=self.n_factors)
        known, seen = np.diff(X.indptr) > 0, column_counts(X.indices, X.shape[1]) > 0
        self.user_factors_, self.item_factors_ = (self._start(rows, rng) for rows in (known, seen))
        self.user_factors_[:, -1], self.item_factors_[:, -1] = known, 0

    def _epoch(self, prepared: csr_array, rng: np.random.Generator) -> None:
        indptr = prepared.indptr.astype(np.int32, copy=False)
        items = prepared.indices.astype(np.int32, copy=False)
        rng.shuffle(visits := visits_of(np.diff(indptr), VISIT))
        state = rng.integers(1, 2**63, size=1, dtype=np.uint64)
        rates = np.array([self.learning_rate, self.user_l2, self.positive_l2, self.negative_l2])
        learned = self.user_factors_, self.item_factors_
        _steps(visits, items, indptr, rates.astype(np.float32), state, *learned)
        unseen = column_counts(items, len(self.item_factors_)) == 0
        self.item_factors_[unseen] = 0  # pushed down as negatives: there is no evidence on them

    def _start(self, rows: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float32]:
        draws = rng.standard_normal((len(rows), self.n_factors + 1), dtype=np.float32)
        draws *= np.float32(START) * rows[:, None]
        return draws

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        model = cls(**params)
        seconds = model.n_epochs * nnz * (3e-8 + 1e-9 * model.n_factors)
        return Cost(seconds, 6.0 * (n_users + n_items) * model.n_factors + 4 * nnz)


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _steps(visits, items, indptr, rates, state, W, H):  # type: ignore[no-untyped-def]
    """Steps along W and H, whose last columns are 1 and b; ``visits`` as ``visits_of`` has them."""
    n_items, n_factors = H.shape[0], H.shape[1] - 1
    rate, one = rates[0], np.float32(1)
    keep_w, keep_h, keep_g = one - rate * rates[1], one - rate * rates[2], one - rate * rates[3]
    for visit in range(len(visits)):
        user, n_steps = visits[visit] // VISIT, visits[visit] % VISIT + 1
        first, last = indptr[user], indptr[user + 1]
        if last - first == n_items:
            continue
        for _ in range(n_steps):
            i, j = items[first + draw_below(last - first, state)], draw_below(n_items, state)
            while contains(items, first, last, j):
                j = draw_below(n_items, state)
            margin = H[i, n_factors] - H[j, n_factors]
            for f in range(n_factors):
                margin += W[user, f] * (H[i, f] - H[j, f])
            step = rate / (one + np.exp(margin))
            for f in range(n_factors):
                w, h, g = W[user, f], H[i, f], H[j, f]
                W[user, f] = keep_w * w + step * (h - g)
                H[i, f] = keep_h * h + step * w
                H[j, f] = keep_g * g - step * w
            H[i, n_factors] = keep_h * H[i, n_factors] + step
            H[j, n_factors] = keep_g * H[j, n_factors] - step
