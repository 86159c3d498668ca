"""PureSVD: projection on the leading right singular vectors."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender, _check_counts
from recmeta.algorithms._factors import top_right_singular_vectors
from recmeta.space import Space

ROUNDING = 1e-6  # of float32 sums, over the length of the history


class PureSVD(Recommender):
    """A history is projected on the n_factors leading right singular vectors of X.

    With X ~ U S V', scores = x V V': the item-based form of Cremonesi et al. (2010), which needs
    no user factors and so ranks for unseen users too. Missing interactions count as zeros.
    Time grows with nnz * n_factors + n_items * n_factors^2, memory with n_items * n_factors.

    Parameters
    ----------
    n_factors : int
        Singular vectors kept; fewer where X has a lower rank.
    random_state : int or None
        Seed of the iteration's start. The answer depends on it in the last digits only.

    Attributes
    ----------
    item_factors_ : float32 array, (n_items, n_factors)
        V, each column with its largest entry positive.
    singular_values_ : float32 array, (n_factors,)

    References
    ----------
    Cremonesi, Koren, Turrin, Performance of recommender algorithms on top-n recommendation tasks,
    RecSys 2010, doi:10.1145/1864708.1864721.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 1]])
    >>> items, scores = PureSVD(n_factors=1).fit(X).recommend(X[2:3], k=1)
    >>> items.ravel()
    array([1], dtype=int32)
    """

    space: ClassVar[Space] = {"n_factors": IntDistribution(1, 350, log=True)}
    family = "factorisation"
    tiny: ClassVar[dict[str, Any]] = {"n_factors": 2}

    # 2 to 64 are best on one log or another: 0.76 of it on six, 64 has 0.48: benchmarks/defaults.py
    def __init__(self, n_factors: int = 12, random_state: int | None = 0) -> None:
        self.n_factors = n_factors
        self.random_state = random_state

    def _fit(self, X: csr_array) -> None:
        _check_counts(n_factors=self.n_factors)
        rng = np.random.default_rng(self.random_state)
        self.singular_values_, self.item_factors_ = top_right_singular_vectors(
            X, self.n_factors, rng
        )

    def _scores(self, X: csr_array, users: NDArray[np.int64]) -> NDArray[np.float32]:
        scores = np.asarray((X @ self.item_factors_) @ self.item_factors_.T, dtype=np.float32)
        # with as many factors as X has ranks, what is not in x is 0 but for rounding: no evidence
        length = np.sqrt(np.asarray(X.multiply(X).sum(axis=1), dtype=np.float32)).reshape(-1, 1)
        scores[np.abs(scores) <= ROUNDING * length] = 0
        return scores

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        size = min(5 * cls(**params).n_factors + 90, n_items)  # of the basis at convergence
        seconds = 7e-10 * nnz * size + 4e-10 * n_items * size**2
        return Cost(seconds, 8.0 * n_items * size + 16 * nnz)
