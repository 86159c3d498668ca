"""All ways of a product with P against numpy's inverse, on logs with items of the same users."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms import _admm_start
from recmeta.algorithms._admm_start import start_of
from recmeta.algorithms.admm_slim import ADMMSLIM

SHAPES = {
    "polynomial": (60, 200),
    "users": (30, 600),
    "kinds": (60, 1200),  # P by way of the users
    "kinds of a Gram matrix": (90, 200),
    "items": (200, 40),
}


def log(way, seed=0):
    """Each tenth item has the users of the one before; by kinds, each but a tenth."""
    rng = np.random.default_rng(seed)
    n_users, n_items = SHAPES[way]
    X = (rng.random((n_users, n_items)) < 0.1).astype(np.float32)
    for item in range(1, n_items):
        if (item % 10 == 0) != way.startswith("kinds"):
            X[:, item] = X[:, item - 1]
    return csr_array(X)


def by(way, monkeypatch):
    """Whatever it costs."""
    real = _admm_start._ByUsers.polynomial
    most = 1000 if way == "polynomial" else 0
    monkeypatch.setattr(
        _admm_start._ByUsers, "polynomial", lambda self, X, **_: real(self, X, most=most)
    )


@pytest.mark.parametrize("way", SHAPES)
def test_columns_and_products_are_those_of_numpys_inverse(way, monkeypatch):
    by(way, monkeypatch)
    X, penalty = log(way), 7.0
    kinds, columns, product, n_columns, own_share, sign = start_of(X, penalty, "ADMMSLIM")
    assert (len(kinds.first) < X.shape[1]) == (way != "items")
    assert n_columns == (_admm_start.TILE if way in ("polynomial", "users") else 256)
    P = np.linalg.inv((X.T @ X).toarray() + penalty * np.eye(X.shape[1]))
    some = slice(1, 9)
    expected = P[np.ix_(kinds.first, kinds.first)] - own_share * np.eye(len(kinds.first))
    np.testing.assert_allclose(columns(some), expected[:, some], atol=2e-6)
    # columns with the same value for each item of a kind
    W = np.random.default_rng(3).standard_normal((len(kinds.first), 8)).astype(np.float32)
    of_kinds = own_share * W + sign * product(W)
    np.testing.assert_allclose(of_kinds, (P @ W[kinds.of_item])[kinds.first], atol=5e-6)


@pytest.mark.parametrize("way", ["users", "kinds", "kinds of a Gram matrix"])
def test_a_polynomial_gives_the_weights_of_the_inverse(way, monkeypatch):
    X, weights = log(way, seed=1), {}
    for each in (way, "polynomial"):
        with monkeypatch.context() as patched:
            by(each, patched)
            weights[each] = ADMMSLIM(l1=0.3, l2=2, rho=10).fit(X).item_weights_.toarray()
    assert weights[way].any()
    np.testing.assert_allclose(weights["polynomial"], weights[way], atol=1e-5)


def test_a_large_sparse_log_is_solved_by_a_polynomial_and_a_dense_one_is_not():
    rng = np.random.default_rng(0)
    sparse, dense = (
        csr_array(rng.random((900, 1000)) < share, dtype=np.float32) for share in (0.001, 0.2)
    )
    widths = [start_of(X, 300.0, "ADMMSLIM").n_columns for X in (sparse, dense)]
    assert widths == [_admm_start.TILE, 256]
