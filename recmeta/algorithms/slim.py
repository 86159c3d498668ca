"""SLIM: a sparse linear item-item model by elastic-net regressions."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution
from scipy.sparse import csr_array, vstack

from recmeta.algorithms._base import Cost, Recommender, _check_counts, _in_threads
from recmeta.algorithms._elastic_net import elastic_nets
from recmeta.algorithms._gram import row_blocks, rows_of_gram
from recmeta.algorithms._like_columns import between_items, kinds_of
from recmeta.space import Space

I64 = NDArray[np.int64]


class SLIM(Recommender):
    """Every item is predicted from a few others by an elastic-net regression (Ning & Karypis 2011).

    Column j of W minimises, under w_j = 0 (and w >= 0 if positive),

        1/2 ||x_j - X w||^2 + alpha (l1_ratio ||w||_1 + (1 - l1_ratio) / 2 ||w||^2),

    scikit-learn's ElasticNet objective with alpha / n_users, no intercept; scores = x W. Solved by
    coordinate descent on the rows of X'X of a growing working set, until the duality gap over all
    items is below tolerance * ||x_j||^2. Time grows with n_items^2 times the weights a column
    keeps; memory is 4 n_items^2 bytes, or 8 for each non-zero of X'X if under a tenth are.

    Parameters
    ----------
    alpha : float
        The penalty, in squared interaction counts, so that it means the same for any n_users.
    l1_ratio : float
        Share of the l1 penalty, from 0 (all weights) to 1 (the fewest).
    n_neighbours : int or None
        Keep only this many weights a column, those of the largest size; None keeps all.
    positive : bool
        Only non-negative weights.
    tolerance : float
        Of the duality gap, relative to ||x_j||^2.

    Attributes
    ----------
    item_weights_ : float32 CSR array, (n_items, n_items)
        W: column j holds the weights that predict item j.

    References
    ----------
    Ning, Karypis, SLIM: sparse linear methods for top-n recommender systems, ICDM 2011,
    doi:10.1109/ICDM.2011.134.

    Examples
    --------
    >>> import numpy as np
    >>> items, scores = SLIM(alpha=0.1).fit(np.eye(4) + np.eye(4, k=1)).recommend(np.eye(4), k=1)
    >>> items.ravel()
    array([1, 0, 1, 2], dtype=int32)
    """

    space: ClassVar[Space] = {
        "alpha": FloatDistribution(1.0, 3e3, log=True),
        "l1_ratio": FloatDistribution(1e-3, 0.5, log=True),
    }
    family = "linear"
    alternative = "SANSA"

    def __init__(
        self,
        alpha: float = 30.0,
        l1_ratio: float = 0.02,
        n_neighbours: int | None = None,
        *,
        positive: bool = True,
        tolerance: float = 1e-4,
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.n_neighbours = n_neighbours
        self.positive = positive
        self.tolerance = tolerance

    def _fit(self, X: csr_array) -> None:
        if not (self.alpha > 0 and 0 <= self.l1_ratio <= 1):
            raise ValueError(
                "alpha must be positive and l1_ratio in [0, 1]: "
                f"got alpha={self.alpha}, l1_ratio={self.l1_ratio}"
            )
        if self.n_neighbours is not None:
            _check_counts(n_neighbours=self.n_neighbours)
        l1, l2 = self.alpha * self.l1_ratio, self.alpha * (1 - self.l1_ratio)
        if X.nnz == 0:  # a sparse X'X without columns would pass for a dense one
            self.item_weights_ = csr_array((X.shape[1], X.shape[1]), dtype=np.float32)
            return
        kinds = kinds_of(X)
        unlike = csr_array(X[:, kinds.first]) if len(kinds.first) < X.shape[1] else X
        weights = between_items(self._between_kinds(unlike, kinds.counts, l1, l2), kinds)
        if self.n_neighbours is not None:
            weights = _keep_largest(weights, int(self.n_neighbours))
        self.item_weights_ = csr_array(weights.T.tocsr())

    def _between_kinds(self, X: csr_array, counts: I64, l1: float, l2: float) -> csr_array:
        """The sums of the weights that an item of each kind (row) gives to those of each other."""
        matrix, own_row = rows_of_gram(X), self.positive and not (X.data < 0).any()
        n_kinds, parts = X.shape[1], dict[int, csr_array]()

        def one_block(block: slice) -> None:
            weights = np.zeros((block.stop - block.start, n_kinds), dtype=np.float32)
            elastic_nets(
                block.start,
                *matrix,
                counts,
                l1,
                l2,
                self.positive,
                own_row,
                self.tolerance,
                weights,
            )
            parts[block.start] = csr_array(weights)

        _in_threads(one_block, row_blocks(n_kinds))
        return csr_array(vstack([parts[start] for start in sorted(parts)], format="csr"))

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        model = cls(**params)
        pairs = 2 * nnz * nnz / max(n_users, 1)
        overlap = pairs / n_items**2  # mean co-occurrence of two items
        l1 = max(model.alpha * model.l1_ratio, 0.1)  # what decides on how many weights there are
        signs = 1 if model.positive else 10
        seconds = 1.4e-7 * signs * n_items**2 * l1**-0.8 * (2.5 * overlap) ** 0.25
        gram_bytes = min(4.2 * n_items**2, 24 * pairs)
        return Cost(seconds + 1e-9 * pairs, gram_bytes + 3000 * n_items + 30 * nnz)


def _keep_largest(weights: csr_array, n_kept: int) -> csr_array:
    """All but the n_kept entries of the largest size in each row become 0."""
    for row in np.flatnonzero(np.diff(weights.indptr) > n_kept):
        part = weights.data[weights.indptr[row] : weights.indptr[row + 1]]
        part[np.argpartition(np.abs(part), len(part) - n_kept)[: len(part) - n_kept]] = 0
    weights.eliminate_zeros()
    return weights
