"""GFCF: two graph filters over the item-item graph, without training."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender, _check_counts
from recmeta.algorithms._gram import sparse_or_dense_gram
from recmeta.algorithms._singular_vectors import (
    singular_vectors_cost,
    top_right_singular_vectors,
)
from recmeta.space import Space

ROUNDING = 1e-6  # of float32 sums, over the length of the history


class GFCF(Recommender):
    """A history is smoothed by a linear and an ideal low-pass filter (Shen et al. 2021).

    With the diagonal matrices D_U and D_I of the row and column sums of X, and the n_factors
    leading right singular vectors U of R,

        R = D_U^-1/2 X D_I^-1/2,   scores = x (R'R + low_pass D_I^-1/2 U U' D_I^1/2).

    Time grows with the sum over users of (history length)^2, and nnz * n_factors; memory with
    n_items * n_factors and 4 n_items^2 bytes, or 8 for each non-zero of R'R if the sum of (history
    length)^2 is under a tenth of n_items^2.

    Parameters
    ----------
    n_factors : int
        Frequencies that the ideal filter lets pass; fewer where X has a lower rank.
    low_pass : float
        The paper's alpha: weight of the ideal filter beside the linear one's 1.
    random_state : int or None
        Seed of the singular vectors' start. The answer depends on it in the last digits only.

    Attributes
    ----------
    item_weights_ : float32 array or CSR array, (n_items, n_items)
        R'R.
    item_factors_ : float32 array, (n_items, n_factors)
        U.
    item_sums_ : float32 array, (n_items,)
        The diagonal of D_I.

    References
    ----------
    Shen et al., How Powerful is Graph Convolution for Recommendation?, CIKM 2021,
    arXiv:2108.07567.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1, 1, 0, 0], [1, 1, 0, 1], [0, 0, 1, 1]])
    >>> GFCF(n_factors=1).fit(X).recommend(np.array([[1, 0, 0, 0]]), k=2)[0]
    array([[1, 3]], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_factors": IntDistribution(4, 512, log=True),
        "low_pass": FloatDistribution(1e-2, 10.0, log=True),
    }
    family = "graph"
    alternative = "P3alpha"
    tiny: ClassVar[dict[str, Any]] = {"n_factors": 2}

    # 0.97 of the best on four small logs; 0.3 is the paper's: benchmarks/defaults.py
    def __init__(
        self, n_factors: int = 64, low_pass: float = 2.0, random_state: int | None = 0
    ) -> None:
        self.n_factors = n_factors
        self.low_pass = low_pass
        self.random_state = random_state

    def _fit(self, X: csr_array) -> None:
        _check_counts(n_factors=self.n_factors)
        if not 0 <= self.low_pass < np.inf:
            raise ValueError(f"low_pass must be at least 0 and finite: got {self.low_pass}")
        user_sums, self.item_sums_ = (np.asarray(X.sum(axis=a), dtype=np.float32) for a in (1, 0))
        R = _columns_times(X, _inverse_root(self.item_sums_))
        R.data *= np.repeat(_inverse_root(user_sums), np.diff(X.indptr))
        rng = np.random.default_rng(self.random_state)
        # before R'R, so that their work space does not lie beside it
        _, self.item_factors_ = top_right_singular_vectors(R, self.n_factors, rng)
        self.item_weights_ = sparse_or_dense_gram(R, type(self))

    def _scores(self, X: csr_array, users: NDArray[np.int64]) -> NDArray[np.float32]:
        scores = super()._scores(X, users)
        scaled = _columns_times(X, _inverse_root(self.item_sums_))
        smooth = np.asarray((scaled @ self.item_factors_) @ self.item_factors_.T)
        # as in PureSVD: what is 0 but for rounding is no evidence
        length = np.sqrt(np.asarray(scaled.multiply(scaled).sum(axis=1))).reshape(-1, 1)
        smooth[np.abs(smooth) <= ROUNDING * length] = 0
        smooth *= np.float32(self.low_pass) * np.sqrt(self.item_sums_)
        return np.asarray(scores + smooth, dtype=np.float32)

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        pairs = 2 * nnz * nnz / max(n_users, 1)
        gram_bytes = min(4.4 * n_items**2, 24 * pairs)
        vectors = singular_vectors_cost(n_users, n_items, nnz, cls(**params).n_factors)
        seconds = 1e-9 * pairs + 2.3e-10 * gram_bytes + 2 * vectors.seconds
        return Cost(seconds, gram_bytes + vectors.bytes + 40 * nnz)


def _columns_times(X: csr_array, weights: NDArray[np.float32]) -> csr_array:
    """X with each column multiplied by its weight: a new array."""
    return csr_array((X.data * weights[X.indices], X.indices, X.indptr), shape=X.shape)


def _inverse_root(sums: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 / sqrt(sums), and 0 where there is nothing."""
    return np.where(sums > 0, 1 / np.sqrt(np.where(sums > 0, sums, 1)), 0).astype(np.float32)
