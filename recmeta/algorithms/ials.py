"""IALS: implicit alternating least squares."""

from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender, _in_threads, _threadpools
from recmeta.algorithms._gram import row_blocks
from recmeta.space import Space

F32 = NDArray[np.float32]


class IALS(Recommender):
    """Matrix factorisation over all user-item pairs, by alternating least squares (Hu 2008).

    In the form of Rendle et al. (2022), whose regularisation scales with frequency, it minimises

        sum_(u,i in X) x_ui (1 - w_u h_i)^2 + unobserved_weight sum_(all u,i) (w_u h_i)^2
        + l2 (sum_u r_u^exponent ||w_u||^2 + sum_i r_i^exponent ||h_i||^2),

    r_u = sum_i x_ui + unobserved_weight n_items, and likewise r_i. An entry of 3 counts as three
    observations. Each side is solved row by row with a few conjugate gradient steps from its last
    value; a user's factors at ranking time are solved from the history alone. Time grows with
    n_epochs * (nnz * n_factors + (n_users + n_items) * n_factors^2).

    Parameters
    ----------
    n_factors : int
    l2 : float
        The ridge penalty per unit of r^exponent.
    exponent : float
        0 penalises all rows alike, 1 in proportion to their interactions.
    unobserved_weight : float
        Weight of each pair as a zero, against 1 for an observation.
    n_epochs : int
        Sweeps over users and items.
    random_state : int or None
        Seed of the initial factors.

    Attributes
    ----------
    item_factors_ : float32 array, (n_items, n_factors)
        h; exactly 0 for items without interactions.
    item_gram_ : float32 array, (n_factors, n_factors)
        unobserved_weight H'H, which a user's solve needs.

    References
    ----------
    Hu, Koren, Volinsky, ICDM 2008, doi:10.1109/ICDM.2008.22. Rendle et al., Revisiting the
    performance of iALS on item recommendation benchmarks, RecSys 2022, arXiv:2110.14037.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.kron(np.eye(2), np.ones((3, 3))) - np.eye(6)
    >>> items, scores = IALS(n_factors=2).fit(X).recommend(X, k=1)
    >>> items.ravel()
    array([0, 1, 2, 3, 4, 5], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_factors": IntDistribution(8, 256, log=True),
        "l2": FloatDistribution(1e-4, 1e-1, log=True),
        "exponent": FloatDistribution(0.0, 1.0),
        "unobserved_weight": FloatDistribution(1e-3, 1.0, log=True),
        "n_epochs": IntDistribution(4, 32, log=True),
    }
    family = "factorisation"
    iterative = True

    def __init__(
        self,
        n_factors: int = 64,
        l2: float = 0.003,
        exponent: float = 1.0,
        unobserved_weight: float = 0.1,
        n_epochs: int = 16,
        random_state: int | None = 0,
    ) -> None:
        self.n_factors = n_factors
        self.l2 = l2
        self.exponent = exponent
        self.unobserved_weight = unobserved_weight
        self.n_epochs = n_epochs
        self.random_state = random_state

    def _fit(self, X: csr_array) -> None:
        transposed = csr_array(X.T.tocsr())
        rng = np.random.default_rng(self.random_state)
        items = self._start(X.shape[1], np.diff(transposed.indptr) > 0, rng)
        users = np.zeros((X.shape[0], self.n_factors), dtype=np.float32)
        for _ in range(self.n_epochs):
            self._solve(X, items, self._gram(items), users, 3)
            self._solve(transposed, users, self._gram(users), items, 3)
        self.item_factors_ = items
        self.item_gram_ = self._gram(items)

    def _scores(self, X: csr_array, users: NDArray[np.int64]) -> F32:
        factors = np.zeros((X.shape[0], self.n_factors), dtype=np.float32)
        self._solve(X, self.item_factors_, self.item_gram_, factors, 4 * self.n_factors)
        return np.asarray(factors @ self.item_factors_.T, dtype=np.float32)

    def _start(self, n_rows: int, seen: NDArray[np.bool_], rng: np.random.Generator) -> F32:
        scale = 0.1 / np.sqrt(self.n_factors)
        start = rng.standard_normal((n_rows, self.n_factors), dtype=np.float32)
        return np.asarray(start * np.float32(scale) * seen[:, None])

    def _gram(self, factors: F32) -> F32:
        with _threadpools().limit(limits=1, user_api="blas"):  # the same bits with any threads
            return np.asarray(np.float32(self.unobserved_weight) * (factors.T @ factors))

    def _solve(self, X: csr_array, fixed: F32, fixed_gram: F32, factors: F32, steps: int) -> None:
        """Move each row of ``factors`` to its minimum given the other side's ``fixed`` ones."""
        counts = np.asarray(X.sum(axis=1)) + self.unobserved_weight * X.shape[1]
        ridge = (self.l2 * counts**self.exponent).astype(np.float32)
        indptr, indices = X.indptr.astype(np.int32), X.indices.astype(np.int32, copy=False)

        def one_block(block: slice) -> None:
            _conjugate_gradients(
                block.start, block.stop, indptr, indices, X.data, fixed, fixed_gram, ridge, steps, factors
            )  # fmt: skip

        _in_threads(one_block, row_blocks(X.shape[0]))

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        n_factors, n_epochs = params.get("n_factors", 64), params.get("n_epochs", 16)
        rows = n_users + n_items
        work = 16 * nnz * n_factors + 8 * rows * n_factors**2
        return Cost(3e-10 * n_epochs * work, 12.0 * rows * n_factors + 24 * nnz)


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _conjugate_gradients(start, stop, indptr, indices, data, fixed, gram, ridge, n_steps, factors):  # type: ignore[no-untyped-def]
    """Solve (gram + ridge_u I + sum_i x_ui h_i h_i') w_u = sum_i x_ui h_i for u in start..stop."""
    size = fixed.shape[1]
    residual, direction = np.empty(size, np.float32), np.empty(size, np.float32)
    for row in range(start, stop):
        solution = factors[row]
        first, last = indptr[row], indptr[row + 1]
        if first == last:
            solution[:] = 0
            continue
        image = _apply(first, last, indices, data, fixed, gram, ridge[row], solution)
        residual[:] = -image
        for entry in range(first, last):
            h = fixed[indices[entry]]
            for f in range(size):
                residual[f] += data[entry] * h[f]
        direction[:] = residual
        norm = (residual * residual).sum()
        goal = norm * np.float32(1e-12)
        for _ in range(n_steps):
            if norm <= goal or norm == 0:
                break
            image = _apply(first, last, indices, data, fixed, gram, ridge[row], direction)
            length = norm / (direction * image).sum()
            solution += length * direction
            residual -= length * image
            previous, norm = norm, (residual * residual).sum()
            direction[:] = residual + (norm / previous) * direction


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _apply(first, last, indices, data, fixed, gram, ridge, vector):  # type: ignore[no-untyped-def]
    """The row's matrix times a vector."""
    size = len(vector)
    image = ridge * vector
    for g in range(size):
        for f in range(size):
            image[f] += vector[g] * gram[g, f]
    for entry in range(first, last):
        h = fixed[indices[entry]]
        product = np.float32(0)
        for f in range(size):
            product += h[f] * vector[f]
        product *= data[entry]
        for f in range(size):
            image[f] += product * h[f]
    return image
