"""BPR: matrix factorisation trained to rank a user's items above others."""

from typing import Any, ClassVar

import numpy as np
from numba import njit
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender
from recmeta.space import Space


class BPR(Recommender):
    """Matrix factorisation by stochastic gradient steps on pairs of items (Rendle et al. 2009).

    For a user u, an item i of the history and an item j outside it, both drawn at random, a step
    goes up the gradient of

        ln sigmoid(x_ui - x_uj) - regularisation,      x_ui = w_u h_i + b_i.

    One epoch draws as many pairs as there are interactions: n_epochs * nnz * n_factors time, in one
    thread, so that a seed gives one answer. Values other than 0 in X count as 1.

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
        "learning_rate": FloatDistribution(1e-3, 0.3, log=True),
        "user_l2": FloatDistribution(1e-5, 1e-1, log=True),
        "positive_l2": FloatDistribution(1e-5, 1e-1, log=True),
        "negative_l2": FloatDistribution(1e-5, 1e-1, log=True),
        "n_epochs": IntDistribution(10, 300, log=True),
    }
    inductive = False
    iterative = True
    family = "factorisation"

    def __init__(
        self,
        n_factors: int = 64,
        learning_rate: float = 0.05,
        user_l2: float = 0.01,
        positive_l2: float = 0.01,
        negative_l2: float = 0.01,
        n_epochs: int = 50,
        random_state: int | None = 0,
    ) -> None:
        self.n_factors = n_factors
        self.learning_rate = learning_rate
        self.user_l2 = user_l2
        self.positive_l2 = positive_l2
        self.negative_l2 = negative_l2
        self.n_epochs = n_epochs
        self.random_state = random_state

    def _fit(self, X: csr_array) -> None:
        rng = np.random.default_rng(self.random_state)
        n_users, n_items = X.shape
        indptr, items = X.indptr.astype(np.int32), X.indices.astype(np.int32, copy=False)
        users = np.repeat(np.arange(n_users, dtype=np.int32), np.diff(indptr))
        user_factors = self._start(n_users, np.diff(indptr) > 0, rng)
        item_factors = self._start(n_items, np.bincount(items, minlength=n_items) > 0, rng)
        user_factors[:, -1], item_factors[:, -1] = np.diff(indptr) > 0, 0
        unseen = np.flatnonzero(np.bincount(items, minlength=n_items) == 0)
        for _ in range(self.n_epochs):
            state = rng.integers(1, 2**63, size=1, dtype=np.uint64)
            _epoch(
                users, items, indptr, np.float32(self.learning_rate), np.float32(self.user_l2),
                np.float32(self.positive_l2), np.float32(self.negative_l2), state,
                user_factors, item_factors,
            )  # fmt: skip
        item_factors[unseen] = 0  # pushed down as negatives: there is no evidence on them
        self.user_factors_, self.item_factors_ = user_factors, item_factors

    def _start(self, n_rows, known, rng):  # type: ignore[no-untyped-def]
        draws = rng.standard_normal((n_rows, self.n_factors + 1), dtype=np.float32)
        return draws * np.float32(0.01) * known[:, None]

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        n_factors, n_epochs = params.get("n_factors", 64), params.get("n_epochs", 50)
        seconds = n_epochs * nnz * (4e-8 + 1.2e-9 * n_factors)
        return Cost(seconds, 8.0 * (n_users + n_items) * n_factors + 16 * nnz)


@njit(cache=True, nogil=True)
def _below(limit, state):  # type: ignore[no-untyped-def]
    """A draw from 0..limit-1 by splitmix64 (Steele et al. 2014); advances ``state``."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = (z ^ (z >> np.uint64(31))) >> np.uint64(32)
    return np.int64((z * np.uint64(limit)) >> np.uint64(32))


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _epoch(users, items, indptr, rate, user_l2, positive_l2, negative_l2, state, W, H):  # type: ignore[no-untyped-def]
    """As many steps as interactions. Updates the factors W and H, whose last columns are 1 and b."""
    n_items, n_factors = H.shape[0], H.shape[1] - 1
    for _ in range(len(users)):
        entry = _below(len(users), state)
        user, positive = users[entry], items[entry]
        first, last = indptr[user], indptr[user + 1]
        if last - first == n_items:
            continue
        while True:
            negative = _below(n_items, state)
            place = first + np.searchsorted(items[first:last], negative)
            if place == last or items[place] != negative:
                break
        w, h, g = W[user], H[positive], H[negative]
        margin = h[n_factors] - g[n_factors]
        for f in range(n_factors):
            margin += w[f] * (h[f] - g[f])
        pull = np.float32(1) / (np.float32(1) + np.exp(margin))
        for f in range(n_factors):
            wf, hf, gf = w[f], h[f], g[f]
            w[f] += rate * (pull * (hf - gf) - user_l2 * wf)
            h[f] += rate * (pull * wf - positive_l2 * hf)
            g[f] -= rate * (pull * wf + negative_l2 * gf)
        h[n_factors] += rate * (pull - positive_l2 * h[n_factors])
        g[n_factors] -= rate * (pull + negative_l2 * g[n_factors])
