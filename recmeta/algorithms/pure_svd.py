"""PureSVD: projection on the leading right singular vectors."""

from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray
from optuna.distributions import IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender, _check_counts
from recmeta.algorithms._rank import MOST_USERS, best_rank, ladder_of
from recmeta.algorithms._singular_vectors import (
    singular_vectors_cost,
    top_right_singular_vectors,
)
from recmeta.space import Space

ROUNDING = 1e-6  # of float32 sums, over the length of the history


class PureSVD(Recommender):
    """A history is projected on the n_factors leading right singular vectors of X.

    With X ~ U S V', scores = x V V': the item-based form of Cremonesi et al. (2010), which needs
    no user factors and so ranks for unseen users too. Missing interactions count as zeros.
    Time grows with nnz * n_factors + n_items * n_factors^2, or with the cube of the number of users
    or items where it is small, memory with n_items * n_factors.

    Parameters
    ----------
    n_factors : int or None
        Singular vectors kept; fewer where X has a lower rank. None chooses among 1, 2, 3, 4, 6, 8
        to 128 by NDCG@10 on a fifth of each user's items, which a first decomposition does not
        see; no one number is near the best on most logs.
    random_state : int or None
        Seed of the iteration's start, on which the answer depends in the last digits only, and of
        the items that are hidden to choose n_factors.

    Attributes
    ----------
    n_factors_ : int
        n_factors, or what was chosen.
    item_factors_ : float32 array, (n_items, n_factors_)
        V, each column with its largest entry positive.
    singular_values_ : float32 array, (n_factors_,)

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

    def __init__(self, n_factors: int | None = None, random_state: int | None = 0) -> None:
        self.n_factors = n_factors
        self.random_state = random_state

    def _fit(self, X: csr_array) -> None:
        rng = np.random.default_rng(self.random_state)
        if self.n_factors is None:  # a stream of its own, so that the fit is that of this number
            self.n_factors_ = best_rank(X, rng.spawn(1)[0])
        else:
            _check_counts(n_factors=self.n_factors)
            self.n_factors_ = int(self.n_factors)
        self.singular_values_, self.item_factors_ = top_right_singular_vectors(
            X, self.n_factors_, rng
        )

    def _scores(self, X: csr_array, users: NDArray[np.int64]) -> NDArray[np.float32]:
        scores = np.asarray((X @ self.item_factors_) @ self.item_factors_.T, dtype=np.float32)
        # with as many factors as X has ranks, what is not in x is 0 but for rounding: no evidence
        length = np.sqrt(np.asarray(X.multiply(X).sum(axis=1), dtype=np.float32)).ravel()
        _clear(scores, ROUNDING * length)
        return scores

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        chosen, ladder = cls(**params).n_factors, ladder_of(n_users, n_items)
        basis = singular_vectors_cost(n_users, n_items, nnz, chosen or ladder[-1])
        seconds, memory = basis.seconds, basis.bytes
        if chosen is None:  # a decomposition at the top of the ladder, a smaller one, and the lists
            pairs = min(n_users, MOST_USERS) * n_items
            seconds = 1.25 * seconds + 2e-10 * pairs * (2 * len(ladder) + ladder[-1])
            memory += 20 * nnz
        return Cost(seconds, memory + 16 * nnz)


@njit(cache=True, nogil=True)
def _clear(scores, limits):  # type: ignore[no-untyped-def]
    """0 for what is no larger than the limit of its row. Changes ``scores``."""
    for row, limit in enumerate(limits):
        of_row = scores[row]
        for item in range(len(of_row)):
            of_row[item] = of_row[item] if abs(of_row[item]) > limit else np.float32(0)
