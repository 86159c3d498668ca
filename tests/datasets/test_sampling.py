"""Samples have whole users, enough of them, and long and short histories as the log has."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, eye_array

from recmeta.data import Interactions
from recmeta.datasets.sampling import sample_users
from recmeta.datasets.synthetic import generate


def ragged(n_users=400, n_items=50, seed=0):
    """Users with 1 to 40 events, most of them few."""
    rng = np.random.default_rng(seed)
    lengths = np.minimum(rng.geometric(0.15, n_users), 40)
    rows = np.repeat(np.arange(n_users, dtype=np.int32), lengths)
    order = rng.permutation(len(rows))
    return Interactions(
        users=np.array([f"u{k:03d}" for k in range(n_users)], dtype=object),
        items=np.arange(n_items) * 10,
        user_rows=rows[order],
        item_columns=rng.integers(n_items, size=len(rows)).astype(np.int32),
        values=rng.integers(1, 6, len(rows)).astype(np.float32),
        feedback="rating",
        threshold=4.0,
        timestamps=np.arange(len(rows)) + 1_600_000_000,
        user_features=csr_array(eye_array(n_users)),
        item_features=csr_array(eye_array(n_items)),
    )


def events(log):
    columns = (log.users[log.user_rows], log.items[log.item_columns], log.values, log.timestamps)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@settings(max_examples=40, deadline=None)
@given(max_events=st.integers(1, 3000), min_users=st.integers(0, 500), seed=st.integers(0, 9))
def test_a_sample_has_all_events_of_its_users_in_their_order(max_events, min_users, seed):
    log = ragged()
    sample = sample_users(log, max_events, min_users=min_users, seed=seed)
    drawn = set(sample.users)
    assert events(sample) == [event for event in events(log) if event[0] in drawn]
    assert len(drawn) == sample.n_users >= min(min_users, log.n_users)
    assert np.unique(sample.user_rows).tolist() == list(range(sample.n_users))
    assert np.unique(sample.item_columns).tolist() == list(range(sample.n_items))
    assert sample.users.tolist() == sorted(drawn)
    assert sample.items.tolist() == sorted(sample.items)
    assert sample.threshold == log.threshold


def test_features_go_with_their_users_and_items():
    log = ragged()
    sample = sample_users(log, 200, min_users=1)
    places = np.searchsorted(log.users.astype(str), sample.users.astype(str))
    np.testing.assert_array_equal(sample.user_features.nonzero()[1], places)
    np.testing.assert_array_equal(sample.item_features.nonzero()[1], sample.items // 10)


def test_the_same_seed_draws_the_same_users_and_another_seed_others():
    log = ragged()
    one, same, other = (sample_users(log, 500, min_users=10, seed=seed) for seed in (1, 1, 2))
    assert one.users.tolist() == same.users.tolist()
    assert one.users.tolist() != other.users.tolist()


@pytest.mark.parametrize("max_events", [300, 1000])
def test_the_size_is_about_what_was_asked_for_and_the_activity_as_in_the_log(max_events):
    log = ragged()
    samples = [sample_users(log, max_events, min_users=1, seed=seed) for seed in range(20)]
    sizes = [sample.n_events for sample in samples]
    assert np.mean(sizes) == pytest.approx(max_events, rel=0.15)
    whole = np.quantile(np.bincount(log.user_rows), [0.25, 0.5, 0.75])
    parts = [np.quantile(np.bincount(sample.user_rows), [0.25, 0.5, 0.75]) for sample in samples]
    np.testing.assert_allclose(np.mean(parts, axis=0), whole, atol=1.5)


def test_a_log_that_is_small_enough_is_returned_as_it_is():
    log = ragged()
    assert sample_users(log, log.n_events) is log
    assert sample_users(log, 10, min_users=400) is log


def test_what_was_left_out_is_said():
    log = generate(300, 40, 3000, seed=0)
    sample = sample_users(log, 600, min_users=20)
    notice = sample.notices[-1]
    assert (notice.code, notice.level) == ("N113", "note")
    assert notice.n_rows == log.n_events - sample.n_events
    assert notice.message == (
        f"sample of {sample.n_users} of 300 users with {sample.n_events:,} of {log.n_events:,} "
        f"events; {40 - sample.n_items} of 40 items have none of them"
    )
