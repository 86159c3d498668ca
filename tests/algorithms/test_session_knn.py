"""SessionKNN against loops over its formula, and the traps of sequences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from recmeta.algorithms.session_knn import SessionKNN


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


def looped(
    times, new_times, users, n_neighbours, n_last, discount, nearness, backward, rarity,
    length_exponent,
):  # fmt: skip
    """The scores of the docstring, neighbour by neighbour."""
    n_users = times.shape[0]
    counts = np.bincount(times.indices, minlength=times.shape[1])
    known = [sequence(times, row) for row in range(n_users)]
    scores = np.zeros(new_times.shape)
    for row in range(len(scores)):
        r = {i: r for r, i in enumerate(sequence(new_times, row)[::-1][:n_last])}
        similar = np.zeros(n_users)
        for user, p in enumerate(known):
            if user == users[row] or not p:
                continue
            for i in set(p) & set(r):
                similar[user] += discount ** r[i] * np.log(1 + n_users / counts[i]) ** rarity
            similar[user] /= len(p) ** length_exponent
        similar = similar.astype(np.float32)  # so that those nearly equal tie here as there
        for user in np.argsort(-similar, kind="stable")[:n_neighbours]:
            if similar[user] > 0:
                p = known[user]
                match = min((i for i in p if i in r), key=r.get)
                for place, j in enumerate(p):
                    d = place - p.index(match)
                    before = backward if d < 0 else 1.0
                    scores[row, j] += similar[user] * nearness ** abs(d) * before
    return scores


def all_scores(model, X, times, users):
    items, values = model.recommend(
        X, X.shape[1], users=users, exclude_seen=False, timestamps=times
    )
    scores = np.zeros(X.shape)
    rows, places = np.nonzero(items >= 0)
    scores[rows, items[rows, places]] = values[rows, places]
    return scores


@settings(deadline=None, max_examples=40)  # the first one compiles
@given(
    seed=st.integers(0, 50),
    n_neighbours=st.sampled_from([1, 4, 100]),
    n_last=st.integers(1, 20),
    discount=st.floats(0.1, 1),
    nearness=st.floats(0.1, 1),
    backward=st.sampled_from([0.0, 0.3, 1.0]),
    rarity=st.floats(0, 2),
    length_exponent=st.floats(0, 1),
)
def test_scores_are_those_of_loops_over_the_formula(seed, **params):
    X, times = log(seed=seed)
    new, new_times = log(seed=seed + 1000)
    model = SessionKNN(**params).fit(X, timestamps=times)
    for histories, when, users in (
        (X, times, np.arange(X.shape[0])),
        (new, new_times, np.full(X.shape[0], -1)),
    ):
        expected = looped(times, when, users, **params)
        assert np.allclose(all_scores(model, histories, when, users), expected, rtol=1e-4)


def test_a_known_user_is_not_his_own_neighbour():
    X, times = log()
    model = SessionKNN(n_neighbours=1).fit(X, timestamps=times)
    known = all_scores(model, X, times, np.arange(X.shape[0]))
    new = all_scores(model, X, times, np.full(X.shape[0], -1))
    assert not np.allclose(known, new)


def test_the_order_of_the_history_decides_who_is_near():
    X, times = np.eye(4) + np.eye(4, k=1), np.eye(4) + 2 * np.eye(4, k=1)
    model = SessionKNN(n_last=1, backward=0.0).fit(X, timestamps=times)
    history = np.array([[1.0, 0, 1, 0]])
    for when, following in (([[1.0, 0, 2, 0]], 3), ([[2.0, 0, 1, 0]], 1)):
        found, _ = model.recommend(history, 1, users=[-1], timestamps=np.array(when))
        assert found.tolist() == [[following]]


def test_reversed_times_turn_what_follows_into_what_came_before():
    X = np.ones((2, 5))
    times = np.tile([1.0, 2, 3, 4, 5], (2, 1))
    history = csr_array(np.array([[0.0, 0, 1, 0, 0]]))
    for sign, following in ((1, [3, 4]), (-1, [1, 0])):
        model = SessionKNN(backward=0.0).fit(X, timestamps=sign * times)
        found, _ = model.recommend(history, 2, users=[-1], timestamps=history)
        assert found.tolist() == [following]


def test_equal_times_come_by_item_number_and_a_time_of_0_is_a_time():
    X = csr_array(np.ones((2, 4), dtype=np.float32))
    times = csr_array((np.zeros(8), X.indices, X.indptr), shape=X.shape)
    model = SessionKNN().fit(X, timestamps=times)
    assert model.items_.tolist() == [0, 1, 2, 3, 0, 1, 2, 3]


def test_users_of_one_item_find_those_who_have_it_and_teach_nothing():
    X = np.array([[1.0, 0, 0], [1, 0, 1], [0, 1, 0]])
    model = SessionKNN().fit(X, timestamps=X)
    found, _ = model.recommend(X, 1, timestamps=X)
    assert found.tolist() == [[2], [-1], [-1]]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"n_last": 0}, "n_last must be at least 1: got 0"),
        ({"discount": 1.5}, r"discount must be in \[0, 1\]: got 1.5"),
        ({"nearness": -0.5}, r"nearness must be in \[0, 1\]: got -0.5"),
    ],
)
def test_parameters_out_of_range_are_refused(params, said):
    X, times = log()
    with pytest.raises(ValueError, match=said):
        SessionKNN(**params).fit(X, timestamps=times)
