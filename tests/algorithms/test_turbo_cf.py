"""TurboCF against the paper's dense formulas in float64."""

import numpy as np
import pytest
from scipy.sparse import csr_array, issparse

from recmeta.algorithms.turbo_cf import SPARSE, TurboCF


def histories(n_users=50, n_items=30, seed=0):
    rng = np.random.default_rng(seed)
    X = (rng.random((n_users, n_items)) < np.linspace(0.5, 0.1, n_items)).astype(np.float32)
    X[np.arange(n_users), rng.integers(0, n_items, n_users)] = 1
    return X


def filtered(X, histories, user_exponent, power, order):
    """Scores by the paper's formulas: all users and items of X have interactions."""
    X = X.astype(np.float64)
    R = np.diag(X.sum(axis=1) ** -user_exponent) @ X @ np.diag(X.sum(axis=0) ** (user_exponent - 1))
    P = (R.T @ R) ** power
    filters = {1: P, 2: 2 * P - P @ P, 3: P + 0.01 * (-P @ P @ P + 10 * P @ P - 29 * P)}
    return histories @ filters[order]


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(("user_exponent", "power"), [(0.5, 1.0), (0.6, 0.7), (0.3, 1.4)])
def test_scores_are_those_of_the_papers_formulas(order, user_exponent, power):
    X, new = histories(), histories(10, 30, seed=2)
    model = TurboCF(user_exponent=user_exponent, power=power, order=order).fit(X)
    scores = model._scores(csr_array(new), np.full(10, -1))
    expected = filtered(X, new, user_exponent, power, order)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("order", [2, 3])
def test_a_graph_with_few_edges_is_filtered_by_them_alone(order):
    X = np.kron(np.eye(100), np.ones((4, 3)))  # a hundred groups of users with three items each
    X[0, 5] = 1
    model = TurboCF(power=0.7, order=order).fit(X)
    assert np.count_nonzero(X.T @ X) < SPARSE * X.shape[1] ** 2
    expected = filtered(X, X, 0.45, 0.7, order)
    np.testing.assert_allclose(X @ model.item_weights_, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("pattern", [np.ones((2, 3)), np.ones((1, 300))])
def test_with_fewer_users_than_items_only_the_graph_is_kept(order, pattern):
    X = np.kron(np.eye(300 // pattern.shape[1] * 2), pattern)
    X[0, 5:8] = 1
    model = TurboCF(power=0.7, order=order).fit(X)
    graph = model.item_weights_ if order == 1 else model.graph_
    assert issparse(graph) == (pattern.shape[1] == 3)
    scores = model._scores(csr_array(X, dtype=np.float32), np.arange(len(X)))
    expected = filtered(X, X, 0.45, 0.7, order)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


def test_ratings_weigh_the_edges():
    X = histories() * np.random.default_rng(1).integers(1, 6, (50, 30)).astype(np.float32)
    model = TurboCF(user_exponent=0.4, power=0.8, order=3).fit(X)
    scores = model._scores(csr_array(X), np.arange(50))
    np.testing.assert_allclose(scores, filtered(X, X, 0.4, 0.8, 3), rtol=1e-4)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_an_item_without_interactions_is_never_recommended(order):
    X = histories()
    X[:, 3] = 0
    items, _ = TurboCF(order=order).fit(X).recommend(X, k=30)
    assert not (items == 3).any()


@pytest.mark.parametrize("order", [0, 4])
def test_an_order_that_has_no_filter_is_refused(order):
    with pytest.raises(ValueError, match=f"order must be one of 1, 2, 3: got {order}"):
        TurboCF(order=order).fit(histories())


@pytest.mark.parametrize("bad", [{"user_exponent": 1.1}, {"power": 0}])
def test_parameters_out_of_range_are_refused(bad):
    with pytest.raises(ValueError, match=r"user_exponent must be in \[0, 1\] and power positive"):
        TurboCF(**bad).fit(histories())


@pytest.mark.parametrize("X", [np.ones((1, 1)), np.ones((1, 4)), np.ones((5, 1)), np.ones((4, 4))])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_smallest_inputs_give_finite_weights(X, order):
    model = TurboCF(order=order).fit(X)
    assert np.isfinite(model._scores(csr_array(X, dtype=np.float32), np.arange(len(X)))).all()


def test_another_order_after_fit_changes_nothing():
    X = np.kron(np.eye(30), np.ones((1, 4))) + np.eye(30, 120)
    model = TurboCF(order=3).fit(X)
    before = model.recommend(X)
    after = model.set_params(order=2).recommend(X)
    np.testing.assert_array_equal(before[1], after[1])
