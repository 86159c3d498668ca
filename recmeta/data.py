"""Interactions: a log of who did what, with the caller's own ids.

======  ==================================================  ==================
symbol  meaning                                             shape
======  ==================================================  ==================
n       events in the log, repeats included                 n_events
users   the external user ids, one a row of the matrix      (n_users,)
items   the external item ids, one a column of the matrix   (n_items,)
X       the matrix of positive interactions                 (n_users, n_items)
======  ==================================================  ==================
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Matrix = csr_array  # float32, (n_users, n_items), canonical: sorted, no duplicates, no stored zeros
Feedback = Literal["implicit", "rating", "weight"]
VALUES = ("binary", "rating", "count")
SHOWN = 8  # columns of features that the summary names


class DataError(ValueError):
    """Input that recmeta cannot use, with what to do about it.

    Attributes
    ----------
    code : str
        Such as ``"E103"``; each code has a paragraph in docs/errors.md.
    rows : list of int
        The first offending rows, counted as a text editor counts lines where there is a file.
    hint : str
        The way out.
    """

    def __init__(
        self, code: str, message: str, *, hint: str = "", rows: Sequence[int] = ()
    ) -> None:
        super().__init__(f"[{code}] {message}" + (f" {hint}" if hint else ""))
        self.code = code
        self.message = message
        self.hint = hint
        self.rows = list(rows)


class DataWarning(UserWarning):
    """Input that recmeta used after a change, which the message counts."""


@dataclass(frozen=True)
class Notice:
    """Something that reading found and dealt with: said, counted, never silent.

    ``level`` is ``"note"`` or ``"warning"``; ``n_rows`` is how many rows it touched.
    """

    code: str
    level: Literal["note", "warning"]
    message: str
    n_rows: int = 0
    hint: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Interactions:
    """An interaction log with its ids.

    Attributes
    ----------
    users, items : array
        External ids, ``users[row]`` and ``items[column]``; str (object dtype) or int64.
    user_rows, item_columns : int32 array, (n_events,)
        Each event's position in ``users`` and ``items``. Repeated pairs are repeated events.
    values : float32 array, (n_events,), or None
        Ratings or weights.
    feedback : str
        What ``values`` are: ``"rating"`` (an opinion), ``"weight"`` (a count, hours, a quantity;
        never an opinion) or ``"implicit"`` (none).
    threshold : float or None
        Ratings of at least this are positive. None: every event is.
    timestamps : int64 array, (n_events,), or None
        Unix seconds.
    order : int64 array, (n_events,), or None
        Position within the user's own sequence, where times were lost.
    item_features, user_features : csr_array or None
        (n_items, n_features), (n_users, n_features).
    item_feature_names, user_feature_names : tuple of str
        Of each feature, such as ``"genres=Comedy"``: the column, and what is in it. Empty where
        features came without names.
    notices : tuple of Notice
        What reading found.
    name : str
    """

    users: NDArray[Any]
    items: NDArray[Any]
    user_rows: NDArray[np.int32]
    item_columns: NDArray[np.int32]
    values: NDArray[np.float32] | None = None
    feedback: Feedback = "implicit"
    threshold: float | None = None
    timestamps: NDArray[np.int64] | None = None
    order: NDArray[np.int64] | None = None
    item_features: csr_array | None = None
    user_features: csr_array | None = None
    notices: tuple[Notice, ...] = ()
    name: str = "data"
    columns: dict[str, str] = field(default_factory=dict)
    item_feature_names: tuple[str, ...] = ()
    user_feature_names: tuple[str, ...] = ()

    def __repr__(self) -> str:
        columns = ("item_features", "user_features", "timestamps", "order")
        has = "".join(f", {name}" for name in columns if getattr(self, name) is not None)
        return (
            f"<Interactions {self.name}: {self.n_events:,} events, {self.n_users:,} users, "
            f"{self.n_items:,} items{has}>"
        )

    @property
    def n_users(self) -> int:
        return len(self.users)

    @property
    def n_items(self) -> int:
        return len(self.items)

    @property
    def n_events(self) -> int:
        return len(self.user_rows)

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Which events are positive: (n_events,)."""
        if self.threshold is None or self.values is None or self.feedback != "rating":
            return np.ones(self.n_events, dtype=np.bool_)
        return np.asarray(self.values >= self.threshold)

    def summary(self) -> list[str]:
        """What was read, guessed and changed: lines for a person."""
        density = self.seen().nnz / max(self.n_users * self.n_items, 1)
        lines = [
            f"Read {self.name}: {self.n_events:,} events, {self.n_users:,} users, "
            f"{self.n_items:,} items, density {density:.2%}"
        ]
        if self.columns:
            named = " ".join(f"{role}={column}" for role, column in self.columns.items())
            lines.append(f"  columns  {named}{self._period()}   [change: --user-col ...]")
        lines.append(f"  feedback {self._feedback_text()}")
        lines += self._feature_lines()
        for notice in self.notices:
            hint = f" {notice.hint}" if notice.hint else ""
            lines.append(f"  {notice.level}[{notice.code}]: {notice.message}{hint}")
        return lines

    def _period(self) -> str:
        if self.timestamps is None or not self.n_events:
            return ""
        first, last = (
            np.datetime64(int(at), "s").astype("datetime64[D]")
            for at in (self.timestamps.min(), self.timestamps.max())
        )
        return f" ({first}..{last})"

    def _feedback_text(self) -> str:
        if self.feedback == "weight":
            return "weights: amounts, every event is positive"
        if self.feedback == "implicit" or self.values is None:
            return "implicit: every event is positive"
        if self.threshold is None:
            return "explicit, without threshold: every event is positive"
        if self.n_events == 0:
            return f"explicit, no event -> positive when >= {self.threshold:g}"
        low, high = self.values.min(), self.values.max()
        return (
            f"explicit {low:g} to {high:g} -> positive when >= {self.threshold:g} "
            f"({self.positive.mean():.0%})   [change: --threshold]"
        )

    def _feature_lines(self) -> list[str]:
        lines = []
        for what, matrix, names in (
            ("item", self.item_features, self.item_feature_names),
            ("user", self.user_features, self.user_feature_names),
        ):
            if matrix is None:
                continue
            columns = list(dict.fromkeys(name.partition("=")[0] for name in names))
            shown = ", ".join(columns[:SHOWN]) + (", ..." if len(columns) > SHOWN else "")
            count = f"{len(columns)} column{'s' if len(columns) > 1 else ''}"
            source = f", from {count}: {shown}" if columns else ""
            share = float((np.diff(matrix.indptr) > 0).mean())
            lines.append(
                f"  features {matrix.shape[1]:,} of the {what}s{source}; {share:.0%} have some"
            )
        return lines

    def select(self, mask: NDArray[np.bool_]) -> "Interactions":
        """The log with only the events of ``mask``; users and items keep their rows and columns."""

        def kept(column: NDArray[Any] | None) -> NDArray[Any] | None:
            return None if column is None else column[mask]

        return replace(
            self,
            user_rows=self.user_rows[mask],
            item_columns=self.item_columns[mask],
            values=kept(self.values),
            timestamps=kept(self.timestamps),
            order=kept(self.order),
        )

    def to_csr(self, values: Literal["binary", "rating", "count"] = "binary") -> csr_array:
        """The positive interactions as a matrix: float32, (n_users, n_items).

        ``"binary"``: 1 where there is a positive event. ``"rating"``: the mean of the values of the
        positive events. ``"count"``: the sum of the weights, or the number of events without them.
        """
        if values not in VALUES:
            raise ValueError(f"values must be one of {', '.join(VALUES)}: got {values!r}")
        return self._matrix(self.positive, values)

    def seen(self) -> csr_array:
        """1 where there is any event, liked or not: what must not be recommended again."""
        return self._matrix(np.ones(self.n_events, dtype=np.bool_), "binary")

    def times(self) -> csr_array | None:
        """When each positive interaction was met last: float64, the entries of ``to_csr()``.

        Seconds, or positions where times were lost; None without either.
        """
        when = self.timestamps if self.timestamps is not None else self.order
        if when is None:
            return None
        at = np.flatnonzero(self.positive)
        at = at[np.lexsort((when[at], self.item_columns[at], self.user_rows[at]))]
        rows, columns = self.user_rows[at], self.item_columns[at]
        last = np.ones(len(at), dtype=np.bool_)  # of the events of one user and item
        last[:-1] = (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])
        starts = np.searchsorted(rows[last], np.arange(self.n_users + 1)).astype(np.int32)
        times = when[at[last]].astype(np.float64)
        return csr_array((times, columns[last], starts), shape=(self.n_users, self.n_items))

    def side(self) -> dict[str, csr_array]:
        """What an algorithm can use besides the matrix, where there is any: keywords of ``fit``."""
        given = {
            "item_features": self.item_features,
            "user_features": self.user_features,
            "timestamps": self.times(),
        }
        return {name: matrix for name, matrix in given.items() if matrix is not None}

    def _matrix(self, mask: NDArray[np.bool_], values: str) -> csr_array:
        rows, columns = self.user_rows[mask], self.item_columns[mask]
        shape = (self.n_users, self.n_items)
        ones = np.ones(len(rows), dtype=np.float32)
        counts = csr_array((ones, (rows, columns)), shape=shape)  # duplicates are summed
        if values == "binary":
            counts.data[:] = 1.0
            result = counts
        elif self.values is None or (values == "count" and self.feedback == "rating"):
            result = counts
        else:
            result = csr_array((self.values[mask], (rows, columns)), shape=shape)
            if values == "rating":
                result.sort_indices()
                counts.sort_indices()
                result.data /= counts.data
        result.eliminate_zeros()
        result.sort_indices()
        return result
