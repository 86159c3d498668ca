"""Splits: each event in one part, nothing lost, no future in the past, the same for a seed."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recmeta.data import DataError, Interactions
from recmeta.datasets.folds import TEST, TRAIN, VALIDATION
from recmeta.datasets.splits import (
    default_split,
    global_time,
    leave_last_out,
    random_holdout,
    user_kfold,
)
from recmeta.datasets.synthetic import generate

FREQUENT = settings(max_examples=40, deadline=None)
SPLITS = {
    "random_holdout": random_holdout,
    "random_holdout of at least 1": lambda log, seed: random_holdout(log, at_least=1, seed=seed),
    "leave_last_out": leave_last_out,
    "global_time": lambda log, seed: global_time(log),
    "user_kfold": lambda log, seed: user_kfold(log, n_folds=3, fold=seed % 3, seed=seed),
}
BY_PAIR = [name for name in SPLITS if name != "global_time"]


@st.composite
def logs(draw, timed=True):
    """Small logs with repeated pairs, equal times and ratings of which some are positive."""
    n_users, n_items = draw(st.integers(1, 6)), draw(st.integers(1, 8))
    n = draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rated = draw(st.booleans())
    return Interactions(
        users=np.arange(n_users),
        items=np.arange(n_items),
        user_rows=rng.integers(n_users, size=n).astype(np.int32),
        item_columns=rng.integers(n_items, size=n).astype(np.int32),
        values=rng.integers(1, 6, n).astype(np.float32) if rated else None,
        feedback="rating" if rated else "implicit",
        threshold=3.0 if rated else None,
        timestamps=rng.integers(0, 30, n) + 1_600_000_000 if timed else None,
    )


def pairs(log, mask):
    return set(zip(log.user_rows[mask].tolist(), log.item_columns[mask].tolist(), strict=True))


def histories(log, part):
    """Each user's distinct items and the part of each."""
    found = {}
    for user, item, place in zip(log.user_rows, log.item_columns, part, strict=True):
        found.setdefault(int(user), {})[int(item)] = int(place)
    return found


@pytest.mark.parametrize("name", SPLITS)
@FREQUENT
@given(log=logs(), seed=st.integers(0, 9))
def test_each_event_is_in_exactly_one_part_and_the_log_is_as_before(name, log, seed):
    before = [column.copy() for column in (log.user_rows, log.item_columns, log.timestamps)]
    split = SPLITS[name](log, seed=seed)
    assert split.part.shape == (log.n_events,)
    assert set(split.part.tolist()) <= {TRAIN, VALIDATION, TEST}
    assert split.data is log
    for column, was in zip((log.user_rows, log.item_columns, log.timestamps), before, strict=True):
        np.testing.assert_array_equal(column, was)


@pytest.mark.parametrize("name", BY_PAIR)
@FREQUENT
@given(log=logs(), seed=st.integers(0, 9))
def test_no_pair_is_in_two_parts(name, log, seed):
    part = SPLITS[name](log, seed=seed).part
    train, validation, test = (pairs(log, part == number) for number in (TRAIN, VALIDATION, TEST))
    assert not train & validation
    assert not train & test
    assert not validation & test


@pytest.mark.parametrize("name", SPLITS)
@FREQUENT
@given(log=logs(), seed=st.integers(0, 9))
def test_the_same_seed_gives_the_same_split(name, log, seed):
    once, again = SPLITS[name](log, seed=seed), SPLITS[name](log, seed=seed)
    np.testing.assert_array_equal(once.part, again.part)
    np.testing.assert_array_equal(once.held_users, again.held_users)


@pytest.mark.parametrize("name", BY_PAIR)
@FREQUENT
@given(log=logs(), seed=st.integers(0, 9))
def test_the_order_of_the_users_events_says_nothing(name, log, seed):
    # the split is of users, items and times: another order of the file changes nothing
    order = np.random.default_rng(seed).permutation(log.n_events)
    shuffled = Interactions(
        **vars(log)
        | {
            column: getattr(log, column)[order]
            for column in ("user_rows", "item_columns", "timestamps", "values")
            if getattr(log, column) is not None
        }
    )
    part = SPLITS[name](log, seed=seed).part
    np.testing.assert_array_equal(SPLITS[name](shuffled, seed=seed).part, part[order])


def test_another_seed_gives_another_split():
    log = generate(60, 40, 900, seed=0)
    for split in (random_holdout, user_kfold):
        assert (split(log, seed=0).part != split(log, seed=1).part).any()


@FREQUENT
@given(log=logs(), share=st.sampled_from([(0.1, 0.2), (0.0, 0.5), (0.3, 0.3)]))
def test_random_holdout_takes_the_rounded_shares_and_leaves_one(log, share):
    validation, test = share
    part = random_holdout(log, validation=validation, test=test).part
    for items in histories(log, part).values():
        n, parts = len(items), list(items.values())
        n_test = min(round(test * n), n - 1)
        assert parts.count(TEST) == n_test
        assert parts.count(VALIDATION) == min(round(validation * n), n - 1 - n_test)
        assert parts.count(TRAIN) >= 1


@FREQUENT
@given(log=logs())
def test_random_holdout_takes_at_least_as_many_as_asked(log):
    for items in histories(log, random_holdout(log, at_least=1).part).values():
        if len(items) >= 3:
            assert set(items.values()) == {TRAIN, VALIDATION, TEST}


@FREQUENT
@given(log=logs(), n=st.integers(1, 2), seed=st.integers(0, 9))
def test_leave_last_out_takes_each_users_last_liked_items(log, n, seed):
    part = leave_last_out(log, n=n, seed=seed).part
    for user, items in histories(log, part).items():
        own = log.user_rows == user
        met = {item: log.timestamps[own & (log.item_columns == item)].min() for item in items}
        liked = {item for item in items if log.positive[own & (log.item_columns == item)].any()}
        if len(liked) < 2 * n + 1:
            assert set(items.values()) == {TRAIN}
            continue
        for number in (TEST, VALIDATION):
            assert sum(items[item] == number for item in liked) == n
        for earlier, later in ((TRAIN, VALIDATION), (VALIDATION, TEST)):
            last = max(met[item] for item in items if items[item] == earlier)
            assert last <= min(met[item] for item in items if items[item] == later)


def test_leave_last_out_goes_by_position_where_there_are_no_times():
    log = Interactions(
        users=np.arange(1),
        items=np.arange(5),
        user_rows=np.zeros(5, dtype=np.int32),
        item_columns=np.arange(5, dtype=np.int32),
        order=np.array([5, 1, 4, 2, 3]),
    )
    assert leave_last_out(log).part.tolist() == [TEST, TRAIN, VALIDATION, TRAIN, TRAIN]


@FREQUENT
@given(log=logs(), share=st.sampled_from([(0.1, 0.1), (0.0, 0.2), (0.4, 0.4)]))
def test_global_time_lets_nothing_into_train_that_is_later(log, share):
    validation, test = share
    part = global_time(log, validation=validation, test=test).part
    ends = [
        (log.timestamps[part == number].min(), log.timestamps[part == number].max())
        for number in (TRAIN, VALIDATION, TEST)
        if (part == number).any()
    ]
    for (_, before), (after, _) in pairwise(ends):
        assert before < after
    assert (part == TEST).any()


def test_global_time_takes_about_the_shares_asked_for():
    log = generate(200, 100, 5000, seed=1)
    sizes = np.bincount(global_time(log, validation=0.1, test=0.2).part) / log.n_events
    np.testing.assert_allclose(sizes, [0.7, 0.1, 0.2], atol=0.005)


@FREQUENT
@given(log=logs(timed=False), n_folds=st.integers(3, 5), seed=st.integers(0, 9))
def test_each_user_is_tested_in_one_fold_and_validated_in_one(log, n_folds, seed):
    held = np.array(
        [
            user_kfold(log, n_folds=n_folds, fold=fold, seed=seed).held_users
            for fold in range(n_folds)
        ]
    )
    assert ((held == TEST).sum(axis=0) == 1).all()
    assert ((held == VALIDATION).sum(axis=0) == 1).all()
    for fold in range(n_folds):
        split = user_kfold(log, n_folds=n_folds, fold=fold, seed=seed)
        # only the held users' events leave train
        assert (split.part == np.where(split.part > 0, split.held_users[log.user_rows], 0)).all()


@pytest.mark.parametrize(
    ("split", "text"),
    [
        (lambda log: random_holdout(log, test=1.0), "got 0.1 and 1.0"),
        (lambda log: random_holdout(log, test=-0.1), "got 0.1 and -0.1"),
        (lambda log: global_time(log, validation=0.5, test=0.5), "got 0.5 and 0.5"),
        (lambda log: user_kfold(log, n_folds=2), "got 2 and 0"),
        (lambda log: user_kfold(log, fold=5), "got 5 and 5"),
    ],
)
def test_shares_and_folds_that_leave_nothing_are_refused(split, text):
    with pytest.raises(ValueError, match=text):
        split(generate(20, 10, 100))


@pytest.mark.parametrize("split", [leave_last_out, global_time])
def test_splits_by_time_need_times(split):
    log = Interactions(np.arange(2), np.arange(2), np.zeros(1, np.int32), np.zeros(1, np.int32))
    with pytest.raises(
        DataError, match=r"and there is none\. Use --time-col, or the random"
    ) as error:
        split(log)
    assert error.value.code == "E112"


def test_the_default_split_is_one_point_in_time_where_enough_users_cross_it():
    split = default_split(generate(400, 60, 9000, seed=0))
    assert split.name == "global_time"
    assert "there are timestamps, and " in split.reason
    assert split.reason in split.describe()


def test_the_default_split_is_each_users_last_item_where_few_cross_the_point():
    # one user after the other: nobody has a past and a future
    n_users, n_each = 40, 6
    log = Interactions(
        users=np.arange(n_users),
        items=np.arange(10),
        user_rows=np.repeat(np.arange(n_users, dtype=np.int32), n_each),
        item_columns=np.tile(np.arange(n_each, dtype=np.int32), n_users),
        timestamps=np.arange(n_users * n_each) + 1_600_000_000,
    )
    split = default_split(log)
    assert split.name == "leave_last_out"
    assert "users with a past and a future" in split.reason
    assert len(split.fold("test").rows) == n_users


def test_the_default_split_without_times_is_random_and_takes_of_short_histories_too():
    # of 3 items a tenth is no item: then each user gives one to each part
    log = Interactions(
        users=np.arange(9),
        items=np.arange(3),
        user_rows=np.repeat(np.arange(9, dtype=np.int32), 3),
        item_columns=np.tile(np.arange(3, dtype=np.int32), 9),
    )
    split = default_split(log)
    assert (split.name, split.reason) == ("random_holdout", "no timestamps")
    assert len(split.fold("validation").rows) == len(split.fold("test").rows) == 9


@FREQUENT
@given(log=logs(), seed=st.integers(0, 3))
def test_the_default_split_leaves_five_users_to_evaluate_or_is_an_error(log, seed):
    try:
        split = default_split(log, seed=seed)
    except DataError as error:
        split = error
    if isinstance(split, DataError):
        assert split.code == "E107"
    else:
        assert min(len(split.fold(part).rows) for part in ("validation", "test")) >= 5


def test_a_threshold_that_leaves_too_little_is_named():
    users, items = np.divmod(np.arange(270, dtype=np.int32), 9)
    values = np.where(items == 0, 5, 3).astype(np.float32)
    ids = np.arange(30), np.arange(9)
    log = Interactions(*ids, users, items, values, feedback="rating", threshold=4.0)
    with pytest.raises(DataError, match="Of 270 events 30 are at or above the threshold"):
        default_split(log)


def test_too_few_users_are_an_error_that_counts_them():
    log = Interactions(np.arange(4), np.arange(2), np.zeros(1, np.int32), np.zeros(1, np.int32))
    with pytest.raises(DataError) as error:
        default_split(log)
    assert str(error.value) == (
        "[E107] a split leaves 0 of 4 users with something to learn from and something to find: "
        "too few to compare algorithms. It takes 5 users with 3 positive items; `recmeta fit` "
        "gives popularity."
    )
