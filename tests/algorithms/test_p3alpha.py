"""P3alpha against dense powers of the transition matrices, and a walk by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recmeta.algorithms.p3alpha import P3alpha


def amounts(n_users=70, n_items=40, seed=0):
    """Amounts between 1 and 4, popular items more often; item 5 and user 7 have none."""
    rng = np.random.default_rng(seed)
    X = (rng.random((n_users, n_items)) < 0.7 / np.sqrt(np.arange(1, n_items + 1))).astype("f4")
    X[:, 5], X[7] = 0, 0
    return X * rng.uniform(1, 4, X.shape).astype(np.float32)


def dense_weights(X, k, alpha):
    """P_iu P_uj of the docstring; the diagonal is 0, each column keeps its k largest."""
    X = X.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        from_user = np.where(X > 0, (X / X.sum(axis=1, keepdims=True)) ** alpha, 0)
        from_item = np.where(X > 0, (X / X.sum(axis=0, keepdims=True)) ** alpha, 0).T
    W = from_item @ from_user
    np.fill_diagonal(W, 0)
    for column in W.T:
        column[np.argsort(-column, kind="stable")[k:]] = 0
    return W


@pytest.mark.parametrize("alpha", [0.3, 1.0, 1.7])
@pytest.mark.parametrize("k", [1, 6, 100])
def test_weights_and_scores_are_those_of_the_dense_formula(alpha, k):
    X = amounts()
    W = dense_weights(X, k, alpha)
    model = P3alpha(k, alpha).fit(X)
    np.testing.assert_allclose(model.item_weights_.toarray(), W, rtol=1e-5, atol=1e-9)
    items, scores = model.recommend(X, 40)
    found = np.zeros_like(W, shape=X.shape)
    rows, places = np.nonzero(items >= 0)
    found[rows, items[rows, places]] = scores[rows, places]
    np.testing.assert_allclose(found, np.where(X > 0, 0, X @ W), rtol=1e-5, atol=1e-9)


@given(
    seed=st.integers(0, 999),
    alpha=st.floats(0, 2),
    density=st.floats(0.05, 1),
    k=st.integers(1, 9),
)
def test_every_log_has_the_weights_of_the_dense_formula(seed, alpha, density, k):
    rng = np.random.default_rng(seed)
    X = (rng.random((11, 9)) < density) * rng.uniform(0.5, 2, (11, 9)).astype(np.float32)
    found = P3alpha(k, alpha).fit(X).item_weights_.toarray()
    # which of two equal weights is kept may differ, their values may not
    by_size = np.sort(dense_weights(X, k, alpha), axis=0)
    np.testing.assert_allclose(np.sort(found, axis=0), by_size, rtol=1e-5, atol=1e-9)


def test_a_walk_by_hand():
    # user 0 has a and b, user 1 has a and c. From a: one of 2 users, each with one of 2 items, so
    # b and c at 1/4; from b: to user 0, then a at 1/2; likewise from c
    weights = P3alpha(alpha=1.0).fit([[1, 1, 0], [1, 0, 1]]).item_weights_
    np.testing.assert_allclose(weights.toarray(), [[0, 1 / 4, 1 / 4], [1 / 2, 0, 0], [1 / 2, 0, 0]])


def test_without_a_cut_alpha_1_is_a_walk_whose_chances_sum_to_one():
    X = amounts()
    model = P3alpha(n_neighbours=100, alpha=1.0).fit(X)
    walk = X / np.maximum(X.sum(axis=1, keepdims=True), 1e-9)
    stay = ((X / np.maximum(X.sum(axis=0), 1e-9)) * walk).sum(axis=0)
    leaves = np.asarray(model.item_weights_.sum(axis=1))
    np.testing.assert_allclose(leaves[X.any(axis=0)], 1 - stay[X.any(axis=0)], rtol=1e-5)


def test_alpha_0_counts_common_users():
    X = amounts()
    found = P3alpha(n_neighbours=100, alpha=0.0).fit(X).item_weights_.toarray()
    common = (X > 0).T.astype(int) @ (X > 0).astype(int)
    np.fill_diagonal(common, 0)
    np.testing.assert_array_equal(found, common)


def test_each_scored_item_keeps_its_own_neighbours():
    # the cut is per column: an item of many histories stands in more than k rows
    weights = P3alpha(n_neighbours=4, alpha=0.3).fit(amounts()).item_weights_
    assert np.diff(weights.tocsc().indptr).max() == 4
    assert np.diff(weights.indptr).max() > 4
    assert not weights.diagonal().any()


@pytest.mark.parametrize("params", [{"n_neighbours": 5}, {"alpha": 0.9}])
def test_every_parameter_acts(params):
    X = amounts()
    before = P3alpha().fit(X).item_weights_.toarray()
    assert not np.allclose(before, P3alpha(**params).fit(X).item_weights_.toarray())


def test_parameters_that_make_no_sense_are_refused():
    X = amounts()
    with pytest.raises(ValueError, match="n_neighbours must be at least 1: got 0"):
        P3alpha(n_neighbours=0).fit(X)
    with pytest.raises(ValueError, match=r"exponents must be at least 0: got alpha=-0\.5"):
        P3alpha(alpha=-0.5).fit(X)
    with pytest.raises(ValueError, match="Negative values in data"):
        P3alpha().fit(-X)
