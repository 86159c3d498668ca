"""From columns of anything to rows, columns, values and times that can be trusted.

Each check has a number, counts what it touches and says the way out; docs/errors.md has them all.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from recmeta.data import DataError, Notice

LARGEST_EXACT = 2**53  # above it a float cannot tell neighbouring integers apart
HUGE = 2**31
YEAR_1990 = 631_152_000
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
UNIT_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


@dataclass
class Findings:
    """What the checks have found so far: notices, and the rows to leave out."""

    source: str
    first_line: int
    n_rows: int
    drop_bad: bool
    notices: list[Notice] = field(default_factory=list)
    bad: NDArray[np.bool_] | None = None

    def note(self, code: str, message: str, n_rows: int = 0, hint: str = "") -> None:
        level = "warning" if code.startswith("W") else "note"
        self.notices.append(Notice(code, level, message, n_rows, hint))  # type: ignore[arg-type]

    def refuse(self, code: str, rows: NDArray[np.bool_], what: str, hint: str = "") -> None:
        """Bad rows: an error, or with ``drop_bad`` a count and a mark."""
        n = int(rows.sum())
        if n == 0:
            return
        lines = self.lines(rows)
        first = ", ".join(str(line) for line in lines[:3])
        place = "line" if self.first_line else "row"
        message = f"{n:,} {what} (first: {place} {first})"
        if not self.drop_bad:
            share = f"({n / self.n_rows:.2%} of rows)"
            way_out = hint or f"Use --drop-bad to skip them {share}."
            raise DataError(code, f"{message}.", hint=way_out, rows=lines)
        self.note(f"W{code[1:]}", f"{message}: skipped", n)
        self.bad = rows if self.bad is None else self.bad | rows

    def lines(self, rows: NDArray[np.bool_]) -> list[int]:
        """The first ten such rows, as lines of the file."""
        return [int(row) + self.first_line for row in np.flatnonzero(rows)[:10]]


def encode_ids(
    column: pa.ChunkedArray, role: str, found: Findings
) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """The distinct ids, sorted, and each row's place among them; -1 where there is none.

    Ids that are all whole numbers become int64, others stay text: ``"007"`` is no number.
    """
    column = _plain_ids(column, role, found)
    whole = column.combine_chunks()
    encoded = whole if pa.types.is_dictionary(column.type) else whole.dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = (
            encoded.chunk(0)
            if encoded.num_chunks
            else pa.array([], pa.string()).dictionary_encode()
        )
    missing = np.asarray(encoded.indices.is_null())
    found.refuse("E103", missing, f"rows have no {role} id")
    ids = _ids(encoded.dictionary, role, found)
    places = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    distinct, renamed = np.unique(ids, return_inverse=True)
    rows = renamed[places].astype(np.int32) if len(ids) else np.zeros(len(places), np.int32)
    rows[missing] = -1
    return distinct, rows


def _plain_ids(column: pa.ChunkedArray, role: str, found: Findings) -> pa.ChunkedArray:
    """Float ids as whole numbers; everything that is no number as text."""
    kind = column.type
    if pa.types.is_floating(kind):
        values = column.to_numpy()
        present = np.isfinite(values)
        whole = present & (values == np.floor(values)) & (np.abs(values) <= LARGEST_EXACT)
        if not whole[present].all():
            rows = present & ~whole
            raise DataError(
                "E108",
                f"{int(rows.sum()):,} {role} ids are fractions or above 2^53: "
                f"{values[rows][0]!r} is no label.",
                hint="Read the ids as text.",
                rows=found.lines(rows),
            )
        found.note("N108", f"{role} ids are floats: 1.0 is read as 1")
        return pa.chunked_array(
            [pa.array(np.where(present, values, 0).astype(np.int64), mask=~present)]
        )
    if pa.types.is_integer(kind) or pa.types.is_dictionary(kind) or pa.types.is_string(kind):
        return column
    return column.cast(pa.string())


def _ids(dictionary: pa.Array, role: str, found: Findings) -> NDArray[Any]:
    if pa.types.is_integer(dictionary.type):
        values = dictionary.to_numpy(zero_copy_only=False).astype(np.int64)
        if len(values) and np.abs(values).max() >= HUGE:
            found.note(
                "N108", f"{role} ids up to {values.max():.2g} are labels: their size costs nothing"
            )
        return np.asarray(values)
    texts = [str(text).strip() for text in dictionary.to_pylist()]
    numbers = [
        text.isdigit() and (text == "0" or text[0] != "0") and len(text) < 19 for text in texts
    ]
    if texts and all(numbers):
        return _ids(pa.array([int(text) for text in texts]), role, found)
    if texts and all(text.endswith(".0") and text[:-2].isdigit() for text in texts):
        found.note("N108", f"{role} ids are floats: 1.0 is read as 1")
        return np.asarray([int(text[:-2]) for text in texts], dtype=np.int64)
    n_numbers = sum(numbers)
    if 0 < n_numbers < len(texts) and not _alphanumeric_mix(texts):
        message = (
            f"{role} ids mix {n_numbers:,} numbers and {len(texts) - n_numbers:,} texts; "
            'all compared as text, so 1 and "1" are one'
        )
        found.note("W109", message, len(texts) - n_numbers)
    return np.asarray(texts, dtype=object)


def _alphanumeric_mix(texts: Sequence[str]) -> bool:
    """Whether ids are codes of one length, some of which have digits only, as hashes do."""
    return len({len(text) for text in texts}) <= 2 and len(texts) > 20


def numbers_of(
    column: pa.ChunkedArray, role: str, found: Findings, code: str
) -> NDArray[np.float64]:
    """The values as numbers; those that are missing or unreadable are refused."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        values = column.cast(pa.float64()).to_numpy()
    else:
        try:
            values = column.cast(pa.float64()).to_numpy()
        except pa.ArrowInvalid:
            import pandas as pd  # only for values that Arrow cannot read

            values = pd.to_numeric(column.to_pandas(), errors="coerce").to_numpy(np.float64)
    values = np.asarray(values, dtype=np.float64)
    found.refuse(code, ~np.isfinite(values), f"rows have no readable {role}")
    return values


def seconds_of(column: pa.ChunkedArray, unit: str | None, found: Findings) -> NDArray[np.int64]:
    """The times as Unix seconds: integers of any unit, dates, or text of ISO 8601."""
    if unit is not None and unit not in UNITS:
        raise ValueError(f"time_unit must be one of {', '.join(UNITS)}: got {unit!r}")
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        try:
            column = column.cast(pa.float64())
        except pa.ArrowInvalid:
            return _checked(_parsed(column, found), found)
    if pa.types.is_temporal(column.type):
        missing = np.asarray(column.is_null())
        found.refuse("E116", missing, "rows have no time")
        stamps = column.cast(pa.timestamp("ns"), safe=False).fill_null(0)
        values = stamps.cast(pa.int64()).to_numpy() // 10**9
        return _checked(values, found, missing)
    numbers = numbers_of(column, "time", found, "E116")
    present = np.isfinite(numbers)
    scale = UNITS[unit] if unit else _guess_unit(numbers[present], found)
    seconds = np.floor(np.where(present, numbers, 0) / scale).astype(np.int64)
    return _checked(seconds, found, ~present)


def _parsed(column: pa.ChunkedArray, found: Findings) -> NDArray[np.int64]:
    import pandas as pd  # dates as text only: Arrow reads fewer forms

    stamps = pd.to_datetime(column.to_pandas(), errors="coerce", utc=True, format="mixed")
    missing = stamps.isna().to_numpy()
    found.refuse("E116", missing, "rows have no readable time")
    whole = stamps.fillna(pd.Timestamp(0, tz="UTC")).dt.as_unit("s")  # else pandas chooses the unit
    return np.asarray(whole.astype("int64"), dtype=np.int64)


def _guess_unit(values: NDArray[np.float64], found: Findings) -> int:
    typical = float(np.median(np.abs(values))) if len(values) else 0.0
    for unit, above in (("ns", 1e17), ("us", 1e14), ("ms", 1e11)):
        if typical > above:
            day = time.strftime("%Y-%m-%d", time.gmtime(typical / UNITS[unit]))
            message = f"times look like {UNIT_NAMES[unit]} ({typical:.3g} = {day}); converted"
            found.note("N110", message, len(values), "[change: --time-unit s|ms|us]")
            return UNITS[unit]
    return 1


def _checked(
    seconds: NDArray[np.int64], found: Findings, missing: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    outside = (seconds < YEAR_1990) | (seconds > time.time() + 86400)
    if missing is not None:
        outside &= ~missing
    n = int(outside.sum())
    if n:
        message = f"{n:,} times lie before 1990 or in the future (first: {seconds[outside][0]})"
        hint = "If the column is no time: --time-col none; if its unit is not seconds: --time-unit."
        found.note("W111", message, n, hint)
    return seconds
