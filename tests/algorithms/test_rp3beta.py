"""RP3beta against the sum of its docstring, term by term, and a walk by hand."""

import numpy as np
import pytest

from recmeta.algorithms.p3alpha import P3alpha
from recmeta.algorithms.rp3beta import RP3beta


def amounts(n_users=30, n_items=18, seed=1):
    """Amounts between 1 and 4, popular items more often; item 5 and user 7 have none."""
    rng = np.random.default_rng(seed)
    X = (rng.random((n_users, n_items)) < 0.8 / np.sqrt(np.arange(1, n_items + 1))).astype("f4")
    X[:, 5], X[7] = 0, 0
    return X * rng.uniform(1, 4, X.shape).astype(np.float32)


def weights_by_loops(X, k, alpha, beta):
    """W_ij = sum_u (x_ui / n_i)^alpha (x_uj / n_u)^alpha / n_j^beta; k largest of each column."""
    n_user, n_item = X.sum(axis=1, dtype=float), X.sum(axis=0, dtype=float)
    W = np.zeros((X.shape[1], X.shape[1]))
    for user, history in enumerate(X):
        for i in np.flatnonzero(history):
            for j in np.flatnonzero(history):
                if i != j:
                    there = (history[i] / n_item[i]) ** alpha
                    back = (history[j] / n_user[user]) ** alpha
                    W[i, j] += there * back / n_item[j] ** beta
    for j in range(len(W)):
        for i in sorted(range(len(W)), key=lambda i: -W[i, j])[k:]:
            W[i, j] = 0
    return W


@pytest.mark.parametrize(("alpha", "beta"), [(0.5, 0.2), (1.0, 0.6), (1.4, 1.0), (0.0, 0.3)])
@pytest.mark.parametrize("k", [3, 100])
def test_weights_and_scores_are_those_of_the_sum(alpha, beta, k):
    X = amounts()
    W = weights_by_loops(X, k, alpha, beta)
    model = RP3beta(k, alpha, beta).fit(X)
    found = model.item_weights_.toarray()
    if alpha:
        np.testing.assert_allclose(found, W, rtol=1e-5, atol=1e-9)
        items, scores = model.recommend(X, 1)
        best = np.where(X > 0, 0, X @ W).max(axis=1)
        np.testing.assert_allclose(scores[:, 0], best, rtol=1e-5)
        assert (items[best == 0] == -1).all()
    else:  # all common users count alike, so neighbours tie: sizes are the same, places may not be
        np.testing.assert_allclose(np.sort(found, axis=0), np.sort(W, axis=0), rtol=1e-5)


def test_a_walk_by_hand():
    # P3alpha's walk at alpha 1: a to b and c at 1/4, b and c to a at 1/2; a has 2 interactions,
    # so beta 1 halves what ends there
    weights = RP3beta(alpha=1.0, beta=1.0).fit([[1, 1, 0], [1, 0, 1]]).item_weights_
    np.testing.assert_allclose(weights.toarray(), [[0, 1 / 4, 1 / 4], [1 / 4, 0, 0], [1 / 4, 0, 0]])


@pytest.mark.parametrize("k", [3, 100])
@pytest.mark.parametrize("alpha", [0.4, 1.0])
def test_beta_0_is_p3alpha(k, alpha):
    X = amounts()
    ours, theirs = RP3beta(k, alpha, beta=0.0).fit(X), P3alpha(k, alpha).fit(X)
    np.testing.assert_array_equal(ours.item_weights_.toarray(), theirs.item_weights_.toarray())
    for one, other in zip(ours.recommend(X, 5), theirs.recommend(X, 5), strict=True):
        np.testing.assert_array_equal(one, other)


def test_beta_moves_no_neighbour_and_divides_each_column():
    # the cut is per column, and beta is a factor of the column
    X = amounts()
    with_beta = RP3beta(4, 0.5, beta=0.7).fit(X).item_weights_.toarray()
    without = RP3beta(4, 0.5, beta=0.0).fit(X).item_weights_.toarray()
    np.testing.assert_array_equal(with_beta > 0, without > 0)
    popularity = np.maximum(X.sum(axis=0), 1)
    np.testing.assert_allclose(with_beta * popularity**0.7, without, rtol=1e-5)


def test_more_beta_recommends_rarer_items():
    X = amounts(200, 40)
    n_item = X.sum(axis=0)
    means = []
    for beta in (0.0, 0.5, 1.0):
        items, _ = RP3beta(100, 0.5, beta).fit(X).recommend(X, 3)
        means.append(n_item[items[items >= 0]].mean())
    assert means == sorted(means, reverse=True)
    assert means[0] > 1.5 * means[-1]


def test_each_scored_item_keeps_its_own_neighbours():
    weights = RP3beta(n_neighbours=4).fit(amounts()).item_weights_
    assert np.diff(weights.tocsc().indptr).max() == 4
    assert np.diff(weights.indptr).max() > 4
    assert not weights.diagonal().any()


def test_parameters_that_make_no_sense_are_refused():
    X = amounts()
    with pytest.raises(ValueError, match="n_neighbours must be at least 1: got 0"):
        RP3beta(n_neighbours=0).fit(X)
    with pytest.raises(ValueError, match=r"at least 0: got alpha=-1, beta=0\.2"):
        RP3beta(alpha=-1, beta=0.2).fit(X)
    with pytest.raises(ValueError, match=r"at least 0: got alpha=0\.5, beta=-0\.1"):
        RP3beta(alpha=0.5, beta=-0.1).fit(X)
