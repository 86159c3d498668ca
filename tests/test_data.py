"""Interactions as matrices, parts and words, against loops over their events."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recmeta.data import DataError, Interactions, Notice

FREQUENT = settings(max_examples=60, deadline=None)


def small(**changes):
    """Two users, three items, five events; user 0 rated item 0 twice; item 2 by nobody liked."""
    columns = {
        "users": np.array(["ann", "bob"], dtype=object),
        "items": np.array([10, 20, 30]),
        "user_rows": np.array([0, 1, 0, 0, 1], dtype=np.int32),
        "item_columns": np.array([0, 1, 0, 1, 2], dtype=np.int32),
        "values": np.array([5, 4, 3, 1, 2], dtype=np.float32),
        "feedback": "rating",
        "threshold": 3.0,
        "timestamps": np.array([0, 86_400, 2, 3, 4]) + 1_600_000_000,
    }
    return Interactions(**columns | changes)


@st.composite
def logs(draw):
    n = draw(st.integers(0, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    feedback = draw(st.sampled_from(["implicit", "rating", "weight"]))
    return Interactions(
        users=np.arange(4),
        items=np.arange(5),
        user_rows=rng.integers(4, size=n).astype(np.int32),
        item_columns=rng.integers(5, size=n).astype(np.int32),
        values=None if feedback == "implicit" else rng.integers(1, 6, n).astype(np.float32),
        feedback=feedback,
        threshold=3.0 if feedback == "rating" else None,
    )


@FREQUENT
@given(log=logs())
def test_times_are_the_last_of_each_entry_of_the_matrix(log):
    when = np.random.default_rng(log.n_events).integers(0, 9, log.n_events)
    last = {}
    for user, item, time, liked in zip(
        log.user_rows, log.item_columns, when, log.positive, strict=True
    ):
        if liked:
            last[user, item] = max(last.get((user, item), 0), time)
    times, X = replace(log, timestamps=when).times(), log.to_csr()
    assert np.array_equal(times.indices, X.indices)
    assert np.array_equal(times.indptr, X.indptr)
    rows = np.repeat(np.arange(4), np.diff(times.indptr))
    keys = zip(rows.tolist(), times.indices.tolist(), strict=True)
    assert dict(zip(keys, times.data.tolist(), strict=True)) == last
    by_place = replace(log, order=when).times()
    assert np.array_equal(by_place.data, times.data)
    assert log.times() is None


@FREQUENT
@given(log=logs())
def test_matrices_are_those_of_a_loop_over_the_positive_events(log):
    values = np.ones(log.n_events) if log.values is None else log.values
    counts, sums, seen = (np.zeros((4, 5)) for _ in range(3))
    for user, item, value in zip(log.user_rows, log.item_columns, values, strict=True):
        seen[user, item] = 1
        if log.feedback != "rating" or value >= 3:
            counts[user, item] += 1
            sums[user, item] += value
    np.testing.assert_array_equal(log.to_csr().toarray(), counts > 0)
    np.testing.assert_array_equal(log.seen().toarray(), seen)
    amounts = sums if log.feedback == "weight" else counts
    np.testing.assert_allclose(log.to_csr("count").toarray(), amounts, rtol=1e-6)
    means = counts if log.feedback == "implicit" else sums / np.maximum(counts, 1)
    np.testing.assert_allclose(log.to_csr("rating").toarray(), means, rtol=1e-6)


@pytest.mark.parametrize("values", ["binary", "rating", "count"])
@FREQUENT
@given(log=logs())
def test_matrices_are_canonical(values, log):
    X = log.to_csr(values)
    assert X.shape == (4, 5)
    assert X.dtype == np.float32
    assert X.has_canonical_format
    assert (X.data != 0).all()


def test_a_matrix_of_what_there_is_not_is_refused():
    with pytest.raises(ValueError, match="values must be one of binary, rating, count: got 'mean'"):
        small().to_csr("mean")


def test_ratings_from_the_threshold_on_are_positive_and_all_else_is_seen():
    log = small()
    assert log.positive.tolist() == [True, True, True, False, False]
    np.testing.assert_array_equal(log.to_csr().toarray(), [[1, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(log.to_csr("rating").toarray(), [[4, 0, 0], [0, 4, 0]])
    np.testing.assert_array_equal(log.to_csr("count").toarray(), [[2, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(log.seen().toarray(), [[1, 1, 0], [0, 1, 1]])


@pytest.mark.parametrize("changes", [{"threshold": None}, {"feedback": "weight"}, {"values": None}])
def test_without_opinions_every_event_is_positive(changes):
    assert small(**changes).positive.all()


def test_an_event_of_weight_0_is_an_event():
    log = small(feedback="weight", values=np.zeros(5, dtype=np.float32))
    assert log.to_csr().nnz == 4
    assert log.to_csr("count").nnz == 0


@FREQUENT
@given(log=logs(), seed=st.integers(0, 99))
def test_selected_events_keep_their_rows_columns_and_values(log, seed):
    mask = np.random.default_rng(seed).random(log.n_events) < 0.5
    part = log.select(mask)
    np.testing.assert_array_equal(part.user_rows, log.user_rows[mask])
    np.testing.assert_array_equal(part.item_columns, log.item_columns[mask])
    assert (part.values is None) == (log.values is None)
    assert (part.n_users, part.n_items) == (log.n_users, log.n_items)
    rest = log.select(~mask)
    together = part.seen().toarray() + rest.seen().toarray()
    np.testing.assert_array_equal(together > 0, log.seen().toarray() > 0)


def test_times_positions_and_the_rest_go_with_the_selected_events():
    log = small(order=np.arange(5), name="shop", notices=(Notice("N1", "note", "said"),))
    part = log.select(np.array([False, True, False, True, True]))
    assert part.timestamps.tolist() == log.timestamps[[1, 3, 4]].tolist()
    assert part.order.tolist() == [1, 3, 4]
    assert (part.name, part.notices, part.threshold) == ("shop", log.notices, 3.0)
    assert log.n_events == 5


def test_the_summary_says_what_was_read_guessed_and_changed():
    log = small(
        name="shop",
        columns={"user": "customer", "item": "product", "time": "ts"},
        notices=(Notice("W105", "warning", "2 repeated pairs", 2, "[change: --duplicates]"),),
    )
    assert log.summary() == [
        "Read shop: 5 events, 2 users, 3 items, density 66.67%",
        "  columns  user=customer item=product time=ts (2020-09-13..2020-09-14)"
        "   [change: --user-col ...]",
        "  feedback explicit 1 to 5 -> positive when >= 3 (60%)   [change: --threshold]",
        "  warning[W105]: 2 repeated pairs [change: --duplicates]",
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"feedback": "implicit"}, "  feedback implicit: every event is positive"),
        ({"feedback": "weight"}, "  feedback weights: amounts, every event is positive"),
        ({"threshold": None}, "  feedback explicit, without threshold: every event is positive"),
    ],
)
def test_the_summary_says_what_is_positive(changes, line):
    assert small(**changes).summary()[1] == line


def test_a_log_without_events_can_be_summed_up():
    lines = small().select(np.zeros(5, dtype=bool)).summary()
    assert lines[0] == "Read data: 0 events, 2 users, 3 items, density 0.00%"
    assert lines[1] == "  feedback explicit, no event -> positive when >= 3"


def test_an_error_has_its_code_its_rows_and_a_way_out():
    error = DataError("E103", "2 rows have no user id.", hint="Use --drop-bad.", rows=(3, 4))
    assert isinstance(error, ValueError)
    assert str(error) == "[E103] 2 rows have no user id. Use --drop-bad."
    assert (error.code, error.hint, error.rows) == ("E103", "Use --drop-bad.", [3, 4])
    assert str(DataError("E106", "empty.")) == "[E106] empty."


def test_a_log_shows_itself_in_a_line():
    assert repr(small()) == "<Interactions data: 5 events, 2 users, 3 items, timestamps>"
