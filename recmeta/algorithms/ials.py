"""IALS: implicit alternating least squares."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, _check_counts, _threadpools
from recmeta.algorithms._factors import F32, balanced, solve_rows
from recmeta.algorithms._iterative import IterativeRecommender
from recmeta.algorithms._sums import column_counts
from recmeta.space import Space

STEPS = 3  # of conjugate gradients a row and sweep; the next sweep starts where they end


class IALS(IterativeRecommender):
    """Matrix factorisation over all user-item pairs, by alternating least squares (Hu 2008).

    It minimises, in the form of Rendle et al. (2022), whose penalty grows with frequency,

        sum_(u,i in X) x_ui (1 - w_u h_i)^2 + unobserved_weight sum_(all u,i) (w_u h_i)^2
        + l2 (sum_u m (r_u / m)^exponent ||w_u||^2 + sum_i m (r_i / m)^exponent ||h_i||^2),

    r_u = sum_i x_ui + unobserved_weight n_items, likewise r_i, and m the mean of r over that side,
    so that l2 has one meaning for all exponents. An entry of 3 counts as three observations. Rows
    are solved by a few conjugate gradient steps from the last value. Time grows with
    n_epochs * (nnz * n_factors + (n_users + n_items) * n_factors^2).

    Parameters
    ----------
    n_factors : int
    l2, unobserved_weight : float or None
        The ridge penalty, per unit of weight in a row's sum of squares, and the weight of each pair
        as a zero, against 1 for an observation. None goes by X's size and density (``_factors``).
    l2_scale, unobserved_scale : float
        What these are multiplied by: a scale means about the same on logs of any size.
    exponent : float
        0 penalises all rows alike, 1 in proportion to their interactions.
    n_epochs : int
        Sweeps over users and items.
    random_state : int or None
        Seed of the initial factors.

    Attributes
    ----------
    user_factors_ : float32 array, (n_users, n_factors)
        w: where training goes on; ranking solves them from the history.
    item_factors_ : float32 array, (n_items, n_factors)
        h; exactly 0 for items without interactions.
    item_gram_ : float32 array, (n_factors, n_factors)
        unobserved_weight_ H'H, which a user's solve needs.
    mean_weight_, unobserved_weight_, l2_ : float
        m of the users, the weight of a zero, and the penalty.

    References
    ----------
    Hu, Koren, Volinsky, ICDM 2008, doi:10.1109/ICDM.2008.22. Rendle et al., Revisiting the
    performance of iALS on item recommendation benchmarks, RecSys 2022, arXiv:2110.14037.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.kron(np.eye(2), np.ones((3, 3))) - np.eye(6)
    >>> IALS(n_factors=2).fit(X).recommend(X, k=1)[0].ravel()
    array([0, 1, 2, 3, 4, 5], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_factors": IntDistribution(8, 256, log=True),
        "l2_scale": FloatDistribution(0.1, 3.0, log=True),
        "exponent": FloatDistribution(0.0, 1.0),
        "unobserved_scale": FloatDistribution(0.1, 10.0, log=True),
        "n_epochs": IntDistribution(4, 32, log=True),
    }
    family = "factorisation"

    def __init__(
        self,
        n_factors: int = 64,
        l2: float | None = None,
        exponent: float = 0.5,
        unobserved_weight: float | None = None,
        n_epochs: int = 16,
        random_state: int | None = 0,
        *,
        l2_scale: float = 1.0,
        unobserved_scale: float = 1.0,
    ) -> None:
        self.n_factors = n_factors
        self.l2 = l2
        self.exponent = exponent
        self.unobserved_weight = unobserved_weight
        self.n_epochs = n_epochs
        self.l2_scale = l2_scale
        self.unobserved_scale = unobserved_scale
        self.random_state = random_state

    def _begin(self, X: csr_array, rng: np.random.Generator) -> None:
        _check_counts(n_factors=self.n_factors)
        seen = column_counts(X.indices, X.shape[1])[:, None] > 0
        scales = self.unobserved_scale, self.l2_scale
        self.unobserved_weight_, self.l2_ = balanced(X, self.unobserved_weight, self.l2, *scales)
        start = rng.standard_normal((X.shape[1], self.n_factors), dtype=np.float32)
        self.item_factors_ = start * np.float32(0.1 / np.sqrt(self.n_factors)) * seen
        self.item_gram_ = self._gram(self.item_factors_)
        self.user_factors_ = np.zeros((X.shape[0], self.n_factors), dtype=np.float32)
        self.mean_weight_ = self._row_weights(X).mean()

    def _prepared(self, X: csr_array) -> tuple[csr_array, csr_array]:
        return X, csr_array(X.T.tocsr())

    def _epoch(self, prepared: tuple[csr_array, csr_array], rng: np.random.Generator) -> None:
        (X, transposed), users, items = prepared, self.user_factors_, self.item_factors_
        self._solve(X, items, self.item_gram_, self.mean_weight_, users, STEPS)
        mean = self._row_weights(transposed).mean()
        self._solve(transposed, users, self._gram(users), mean, items, STEPS)
        self.item_gram_ = self._gram(items)

    def _scores(self, X: csr_array, users: NDArray[np.int64]) -> F32:
        factors = np.zeros((X.shape[0], self.n_factors), dtype=np.float32)
        known = self.item_factors_, self.item_gram_, self.mean_weight_
        self._solve(X, *known, factors, 4 * self.n_factors)
        return np.asarray(factors @ self.item_factors_.T, dtype=np.float32)

    def _gram(self, factors: F32) -> F32:
        with _threadpools().limit(limits=1, user_api="blas"):  # the same bits with any threads
            return np.asarray(np.float32(self.unobserved_weight_) * (factors.T @ factors))

    def _row_weights(self, X: csr_array) -> NDArray[np.float64]:
        return np.asarray(X.sum(axis=1, dtype=np.float64)) + self.unobserved_weight_ * X.shape[1]

    def _solve(
        self, X: csr_array, fixed: F32, gram: F32, mean: float, factors: F32, n_steps: int
    ) -> None:
        """Move each row of ``factors`` to its minimum given the other side's ``fixed`` ones."""
        ridge = (self.l2_ * mean * (self._row_weights(X) / mean) ** self.exponent).astype(
            np.float32
        )
        solve_rows(X, fixed, gram, ridge, n_steps, factors)

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        model, rows = cls(**params), n_users + n_items
        work = 16 * nnz * model.n_factors + 8 * rows * model.n_factors**2
        return Cost(4e-11 * model.n_epochs * work, 8.0 * rows * model.n_factors + 30 * nnz)
