"""Splits: what to fit on, what to choose by, what to report; each event in exactly one part.

======  =====================================================  ==================
symbol  meaning                                                shape
======  =====================================================  ==================
part    0 train, 1 validation, 2 test: of each event           (n_events,)
fit     the positives to learn from                            (n_users, n_items)
rows    the users who are evaluated                            (n_rows,)
======  =====================================================  ==================
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.data import DataError, Interactions

TRAIN, VALIDATION, TEST = 0, 1, 2
ENOUGH_USERS = 100  # evaluated users that a split by one point in time must leave
Part = Literal["validation", "test"]


@dataclass(frozen=True, eq=False)
class Fold:
    """What one evaluation needs.

    Attributes
    ----------
    fit : csr_array, (n_users, n_items)
        Binary positives to fit on; for the test part that is training and validation.
    users : int64 array, (n_rows,)
        Each evaluated user's row in ``fit``; -1 where the user is not in it.
    history : csr_array, (n_rows, n_items)
        What is known of each evaluated user.
    relevant : csr_array, (n_rows, n_items)
        The held-out positives that can be found: none of them is in ``exclude``.
    exclude : csr_array, (n_rows, n_items)
        Everything that was seen before, liked or not: never recommended.
    rows : int64 array, (n_rows,)
        Each evaluated user's row in ``data.users``.
    n_cold : int
        Users with held-out positives and no history: counted, not evaluated.
    n_repeat : int
        Held-out positive pairs that were seen before: counted, not evaluated.
    """

    fit: csr_array
    users: NDArray[np.int64]
    history: csr_array
    relevant: csr_array
    exclude: csr_array
    rows: NDArray[np.int64]
    n_cold: int
    n_repeat: int


@dataclass(frozen=True, eq=False)
class Split:
    """A log and the part that each of its events is in.

    Attributes
    ----------
    name : str
        ``"random_holdout"``, ``"leave_last_out"``, ``"global_time"`` or ``"user_kfold"``.
    data : Interactions
    part : int8 array, (n_events,)
        0 train, 1 validation, 2 test.
    reason : str
        Why this split, where it was chosen by ``default_split``.
    held_users : int8 array, (n_users,), or None
        user_kfold: the part that a user is evaluated in, 0 for those to learn from. The model
        learns nothing from a held user; his training events are the history that it is shown.
    """

    name: str
    data: Interactions
    part: NDArray[np.int8]
    reason: str = ""
    held_users: NDArray[np.int8] | None = None

    def describe(self) -> str:
        """One line: the split and the size of its parts."""
        sizes = np.bincount(self.part, minlength=3)
        why = f" ({self.reason})" if self.reason else ""
        return (
            f"{self.name} split: {sizes[0]:,} train, {sizes[1]:,} validation, "
            f"{sizes[2]:,} test events{why}"
        )

    def fold(self, part: Part) -> Fold:
        """What the evaluation on validation or on test needs."""
        number = {"validation": VALIDATION, "test": TEST}[part]
        return self._weak(number) if self.held_users is None else self._strong(number)

    def _weak(self, number: int) -> Fold:
        """The evaluated users are among those that the model has learned from."""
        known = self.data.select(self.part < number)
        return _fold(
            fit=known.to_csr(),
            history=known.to_csr(),
            seen=known.seen(),
            held=self.data.select(self.part == number).to_csr(),
            in_fit=True,
        )

    def _strong(self, number: int) -> Fold:
        assert self.held_users is not None
        learned_from = (self.held_users < number)[self.data.user_rows]
        # users held for an earlier part are all known by now, with everything that they did
        evaluated = (self.held_users == number)[self.data.user_rows]
        shown = self.data.select(evaluated & (self.part == TRAIN))
        return _fold(
            fit=self.data.select(learned_from).to_csr(),
            history=shown.to_csr(),
            seen=shown.seen(),
            held=self.data.select(evaluated & (self.part == number)).to_csr(),
            in_fit=False,
        )


def _fold(
    *, fit: csr_array, history: csr_array, seen: csr_array, held: csr_array, in_fit: bool
) -> Fold:
    repeats = held.multiply(seen).tocsr()
    repeats.eliminate_zeros()
    relevant = csr_array(held - repeats)
    relevant.eliminate_zeros()
    relevant.sort_indices()
    wanted, known = np.diff(relevant.indptr) > 0, np.diff(history.indptr) > 0
    rows = np.flatnonzero(wanted & known)
    users = rows.astype(np.int64)
    return Fold(
        fit=fit,
        users=users if in_fit else np.full(len(rows), -1, dtype=np.int64),
        history=_rows(history, rows),
        relevant=_rows(relevant, rows),
        exclude=_rows(seen, rows),
        rows=users,
        n_cold=int((wanted & ~known).sum()),
        n_repeat=int(repeats.nnz),
    )


def _rows(matrix: csr_array, rows: NDArray[np.int64]) -> csr_array:
    """Some rows, as canonical float32 CSR with int32 indices."""
    part = csr_array(matrix[rows])
    part.sort_indices()
    return part


def random_holdout(
    data: Interactions, *, validation: float = 0.1, test: float = 0.2, seed: int = 0
) -> Split:
    """Hold out a random share of each user's distinct items.

    A user with n items has round(test * n) of them in test and round(validation * n) in validation,
    and always one left to learn from; all events of one item are in one part. O(n log n).
    """
    _check_shares(validation, test)
    pairs, pair_of_event, owner = _pairs(data)
    draw = np.random.default_rng(seed).random(len(pairs))
    order = np.lexsort((draw, owner))
    rank, size = _rank_in_group(owner, order)
    n_test = np.minimum(np.rint(test * size), size - 1)
    n_validation = np.minimum(np.rint(validation * size), size - 1 - n_test)
    part_of_pair = np.zeros(len(pairs), dtype=np.int8)
    part_of_pair[rank < n_test + n_validation] = VALIDATION
    part_of_pair[rank < n_test] = TEST
    return Split("random_holdout", data, part_of_pair[pair_of_event])


def leave_last_out(data: Interactions, *, n: int = 1, seed: int = 0) -> Split:
    """Each user's last n items are the test part, the n before them validation.

    Last by time, or by position where times were lost; an item stands where the user met it first.
    A user needs 2 n + 1 items to be held out from: others are in train whole. Equal times are put
    in random order, by ``seed``.

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
    rank, size = _rank_in_group(owner, np.lexsort((draw, -first, owner)))
    part_of_pair = np.zeros(len(pairs), dtype=np.int8)
    long_enough = size > 2 * n
    part_of_pair[long_enough & (rank < 2 * n)] = VALIDATION
    part_of_pair[long_enough & (rank < n)] = TEST
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
        E107, if no user is left to evaluate on validation or on test.
    """
    if data.timestamps is not None:
        split = global_time(data)
        n_users = _n_evaluated(split)
        if n_users >= ENOUGH_USERS:
            return replace(split, reason=f"there are timestamps, and {n_users:,} users to evaluate")
        why = f"one point in time leaves {n_users} users with a past and a future"
        split = leave_last_out(data, seed=seed)
        if _n_evaluated(split) > n_users:
            return replace(split, reason=why)
    split = random_holdout(data, seed=seed)
    if _n_evaluated(split) == 0:
        raise DataError(
            "E107",
            "no split leaves a user with something to learn from and something to find.",
            hint="A user needs at least 3 positive items; there must be a few such users.",
        )
    reason = "no timestamps" if data.timestamps is None else "too few users for a split by time"
    return replace(split, reason=reason)


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


def _check_shares(validation: float, test: float) -> None:
    if validation < 0 or test < 0 or validation + test >= 1:
        raise ValueError(
            f"validation and test must be shares that leave some to learn from: "
            f"got {validation} and {test}"
        )


SPLITS: dict[str, Callable[..., Split]] = {
    "default": default_split,
    "random_holdout": random_holdout,
    "leave_last_out": leave_last_out,
    "global_time": global_time,
    "user_kfold": user_kfold,
}
