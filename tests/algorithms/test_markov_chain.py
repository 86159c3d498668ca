"""MarkovChain against loops over its formula, and the traps of sequences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from recmeta.algorithms.markov_chain import MarkovChain


def log(n_users=25, n_items=14, seed=0, n_times=9):
    """Histories of 0 to many items, with times from 0 on, many of them equal."""
    rng = np.random.default_rng(seed)
    X = csr_array((rng.random((n_users, n_items)) < rng.random((n_users, 1))).astype(np.float32))
    times = rng.integers(0, n_times, X.nnz).astype(np.float64)
    return X, csr_array((times, X.indices, X.indptr), shape=X.shape)


def sequence(times, row):
    entries = slice(times.indptr[row], times.indptr[row + 1])
    return [
        item for _, item in sorted(zip(times.data[entries], times.indices[entries], strict=True))
    ]


def looped(X, times, window, decay, backward, alpha, n_last, discount):
    """The scores of the docstring, pair by pair."""
    n_items = X.shape[1]
    N = np.zeros((n_items, n_items))
    for row in range(X.shape[0]):
        items = sequence(times, row)
        for p, i in enumerate(items):
            for q, j in enumerate(items):
                d = abs(q - p)
                if 1 <= d <= window:
                    N[i, j] += (1.0 if q > p else backward) * d**-decay
    P = N / np.maximum(N.sum(axis=1, keepdims=True), 1e-30) ** alpha
    scores = np.zeros(X.shape)
    for row in range(X.shape[0]):
        for r, i in enumerate(sequence(times, row)[::-1][:n_last]):
            scores[row] += discount**r * P[i]
    return scores


def all_scores(model, X, times):
    items, values = model.recommend(X, X.shape[1], exclude_seen=False, timestamps=times)
    scores = np.zeros(X.shape)
    rows, places = np.nonzero(items >= 0)
    scores[rows, items[rows, places]] = values[rows, places]
    return scores


@settings(deadline=None, max_examples=40)  # the first one compiles
@given(
    seed=st.integers(0, 50),
    window=st.integers(1, 20),
    decay=st.floats(0, 2),
    backward=st.sampled_from([0.0, 0.3, 1.0]),
    alpha=st.floats(0, 1),
    n_last=st.integers(1, 20),
    discount=st.floats(0.1, 1),
)
def test_scores_are_those_of_loops_over_the_formula(seed, **params):
    X, times = log(seed=seed)
    model = MarkovChain(**params, n_neighbours=50).fit(X, timestamps=times)
    assert np.allclose(all_scores(model, X, times), looped(X, times, **params), rtol=1e-5)


def test_the_first_order_chain_has_the_probabilities_of_the_next_item():
    X, times = log()
    model = MarkovChain(window=1, backward=0.0, alpha=1.0).fit(X, timestamps=times)
    counts = np.zeros((X.shape[1],) * 2)
    for row in range(X.shape[0]):
        for i, j in zip(sequence(times, row)[:-1], sequence(times, row)[1:], strict=True):
            counts[i, j] += 1
    expected = counts / counts.sum(axis=1, keepdims=True)
    assert np.allclose(model.item_weights_.toarray(), expected, rtol=1e-6)
    assert np.allclose(model.item_weights_.sum(axis=1), 1)


def test_each_item_keeps_those_that_came_before_it_most_often():
    X, times = log()
    every = MarkovChain(alpha=0.0, n_neighbours=50).fit(X, timestamps=times).item_weights_.toarray()
    few = MarkovChain(alpha=0.0, n_neighbours=3).fit(X, timestamps=times).item_weights_.toarray()
    for item in range(X.shape[1]):
        best = np.argsort(-every[:, item], kind="stable")[:3]
        assert np.array_equal(np.flatnonzero(few[:, item]), np.sort(best))
        assert np.array_equal(few[best, item], every[best, item])


def test_reversed_times_reverse_the_chain():
    X = np.ones((3, 4))
    times = np.tile([1.0, 2, 3, 4], (3, 1))
    first_order = MarkovChain(window=1, backward=0.0)
    ahead = first_order.fit(X, timestamps=times).item_weights_.toarray()
    behind = first_order.fit(X, timestamps=-times).item_weights_.toarray()
    assert np.array_equal(ahead, np.eye(4, k=1) * ahead.max())
    assert np.array_equal(behind, ahead.T)


def test_the_order_of_the_history_decides_what_comes_next():
    X, times = np.eye(4) + np.eye(4, k=1), np.eye(4) + 2 * np.eye(4, k=1)
    model = MarkovChain(window=1, backward=0.0, n_last=1).fit(X, timestamps=times)
    history = np.array([[1.0, 0, 1, 0]])
    for when, following in (([[1.0, 0, 2, 0]], 3), ([[2.0, 0, 1, 0]], 1)):
        found, _ = model.recommend(history, 1, timestamps=csr_array(np.array(when)))
        assert found.tolist() == [[following]]


def test_equal_times_come_by_item_number_and_a_time_of_0_is_a_time():
    X = csr_array(np.ones((2, 3), dtype=np.float32))
    times = csr_array((np.zeros(6), X.indices, X.indptr), shape=X.shape)
    model = MarkovChain(window=1, backward=0.0).fit(X, timestamps=times)
    assert np.array_equal(model.item_weights_.toarray() > 0, np.eye(3, k=1) > 0)


def test_users_of_one_item_teach_nothing():
    X = np.eye(5)
    model = MarkovChain().fit(X, timestamps=X)
    assert model.item_weights_.nnz == 0
    assert (model.recommend(X, 3, timestamps=X)[0] == -1).all()


def test_only_the_order_of_the_times_counts_not_their_size():
    X, times = log()
    later = csr_array((1e9 + times.data * 86_400, times.indices, times.indptr), shape=X.shape)
    one, other = (MarkovChain().fit(X, timestamps=when) for when in (times, later))
    assert np.array_equal(one.item_weights_.toarray(), other.item_weights_.toarray())


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"window": 0}, "window must be at least 1: got 0"),
        ({"n_last": 0}, "n_last must be at least 1: got 0"),
        ({"backward": -1.0}, "decay, alpha and backward must be at least 0"),
        ({"decay": float("inf")}, "got inf, 0.25"),
        ({"discount": 1.5}, "0.75 and 1.5"),
    ],
)
def test_parameters_out_of_range_are_refused(params, said):
    X, times = log()
    with pytest.raises(ValueError, match=said):
        MarkovChain(**params).fit(X, timestamps=times)


def test_weights_that_round_to_0_add_nothing():
    """They must not count as items that were met: that list would overflow."""
    rng = np.random.default_rng(0)
    X = csr_array((rng.random((40, 30)) < 0.5).astype(np.float32))
    times = csr_array((rng.permutation(X.nnz) + 1.0, X.indices, X.indptr), shape=X.shape)
    steep = MarkovChain(decay=1000.0, window=50).fit(X, timestamps=times)
    first = MarkovChain(decay=0.0, window=1).fit(X, timestamps=times)
    np.testing.assert_allclose(steep.item_weights_.toarray(), first.item_weights_.toarray())
