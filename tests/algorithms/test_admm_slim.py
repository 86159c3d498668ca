"""ADMMSLIM against scikit-learn's ElasticNet, one column at a time, and against EASE."""

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet

from recmeta.algorithms.admm_slim import ADMMSLIM
from recmeta.algorithms.ease import EASE
from recmeta.algorithms.slim import SLIM


def histories(n_users=80, n_items=30, seed=0):
    rng = np.random.default_rng(seed)
    taste = rng.random((n_users, 3)) @ rng.random((3, n_items))
    return (taste > np.quantile(taste, 0.8)).astype(np.float32)


def elastic_net_columns(X, l1, l2, positive):
    weights = np.zeros((X.shape[1], X.shape[1]))
    for item in range(X.shape[1]):
        others = X.astype(np.float64)
        others[:, item] = 0
        solver = ElasticNet(
            alpha=(l1 + l2) / len(X), l1_ratio=l1 / (l1 + l2), positive=positive,
            fit_intercept=False, tol=1e-10, max_iter=100_000,
        )  # fmt: skip
        weights[:, item] = solver.fit(others, X[:, item].astype(np.float64)).coef_
    return weights


@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize(("l1", "l2"), [(0.5, 0.5), (0.3, 5.0), (2.0, 3.0)])
def test_enough_iterations_give_the_elastic_nets_of_scikit_learn(l1, l2, positive):
    X = histories()
    model = ADMMSLIM(l1=l1, l2=l2, rho=5, n_iterations=500, positive=positive).fit(X)
    expected = elastic_net_columns(X, l1, l2, positive)
    np.testing.assert_allclose(model.item_weights_.toarray(), expected, atol=1e-4)


def test_rho_changes_the_way_and_not_the_end():
    X = histories() * np.random.default_rng(1).integers(1, 6, (80, 30)).astype(np.float32)
    few, many = (ADMMSLIM(l1=2, l2=10, rho=rho, n_iterations=500).fit(X) for rho in (30, 100))
    np.testing.assert_allclose(few.item_weights_.toarray(), many.item_weights_.toarray(), atol=1e-4)


def objective(X, weights, l1, l2):
    penalty = l1 * abs(weights).sum() + l2 / 2 * (weights**2).sum()
    return 0.5 * ((X - X @ weights) ** 2).sum() + penalty


def test_as_many_iterations_as_by_default_reach_the_objective_of_slim():
    X = histories()
    slim = SLIM(alpha=5.5, l1_ratio=0.5 / 5.5, tolerance=1e-7).fit(X).item_weights_.toarray()
    n_iterations = ADMMSLIM().n_iterations
    ours = ADMMSLIM(l1=0.5, l2=5, rho=20, n_iterations=n_iterations).fit(X)
    reached, best = objective(X, ours.item_weights_.toarray(), 0.5, 5), objective(X, slim, 0.5, 5)
    assert best * 0.9999 <= reached <= best * 1.001


def test_without_l1_and_signs_it_is_ease():
    X = histories()
    model = ADMMSLIM(l1=0, l2=4, rho=5, n_iterations=300, positive=False).fit(X)
    expected = EASE(l2=4).fit(X).item_weights_
    np.testing.assert_allclose(model.item_weights_.toarray(), expected, atol=1e-4)


def test_an_item_does_not_predict_itself():
    assert not ADMMSLIM(l1=0.1, l2=1).fit(histories()).item_weights_.diagonal().any()


def test_an_item_without_interactions_is_never_recommended():
    X = histories()
    X[:, 3] = 0
    items, _ = ADMMSLIM(l1=0.1, l2=1, rho=5).fit(X).recommend(X, k=30)
    assert not (items == 3).any()


@pytest.mark.parametrize("bad", [{"l1": -1}, {"l2": -1}, {"rho": 0}])
def test_parameters_out_of_range_are_refused(bad):
    with pytest.raises(ValueError, match="at least 0 and rho positive: got l1="):
        ADMMSLIM(**bad).fit(histories())


def test_zero_iterations_are_refused():
    with pytest.raises(ValueError, match="n_iterations must be at least 1: got 0"):
        ADMMSLIM(n_iterations=0).fit(histories())


@pytest.mark.parametrize("X", [np.ones((1, 1)), np.ones((1, 4)), np.ones((5, 1)), np.ones((4, 4))])
def test_the_smallest_inputs_give_finite_weights(X):
    assert np.isfinite(ADMMSLIM(l1=0.1, l2=1).fit(X).item_weights_.toarray()).all()


def test_a_wide_log_of_few_events_costs_less_than_one_of_many():
    few, many = (ADMMSLIM.cost(1000, 30_000, nnz) for nnz in (30_000, 300_000))
    assert few.bytes < many.bytes / 2
    assert few.seconds < many.seconds
