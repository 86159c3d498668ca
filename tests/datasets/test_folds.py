"""Folds against sets of pairs: what is learned from, shown, found and never shown again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recmeta.data import Interactions
from recmeta.datasets.folds import TEST, TRAIN, VALIDATION, Split
from recmeta.datasets.splits import user_kfold

FREQUENT = settings(max_examples=60, deadline=None)
NUMBERS = {"validation": VALIDATION, "test": TEST}


def log_of(users, items, ratings=None, n_users=6, n_items=8):
    """A log whose ratings of at least 3 are positive; without ratings all are."""
    return Interactions(
        users=np.arange(n_users),
        items=np.arange(n_items),
        user_rows=np.asarray(users, dtype=np.int32),
        item_columns=np.asarray(items, dtype=np.int32),
        values=None if ratings is None else np.asarray(ratings, dtype=np.float32),
        feedback="implicit" if ratings is None else "rating",
        threshold=None if ratings is None else 3.0,
    )


@st.composite
def splits(draw, strong=None):
    """Small logs with repeats, dealt to parts at random; or with some users held."""
    n = draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    ratings = rng.integers(1, 6, n) if draw(st.booleans()) else None
    log = log_of(rng.integers(6, size=n), rng.integers(8, size=n), ratings)
    if strong if strong is not None else draw(st.booleans()):
        return user_kfold(log, n_folds=3, fold=draw(st.integers(0, 2)), held_out=0.4)
    return Split("any", log, rng.integers(0, 3, n).astype(np.int8))


def pairs(log, mask):
    return set(zip(log.user_rows[mask].tolist(), log.item_columns[mask].tolist(), strict=True))


def entries(matrix, rows):
    """The stored pairs of a matrix, its rows by the users that they stand for."""
    assert (matrix.data == 1).all()
    assert matrix.has_sorted_indices
    own, columns = matrix.nonzero()
    return set(zip(np.asarray(rows)[own].tolist(), columns.tolist(), strict=True))


@pytest.mark.parametrize("part", NUMBERS)
@FREQUENT
@given(split=splits())
def test_a_fold_is_what_the_definition_says(part, split):
    log, number = split.data, NUMBERS[part]
    fold, liked = split.fold(part), log.positive
    if split.held_users is None:
        learned = known = split.part < number
        held = split.part == number
    else:
        held_for = split.held_users[log.user_rows]
        learned = held_for < number
        known = (held_for == number) & (split.part == TRAIN)
        held = (held_for == number) & (split.part == number)
    seen, history = pairs(log, known), pairs(log, known & liked)
    found = pairs(log, held & liked)
    relevant = found - seen
    users = sorted({user for user, _ in relevant} & {user for user, _ in history})
    assert fold.rows.tolist() == users
    assert entries(fold.fit, range(log.n_users)) == pairs(log, learned & liked)
    assert entries(fold.history, fold.rows) == {pair for pair in history if pair[0] in users}
    assert entries(fold.relevant, fold.rows) == {pair for pair in relevant if pair[0] in users}
    assert entries(fold.exclude, fold.rows) == {pair for pair in seen if pair[0] in users}
    assert fold.n_repeat == len(found & seen)
    assert fold.n_cold == len({user for user, _ in relevant} - {user for user, _ in history})


@pytest.mark.parametrize("part", NUMBERS)
@FREQUENT
@given(split=splits())
def test_what_is_to_be_found_is_nowhere_else_and_nobody_is_without_it(part, split):
    fold = split.fold(part)
    wanted = entries(fold.relevant, fold.rows)
    assert not wanted & entries(fold.history, fold.rows)
    assert not wanted & entries(fold.exclude, fold.rows)
    assert not wanted & entries(fold.fit, range(split.data.n_users))
    assert entries(fold.history, fold.rows) <= entries(fold.exclude, fold.rows)
    for matrix in (fold.relevant, fold.history, fold.exclude):
        assert matrix.shape == (len(fold.rows), split.data.n_items)
        assert (np.diff(matrix.indptr) > 0).all()
        assert matrix.dtype == np.float32
    assert fold.fit.shape == (split.data.n_users, split.data.n_items)


@pytest.mark.parametrize("part", NUMBERS)
@FREQUENT
@given(split=splits(strong=False))
def test_users_of_a_weak_fold_stand_in_fit_with_their_history(part, split):
    fold = split.fold(part)
    np.testing.assert_array_equal(fold.users, fold.rows)
    np.testing.assert_array_equal(fold.fit[fold.users].toarray(), fold.history.toarray())


@pytest.mark.parametrize("part", NUMBERS)
@FREQUENT
@given(split=splits(strong=True))
def test_users_of_a_strong_fold_are_not_in_fit(part, split):
    fold = split.fold(part)
    assert (fold.users == -1).all()
    assert fold.fit[fold.rows].nnz == 0
    assert (split.held_users[fold.rows] == NUMBERS[part]).all()


@FREQUENT
@given(split=splits(strong=True))
def test_users_held_for_validation_are_learned_from_whole_for_the_test(split):
    validated = split.held_users == VALIDATION
    fit = split.fold("test").fit[np.flatnonzero(validated)]
    whole = split.data.to_csr()[np.flatnonzero(validated)]
    np.testing.assert_array_equal(fit.toarray(), whole.toarray())
    tested = np.flatnonzero(split.held_users == TEST)
    for part in NUMBERS:
        assert split.fold(part).fit[tested].nnz == 0


def test_disliked_items_are_never_relevant_and_never_shown_again():
    # user 0 liked 0, disliked 1, and is tested on 2 (liked), 3 (disliked) and 1 (liked by now)
    log = log_of([0, 0, 0, 0, 0], [0, 1, 2, 3, 1], [5, 1, 4, 2, 5])
    fold = Split("any", log, np.array([0, 0, 2, 2, 2], dtype=np.int8)).fold("test")
    assert np.flatnonzero(fold.relevant.toarray()[0]).tolist() == [2]
    assert np.flatnonzero(fold.history.toarray()[0]).tolist() == [0]
    assert np.flatnonzero(fold.exclude.toarray()[0]).tolist() == [0, 1]
    assert fold.n_repeat == 1


def test_users_without_a_history_are_counted_and_not_evaluated():
    # user 0 has nothing before, user 1 only a disliked item, user 2 a liked one
    log = log_of([0, 1, 1, 2, 2], [0, 0, 1, 0, 1], [5, 1, 5, 5, 5])
    fold = Split("any", log, np.array([2, 0, 2, 0, 2], dtype=np.int8)).fold("test")
    assert fold.rows.tolist() == [2]
    assert fold.n_cold == 2


def test_validation_is_part_of_what_is_known_for_the_test():
    log = log_of([0, 0, 0], [0, 1, 2])
    split = Split("any", log, np.array([0, 1, 2], dtype=np.int8))
    assert entries(split.fold("validation").fit, range(6)) == {(0, 0)}
    assert entries(split.fold("test").fit, range(6)) == {(0, 0), (0, 1)}


def test_a_split_is_described_in_one_line():
    split = Split("any", log_of([0] * 6, range(6)), np.array([0, 0, 0, 1, 1, 2], dtype=np.int8))
    assert split.describe() == "any split: 3 train, 2 validation, 1 test events"
