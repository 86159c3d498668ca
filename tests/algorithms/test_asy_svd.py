"""AsySVD against finite differences of the objective in every y, step by step."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms._squared_error import history_steps
from recmeta.algorithms.asy_svd import AsySVD


def two_camps(n=20):
    """Users and items of two kinds; each likes most items of its own kind."""
    liked = np.kron(np.eye(2), np.ones((n, n))) * (
        np.random.default_rng(0).random((2 * n, 2 * n)) < 0.7
    )
    return liked.astype(np.float32)


def goal(Y, H, x, item, penalties, mean, biases):
    """The objective of one entry of the history x: y and h, c in the column after h."""
    v = x @ Y / np.linalg.norm(x)
    predicted = v @ H[item, : Y.shape[1]] + biases * (mean + H[item, -1])
    sizes = (Y[x > 0] ** 2).sum(), (H[item] ** 2).sum()
    return 0.5 * (x[item] - predicted) ** 2 + 0.5 * np.dot(sizes, penalties)


def descended(Y, H, x, rate, penalties, mean, biases):
    """One visit of the user by the paper: every y moves at every step, by finite differences."""
    Y, H = Y.copy(), H.copy()
    for item in np.flatnonzero(x):
        slopes = []
        for array in (Y, H):
            slope = np.empty_like(array)
            for place in np.ndindex(*array.shape):
                kept, sides = array[place], []
                for shift in (1e-5, -1e-5):
                    array[place] = kept + shift
                    sides.append(goal(Y, H, x, item, penalties, mean, biases))
                array[place], slope[place] = kept, (sides[0] - sides[1]) / 2e-5
            slopes.append(slope)
        Y, H = Y - rate * slopes[0], H - rate * slopes[1]
    return Y, H


@pytest.mark.parametrize("biases", [True, False])
def test_a_visit_takes_every_y_down_the_gradient_at_each_of_its_steps(biases):
    rng = np.random.default_rng(0)
    x = np.array([0, 2, 0, 1, 5, 3], dtype=np.float32)
    Y, H = rng.standard_normal((6, 3)), rng.standard_normal((6, 4 if biases else 3))
    rate, penalties, mean = 1e-3, (0.3, 0.2), 0.7
    expected = descended(Y, H, x, rate, penalties, mean, biases)
    items = np.flatnonzero(x).astype(np.int32)
    ones = np.ones((6, 1))
    found = [A.astype(np.float32) for A in (Y, np.hstack([H, ones]) if biases else H)]
    history_steps(
        np.zeros(1, np.int32), np.array([0, len(items)], np.int32), items, x[items],
        x[items] / np.linalg.norm(x), np.array([rate, *penalties, mean], np.float32), 0,
        np.ones(1, np.uint64), *found,
    )  # fmt: skip
    # the step is the gradient's up to a factor of 1 + rate * ||gradient of the prediction||^2
    for start, goal_of, end in zip((Y, H), expected, found, strict=True):
        moved = end[:, : start.shape[1]] - start
        np.testing.assert_allclose(moved, goal_of - start, rtol=0.03, atol=2e-5)


def test_a_visit_leaves_the_y_of_other_items_alone():
    X = two_camps()
    X[0, 20:] = 0
    model = AsySVD(4, n_epochs=2)
    first, _ = (model.history_factors_.copy() for _ in model.epochs(X[:1]))
    assert first[X[0] > 0].any(axis=1).all()
    assert not first[X[0] == 0].any()


def test_a_history_is_the_sum_of_its_items_by_the_root_of_its_length():
    X = two_camps()
    model = AsySVD(4, n_epochs=3, biases=True).fit(X)
    new = np.zeros((1, 40), dtype=np.float32)
    new[0, [2, 3, 5, 30]] = 1
    v = model.history_factors_[[2, 3, 5, 30]].sum(axis=0) / 2
    expected = model.mean_ + model.item_factors_[:, -2] + model.item_factors_[:, :4] @ v
    scores = model._scores(csr_array(new), np.array([-1]))
    np.testing.assert_allclose(scores[0], expected, atol=1e-5)


@pytest.mark.parametrize("biases", [True, False])
def test_recommends_items_of_the_users_own_kind_to_new_users_too(biases):
    X = two_camps()
    model = AsySVD(4, biases=biases).fit(X[::2])
    items, _ = model.recommend(X[1::2], k=3, users=np.full(20, -1))
    own = (items >= 20) == (np.arange(1, 40, 2)[:, None] >= 20)
    assert own.mean() > 0.95


def test_without_zeros_a_binary_log_teaches_one_for_every_pair():
    X = two_camps()
    model = AsySVD(4, 0.1, 0, 0, negative_share=0, n_epochs=100, biases=True).fit(X)
    scores = model._scores(csr_array(X), np.arange(40))
    np.testing.assert_allclose(scores, 1, atol=0.15)


def test_values_of_a_thousand_do_not_diverge_at_the_largest_rate():
    X = two_camps() * np.random.default_rng(1).integers(1, 1000, (40, 40))
    for biases in (True, False):
        model = AsySVD(8, learning_rate=1.0, n_epochs=30, biases=biases).fit(X)
        assert np.isfinite(model._scores(csr_array(X.astype(np.float32)), np.arange(40))).all()


def test_a_seed_gives_the_same_bits_and_another_seed_others():
    X = two_camps()
    first, again, other = (
        AsySVD(4, n_epochs=3, random_state=s).fit(X).item_factors_ for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("biases", [True, False])
def test_an_item_without_interactions_has_zero_factors_and_is_never_recommended(biases):
    X = two_camps()
    X[5], X[:, 3] = 0, 0
    model = AsySVD(4, n_epochs=3, biases=biases).fit(X)
    assert not model.item_factors_[3].any()
    assert not model.history_factors_[3].any()
    assert not (model.recommend(X, k=40)[0] == 3).any()


@pytest.mark.parametrize("X", [np.ones((1, 1)), np.ones((1, 4)), np.ones((5, 1)), np.ones((4, 4))])
def test_users_who_have_every_item_get_no_zeros(X):
    assert np.isfinite(AsySVD(4, n_epochs=2).fit(X).item_factors_).all()


def test_bad_parameters_are_refused():
    X = two_camps()
    with pytest.raises(ValueError, match=r"negative_share must lie in \[0, 1\): got -0.1"):
        AsySVD(negative_share=-0.1).fit(X)
    with pytest.raises(ValueError, match=r"learning_rate must be positive.*got 0.1, 20, 0.02"):
        AsySVD(learning_rate=0.1, history_l2=20).fit(X)
