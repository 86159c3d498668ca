"""Random: uniform, a user's own, and the same whatever else is asked."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms.random import Random

N_USERS, N_ITEMS = 4000, 12


def nobody(n_rows=N_USERS, n_items=N_ITEMS):
    return csr_array((n_rows, n_items), dtype=np.float32)


def fitted(random_state=0):
    return Random(random_state).fit(np.ones((N_USERS, N_ITEMS)))


def in_item_order(items, scores):
    return np.take_along_axis(scores, np.argsort(items, axis=1), axis=1)


def test_every_item_comes_first_for_as_many_users():
    items, _ = fitted().recommend(nobody(), 1)
    counts = np.bincount(items[:, 0], minlength=N_ITEMS)
    expected = N_USERS / N_ITEMS
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert chi_squared < 31.3  # its 99.9 % point with 11 degrees of freedom


def test_scores_are_uniform_between_0_and_1():
    _, scores = fitted().recommend(nobody(), N_ITEMS)
    assert scores.min() > 0
    assert scores.max() <= 1
    values = np.sort(scores.ravel())
    ranks = np.arange(1, values.size + 1) / values.size
    # Kolmogorov-Smirnov: its 99.9 % point
    assert np.abs(values - ranks).max() < 1.95 / np.sqrt(values.size)


def test_scores_of_two_users_or_two_items_have_nothing_to_do_with_each_other():
    scores = in_item_order(*fitted().recommend(nobody(), N_ITEMS))
    between_items = np.corrcoef(scores.T) - np.eye(N_ITEMS)
    assert np.abs(between_items).max() < 5 / np.sqrt(N_USERS)
    neighbours = np.corrcoef(scores[:-1].ravel(), scores[1:].ravel())[0, 1]
    assert abs(neighbours) < 5 / np.sqrt(scores.size)


def test_the_seed_decides():
    one, same, other = (fitted(seed).recommend(nobody(), 3)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one[:, 0] == other[:, 0]).mean() < 0.2  # by chance: 1 in 12


def test_no_seed_is_another_one_at_each_fit_and_the_same_until_the_next():
    model = fitted(None)
    first, again = (model.recommend(nobody(), 3)[0] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (first != model.fit(np.ones((N_USERS, N_ITEMS))).recommend(nobody(), 3)[0]).any()


def test_global_random_state_is_neither_read_nor_moved():
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, _ = fitted().recommend(nobody(), 3)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    np.random.seed(6)  # noqa: NPY002
    np.testing.assert_array_equal(fitted().recommend(nobody(), 3)[0], first)


def test_a_user_has_the_same_draws_whatever_the_batch():
    model = fitted()
    users = np.random.default_rng(0).permutation(N_USERS)[:500]
    whole, scores = model.recommend(nobody(), N_ITEMS)
    some, some_scores = model.recommend(nobody(500), N_ITEMS, users=users)
    np.testing.assert_array_equal(some, whole[users])
    np.testing.assert_array_equal(some_scores, scores[users])
    alone, _ = model.recommend(nobody(1), N_ITEMS, users=[users[0]])
    np.testing.assert_array_equal(alone[0], whole[users[0]])


def test_a_new_user_is_known_by_his_history():
    model = fitted()
    X = np.zeros((4, N_ITEMS))
    X[0, 1], X[1, 2], X[2, 1], X[3, 1] = 1, 1, 1, 2
    items, _ = model.recommend(X, N_ITEMS, users=[-1, -1, -1, 0])
    np.testing.assert_array_equal(items[0], items[2])
    assert (items[0] != items[1]).any()
    assert (items[0] != items[3]).any()


def test_items_without_interactions_are_never_recommended():
    items, _ = Random().fit([[1, 0, 1, 0], [1, 0, 0, 0]]).recommend(nobody(2, 4), 4)
    np.testing.assert_array_equal(np.sort(items), [[-1, -1, 0, 2], [-1, -1, 0, 2]])


def test_a_seed_that_is_no_seed_is_refused():
    with pytest.raises(ValueError, match="expected non-negative integer"):
        Random(random_state=-1).fit(np.ones((2, 2)))
