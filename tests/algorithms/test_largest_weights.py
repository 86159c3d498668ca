"""The largest weights of each row, against a sort of each."""

import numpy as np
import pytest

from recmeta.algorithms._largest_weights import largest_of_rows


def sorted_choice(weights, n_kept, seen, order):
    chosen = np.zeros_like(weights)
    for row in np.flatnonzero(seen):
        there = np.flatnonzero(weights[row])
        for column in there[np.argsort(-weights[row, there])][:n_kept]:
            chosen[order[column], order[row]] = weights[row, column]
    return chosen


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("n_kept", [1, 4, 30, 50])
def test_rows_of_all_kinds_keep_their_largest(n_kept, symmetric):
    rng = np.random.default_rng(0)
    n = 40
    share = rng.choice([0.0, 0.05, 0.5, 1.0], size=(n, 1))  # of entries that are not 0
    weights = (rng.normal(size=(n, n)) * (rng.random((n, n)) < share)).astype(np.float32)
    weights[::7] = -abs(weights[::7])
    if symmetric:
        weights = np.tril(weights, -1)
    whole = weights + weights.T if symmetric else weights
    seen, order = rng.random(n) < 0.9, rng.permutation(n).astype(np.int32)
    found = largest_of_rows(weights, n_kept, seen, order, symmetric)
    np.testing.assert_array_equal(found.toarray(), sorted_choice(whole, n_kept, seen, order))
    assert found.has_sorted_indices
    assert (found.data != 0).all()


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("n_kept", [2, 30])
def test_weights_that_diverged_are_left_out(n_kept, symmetric):
    rng = np.random.default_rng(1)
    weights = np.tril(rng.normal(size=(12, 12)), -1).astype(np.float32)
    diverged = rng.random(weights.shape) < 0.8
    finite = np.where(diverged, np.float32(0), weights)
    weights[diverged & (weights != 0)] = np.nan
    weights[5, :5] = -np.inf
    finite[5, :5] = 0
    order, seen = rng.permutation(12).astype(np.int32), np.ones(12, dtype=bool)
    found = largest_of_rows(weights, n_kept, seen, order, symmetric)
    whole = finite + finite.T if symmetric else finite
    np.testing.assert_array_equal(found.toarray(), sorted_choice(whole, n_kept, seen, order))
    assert (found.data != 0).all()


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("change", [0.02, 1.0, 5.0])  # little; much; all floors are too high
def test_an_earlier_selection_changes_nothing_but_the_time(change, symmetric):
    rng = np.random.default_rng(2)
    weights = np.tril(rng.normal(size=(60, 60)), -1).astype(np.float32)
    weights[20:30] = -abs(weights[20:30])
    order, seen = rng.permutation(60).astype(np.int32), rng.random(60) < 0.9
    earlier = largest_of_rows(weights, 5, seen, order, symmetric)
    weights += np.tril(rng.normal(size=(60, 60)) * change - (change > 2) * 20, -1).astype("f")
    expected = largest_of_rows(weights, 5, seen, order, symmetric)
    found = largest_of_rows(weights, 5, seen, order, symmetric, earlier)
    np.testing.assert_array_equal(found.toarray(), expected.toarray())
    whole = weights + weights.T if symmetric else weights
    np.testing.assert_array_equal(found.toarray(), sorted_choice(whole, 5, seen, order))
