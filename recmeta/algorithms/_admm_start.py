"""What ADMMSLIM's iterations need of P, and its products, by the quickest of four ways.

========  ====================================================  =====================
symbol    meaning                                               shape
========  ====================================================  =====================
X         interactions                                          (n_users, n_items)
H         X, one item of each kind                              (n_users, n_kinds)
D         items of each kind, on a diagonal                     (n_kinds, n_kinds)
P         (X'X + penalty I)^-1                                  (n_items, n_items)
K         (I + X X' / penalty)^-1                               (n_users, n_users)
W         any columns                                           (n_kinds, any)
========  ====================================================  =====================

With fewer users than items P = I / penalty - T, T = X' K X / penalty^2, and T is equal for items of
a kind: P W is W / penalty - T D W between kinds. T D W is a product with T itself, with K between
two with H, or with neither: K times columns is then a polynomial's, by sparse products alone, and
no inverse is made.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from recmeta.algorithms._chebyshev import Chebyshev, n_terms, steps_of
from recmeta.algorithms._like_columns import Kinds, kinds_of
from recmeta.algorithms._ridge import ridge_inverse
from recmeta.algorithms._singular_vectors import top_right_singular_vectors
from recmeta.algorithms._tiles import F32, TILE, scaled_product

MARGIN = 1.02  # of the largest squared singular value, which Lanczos finds from below
COLUMNS = 256  # of W in products with dense matrices: its arrays stay in the cache
FEWER, LEAST = 0.8, 1e-3  # kinds for an item; of I / penalty in P, where T takes digits from it
FEW_TERMS = 4  # of a polynomial

Times = Callable[[F32], F32]  # a matrix times some columns


class Start(NamedTuple):
    """By items, all alone of their kind, where P is the inverse of a matrix of items."""

    kinds: Kinds
    columns: Callable[[slice], F32]  # a block of P's, less own_share on the diagonal
    product: Times  # W -> P W, or T D W
    n_columns: int  # of W
    own_share: Any  # 0, or 1 / penalty
    sign: Any  # 1, or -1


def start_of(X: csr_array, penalty: float, algorithm: str) -> Start:
    """Raises ridge_inverse's errors, which begin with the name of the ``algorithm``."""
    kinds, share = kinds_of(X), np.float32(1 / penalty)
    H = csr_array(X[:, kinds.first])
    users = _ByUsers(H, csr_array(H.T.tocsr()), kinds.counts.astype(np.float32), share)
    (n_users, n_kinds), sparse = H.shape, 2e-10 * H.nnz + 5e-10 * sum(H.shape)
    by_kinds, by_users = 1.5e-11 * n_kinds**2, 1.5e-11 * n_users**2 + sparse  # seconds a column
    polynomial = users.polynomial(X, most=int(min(by_kinds, by_users) / sparse))
    if polynomial is not None:
        columns, product = partial(users.columns, polynomial), partial(users.product, polynomial)
        return Start(kinds, columns, product, TILE, share, np.float32(-1))

    inverse, _, kernel = ridge_inverse(X, penalty, algorithm=algorithm, kinds=kinds)
    inverse = inverse.astype(np.float32, copy=False)
    if kernel is None:
        keeps_digits = inverse.diagonal().min() > LEAST * share
        if n_kinds > FEWER * X.shape[1] or not keeps_digits:
            each = np.arange(X.shape[1])
            alone = Kinds(each, each, np.ones_like(each))
            columns, product = partial(_columns, inverse), partial(np.matmul, inverse)
            return Start(alone, columns, product, COLUMNS, np.float32(0), np.float32(1))
        inverse = inverse[np.ix_(kinds.first, kinds.first)]
    inverse[np.diag_indices_from(inverse)] -= share
    columns = partial(_columns, inverse)
    if kernel is not None and by_users < by_kinds:
        product = partial(users.product, partial(np.matmul, kernel))
        return Start(kinds, columns, product, TILE, share, np.float32(-1))
    weights = -users.counts[:, None]
    return Start(kinds, columns, lambda W: inverse @ (weights * W), COLUMNS, share, np.float32(-1))


class _ByUsers(NamedTuple):
    """T by way of the users, and a product with K."""

    H: csr_array
    turned: csr_array  # H' by rows
    counts: F32  # D
    share: np.float32  # 1 / penalty

    def columns(self, times_K: Times, block: slice) -> F32:
        """-T's."""
        n_kinds = len(self.counts)
        places = np.arange(n_kinds)[block]
        some = np.zeros((n_kinds, len(places)), dtype=np.float32)
        some[places, np.arange(len(places))] = -1
        return self._mixed(times_K, np.ones_like(self.counts), some)

    def product(self, times_K: Times, W: F32) -> F32:
        return self._mixed(times_K, self.counts, W)

    def _mixed(self, times_K: Times, weights: F32, W: F32) -> F32:
        """X' K X diag(weights) W / penalty^2."""
        mixed = times_K(scaled_product(self.H, weights * self.share, W))
        return scaled_product(self.turned, np.full(len(mixed), self.share), mixed)

    def polynomial(self, X: csr_array, most: int) -> Times | None:
        """Times K; None if that takes more terms than ``most``."""
        if most < FEW_TERMS:  # not worth the search of the singular value
            return None
        values, _ = top_right_singular_vectors(X, 1, np.random.default_rng(0))
        kappa = 1 + MARGIN * float(values.max(initial=0)) ** 2 * float(self.share)
        if n_terms(kappa) > most:
            return None
        return Chebyshev(self.H, self.turned, self.counts * self.share, steps_of(kappa)).solve


def _columns(inverse: F32, block: slice) -> F32:
    return np.ascontiguousarray(inverse[block].T)  # it is symmetric
