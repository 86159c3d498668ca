"""The ridge inverse by way of items and by way of users, against numpy's float64 inverse."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms import _ridge
from recmeta.algorithms._ridge import ridge_inverse
from recmeta.algorithms.admm_slim import ADMMSLIM
from recmeta.algorithms.ease import EASE


def histories(n_users, n_items, *, values=False, seed=0):
    rng = np.random.default_rng(seed)
    liked = rng.random((n_users, n_items)) < np.linspace(0.3, 0.01, n_items)
    stars = rng.integers(1, 6, liked.shape) if values else np.ones(liked.shape)
    return csr_array((liked * stars).astype(np.float32))


def inverse_in_float64(X, l2, dropout):
    gram = X.toarray().T.astype(np.float64) @ X.toarray()
    penalty = l2 + dropout / (1 - dropout) * np.diag(gram)
    return np.linalg.inv(gram + np.diag(penalty)), penalty


@pytest.mark.parametrize("values", [False, True])
@pytest.mark.parametrize(("l2", "dropout"), [(1.0, 0.0), (300.0, 0.0), (0.5, 0.6)])
@pytest.mark.parametrize(("n_users", "n_items"), [(10, 400), (200, 30)])
def test_both_ways_give_the_inverse(n_users, n_items, l2, dropout, values):
    X = histories(n_users, n_items, values=values)
    expected, penalty = inverse_in_float64(X, l2, dropout)
    found = ridge_inverse(X, l2, dropout, algorithm="EASE")
    assert (found.of_users is not None) == (n_users < n_items)
    np.testing.assert_allclose(found.inverse, expected, atol=3e-7 / l2)
    np.testing.assert_allclose(found.penalty, penalty, rtol=1e-6)


@pytest.mark.parametrize(("n_users", "n_items"), [(10, 400), (200, 30)])
def test_a_product_with_the_inverse_is_the_same_by_both_ways(n_users, n_items):
    X = histories(n_users, n_items)
    right = np.random.default_rng(1).normal(size=(n_items, 5)).astype(np.float32)
    expected = inverse_in_float64(X, 2.0, 0.3)[0] @ right
    found = ridge_inverse(X, 2.0, 0.3, algorithm="EASE").times(X, right.copy())
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_admm_by_users_ends_where_admm_by_items_does(monkeypatch):
    X = histories(10, 400)
    by_users = ADMMSLIM(l1=0.1, l2=1, rho=5).fit(X).item_weights_.toarray()
    monkeypatch.setattr(_ridge, "_users_seconds", lambda *shape: np.inf)
    by_items = ADMMSLIM(l1=0.1, l2=1, rho=5).fit(X).item_weights_.toarray()
    assert (by_users > 0.01).any()
    np.testing.assert_allclose(by_users, by_items, atol=1e-5)


def test_users_and_items_without_interactions_are_no_matter():
    X = histories(10, 400).toarray()
    X[3], X[:, 7] = 0, 0
    expected = inverse_in_float64(csr_array(X), 2.0, 0.0)[0]
    found = ridge_inverse(csr_array(X), 2.0, algorithm="EASE")
    assert found.of_users is not None
    np.testing.assert_allclose(found.inverse, expected, atol=2e-7)


def test_a_penalty_below_float32_precision_still_gives_the_closed_form_by_users():
    X = np.zeros((3, 400), dtype=np.float32)
    X[:2, ::2] = 1000.0  # two equal users: K has 1e8 beside 1
    X[2, 1::2] = 1.0
    expected, _ = inverse_in_float64(csr_array(X), 1.0, 0.0)
    weights = EASE(l2=1.0).fit(csr_array(X)).item_weights_
    expected = -expected / np.diag(expected)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(weights, expected, atol=1e-6)


def test_where_the_way_by_users_loses_all_digits_the_other_way_is_taken(monkeypatch):
    X = np.tri(12, 16, dtype=np.float32)  # X'X of the items that are there has a fair inverse
    expected = EASE(l2=1e-9).fit(X).item_weights_
    monkeypatch.setattr(_ridge, "_users_seconds", lambda *shape: -1.0)
    for l2 in (1e-12, 1e-17):  # by the users alone: an error of 1e-2, and NaN
        np.testing.assert_allclose(EASE(l2=l2).fit(X).item_weights_, expected, atol=1e-5)


@pytest.mark.parametrize("l2", [1e-17, 1e-30])
def test_a_penalty_below_all_precision_is_refused_by_users_too(monkeypatch, l2):
    X = histories(10, 40).toarray()
    X[0], X[:, 0] = 0, 0
    X[0, 0] = 1  # the only item of a user who alone has it
    monkeypatch.setattr(_ridge, "_users_seconds", lambda *shape: -1.0)
    with pytest.raises(ValueError, match="is not positive definite: take a larger l2"):
        EASE(l2=l2).fit(X)


def test_a_penalty_that_is_lost_beside_equal_users_is_refused_by_users_too(monkeypatch):
    X = (np.random.default_rng(1).random((12, 30)) < 0.3).astype(np.float32)
    X[5], X[7] = X[4], 0
    X[7, :2] = 1  # K's Cholesky factorisation passes by luck
    monkeypatch.setattr(_ridge, "_users_seconds", lambda *shape: -1.0)
    with pytest.raises(ValueError, match="is not positive definite: take a larger l2"):
        EASE(l2=1e-17).fit(X)
