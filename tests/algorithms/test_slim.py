"""SLIM against scikit-learn's ElasticNet, one column at a time."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import ElasticNet

from recmeta.algorithms._like_columns import kinds_of
from recmeta.algorithms.slim import SLIM


def histories(n_users=80, n_items=30, seed=0):
    rng = np.random.default_rng(seed)
    taste = rng.random((n_users, 3)) @ rng.random((3, n_items))
    return (taste > np.quantile(taste, 0.8)).astype(np.float32)


def elastic_net_columns(X, alpha, l1_ratio, positive):
    weights = np.zeros((X.shape[1], X.shape[1]))
    for item in range(X.shape[1]):
        others = X.astype(np.float64)
        others[:, item] = 0
        solver = ElasticNet(
            alpha=alpha / len(X), l1_ratio=l1_ratio, positive=positive, fit_intercept=False,
            tol=1e-10, max_iter=100_000,
        )  # fmt: skip
        weights[:, item] = solver.fit(others, X[:, item].astype(np.float64)).coef_
    return weights


@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize(("alpha", "l1_ratio"), [(1.0, 0.5), (5.0, 0.05), (0.5, 0.9)])
def test_every_column_is_the_elastic_net_of_scikit_learn(alpha, l1_ratio, positive):
    X = histories()
    model = SLIM(alpha=alpha, l1_ratio=l1_ratio, positive=positive, tolerance=1e-7).fit(X)
    expected = elastic_net_columns(X, alpha, l1_ratio, positive)
    np.testing.assert_allclose(model.item_weights_.toarray(), expected, atol=2e-3)


def objective(X, weights, alpha, l1_ratio):
    ridge = (1 - l1_ratio) / 2 * (weights**2).sum()
    return 0.5 * ((X - X @ weights) ** 2).sum() + alpha * (l1_ratio * abs(weights).sum() + ridge)


def test_the_default_tolerance_reaches_the_objective_of_scikit_learn():
    X = histories()
    ours = SLIM(alpha=2.0, l1_ratio=0.2).fit(X).item_weights_.toarray()
    best = objective(X, elastic_net_columns(X, 2.0, 0.2, True), 2.0, 0.2)
    assert objective(X, ours, 2.0, 0.2) <= best + 1e-4 * X.sum()


def test_real_values_give_the_elastic_net_too():
    X = histories() * np.random.default_rng(1).integers(1, 6, (80, 30)).astype(np.float32)
    model = SLIM(alpha=10.0, l1_ratio=0.2, tolerance=1e-7).fit(X)
    expected = elastic_net_columns(X, 10.0, 0.2, True)
    np.testing.assert_allclose(model.item_weights_.toarray(), expected, atol=2e-3)


def test_n_neighbours_keeps_the_largest_weights_of_each_column():
    X = histories()
    every = SLIM(alpha=1.0).fit(X).item_weights_.toarray()
    few = SLIM(alpha=1.0, n_neighbours=3).fit(X).item_weights_.toarray()
    assert (np.count_nonzero(few, axis=0) == np.minimum(3, np.count_nonzero(every, axis=0))).all()
    assert ((few == every) | (few == 0)).all()
    np.testing.assert_array_equal(np.sort(few, axis=0)[-3:], np.sort(every, axis=0)[-3:])


def test_as_many_neighbours_as_a_column_has_change_nothing():
    X = histories()
    every = SLIM(alpha=1.0).fit(X).item_weights_.toarray()
    most = int(np.count_nonzero(every, axis=0).max())
    same = SLIM(alpha=1.0, n_neighbours=most).fit(X).item_weights_.toarray()
    np.testing.assert_array_equal(same, every)


@pytest.mark.parametrize("positive", [True, False])
def test_short_histories_in_a_large_catalogue_give_the_elastic_net_too(positive):
    rng = np.random.default_rng(0)
    X = np.zeros((60, 200), dtype=np.float32)  # X'X is sparse: stored so
    for row in X:
        row[(rng.integers(0, 20) * 10 + rng.integers(0, 10, 4)) % 200] = 1
    model = SLIM(alpha=1.0, l1_ratio=0.5, positive=positive, tolerance=1e-7).fit(X)
    expected = elastic_net_columns(X, 1.0, 0.5, positive)
    np.testing.assert_allclose(model.item_weights_.toarray(), expected, atol=2e-3)


@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("n_users", [4, 60])
def test_items_with_the_same_column_have_the_weights_of_the_elastic_net(n_users, positive):
    X = np.random.default_rng(0).random((n_users, 40)) < 0.15
    X = (X[:, np.random.default_rng(1).integers(0, 40, 90)] * 2).astype(np.float32)
    assert len(kinds_of(csr_array(X)).first) < 40
    model = SLIM(alpha=1.0, l1_ratio=0.3, positive=positive, tolerance=1e-7).fit(X)
    expected = elastic_net_columns(X, 1.0, 0.3, positive)
    np.testing.assert_allclose(model.item_weights_.toarray(), expected, atol=2e-3)


def test_columns_are_alike_only_with_the_same_values_at_the_same_users():
    X = np.array([[1, 1, 0, 2, 1, 0, 0], [0, 0, 1, 0, 0, 0, 0], [3, 3, 0, 3, 1, 0, 0]])
    kinds = kinds_of(csr_array(X.astype(np.float32)))
    assert kinds.of_item.tolist() == [0, 0, 1, 2, 3, 4, 4]
    assert kinds.first.tolist() == [0, 2, 3, 4, 5]
    assert kinds.counts.tolist() == [2, 1, 1, 1, 2]


def test_an_item_without_interactions_is_never_recommended():
    X = histories()
    X[:, 3] = 0
    items, _ = SLIM(alpha=0.1).fit(X).recommend(X, k=30)
    assert not (items == 3).any()


def test_a_ratio_beyond_one_is_refused():
    with pytest.raises(ValueError, match=r"l1_ratio in \[0, 1\]: got alpha=1.0, l1_ratio=2"):
        SLIM(alpha=1.0, l1_ratio=2).fit(histories())


@pytest.mark.parametrize("X", [np.ones((1, 1)), np.ones((1, 4)), np.ones((5, 1)), np.ones((4, 4))])
def test_the_smallest_inputs_give_finite_weights(X):
    assert np.isfinite(SLIM(alpha=0.1).fit(X).item_weights_.toarray()).all()


def test_a_whole_number_of_neighbours_may_be_a_float():
    X = histories()
    few = SLIM(alpha=1.0, n_neighbours=3.0).fit(X).item_weights_.toarray()
    np.testing.assert_array_equal(
        few, SLIM(alpha=1.0, n_neighbours=3).fit(X).item_weights_.toarray()
    )
