"""EASE against numpy's float64 inverse."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms.ease import EASE


def histories(n_users=60, n_items=25, seed=0):
    rng = np.random.default_rng(seed)
    liked = rng.random((n_users, n_items)) < np.linspace(0.5, 0.05, n_items)
    return liked.astype(np.float32)


def ease_in_float64(X, l2):
    inverse = np.linalg.inv(X.T.astype(np.float64) @ X + l2 * np.eye(X.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


@pytest.mark.parametrize("l2", [1.0, 100.0])
def test_weights_are_those_of_the_closed_form_in_float64(l2):
    X = histories()
    weights = EASE(l2=l2).fit(X).item_weights_
    np.testing.assert_allclose(weights, ease_in_float64(X, l2), atol=1e-5)


def test_weights_of_real_values_are_those_of_the_closed_form():
    X = histories() * np.random.default_rng(1).integers(1, 6, (60, 25))
    weights = EASE(l2=20).fit(X).item_weights_
    np.testing.assert_allclose(weights, ease_in_float64(X, 20), atol=1e-5)


def test_an_item_does_not_predict_itself():
    assert not EASE().fit(histories()).item_weights_.diagonal().any()


def test_an_item_without_interactions_is_never_recommended():
    X = histories()
    X[:, 3] = 0
    items, _ = EASE(l2=1).fit(X).recommend(X, k=25)
    assert not (items == 3).any()


def test_a_penalty_below_float32_precision_still_gives_the_closed_form():
    X = np.zeros((1000, 3), dtype=np.float32)
    X[:, :2] = 1000.0  # two equal columns of 1e9: l2 = 1 vanishes in float32's 7 digits
    X[:10, 2] = 1.0
    weights = EASE(l2=1.0).fit(X).item_weights_
    np.testing.assert_allclose(weights, ease_in_float64(X, 1.0), atol=1e-3)


def test_a_penalty_of_zero_is_refused():
    with pytest.raises(ValueError, match="l2 must be positive: got 0"):
        EASE(l2=0).fit(histories())


@pytest.mark.parametrize("X", [np.ones((1, 1)), np.ones((1, 4)), np.ones((5, 1)), np.ones((4, 4))])
def test_the_smallest_inputs_give_finite_weights(X):
    assert np.isfinite(EASE(l2=1).fit(csr_array(X)).item_weights_).all()


def test_what_this_machine_cannot_hold_is_refused_before_it_is_tried_with_an_alternative():
    wide = csr_array((500_000, 1_000_000), dtype=np.float32)  # 4 TiB of weights
    with pytest.raises(MemoryError, match=r"EASE takes about [\d,]+ GiB .* SANSA is for such"):
        EASE().fit(wide)
