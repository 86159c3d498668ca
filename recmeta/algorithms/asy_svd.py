"""AsySVD: matrix factorisation in which a user is what he has seen."""

from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.sparse import csr_array, diags_array

from recmeta.algorithms._base import Cost, _check_counts
from recmeta.algorithms._iterative import IterativeRecommender
from recmeta.algorithms._sampling import contains, draw_below
from recmeta.space import Space

START = 0.1  # standard deviation of the initial factors: at 0 neither side would have a gradient
WHOLE = 2**24  # a draw below it, compared with a share of it, decides for a zero


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

    One epoch visits the users in random order and each entry of X once. The sum v_u is made once a
    visit, and what its steps change is spread over the y at the end of it: exactly what changing
    every y at every step gives, in n_epochs * nnz * n_factors / (1 - negative_share) time. In one
    thread, so that a seed gives one answer. Memory grows with n_items * n_factors.

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
    Koren, Factorization meets the neighborhood: a multifaceted collaborative filtering model, KDD
    2008, doi:10.1145/1401890.1401944. The steps: Kulis, Bartlett, Implicit online learning, ICML
    2010.

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
        if not 0 <= self.negative_share < 1:
            raise ValueError(f"negative_share must lie in [0, 1): got {self.negative_share}")
        largest = max(self.history_l2, self.item_l2)
        if not (self.learning_rate > 0 and 0 <= self.learning_rate * largest < 1):
            raise ValueError(
                "learning_rate must be positive, and times history_l2 or item_l2 lie in [0, 1): "
                f"got {self.learning_rate}, {self.history_l2}, {self.item_l2}"
            )
        shape = X.shape[1], self.n_factors + 2 * self.biases
        seen = np.bincount(X.indices, minlength=X.shape[1])[:, None] > 0
        start = np.float32(START) * rng.standard_normal((2, *shape), dtype=np.float32) * seen
        self.history_factors_ = np.ascontiguousarray(start[0][:, : self.n_factors])
        self.item_factors_, self.mean_ = np.ascontiguousarray(start[1]), 0.0
        if self.biases:
            self.item_factors_[:, -2:] = seen * np.array([0, 1])
            self.mean_ = float((1 - self.negative_share) * X.data.mean()) if X.nnz else 0.0

    def _prepared(self, X: csr_array) -> tuple[csr_array, csr_array]:
        return X, _of_length_one(X)

    def _epoch(self, prepared: tuple[csr_array, csr_array], rng: np.random.Generator) -> None:
        X, unit = prepared
        indptr, items = (part.astype(np.int32, copy=False) for part in (X.indptr, X.indices))
        users = rng.permutation(np.flatnonzero(np.diff(indptr)).astype(np.int32))
        state = rng.integers(1, 2**63, size=1, dtype=np.uint64)
        rates = [self.learning_rate, self.history_l2, self.item_l2, self.mean_]
        _steps(
            users, indptr, items, X.data, unit.data, np.array(rates, dtype=np.float32),
            int(self.negative_share * WHOLE), state, self.history_factors_, self.item_factors_,
        )  # fmt: skip
        unseen = np.bincount(items, minlength=len(self.item_factors_)) == 0
        self.item_factors_[unseen] = 0  # pushed down as zeros: there is no evidence on them

    def _scores(self, X: csr_array, users: NDArray[np.int64]) -> NDArray[np.float32]:
        factors = _of_length_one(X) @ self.history_factors_
        if self.biases:
            known = np.tile(np.array([1, self.mean_], dtype=np.float32), (X.shape[0], 1))
            factors = np.hstack([factors, known])
        return np.asarray(factors @ self.item_factors_.T, dtype=np.float32)

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        model = cls(**params)
        n_steps = model.n_epochs * nnz / (1 - model.negative_share)
        seconds = n_steps * (5e-8 + 5e-10 * model.n_factors)
        return Cost(seconds, 12.0 * n_items * model.n_factors + 24 * nnz)


def _of_length_one(X: csr_array) -> csr_array:
    """X with rows of Euclidean length 1, those without entries as they are."""
    squares = np.asarray(X.multiply(X).sum(axis=1, dtype=np.float64)).ravel()
    scale = 1 / np.sqrt(np.where(squares > 0, squares, 1))
    return csr_array(diags_array(scale.astype(np.float32)) @ X)


@njit(cache=True, nogil=True)
def _steps(users, indptr, items, data, unit, rates, zeros, state, Y, H):  # type: ignore[no-untyped-def]
    """For each user a step on each of his entries, and on zeros between them."""
    n_items, n_factors, one = H.shape[0], Y.shape[1], np.float32(1)
    before, now = np.empty(n_factors, np.float32), np.empty(n_factors, np.float32)
    for user in users:
        first, last = indptr[user], indptr[user + 1]
        now[:] = 0
        for entry in range(first, last):
            for f in range(n_factors):
                now[f] += unit[entry] * Y[items[entry], f]
        before[:], kept = now, one
        for entry in range(first, last):
            while last - first < n_items and draw_below(WHOLE, state) < zeros:
                item = draw_below(n_items, state)
                while contains(items, first, last, item):
                    item = draw_below(n_items, state)
                kept *= _step(np.float32(0), rates, now, H[item])
            kept *= _step(data[entry], rates, now, H[items[entry]])
        # each step takes every y_j to keep y_j + step x_uj / ||x_u|| h, and so, as these weights
        # have squares that sum to 1, v to keep v + step h: only the sum of the moves is needed
        for f in range(n_factors):
            before[f] = now[f] - kept * before[f]
        for entry in range(first, last):
            for f in range(n_factors):
                y = Y[items[entry], f]
                Y[items[entry], f] = kept * y + unit[entry] * before[f]


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _step(target, rates, v, h):  # type: ignore[no-untyped-def]
    """Move v and h against the error of one pair; returns what the penalty keeps of v."""
    rate, one, size, n_factors = rates[0], np.float32(1), np.float32(0), len(v)
    biases, error = len(h) > n_factors, target
    if biases:
        error -= h[n_factors] + rates[3]
        size += one
    for f in range(n_factors):
        error -= v[f] * h[f]
        size += v[f] * v[f] + h[f] * h[f]
    # as in FunkSVD: the minimum of the linearised error near (v, h), which cannot diverge
    step = rate * error / (one + rate * size)
    keep_v, keep_h = one - rate * rates[1], one - rate * rates[2]
    for f in range(n_factors):
        v_f = v[f]
        v[f] = keep_v * v_f + step * h[f]
        h[f] = keep_h * h[f] + step * v_f
    if biases:
        h[n_factors] = keep_h * h[n_factors] + step
    return keep_v
