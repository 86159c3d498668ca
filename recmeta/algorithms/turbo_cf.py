"""TurboCF: polynomial low-pass filters over the item-item graph, without training."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender
from recmeta.algorithms._gram import gram
from recmeta.algorithms._sums import entry_blocks
from recmeta.space import Space

# filter order -> coefficients of G, G^2 and G^3: Park et al. 2024, sec. 3.3
FILTERS = {1: (1.0, 0.0, 0.0), 2: (2.0, -1.0, 0.0), 3: (0.71, 0.1, -0.01)}
SPARSE = 0.015  # share of non-zero entries of G below which a product by them is the quicker one


class TurboCF(Recommender):
    """A history is smoothed by a polynomial of the item-item graph (Park et al. 2024).

    With the diagonal matrices D_U and D_I of the row and column sums of X, and entrywise powers,

        R = D_U^-user_exponent X D_I^(user_exponent - 1),   G = (R'R)^power (entrywise),

    scores = x H, where H = G (order 1), 2 G - G^2 (order 2), or G + (-G^3 + 10 G^2 - 29 G) / 100
    (order 3). Time grows with the sum over users of (history length)^2, and beyond order 1 with
    n_items times the non-zeros of G, at most n_items^3: one or two matrix products. Memory is
    4 n_items^2 bytes, or 12 beyond order 1.

    Parameters
    ----------
    user_exponent : float
        The paper's alpha, in [0, 1]: the larger, the less long histories and the more popular
        items count; 0.5 normalises both alike.
    power : float
        The paper's s, above 0: the smaller, the more alike are the weights of the graph.
    order : int
        Degree of the filter: 1, 2 or 3. The filters are low-pass where G has no eigenvalue above
        1, which holds for a power of 1. Smaller powers raise them with the density of the log, and
        beyond order 1 the ranking is then turned round: at a power of 0.6, NDCG@10 on MovieLens-1M
        is .341 with order 1 and below .001 with order 2 or 3, here and by the plain formula.

    Attributes
    ----------
    item_weights_ : float32 array, (n_items, n_items)
        H.

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
            raise ValueError(
                f"order must be one of {', '.join(map(str, FILTERS))}: got {self.order}"
            )
        if not (0 <= self.user_exponent <= 1 and 0 < self.power < np.inf):
            raise ValueError(
                "user_exponent must be in [0, 1] and power positive: "
                f"got user_exponent={self.user_exponent}, power={self.power}"
            )
        G = gram(_normalised(X, self.user_exponent))
        if self.power != 1:
            np.power(G, np.float32(self.power), out=G)
        self.item_weights_ = G if self.order == 1 else _polynomial(G, FILTERS[self.order])

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        order = cls(**params).order
        pairs = 2 * nnz * nnz / max(n_users, 1)
        seconds = 1e-9 * pairs + 1.2e-8 * n_items**2
        seconds += (order - 1) * min(2e-11 * n_items**3, 1.5e-9 * pairs * n_items)
        return Cost(seconds, (4.4 if order == 1 else 13) * n_items**2 + 40 * nnz)


def _normalised(X: csr_array, user_exponent: float) -> csr_array:
    """R; the sums of X's entries are above 0 wherever there are entries."""
    of_user, of_item = (np.asarray(X.sum(axis=axis), dtype=np.float64) for axis in (1, 0))
    values, lengths = np.empty(X.nnz, dtype=np.float32), np.diff(X.indptr)
    for rows in entry_blocks(X.indptr):
        entries = slice(X.indptr[rows.start], X.indptr[rows.stop])
        part = X.data[entries] * np.repeat(of_user[rows], lengths[rows]) ** -user_exponent
        values[entries] = part * of_item[X.indices[entries]] ** (user_exponent - 1)
    return csr_array((values, X.indices, X.indptr), shape=X.shape)


def _polynomial(G: NDArray[np.float32], filter_: tuple[float, ...]) -> NDArray[np.float32]:
    """The sum of filter_[n] G^(n + 1), by Horner's rule."""
    *others, factor = (np.float32(value) for value in filter_ if value)
    H = factor * G
    graph = csr_array(G) if np.count_nonzero(G) < SPARSE * G.size else G
    for value in others[::-1]:
        H[np.diag_indices_from(H)] += value
        H = graph @ H
    return np.asarray(H)
