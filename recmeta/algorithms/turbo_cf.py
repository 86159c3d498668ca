"""TurboCF: polynomial low-pass filters over the item-item graph, without training."""

from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution
from scipy.sparse import csr_array, issparse

from recmeta.algorithms._base import Cost, Recommender
from recmeta.algorithms._gram import sparse_or_dense_gram
from recmeta.algorithms._sums import entry_blocks
from recmeta.space import Space

# filter order -> coefficients of G, G^2 and G^3: Park et al. 2024, sec. 3.3
FILTERS = {1: (1.0, 0.0, 0.0), 2: (2.0, -1.0, 0.0), 3: (0.71, 0.1, -0.01)}
Graph: TypeAlias = csr_array | NDArray[np.float32]
SPARSE = 0.015  # share of non-zero entries of G below which a product by them is the quicker one


class TurboCF(Recommender):
    """A history is smoothed by a polynomial of the item-item graph (Park et al. 2024).

    With the diagonal matrices D_U and D_I of the row and column sums of X, and entrywise powers,

        R = D_U^-user_exponent X D_I^(user_exponent - 1),   G = (R'R)^power (entrywise),

    scores = x H, where H = G (order 1), 2 G - G^2 (order 2), or G + (-G^3 + 10 G^2 - 29 G) / 100
    (order 3). Beyond order 1, H is made where X has no fewer users than items, otherwise a history
    passes through G order times. Time grows with the sum over users of (history length)^2, for H
    with n_items times G's non-zeros; memory is 4 n_items^2 bytes, less for few edges, 12 for H.

    Parameters
    ----------
    user_exponent : float
        The paper's alpha, in [0, 1]: the larger, the less long histories and the more popular
        items count; 0.5 normalises both alike.
    power : float
        The paper's s, above 0: the smaller, the more alike are the weights of the graph.
    order : int
        Degree of the filter: 1, 2 or 3. They are low-pass where G has no eigenvalue above 1, which
        holds for a power of 1. Smaller powers raise them with the density of the log, which turns
        the ranking round beyond order 1: at a power of 0.6, NDCG@10 on MovieLens-1M is .341 with
        order 1 and below .001 with order 2 or 3, here and by the plain formula.

    Attributes
    ----------
    item_weights_ : float32 array or CSR array, (n_items, n_items)
        H, where it is made.
    graph_ : float32 array or CSR array, (n_items, n_items)
        G, where it is not; sparse if the sum of (history length)^2 is below a tenth of n_items^2.

    References
    ----------
    Park, Shin, Shin, Turbo-CF: Matrix Decomposition-Free Graph Filtering for Fast Recommendation,
    SIGIR 2024, arXiv:2404.14243.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1, 1, 0, 0], [1, 1, 0, 1], [0, 0, 1, 1]])
    >>> TurboCF().fit(X).recommend(np.array([[1, 0, 0, 0]]), k=2)[0]
    array([[1, 3]], dtype=int32)
    """

    space: ClassVar[Space] = {
        "user_exponent": FloatDistribution(0.2, 0.8),
        "power": FloatDistribution(0.4, 1.6),
        "order": CategoricalDistribution([1, 2, 3]),
    }
    family = "graph"
    alternative = "P3alpha"

    # 0.97 of the best on four small logs, 0.5 and a power of 1 have 0.94: benchmarks/defaults.py;
    # order 3 gains on some, but takes two products more
    def __init__(self, user_exponent: float = 0.45, power: float = 0.6, order: int = 1) -> None:
        self.user_exponent = user_exponent
        self.power = power
        self.order = order

    def _fit(self, X: csr_array) -> None:
        if self.order not in FILTERS:
            raise ValueError(f"order must be one of {str([*FILTERS])[1:-1]}: got {self.order}")
        if not (0 <= self.user_exponent <= 1 and 0 < self.power < np.inf):
            raise ValueError(
                "user_exponent must be in [0, 1] and power positive: "
                f"got user_exponent={self.user_exponent}, power={self.power}"
            )
        G = sparse_or_dense_gram(_normalised(X, self.user_exponent), type(self))
        if self.power != 1:
            values = G.data if isinstance(G, csr_array) else G
            np.power(values, np.float32(self.power), out=values)
        self.order_ = int(self.order)
        only_graph = self.order > 1 and X.shape[0] < X.shape[1]
        self.__dict__.pop("item_weights_" if only_graph else "graph_", None)  # of an earlier fit
        if only_graph:
            self.graph_ = G
        else:
            self.item_weights_ = G if self.order == 1 else _polynomial(G, FILTERS[self.order])

    def _scores(self, X: csr_array, users: NDArray[np.int64]) -> NDArray[np.float32]:
        if hasattr(self, "item_weights_"):
            return super()._scores(X, users)
        return _filtered(X, self.graph_, FILTERS[self.order_])

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        order = cls(**params).order
        pairs = 2 * nnz * nnz / max(n_users, 1)
        seconds, bytes_ = 1e-9 * pairs, min(4.4 * n_items**2, 24 * pairs)  # dense or sparse
        if order > 1 and n_users >= n_items:
            seconds += (order - 1) * min(2e-11 * n_items**3, 1.5e-9 * pairs * n_items)
            bytes_ = 13.0 * n_items**2
        return Cost(seconds + 3e-9 * bytes_, bytes_ + 40 * nnz)


def _normalised(X: csr_array, user_exponent: float) -> csr_array:
    """R; the sums of X's entries are above 0 wherever there are entries."""
    of_user, of_item = (np.asarray(X.sum(axis=axis), dtype=np.float64) for axis in (1, 0))
    values, lengths = np.empty(X.nnz, dtype=np.float32), np.diff(X.indptr)
    for rows in entry_blocks(X.indptr):
        entries = slice(X.indptr[rows.start], X.indptr[rows.stop])
        part = X.data[entries] * np.repeat(of_user[rows], lengths[rows]) ** -user_exponent
        values[entries] = part * of_item[X.indices[entries]] ** (user_exponent - 1)
    return csr_array((values, X.indices, X.indptr), shape=X.shape)


def _polynomial(G: Graph, filter_: tuple[float, ...]) -> NDArray[np.float32]:
    """The sum of filter_[n] G^(n + 1), by Horner's rule."""
    dense = G.toarray() if isinstance(G, csr_array) else G
    graph = csr_array(G) if np.count_nonzero(dense) < SPARSE * dense.size else dense
    *others, factor = (np.float32(value) for value in filter_ if value)
    H = factor * dense
    for value in others[::-1]:
        H[np.diag_indices_from(H)] += value
        H = graph @ H
    return np.asarray(H)


def _filtered(X: csr_array, G: Graph, filter_: tuple[float, ...]) -> NDArray[np.float32]:
    """X times that sum, which is not made."""
    *others, factor = (np.float32(value) for value in filter_ if value)
    product = factor * (X @ G)
    scores = product.toarray() if issparse(product) else product
    for value in others[::-1]:
        scores += value * X
        # G is symmetric
        scores = (G @ np.ascontiguousarray(scores.T)).T if issparse(G) else scores @ G
    return np.ascontiguousarray(scores)
