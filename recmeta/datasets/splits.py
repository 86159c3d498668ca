"""Splits: what to fit on, what to choose by, what to report; each event in exactly one part."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recmeta.data import DataError, Interactions
from recmeta.datasets.folds import TEST, TRAIN, VALIDATION, Split

FEWEST = 5  # users to evaluate: below that, one list decides
ENOUGH_USERS = 100  # evaluated users that a split by one point in time must leave


def random_holdout(
    data: Interactions,
    *,
    validation: float = 0.1,
    test: float = 0.2,
    at_least: int = 0,
    seed: int = 0,
) -> Split:
    """Hold out a random share of each user's distinct items.

    A user with n items has round(test * n) of them in test and round(validation * n) in validation,
    but ``at_least`` so many, and always one left to learn from; all events of one item are in one
    part. O(n log n).
    """
    _check_shares(validation, test)
    pairs, pair_of_event, owner = _pairs(data)
    draw = np.random.default_rng(seed).random(len(pairs))
    order = np.lexsort((draw, owner))
    rank, size = _rank_in_group(owner, order)
    n_test = np.minimum(np.maximum(np.rint(test * size), at_least), size - 1)
    n_validation = np.maximum(np.rint(validation * size), at_least)
    n_validation = np.minimum(n_validation, size - 1 - n_test)
    part_of_pair = np.zeros(len(pairs), dtype=np.int8)
    part_of_pair[rank < n_test + n_validation] = VALIDATION
    part_of_pair[rank < n_test] = TEST
    return Split("random_holdout", data, part_of_pair[pair_of_event])


def leave_last_out(data: Interactions, *, n: int = 1, seed: int = 0) -> Split:
    """Each user's last n items are the test part, the n before them validation.

    Last by time, or by position where times were lost; an item stands where the user met it first.
    Items are those that the user liked (Interactions.positive); what he disliked is in the part of
    the time at which he met it. A user needs 2 n + 1 liked items to be held out from: others are in
    train whole. Equal times are put in random order, by ``seed``.

    Raises
    ------
    DataError
        If the log has neither timestamps nor positions.
    """
    when = data.timestamps if data.timestamps is not None else data.order
    if when is None:
        raise DataError(
            "E112",
            "leave_last_out needs a time column or a position column, and there is none.",
            hint="Use --time-col, or the random hold-out.",
        )
    pairs, pair_of_event, owner = _pairs(data)
    first = np.full(len(pairs), np.iinfo(np.int64).max)
    np.minimum.at(first, pair_of_event, when)
    draw = np.random.default_rng(seed).random(len(pairs))
    liked = np.bincount(pair_of_event, data.positive, len(pairs)) > 0
    later, n_liked = _liked_later(owner, np.lexsort((draw, -first, owner)), liked)
    part_of_pair = np.zeros(len(pairs), dtype=np.int8)
    long_enough = n_liked[owner] > 2 * n
    part_of_pair[long_enough & (later < 2 * n)] = VALIDATION
    part_of_pair[long_enough & (later < n)] = TEST
    return Split("leave_last_out", data, part_of_pair[pair_of_event])


def global_time(data: Interactions, *, validation: float = 0.1, test: float = 0.1) -> Split:
    """Two points in time cut the log: what comes after the second is test.

    The points lie where about the given shares of the events come after; events of one time are in
    one part, so nothing learned from is later than anything tested on.

    Raises
    ------
    DataError
        If the log has no timestamps.
    """
    _check_shares(validation, test)
    if data.timestamps is None:
        raise DataError(
            "E112",
            "global_time needs a time column, and there is none.",
            hint="Use --time-col, or the random hold-out.",
        )
    at = np.sort(data.timestamps)
    first_of_test = at[min(int(np.ceil(len(at) * (1 - test))), len(at) - 1)]
    first_of_validation = at[min(int(np.ceil(len(at) * (1 - test - validation))), len(at) - 1)]
    part = np.zeros(data.n_events, dtype=np.int8)
    part[data.timestamps >= first_of_validation] = VALIDATION
    part[data.timestamps >= first_of_test] = TEST
    return Split("global_time", data, part)


def user_kfold(
    data: Interactions, *, n_folds: int = 5, fold: int = 0, held_out: float = 0.2, seed: int = 0
) -> Split:
    """Strong generalisation: the model ranks for users that it has learned nothing from.

    Users are dealt at random to n_folds folds. Those of ``fold`` are tested, those of the next one
    are for validation. Of each a share ``held_out`` of the items is to be found from the rest.

    Raises
    ------
    ValueError
        If there are fewer than 3 folds, or there is no such fold.
    """
    if n_folds < 3 or not 0 <= fold < n_folds:
        raise ValueError(
            f"user_kfold needs at least 3 folds and 0 <= fold < n_folds: got {n_folds} and {fold}"
        )
    shuffled = np.random.default_rng(seed).permutation(data.n_users)
    fold_of_user = np.empty(data.n_users, dtype=np.int64)
    fold_of_user[shuffled] = np.arange(data.n_users) % n_folds
    held = np.zeros(data.n_users, dtype=np.int8)
    held[fold_of_user == fold] = TEST
    held[fold_of_user == (fold + 1) % n_folds] = VALIDATION
    inner = random_holdout(data, validation=0.0, test=held_out, seed=seed)
    part = np.where(inner.part == TEST, held[data.user_rows], TRAIN).astype(np.int8)
    return Split("user_kfold", data, part, held_users=held)


def default_split(data: Interactions, seed: int = 0) -> Split:
    """By time where there are timestamps, else at random; ``reason`` says which and why.

    One point in time for all users comes first: nothing else keeps the future out. Where users
    come and go it leaves too few who are on both sides of it: then each user's last item.

    Raises
    ------
    DataError
        E107, if fewer than FEWEST users are left to evaluate on validation or on test.
    """
    if data.timestamps is not None:
        split = global_time(data)
        n_users = _n_evaluated(split)
        if n_users >= ENOUGH_USERS:
            return replace(split, reason=f"there are timestamps, and {n_users:,} users to evaluate")
        why = f"one point in time leaves {n_users} users with a past and a future"
        split = leave_last_out(data, seed=seed)
        if _n_evaluated(split) > max(n_users, FEWEST - 1):
            return replace(split, reason=why)
    split = random_holdout(data, seed=seed)
    if _n_evaluated(split) == 0:  # short histories: a tenth of them is less than half an item
        split = random_holdout(data, at_least=1, seed=seed)
    n_users = _n_evaluated(split)
    if n_users < FEWEST:
        raise DataError(
            "E107",
            f"a split leaves {n_users} of {data.n_users:,} users with something to learn from and "
            f"something to find: too few to compare algorithms.{_few_positive(data)}",
            hint=f"It takes {FEWEST} users with 3 positive items; `recmeta fit` gives popularity.",
        )
    reason = "no timestamps" if data.timestamps is None else "too few users for a split by time"
    return replace(split, reason=reason)


def _few_positive(data: Interactions) -> str:
    n_positive = int(data.positive.sum())
    if n_positive == data.n_events:
        return ""
    return f" Of {data.n_events:,} events {n_positive:,} are at or above the threshold."


def _n_evaluated(split: Split) -> int:
    """Evaluated users of the smaller of the two folds."""
    return min(len(split.fold("validation").rows), len(split.fold("test").rows))


def _pairs(
    data: Interactions,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The distinct (user, item) pairs, the pair of each event, and the user of each pair."""
    key = data.user_rows.astype(np.int64) * data.n_items + data.item_columns
    pairs, pair_of_event = np.unique(key, return_inverse=True)
    return pairs, pair_of_event, pairs // max(data.n_items, 1)


def _rank_in_group(
    owner: NDArray[np.int64], order: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each pair its place within its owner's pairs, in ``order``, and how many those are."""
    size_of_owner = np.bincount(owner, minlength=1)
    start_of_owner = np.concatenate([[0], np.cumsum(size_of_owner)[:-1]])
    rank = np.empty(len(owner), dtype=np.int64)
    rank[order] = np.arange(len(owner)) - start_of_owner[owner[order]]
    return rank, size_of_owner[owner]


def _liked_later(
    owner: NDArray[np.int64], order: NDArray[np.int64], liked: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many liked pairs of its owner come after each pair, and how many an owner has.

    ``order`` has the pairs of an owner together, the last one first.
    """
    n_liked = np.bincount(owner, liked, owner.max(initial=0) + 1).astype(np.int64)
    of_owners_before = np.concatenate([[0], np.cumsum(n_liked)[:-1]])
    later = np.empty(len(owner), dtype=np.int64)
    later[order] = np.cumsum(liked[order]) - liked[order] - of_owners_before[owner[order]]
    return later, n_liked


def _check_shares(validation: float, test: float) -> None:
    if validation < 0 or test < 0 or validation + test >= 1:
        raise ValueError(
            f"validation and test must be shares that leave some to learn from: "
            f"got {validation} and {test}"
        )


# the names that the command line takes; each is called with seed=
SPLITS: dict[str, Callable[..., Split]] = {
    "default": default_split,
    "random": random_holdout,
    "time": lambda data, *, seed: global_time(data),
    "last": leave_last_out,
    "users": user_kfold,
}
