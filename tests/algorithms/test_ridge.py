"""The ridge inverse by way of items and by way of users, against numpy's float64 inverse."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms import _checks, _ridge
from recmeta.algorithms._admm_start import start_of
from recmeta.algorithms._ridge import ridge_inverse
from recmeta.algorithms._state import state_of, with_state
from recmeta.algorithms.admm_slim import ADMMSLIM
from recmeta.algorithms.ease import EASE
from recmeta.algorithms.edlae import EDLAE
from recmeta.algorithms.rdlae import RDLAE
from recmeta.algorithms.turbo_cf import TurboCF
from recmeta.testing import CHECKS


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
    start = start_of(X, 2.0, "ADMMSLIM")
    first, of_item, _ = start.kinds
    assert (len(first) < n_items) == (n_users < n_items)
    right = np.random.default_rng(1).normal(size=(len(first), 5)).astype(np.float32)
    expected = (inverse_in_float64(X, 2.0, 0.0)[0] @ right[of_item])[first]
    found = start.own_share * right + start.sign * start.product(right)
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_admm_by_users_ends_where_admm_by_items_does(monkeypatch):
    X = histories(10, 400)
    by_users = ADMMSLIM(l1=0.1, l2=1, rho=5).fit(X).item_weights_.toarray()
    monkeypatch.setattr(_ridge, "_users_seconds", lambda *shape: np.inf)
    by_items = ADMMSLIM(l1=0.1, l2=1, rho=5).fit(X).item_weights_.toarray()
    assert (by_users > 0.01).any()
    np.testing.assert_allclose(by_users, by_items, atol=1e-5)


def wide_histories(n_users=300, n_items=2400):
    rng = np.random.default_rng(0)
    popularity = np.arange(1, n_items + 1) ** -0.8
    items = rng.choice(n_items, 6000, p=popularity / popularity.sum())
    X = csr_array((np.ones(6000, np.float32), (rng.integers(n_users, size=6000), items)))
    return csr_array((X.data, X.indices, X.indptr), shape=(n_users, n_items))


@pytest.mark.parametrize(
    "model",
    [
        EASE(l2=300), EASE(l2=1), EDLAE(l2=0.5, dropout=0.3), RDLAE(l2=20, dropout=0.5),
        RDLAE(l2=2, dropout=0, diagonal_limit=1), RDLAE(l2=2, dropout=0.2, diagonal_limit=0.05),
    ],
)  # fmt: skip
def test_many_more_items_than_users_are_scored_without_the_weights(model):
    X = wide_histories()
    scores = model.fit(X)._scores(X, np.arange(300))
    assert not hasattr(model, "item_weights_")
    params = {"dropout": 0.0, "diagonal_limit": 0.0} | model.get_params()
    P, penalty = inverse_in_float64(X, params["l2"], params["dropout"])
    own = np.minimum(1 - penalty * np.diag(P), params["diagonal_limit"])
    weights = -P * (1 - own) / np.diag(P)
    np.fill_diagonal(weights, own)
    expected = X @ weights
    np.testing.assert_allclose(scores, expected, atol=1e-6 * np.abs(expected).max(), rtol=1e-4)


@pytest.mark.parametrize("algorithm", [EASE, TurboCF])
def test_fits_by_turns_of_wide_and_narrow_logs_leave_nothing_behind(algorithm):
    wide, narrow = wide_histories(), histories(200, 30)
    params = {"order": 2} if algorithm is TurboCF else {}
    model = algorithm(**params)
    for X in (narrow, wide, narrow):
        fresh = algorithm(**params).fit(X)
        expected = fresh._scores(X, np.arange(X.shape[0]))
        np.testing.assert_array_equal(model.fit(X)._scores(X, np.arange(X.shape[0])), expected)
        assert vars(model).keys() == vars(fresh).keys()
        copy = with_state(algorithm, params, *state_of(fresh))
        np.testing.assert_array_equal(copy._scores(X, np.arange(X.shape[0])), expected)


@pytest.mark.parametrize("l2", [1.0, 300.0])
@pytest.mark.parametrize("largest", [5.0, 100.0, 50_000.0])
def test_values_of_any_size_are_scored_without_the_weights(largest, l2):
    X = wide_histories()
    rng = np.random.default_rng(1)
    X.data = np.rint(largest ** rng.random(X.nnz)).astype(np.float32)
    model = EASE(l2=l2).fit(X)
    assert not hasattr(model, "item_weights_")
    P, _ = inverse_in_float64(X, l2, 0.0)
    weights = -P / np.diag(P)
    np.fill_diagonal(weights, 0)
    expected = X @ weights
    unseen = X.toarray() == 0
    off = np.abs(model._scores(X, np.arange(300)) - expected)[unseen].max()
    assert off < 1e-4 * np.abs(expected[unseen]).max()


@pytest.mark.parametrize("count", [12_345.0, 300_000.0])
def test_an_item_with_one_large_count_has_the_scores_of_its_regression(count):
    X = wide_histories(100)
    X.data[:] = 1
    place = int(np.flatnonzero(X.indices == np.bincount(X.indices).argmax())[0])
    item, X.data[place] = X.indices[place], count
    dense = X.toarray().astype(np.float64)
    others = np.delete(dense, item, axis=1)
    kernel = np.linalg.inv(others @ others.T + 300 * np.eye(100))
    expected = others @ (others.T @ (kernel @ dense[:, item]))
    scores = EASE(l2=300).fit(X)._scores(X, np.arange(100))[:, item]
    rest = dense[:, item] == 0
    np.testing.assert_allclose(scores[rest], expected[rest], rtol=1e-4)


def test_what_is_learned_does_not_change_with_X_later():
    X = wide_histories()
    model = EASE(l2=300).fit(X)
    before = model._scores(X[:5].copy(), np.arange(5))
    history = X[:5].copy()
    X.data[:] = 0
    np.testing.assert_array_equal(model._scores(history, np.arange(5)), before)


def test_a_penalty_for_which_the_weights_do_not_fit_is_refused_before_they_are_made(monkeypatch):
    X = csr_array((np.full(3, 1e7, np.float32), ([0, 1, 2], [0, 1, 2])), shape=(50, 3000))
    monkeypatch.setattr(_checks, "_physical_memory", lambda: 30e6)
    with pytest.raises(MemoryError, match="SANSA is for such a size"):
        EASE(l2=1e-3).fit(X)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("algorithm", [EASE, EDLAE, RDLAE])
def test_the_contract_holds_without_the_weights_too(algorithm, check, monkeypatch):
    monkeypatch.setattr(_ridge, "_is_wide", lambda n_users, n_items: True)
    CHECKS[check](algorithm(**algorithm.tiny))


def test_items_without_interactions_are_not_recommended_without_the_weights_either():
    X = wide_histories()
    never = np.diff(X.tocsc().indptr) == 0
    assert never.any()
    items, scores = EASE(l2=5).fit(X).recommend(X[:20], k=2400)
    assert not never[items[items >= 0]].any()
    assert np.isfinite(scores).all()


def test_a_wide_log_whose_penalty_is_lost_has_the_weights_of_the_other_way():
    X = wide_histories(20).tolil()
    X[0], X[:, 0] = 0, 0
    X[0, 0] = 1  # the only item of a user who alone has it: l2 / (1 + l2) is left of its 1
    model = EASE(l2=1e-10).fit(X.tocsr())
    assert np.isfinite(model.item_weights_).all()


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
