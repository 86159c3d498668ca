"""Fold and Split: what one evaluation needs, made from a log whose events are dealt to parts.

======  =====================================================  ==================
symbol  meaning                                                shape
======  =====================================================  ==================
part    0 train, 1 validation, 2 test: of each event           (n_events,)
fit     the positives to learn from                            (n_users, n_items)
rows    the users who are evaluated                            (n_rows,)
======  =====================================================  ==================
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.data import Interactions

TRAIN, VALIDATION, TEST = 0, 1, 2
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
    item_features, user_features : csr_array or None
        A row for each item and for each user of ``fit``.
    fit_times, history_times : csr_array or None
        The time of each entry of ``fit`` and of ``history``.
    """

    fit: csr_array
    users: NDArray[np.int64]
    history: csr_array
    relevant: csr_array
    exclude: csr_array
    rows: NDArray[np.int64]
    n_cold: int
    n_repeat: int
    item_features: csr_array | None = None
    user_features: csr_array | None = None
    fit_times: csr_array | None = None
    history_times: csr_array | None = None

    def side(self) -> dict[str, csr_array]:
        """What an algorithm can use besides the matrix, where there is any: keywords of ``fit``."""
        given = {
            "item_features": self.item_features,
            "user_features": self.user_features,
            "timestamps": self.fit_times,
        }
        return {name: matrix for name, matrix in given.items() if matrix is not None}


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
            learned=known,
            shown=known,
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
            learned=self.data.select(learned_from),
            shown=shown,
            held=self.data.select(evaluated & (self.part == number)).to_csr(),
            in_fit=False,
        )


def _fold(*, learned: Interactions, shown: Interactions, held: csr_array, in_fit: bool) -> Fold:
    seen, history = shown.seen(), shown.to_csr()
    repeats = held.multiply(seen).tocsr()
    repeats.eliminate_zeros()
    relevant = csr_array(held - repeats)
    relevant.eliminate_zeros()
    relevant.sort_indices()
    wanted, known = np.diff(relevant.indptr) > 0, np.diff(history.indptr) > 0
    rows = np.flatnonzero(wanted & known)
    users = rows.astype(np.int64)
    times = shown.times()
    return Fold(
        fit=history if learned is shown else learned.to_csr(),
        users=users if in_fit else np.full(len(rows), -1, dtype=np.int64),
        history=_rows(history, rows),
        relevant=_rows(relevant, rows),
        exclude=_rows(seen, rows),
        rows=users,
        n_cold=int((wanted & ~known).sum()),
        n_repeat=int(repeats.nnz),
        item_features=learned.item_features,
        user_features=learned.user_features,
        fit_times=times if learned is shown else learned.times(),
        history_times=None if times is None else _rows(times, rows),
    )


def _rows(matrix: csr_array, rows: NDArray[np.int64]) -> csr_array:
    """Some rows, as canonical CSR with int32 indices."""
    part = csr_array(matrix[rows])
    part.sort_indices()
    return part
