"""RDLAE against scipy's solver of the constrained problem, one column at a time."""

import numpy as np
import pytest
from scipy.optimize import minimize

from recmeta.algorithms.edlae import EDLAE
from recmeta.algorithms.rdlae import RDLAE


def histories(n_users=50, n_items=8, seed=0):
    rng = np.random.default_rng(seed)
    liked = rng.random((n_users, n_items)) < np.linspace(0.7, 0.05, n_items)
    return liked.astype(np.float32)


def constrained_columns(X, l2, dropout, limit):
    gram = X.T.astype(np.float64) @ X
    matrix = gram + np.diag(l2 + dropout / (1 - dropout) * np.diag(gram))
    weights = np.zeros_like(gram)
    for item in range(len(gram)):
        bounds = [(None, limit if other == item else None) for other in range(len(gram))]
        found = minimize(
            lambda b, goal: (b @ matrix @ b / 2 - b @ goal, matrix @ b - goal),
            np.zeros(len(gram)),
            args=(gram[:, item],),
            jac=True,
            bounds=bounds,
            method="L-BFGS-B",
            options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 10_000},
        )
        weights[:, item] = found.x
    return weights


@pytest.mark.parametrize("limit", [0.0, 0.3, 0.6, 1.0])
@pytest.mark.parametrize(("l2", "dropout"), [(1.0, 0.0), (2.0, 0.4), (20.0, 0.7)])
def test_weights_solve_the_constrained_problem(l2, dropout, limit):
    X = histories()
    weights = RDLAE(l2=l2, dropout=dropout, diagonal_limit=limit).fit(X).item_weights_
    expected = constrained_columns(X, l2, dropout, limit)
    np.testing.assert_allclose(weights, expected, atol=2e-5)


def test_some_items_stay_at_the_limit_and_others_below_it():
    own = RDLAE(l2=10, dropout=0.2, diagonal_limit=0.5).fit(histories()).item_weights_.diagonal()
    at_the_limit = np.isclose(own, 0.5, atol=1e-5)
    assert 0 < at_the_limit.sum() < len(own)
    assert (own <= 0.5 + 1e-5).all()


def test_a_limit_of_zero_is_edlae():
    X = histories()
    weights = RDLAE(l2=3, dropout=0.3, diagonal_limit=0).fit(X).item_weights_
    expected = EDLAE(l2=3, dropout=0.3).fit(X).item_weights_
    np.testing.assert_allclose(weights, expected, atol=1e-6)


def test_a_limit_of_one_is_plain_ridge_regression():
    X = histories()
    gram = X.T.astype(np.float64) @ X
    ridge = np.linalg.solve(gram + 4 * np.eye(8), gram)
    weights = RDLAE(l2=4, dropout=0, diagonal_limit=1).fit(X).item_weights_
    np.testing.assert_allclose(weights, ridge, atol=1e-5)


def test_an_item_without_interactions_is_never_recommended():
    X = histories()
    X[:, 3] = 0
    items, _ = RDLAE(l2=1).fit(X).recommend(X, k=8)
    assert not (items == 3).any()


@pytest.mark.parametrize("limit", [-0.1, 1.5])
def test_a_limit_outside_0_to_1_is_refused(limit):
    with pytest.raises(ValueError, match=rf"diagonal_limit must be in \[0, 1\]: got {limit}"):
        RDLAE(diagonal_limit=limit).fit(histories())


@pytest.mark.parametrize("X", [np.ones((1, 1)), np.ones((1, 4)), np.ones((5, 1)), np.ones((4, 4))])
def test_the_smallest_inputs_give_finite_weights(X):
    assert np.isfinite(RDLAE(l2=1).fit(X).item_weights_).all()
