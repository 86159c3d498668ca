"""GlobalEffects against a loop over the ratings, in float64."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from recmeta.algorithms.global_effects import GlobalEffects


def ratings(n_users=40, n_items=25, density=0.3, seed=0):
    """Stars 1-5; the last two items have none, the last user gave none."""
    rng = np.random.default_rng(seed)
    X = rng.integers(1, 6, (n_users, n_items)) * (rng.random((n_users, n_items)) < density)
    X[:, -2:], X[-1] = 0, 0
    return X.astype(np.float32)


def biases(X, user_shrinkage, item_shrinkage):
    """The formula as it stands: None for an item without a rating."""
    given = [(u, i, float(X[u, i])) for u, i in zip(*np.nonzero(X), strict=True)]
    mean = sum(x for _, _, x in given) / len(given)
    user_bias = {}
    for user in range(X.shape[0]):
        left = [x - mean for u, _, x in given if u == user]
        user_bias[user] = sum(left) / (user_shrinkage + len(left)) if left else 0.0
    item_bias = []
    for item in range(X.shape[1]):
        left = [x - mean - user_bias[u] for u, i, x in given if i == item]
        item_bias.append(sum(left) / (item_shrinkage + len(left)) if left else None)
    return item_bias


@pytest.mark.parametrize("shrinkage", [(10.0, 25.0), (1.0, 300.0), (0.0, 0.0)])
def test_scores_are_the_shrunk_biases_above_the_least(shrinkage):
    X = ratings()
    expected = biases(X, *shrinkage)
    least = min(bias for bias in expected if bias is not None)
    found = GlobalEffects(*shrinkage).fit(X).item_scores_
    for score, bias in zip(found, expected, strict=True):
        assert score == pytest.approx(0 if bias is None else 1 + bias - least, rel=1e-5)


@given(seed=st.integers(0, 999), density=st.floats(0.02, 1))
def test_items_come_by_bias_and_cold_ones_never(seed, density):
    X = ratings(12, 9, density, seed)
    X[0, 0], X[0, 1] = 5, 1  # two values at least
    expected = biases(X, 10, 25)
    items, _ = GlobalEffects().fit(X).recommend(np.zeros((1, 9)), 9)
    kept = items[0][items[0] >= 0]
    assert set(kept) == {i for i, bias in enumerate(expected) if bias is not None}
    assert (np.diff([expected[i] for i in kept]) <= 1e-6).all()


def test_a_worse_item_stands_before_one_that_nobody_rated():
    # item 1 has a bias below 0: items without a rating, of bias 0, must not come before it
    X = np.array([[5, 1, 0, 4], [5, 1, 0, 5], [4, 2, 0, 5]])
    items, scores = GlobalEffects().fit(X).recommend(np.zeros((1, 4)), 4)
    assert items[0, 2:].tolist() == [1, -1]
    assert scores[0, 2] == 1


def test_a_bias_by_hand():
    # mean 3; user biases (2 + 0) / (0 + 2) = 1 and (-2) / (0 + 1) = -2;
    # what they leave: 5-3-1 = 1 and 1-3+2 = 0 on item 0, 3-3-1 = -1 on item 1
    X = np.array([[5, 3], [1, 0]])
    model = GlobalEffects(user_shrinkage=0, item_shrinkage=1).fit(X)
    np.testing.assert_allclose(model.item_scores_, [1 + 1 / 3 + 1 / 2, 1])


def test_more_shrinking_takes_more_from_items_with_few_ratings():
    X = np.full((40, 3), 3.0)
    X[:, 0], X[0, 1], X[1:, 1] = 4, 5, 0  # item 0: forty times 4; item 1: 5 once
    free = GlobalEffects(0.0, 0.0).fit(X).recommend(np.zeros((1, 3)), 1)[0]
    shrunk = GlobalEffects(1000.0, 25.0).fit(X).recommend(np.zeros((1, 3)), 1)[0]
    assert (free, shrunk) == (1, 0)


@pytest.mark.parametrize("shrinkage", [0.0, 25.0])
@pytest.mark.parametrize("value", [1.0, 3.0])
def test_where_all_values_are_equal_popularity_decides(value, shrinkage):
    X = np.array([[1, 0, 1, 0], [1, 0, 1, 0], [1, 1, 0, 0]]) * value
    model = GlobalEffects(item_shrinkage=shrinkage).fit(X)
    np.testing.assert_array_equal(model.item_scores_, [3, 1, 2, 0])


@pytest.mark.parametrize("X", [np.zeros((3, 4)), np.eye(3, 4) * 2, ratings()])
def test_no_shrinking_divides_by_no_zero(X):
    scores = GlobalEffects(0.0, 0.0).fit(csr_array(X)).item_scores_
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(scores > 0, (X > 0).any(axis=0))


def test_a_shrinkage_below_0_is_refused():
    said = "user_shrinkage and item_shrinkage must be at least 0: got"
    with pytest.raises(ValueError, match=f"{said} -1 and 25.0"):
        GlobalEffects(user_shrinkage=-1).fit(ratings())
    with pytest.raises(ValueError, match=f"{said} 10.0 and -2"):
        GlobalEffects(item_shrinkage=-2).fit(ratings())
