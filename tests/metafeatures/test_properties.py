"""What holds for every log: features are finite, named, and the same in any numbering."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recmeta.data import Interactions
from recmeta.datasets.splits import random_holdout
from recmeta.datasets.synthetic import generate
from recmeta.metafeatures import extract_all, landmarkers

ROOMS = {"basic", "distribution", "structure", "temporal", "landmark"}


def ids(prefix, n):
    return np.array([f"{prefix}{place}" for place in range(n)], dtype=object)


@st.composite
def logs(draw):
    """One to eight users and items; repeats; ratings, amounts or nothing; times, order or not."""
    n_users, n_items = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    pairs = st.tuples(st.integers(0, n_users - 1), st.integers(0, n_items - 1))
    events = draw(st.lists(pairs, min_size=1, max_size=30))
    users, items = np.array(events, dtype=np.int32).T
    feedback = draw(st.sampled_from(["implicit", "rating", "weight"]))
    of = {
        "implicit": st.none(),
        "rating": st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.5, 5.0]),
        "weight": st.floats(2.0**-10, 1e6, width=32),
    }
    values = draw(st.lists(of[feedback], min_size=len(events), max_size=len(events)))
    times = draw(st.sampled_from([None, "timestamps", "order"]))
    at = st.integers(0, 2 * 10**9)
    numbers = draw(st.lists(at, min_size=len(events), max_size=len(events)))
    return Interactions(
        users=ids("u", n_users),
        items=ids("i", n_items),
        user_rows=users,
        item_columns=items,
        values=None if feedback == "implicit" else np.array(values, dtype=np.float32),
        feedback=feedback,
        threshold=draw(st.sampled_from([-1.0, 1.0, 9.0])) if feedback == "rating" else None,
        **({} if times is None else {times: np.array(numbers, dtype=np.int64)}),
    )


def relabelled(log, seed):
    """The same log: its users, items and events in another order."""
    rng = np.random.default_rng(seed)
    users, items = rng.permutation(log.n_users), rng.permutation(log.n_items)
    events = rng.permutation(log.n_events)

    def moved(column):
        return None if column is None else column[events]

    return replace(
        log,
        users=log.users[users],
        items=log.items[items],
        user_rows=np.argsort(users)[log.user_rows][events].astype(np.int32),
        item_columns=np.argsort(items)[log.item_columns][events].astype(np.int32),
        values=moved(log.values),
        timestamps=moved(log.timestamps),
        order=moved(log.order),
    )


def assert_same(one, other, rtol=1e-6, atol=1e-6):
    assert set(one) == set(other)
    for name, value in one.items():
        assert other[name] == pytest.approx(value, rel=rtol, abs=atol), name


@settings(max_examples=100, deadline=None)
@given(logs())
def test_every_feature_of_every_log_is_a_finite_number(log):
    for name, value in extract_all(log, landmarks=False).items():
        assert type(value) is float
        assert np.isfinite(value), name


@settings(max_examples=100, deadline=None)
@given(logs(), st.integers(0, 99))
def test_features_are_the_same_however_users_items_and_events_are_numbered(log, seed):
    one, other = (extract_all(one, landmarks=False) for one in (log, relabelled(log, seed)))
    assert_same(one, other)


@settings(max_examples=50, deadline=None)
@given(logs(), st.integers(1, 3), st.integers(1, 3))
def test_users_and_items_without_an_event_change_nothing(log, more_users, more_items):
    """They come from what is held out: the training part keeps their rows and columns."""
    wider = replace(
        log,
        users=ids("u", log.n_users + more_users),
        items=ids("i", log.n_items + more_items),
    )
    assert_same(extract_all(log, landmarks=False), extract_all(wider, landmarks=False))


@settings(max_examples=25, deadline=None)
@given(logs())
def test_landmarkers_of_every_log_are_finite(log):
    found = landmarkers.extract(log.to_csr(), log)
    assert np.isfinite(list(found.values())).all()
    shares = [value for name, value in found.items() if name.endswith(".ndcg@10")]
    assert all(0 <= share <= 1 for share in shares)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_larger_log_is_the_same_in_any_numbering_to_the_precision_of_its_spectrum(seed):
    log = generate(500, 400, 9000, seed=seed)
    one, other = (extract_all(one, landmarks=False) for one in (log, relabelled(log, seed)))
    spectrum = ["structure.spectrum_second", "structure.effective_rank"]
    for name in spectrum:
        assert other[name] == pytest.approx(one[name], rel=1e-3)
    assert_same(*({name: x[name] for name in x if name not in spectrum} for x in (one, other)))


def test_names_are_room_and_name_and_every_room_has_some():
    names = list(extract_all(generate(40, 30, 500)))
    assert {name.partition(".")[0] for name in names} == ROOMS
    assert all(re.fullmatch(r"[a-z]+(\.[a-z0-9_@]+)+", name) for name in names)
    assert len(names) == len(set(names)) > 100


def test_a_seed_gives_one_answer_and_another_seed_another_sample():
    log = generate(100, 50, 3000, seed=1)
    one, again, other = (extract_all(log, seed=seed) for seed in (0, 0, 1))
    assert one == again
    differ = {name for name in one if one[name] != other[name]}
    assert {name.partition(".")[0] for name in differ} == {"landmark"}


def test_without_landmarks_the_rest_is_the_same():
    log = generate(40, 30, 500)
    everything = extract_all(log)
    rest = {name: value for name, value in everything.items() if not name.startswith("landmark")}
    assert extract_all(log, landmarks=False) == rest


def test_what_is_held_out_does_not_move_a_feature():
    log = generate(60, 40, 1500, seed=2)
    split = random_holdout(log)
    moved = log.item_columns.copy()
    held = split.part > 0
    moved[held] = np.random.default_rng(0).permutation(moved[held])
    train = [extract_all(one.select(~held)) for one in (log, replace(log, item_columns=moved))]
    assert train[0] == train[1]


def test_extraction_changes_nothing_of_the_log():
    log = generate(40, 30, 500)
    before = [log.user_rows.copy(), log.item_columns.copy(), log.timestamps.copy()]
    extract_all(log)
    for old, new in zip(before, (log.user_rows, log.item_columns, log.timestamps), strict=True):
        np.testing.assert_array_equal(old, new)
