"""Chebyshev iteration against numpy's solution, and tiles against numpy's product."""

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from recmeta.algorithms._chebyshev import LEFT, Chebyshev, n_terms, steps_of
from recmeta.algorithms._tiles import TILE, scaled_product


def sparse(n_rows, n_columns, density, seed=0):
    A = random_array((n_rows, n_columns), density=density, rng=np.random.default_rng(seed))
    return csr_array(A.tocsr(), dtype=np.float32)


@pytest.mark.parametrize("width", [1, 5, TILE - 1, TILE])
def test_the_product_is_numpys_for_any_number_of_columns(width):
    A, rng = sparse(40, 30, 0.2), np.random.default_rng(1)
    scales = rng.random(30).astype(np.float32)
    W = rng.standard_normal((30, width)).astype(np.float32)
    before = W.copy()
    np.testing.assert_allclose(
        scaled_product(A, scales, W), A.toarray() @ (scales[:, None] * W), atol=1e-5
    )
    np.testing.assert_array_equal(W, before)


@pytest.mark.parametrize("width", [3, TILE])
@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
def test_as_many_terms_as_kappa_asks_for_reach_numpys_solution(scale, width):
    X, rng = sparse(50, 80, 0.1), np.random.default_rng(2)
    weights = (scale * rng.random(80)).astype(np.float32)
    A = np.eye(50) + (X.toarray() * weights) @ X.toarray().T
    kappa = np.linalg.eigvalsh(A)[-1]
    Y = rng.standard_normal((50, width)).astype(np.float32)
    before = Y.copy()
    found = Chebyshev(X, csr_array(X.T.tocsr()), weights, steps_of(kappa)).solve(Y)
    np.testing.assert_allclose(A @ found, Y, atol=5e-5)
    np.testing.assert_array_equal(Y, before)


def test_fewer_terms_leave_more():
    X, Y = sparse(50, 80, 0.1), np.ones((50, 1), dtype=np.float32)
    weights = np.full(80, 1.0, dtype=np.float32)
    A = np.eye(50) + X.toarray() @ X.toarray().T
    steps = steps_of(np.linalg.eigvalsh(A)[-1])
    of = lambda n: Chebyshev(X, csr_array(X.T.tocsr()), weights, steps[:n]).solve(Y)  # noqa: E731
    left = [abs(A @ of(n) - Y).max() for n in (2, 5, len(steps))]
    assert left[0] > 3 * left[1] > 9 * left[2]


@pytest.mark.parametrize("kappa", [1.0, 1.5, 4.0, 100.0])
def test_terms_are_as_many_as_leave_no_more_than_left(kappa):
    rate = (np.sqrt(kappa) - 1) / (np.sqrt(kappa) + 1)
    terms = n_terms(kappa)
    assert rate**terms <= LEFT
    assert terms == 1 or rate ** (terms - 1) > LEFT
    assert steps_of(kappa).shape == (terms, 2)


@pytest.mark.parametrize("kappa", [1e20, 1e33, np.inf])
def test_no_number_of_terms_is_too_small_for_the_largest_kappas(kappa):
    assert n_terms(kappa) > 1e10
