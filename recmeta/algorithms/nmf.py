"""NMF: factorisation into non-negative factors."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, _check_counts
from recmeta.algorithms._iterative import IterativeRecommender
from recmeta.algorithms._non_negative import descend, factorised, folded_in
from recmeta.space import Space

SOLVERS = {"frobenius": ("cd", "mu"), "kullback-leibler": ("mu",)}  # the first is the better one
SWEEPS = 30  # over a history's factors, from the start, to rank for it


class NMF(IterativeRecommender):
    """X is approximated by W H' with no factor below 0: parts that only add up (Lee & Seung 1999).

    All pairs count, those without interaction as zeros. It minimises, over factors that are >= 0,

        L + l2 / 2 (||W||^2 + ||H||^2),     L = 1/2 sum_ui (x_ui - w_u h_i)^2  (Frobenius)
        or L = sum_ui (x_ui ln(x_ui / w_u h_i) - x_ui + w_u h_i)     (Kullback-Leibler).

    scikit-learn's NMF makes the start and does multiplicative updates; coordinate descent
    (Cichocki & Phan 2009; Frobenius only) goes on by ``_non_negative``. Ranking solves w from the
    history, so unseen users get a list too. Time grows with n_epochs * (nnz * n_factors + (n_users
    + n_items) * n_factors^2), memory with (n_users + n_items) * n_factors and X by its columns.

    Parameters
    ----------
    n_factors : int
        At most; a matrix with fewer rows or columns has as many as these.
    loss : {"frobenius", "kullback-leibler"}
    l2 : float
        Ridge penalty on the factors, in squared interaction counts, or counts if Kullback-Leibler.
    init : {"random", "nndsvda"}
        Start at random, or at the singular vectors with the mean in place of what is below 0.
    n_epochs : int
        Updates of W and H.
    solver : {"cd", "mu"} or None
        Coordinate descent or multiplicative updates; None takes the best that the loss has.
    random_state : int or None

    Attributes
    ----------
    user_factors_ : float32 array, (n_users, n_factors)
        W: where training goes on; ranking solves them from the history.
    item_factors_ : float32 array, (n_items, n_factors)
        H; exactly 0 for items without interactions.

    References
    ----------
    Lee, Seung, Learning the parts of objects by non-negative matrix factorization, Nature 1999,
    doi:10.1038/44565. Cichocki, Phan, Fast local algorithms for large scale nonnegative matrix and
    tensor factorizations, IEICE 2009, doi:10.1587/transfun.E92.A.708.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.kron(np.eye(2), np.ones((3, 3))) - np.eye(6)
    >>> items, scores = NMF(n_factors=2, l2=0.1).fit(X).recommend(X, k=1)
    >>> items.ravel()
    array([0, 1, 2, 3, 4, 5], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_factors": IntDistribution(2, 256, log=True),
        "loss": CategoricalDistribution(tuple(SOLVERS)),
        "l2": FloatDistribution(0.1, 30.0, log=True),
        "init": CategoricalDistribution(("random", "nndsvda")),
        "n_epochs": IntDistribution(10, 100, log=True),
    }
    family = "factorisation"
    tiny: ClassVar[dict[str, Any]] = {"n_factors": 2, "l2": 0.1}

    # 0.97 of the best of 50 tried on four logs; the best without a penalty has 0.73
    def __init__(
        self,
        n_factors: int = 128,
        loss: str = "frobenius",
        l2: float = 6.0,
        init: str = "nndsvda",
        n_epochs: int = 30,
        solver: str | None = None,
        random_state: int | None = 0,
    ) -> None:
        self.n_factors = n_factors
        self.loss = loss
        self.l2 = l2
        self.init = init
        self.n_epochs = n_epochs
        self.solver = solver
        self.random_state = random_state

    def _begin(self, X: csr_array, rng: np.random.Generator) -> None:
        _check_counts(n_factors=self.n_factors)
        if self.loss not in SOLVERS or self.init not in ("random", "nndsvda"):
            raise ValueError(
                f"loss must be one of {', '.join(SOLVERS)}, and init random or nndsvda: "
                f"got loss={self.loss!r}, init={self.init!r}"
            )
        if self.solver not in (None, *SOLVERS[self.loss]):
            legal = ", ".join(SOLVERS[self.loss])
            raise ValueError(f"the {self.loss} loss has the solvers {legal}: got {self.solver!r}")
        if not self.l2 >= 0:
            raise ValueError(f"l2 must not be negative: got {self.l2}")
        n = min(self.n_factors, *X.shape)
        self.user_factors_, self.item_factors_ = (np.zeros((m, n), np.float32) for m in X.shape)

    def _prepared(self, X: csr_array) -> tuple[csr_array, csr_array]:
        return X, csr_array(X.T.tocsr())

    def _epoch(self, prepared: tuple[csr_array, csr_array], rng: np.random.Generator) -> None:
        (X, transposed), users, items = prepared, self.user_factors_, self.item_factors_
        if X.nnz == 0 or (self.n_epochs_ and not items.any()):
            return  # nothing to learn from
        if self.n_epochs_ and self._solver() == "cd":
            descend(X, items, self.l2, 1, users)
            descend(transposed, users, self.l2, 1, items)
        else:
            before = {"init": "custom", "W": users, "H": items.T}
            start: dict[str, Any] = before if self.n_epochs_ else {"init": self.init}
            chosen = items.shape[1], self.loss, self._solver(), self.l2
            found = factorised(X, *chosen, 1, random_state=self.seed_, **start)
            self.user_factors_, self.item_factors_ = found
        self.item_factors_[np.diff(transposed.indptr) == 0] = 0  # the start has noise there

    def _scores(self, X: csr_array, users: NDArray[np.int64]) -> NDArray[np.float32]:
        if not self.item_factors_.any() or X.nnz == 0:
            return np.zeros(X.shape, dtype=np.float32)
        chosen = self.loss, self._solver(), self.l2
        factors = folded_in(X, self.item_factors_, *chosen, SWEEPS)
        return np.asarray(factors @ self.item_factors_.T, dtype=np.float32)

    def _solver(self) -> str:
        return self.solver or SOLVERS[self.loss][0]

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        model = cls(**params)
        rows, width = n_users + n_items, model.n_factors
        one = nnz * (4e-9 + 2.6e-10 * width) + 3e-10 * rows * width**2 + 1e-3
        one += 1e-8 * nnz * width * (model.loss == "kullback-leibler")
        start = 5e-9 * nnz * (width + 10) * (model.init == "nndsvda")
        return Cost(start + model.n_epochs * one, 12.0 * rows * width + 30 * nnz)
