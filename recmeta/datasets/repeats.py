"""A user's repeated item: which of the events counts, or whether all do."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recmeta.data import DataError, Interactions
from recmeta.datasets.validation import Findings

DUPLICATES = ("last", "first", "sum", "max", "error", "keep")


def without_repeats(data: Interactions, policy: str | None, found: Findings) -> Interactions:
    """The log with its repeated pairs merged, kept or refused, and counted.

    None: the last rating counts; repeats without ratings are events and are kept. O(n log n).
    """
    key = data.user_rows.astype(np.int64) * data.n_items + data.item_columns
    in_order = np.sort(key)  # a sort: several times as fast as np.unique, which hashes
    n_repeats = int((in_order[1:] == in_order[:-1]).sum())
    if n_repeats == 0:
        return data
    chosen = policy or ("last" if data.feedback == "rating" else "keep")
    message = f"{n_repeats:,} repeated (user, item) pairs"
    hint = "[change: --duplicates last|first|sum|max|error|keep]"
    if chosen == "error":
        rows = np.zeros(found.n_rows, dtype=np.bool_)
        rows[np.flatnonzero(found.kept())[_later_of_pairs(key)]] = True
        raise DataError(
            "E105", f"{message} (first: {found.place(rows)}).",
            hint="Use --duplicates last, first, sum, max or keep.", rows=found.lines(rows),
        )  # fmt: skip
    if chosen == "keep":
        found.note("N105", f"{message}: kept, each is an event", n_repeats, hint)
        return data
    said = {"last": "kept the latest", "first": "kept the first", "sum": "summed"}
    said["max"] = "kept the largest"
    found.note("W105", f"{message}: {said[chosen]}", n_repeats, hint)
    several = _events_of(np.unique(in_order[1:][in_order[1:] == in_order[:-1]]), key)
    return _merged(data, key, several, chosen)


def _events_of(pairs: NDArray[np.int64], key: NDArray[np.int64]) -> NDArray[np.int64]:
    """The events of some pairs: first by the low bits of their key, which leaves few to compare."""
    low = 2**20 - 1
    may_be = np.zeros(low + 1, dtype=np.bool_)
    may_be[pairs & low] = True
    events = np.flatnonzero(may_be[key & low])
    return events[np.isin(key[events], pairs)]


def _later_of_pairs(key: NDArray[np.int64]) -> NDArray[np.int64]:
    """The events that are not the first of their pair."""
    _, first = np.unique(key, return_index=True)
    return np.setdiff1d(np.arange(len(key)), first)


def _merged(
    data: Interactions, key: NDArray[np.int64], several: NDArray[np.int64], policy: str
) -> Interactions:
    """One event a pair; ``several`` are the events of the pairs that have more."""
    when = np.zeros(len(several), dtype=np.int64)
    if data.timestamps is not None:
        when = data.timestamps[several]
    values = data.values if data.values is not None else np.ones(len(key), dtype=np.float32)
    sorts: dict[str, NDArray[Any]]
    sorts = {"first": when, "last": -when, "max": -values[several], "sum": -when}
    then_by = several if policy == "first" else -several
    several = several[np.lexsort((then_by, sorts[policy], key[several]))]
    in_order = key[several]
    starts = np.flatnonzero(np.concatenate([[True], in_order[1:] != in_order[:-1]]))
    kept = np.ones(len(key), dtype=np.bool_)
    kept[several] = False
    kept[several[starts]] = True
    if policy == "sum":
        summed = values.copy()
        summed[several[starts]] = np.add.reduceat(values[several], starts)
        feedback = "rating" if data.feedback == "rating" else "weight"
        data = Interactions(**{**vars(data), "values": summed, "feedback": feedback})
    return data.select(kept)
