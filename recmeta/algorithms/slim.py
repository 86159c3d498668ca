"""SLIM: a sparse linear item-item model by elastic-net regressions."""

from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.sparse import csr_array, vstack

from recmeta.algorithms._base import Cost, Recommender, _in_threads
from recmeta.algorithms._gram import gram, row_blocks
from recmeta.space import Space


class SLIM(Recommender):
    """Every item is predicted from a few others by an elastic-net regression (Ning & Karypis 2011).

    Column j of W minimises, under w_j = 0 (and w >= 0 if positive),

        1/2 ||x_j - X w||^2 + alpha (l1_ratio ||w||_1 + (1 - l1_ratio) / 2 ||w||^2),

    scikit-learn's ElasticNet objective with alpha / n_users, no intercept; scores = x W. Solved by
    coordinate descent on the rows of X'X of a growing working set, until the duality gap over all
    items is below tolerance * ||x_j||^2. Time grows with n_items^2 times the weights a column
    keeps, memory is 4 n_items^2 bytes.

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
        "alpha": FloatDistribution(0.1, 1e4, log=True),
        "l1_ratio": FloatDistribution(1e-3, 1.0, log=True),
        "n_neighbours": IntDistribution(5, 1000, log=True),
    }
    family = "linear"

    def __init__(
        self,
        alpha: float = 50.0,
        l1_ratio: float = 0.1,
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
        matrix = gram(X)
        n_items = X.shape[1]
        l1, l2 = self.alpha * self.l1_ratio, self.alpha * (1 - self.l1_ratio)
        blocks = list(row_blocks(n_items))
        columns: dict[int, csr_array] = {}

        def one_block(block: slice) -> None:
            weights = np.zeros((block.stop - block.start, n_items), dtype=np.float32)
            _solve(block.start, matrix, l1, l2, self.positive, self.tolerance, weights)
            if self.n_neighbours is not None and self.n_neighbours < n_items:
                _keep_largest(weights, self.n_neighbours)
            columns[block.start] = csr_array(weights)

        _in_threads(one_block, iter(blocks))
        by_target = vstack([columns[block.start] for block in blocks], format="csr")
        self.item_weights_ = csr_array(by_target.T.tocsr())

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        pairs = nnz * nnz / max(n_users, 1)
        return Cost(1e-9 * pairs + 2e-7 * n_items**2, 4.2 * n_items**2 + 30 * nnz)


def _keep_largest(weights: NDArray[np.float32], n_kept: int) -> None:
    """Zero all but the n_kept entries of the largest size in each row."""
    n_dropped = weights.shape[1] - n_kept
    smallest = np.argpartition(np.abs(weights), n_dropped, axis=1)[:, :n_dropped]
    np.put_along_axis(weights, smallest, 0.0, axis=1)


@njit(cache=True, nogil=True)
def _solve(first, gram, l1, l2, positive, tolerance, weights):  # type: ignore[no-untyped-def]
    """Targets first, first + 1, ...: one row of ``weights`` each."""
    n_items = gram.shape[0]
    members = np.empty(n_items, dtype=np.int32)  # the working set
    sub = np.empty((64, 64), dtype=np.float32)  # X'X among the members
    for row in range(weights.shape[0]):
        target = first + row
        size = 0
        outside = np.ones(n_items, dtype=np.bool_)
        outside[target] = False
        w, gradient = weights[row], gram[target].copy()  # gradient = X'(x_j - X w)
        for _ in range(100):
            if _gap(gram[target], gradient, w, target, l1, l2, positive) <= (
                tolerance * gram[target, target]
            ):
                break
            size_before = size
            size = _add_violators(gradient, l1, positive, outside, members, size)
            if size > len(sub):
                larger = np.empty((2 * size, 2 * size), dtype=np.float32)
                larger[:size_before, :size_before] = sub[:size_before, :size_before]
                sub = larger
            for a in range(size_before, size):
                for b in range(a + 1):
                    sub[a, b] = gram[members[a], members[b]]
                    sub[b, a] = sub[a, b]
            _descend(
                target, gram, gradient, members[:size], sub, l1, l2, positive, 0.3 * tolerance, w
            )
            gradient[:] = gram[target]
            for a in range(size):
                weight, other = w[members[a]], gram[members[a]]
                if weight != 0:
                    for item in range(n_items):
                        gradient[item] -= weight * other[item]


@njit(cache=True, nogil=True)
def _add_violators(gradient, l1, positive, outside, members, size):  # type: ignore[no-untyped-def]
    """Append the items outside the set whose gradient exceeds l1: the worst, about doubling."""
    worst, n_more = 0.0, max(size, 64)
    for item in range(len(gradient)):
        if outside[item]:
            worst = max(worst, (gradient[item] if positive else abs(gradient[item])) - l1)
    floor, wanted = worst, size + n_more
    while worst > 0 and size < wanted:
        floor = 0.7 * floor if floor > 1e-3 * worst else 0.0
        for item in range(len(gradient)):
            if outside[item]:
                excess = (gradient[item] if positive else abs(gradient[item])) - l1
                if excess > 0 and excess >= floor:
                    members[size] = item
                    outside[item] = False
                    size += 1
        if floor == 0:
            break
    return size


@njit(cache=True, nogil=True)
def _descend(target, gram, slope, members, sub, l1, l2, positive, tolerance, w):  # type: ignore[no-untyped-def]
    """Coordinate descent over the members until their duality gap is small; updates ``w``."""
    size = len(members)
    q, v, gradient = gram[target][members], w[members], slope[members]
    total = gram[target, target]
    for sweep in range(10_000):
        for a in range(size):
            curvature = sub[a, a] + l2
            pull = gradient[a] + sub[a, a] * v[a]
            new = max(abs(pull) - l1, 0.0) / curvature
            if pull < 0:
                new = 0.0 if positive else -new
            step = np.float32(new - v[a])
            if step != 0:
                v[a] += step
                for b in range(size):
                    gradient[b] -= step * sub[a, b]
        if sweep % 4 == 3 and _gap_of(q, gradient, v, total, l1, l2, positive) <= (
            tolerance * total
        ):
            break
    w[members] = v


@njit(cache=True, nogil=True)
def _gap(q, gradient, w, target, l1, l2, positive):  # type: ignore[no-untyped-def]
    """The duality gap over all items but the target."""
    total = q[target]
    kept = gradient[target]
    gradient[target] = 0
    gap = _gap_of(q, gradient, w, total, l1, l2, positive)
    gradient[target] = kept
    return gap


@njit(cache=True, nogil=True)
def _gap_of(q, gradient, w, total, l1, l2, positive):  # type: ignore[no-untyped-def]
    """Primal minus dual objective at w, as in scikit-learn, for q = X'x_j, total = ||x_j||^2."""
    explained, fitted, size1, size2, dual = 0.0, 0.0, 0.0, 0.0, 0.0
    for a in range(len(w)):
        explained += w[a] * q[a]
        fitted += w[a] * gradient[a]
        size1 += abs(w[a])
        size2 += w[a] * w[a]
        slope = gradient[a] - l2 * w[a]
        dual = max(dual, slope if positive else abs(slope))
    residual = total - explained - fitted
    scale = l1 / dual if dual > l1 else 1.0
    gap = 0.5 * residual * (1 + scale * scale) + l1 * size1 - scale * (total - explained)
    return gap + 0.5 * l2 * (1 + scale * scale) * size2
