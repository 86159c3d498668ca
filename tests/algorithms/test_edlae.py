"""EDLAE against regressions on every way that dropout can go, each with its chance."""

import itertools

import numpy as np
import pytest

from recmeta.algorithms.ease import EASE
from recmeta.algorithms.edlae import EDLAE


def histories(n_users=40, n_items=6, seed=0):
    rng = np.random.default_rng(seed)
    liked = rng.random((n_users, n_items)) < np.linspace(0.7, 0.2, n_items)
    return liked.astype(np.float32)


def regressions_on_all_dropouts(X, l2, dropout):
    """Each item from the others, from copies of X with entries dropped, the others scaled up."""
    n_items = X.shape[1]
    weights = np.zeros((n_items, n_items))
    for item in range(n_items):
        others = np.delete(np.arange(n_items), item)
        rows, goals = [np.sqrt(l2) * np.eye(n_items - 1)], [np.zeros(n_items - 1)]
        for kept in itertools.product([0, 1], repeat=n_items - 1):
            chance = np.prod(np.where(kept, 1 - dropout, dropout))
            rows.append(np.sqrt(chance) * X[:, others] * kept / (1 - dropout))
            goals.append(np.sqrt(chance) * X[:, item])
        weights[others, item] = np.linalg.lstsq(np.vstack(rows), np.concatenate(goals))[0]
    return weights


@pytest.mark.parametrize(("l2", "dropout"), [(1.0, 0.3), (10.0, 0.8), (0.1, 0.5)])
def test_weights_are_the_regressions_averaged_over_all_dropouts(l2, dropout):
    X = histories()
    weights = EDLAE(l2=l2, dropout=dropout).fit(X).item_weights_
    np.testing.assert_allclose(weights, regressions_on_all_dropouts(X, l2, dropout), atol=1e-5)


def test_weights_of_real_values_are_the_regressions_too():
    X = histories() * np.random.default_rng(1).integers(1, 6, (40, 6)).astype(np.float32)
    weights = EDLAE(l2=5, dropout=0.4).fit(X).item_weights_
    np.testing.assert_allclose(weights, regressions_on_all_dropouts(X, 5, 0.4), atol=1e-5)


def test_without_dropout_it_is_ease():
    X = histories()
    weights = EDLAE(l2=3, dropout=0).fit(X).item_weights_
    np.testing.assert_array_equal(weights, EASE(l2=3).fit(X).item_weights_)


def test_an_item_without_interactions_is_never_recommended():
    X = histories()
    X[:, 3] = 0
    items, _ = EDLAE(l2=1).fit(X).recommend(X, k=6)
    assert not (items == 3).any()


@pytest.mark.parametrize("dropout", [-0.1, 1.0])
def test_a_dropout_that_is_no_chance_is_refused(dropout):
    with pytest.raises(ValueError, match=f"at least 0 and below 1: got {dropout}"):
        EDLAE(dropout=dropout).fit(histories())


def test_a_penalty_of_zero_is_refused():
    with pytest.raises(ValueError, match="l2 must be positive: got 0"):
        EDLAE(l2=0).fit(histories())


@pytest.mark.parametrize("X", [np.ones((1, 1)), np.ones((1, 4)), np.ones((5, 1)), np.ones((4, 4))])
def test_the_smallest_inputs_give_finite_weights(X):
    assert np.isfinite(EDLAE(l2=1).fit(X).item_weights_).all()
