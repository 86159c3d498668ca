"""GFCF: two graph filters over the item-item graph, without training."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender, _check_counts
from recmeta.algorithms._gram import sparse_or_dense_gram
from recmeta.algorithms._low_pass import (
    WEIGHTS,
    best_filter,
    columns_times,
    inverse_root,
    normalised,
    ranks_of,
)
from recmeta.algorithms._rank import MOST_USERS
from recmeta.algorithms._singular_vectors import (
    singular_vectors_cost,
    top_right_singular_vectors,
)
from recmeta.algorithms._work_space import give_back
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
    n_factors : int or None
        Frequencies that the ideal filter lets pass; fewer where X has a lower rank.
    low_pass : float or None
        The paper's alpha: weight of the ideal filter beside the linear one's 1. Where one of the
        two is None it is chosen by NDCG@10 on a fifth of each user's items, which a first
        decomposition does not see: n_factors among 16, 64, 256, low_pass among .25, 1, 4. No one
        pair is near the best on most logs; the paper's are 256 and 0.3.
    random_state : int or None
        Seed of the singular vectors' start, on which the answer depends in the last digits only,
        and of the items that are hidden to choose.

    Attributes
    ----------
    n_factors_, low_pass_ : int, float
        As given, or as chosen.
    item_weights_ : float32 array or CSR array, (n_items, n_items)
        R'R.
    item_factors_ : float32 array, (n_items, n_factors_)
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

    def __init__(
        self,
        n_factors: int | None = None,
        low_pass: float | None = None,
        random_state: int | None = 0,
    ) -> None:
        self.n_factors = n_factors
        self.low_pass = low_pass
        self.random_state = random_state

    def _fit(self, X: csr_array) -> None:
        if self.n_factors is not None:
            _check_counts(n_factors=self.n_factors)
        if self.low_pass is not None and not 0 <= self.low_pass < np.inf:
            raise ValueError(f"low_pass must be at least 0 and finite: got {self.low_pass}")
        rng = np.random.default_rng(self.random_state)
        ranks = ranks_of(*X.shape) if self.n_factors is None else [int(self.n_factors)]
        weights = WEIGHTS if self.low_pass is None else [float(self.low_pass)]
        self.n_factors_, self.low_pass_ = ranks[0], weights[0]
        if self.n_factors is None or self.low_pass is None:  # by a stream of its own
            self.n_factors_, self.low_pass_ = best_filter(X, ranks, weights, rng.spawn(1)[0])
            give_back()  # or what it took lies beside the next
        R, self.item_sums_ = normalised(X)
        # before R'R, so that their work space does not lie beside it
        _, self.item_factors_ = top_right_singular_vectors(R, self.n_factors_, rng)
        self.item_weights_ = sparse_or_dense_gram(R, type(self))

    def _scores(self, X: csr_array, users: NDArray[np.int64]) -> NDArray[np.float32]:
        scores = super()._scores(X, users)
        scaled = columns_times(X, inverse_root(self.item_sums_))
        smooth = np.asarray((scaled @ self.item_factors_) @ self.item_factors_.T)
        # as in PureSVD: what is 0 but for rounding is no evidence
        length = np.sqrt(np.asarray(scaled.multiply(scaled).sum(axis=1))).reshape(-1, 1)
        smooth[np.abs(smooth) <= ROUNDING * length] = 0
        smooth *= np.float32(self.low_pass_) * np.sqrt(self.item_sums_)
        return np.asarray(scores + smooth, dtype=np.float32)

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        model, pairs = cls(**params), 2 * nnz * nnz / max(n_users, 1)
        ranks = [model.n_factors] if model.n_factors else ranks_of(n_users, n_items)
        gram_bytes = min(4.4 * n_items**2, 24 * pairs)
        vectors = singular_vectors_cost(n_users, n_items, nnz, ranks[-1])
        gram_seconds = 1e-9 * pairs + 2.3e-10 * gram_bytes
        seconds = gram_seconds + 2 * vectors.seconds
        if None in (model.n_factors, model.low_pass):
            share = min(MOST_USERS / max(n_users, 1), 1.0)
            n_scores, row = share * n_users * n_items, min(n_items, pairs / max(n_items, 1))
            seconds += gram_seconds + vectors.seconds + 6e-10 * share * nnz * row
            seconds += 2e-10 * n_scores * (ranks[-1] + 10 * len(ranks))
        return Cost(seconds, gram_bytes + vectors.bytes + 40 * nnz)
