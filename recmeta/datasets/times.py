"""Times of any form as Unix seconds: numbers of any unit, dates, text."""

import re
import time

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from recmeta.datasets.validation import Findings, is_text, mostly_numbers, numbers_of

YEAR_1990 = 631_152_000
DAY = 86_400
LARGEST_TIME = 2.0**62  # nanoseconds until the year 2116
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
UNIT_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
DAY_AND_MONTH = r"^\s*(\d{1,2})[/.-](\d{1,2})[/.-]\d{2,4}"
ISO_DATE = re.compile(r"\s*\d{4}-\d{2}-\d{2}")
NO_TIME = "Use --drop-bad to skip them, or --time-col none if the column is no time."


def is_time(text: str) -> bool:
    """Whether a text is an ISO date, or a number that is a moment from 1990 to now in any unit."""
    if ISO_DATE.match(text):
        return True
    try:
        number = float(text)
    except ValueError:
        return False
    now = time.time() + DAY
    return any(YEAR_1990 * unit <= number <= now * unit for unit in UNITS.values())


def seconds_of(column: pa.ChunkedArray, unit: str | None, found: Findings) -> NDArray[np.int64]:
    """The times as Unix seconds; those that are missing or unreadable are refused.

    Numbers are of ``unit``, or of the one that their size tells. Text without a zone is UTC.
    """
    if unit is not None and unit not in UNITS:
        raise ValueError(f"time_unit must be one of {', '.join(UNITS)}: got {unit!r}")
    if is_text(column.type) and not mostly_numbers(column):
        column = _dates(column, found)
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        missing = np.asarray(column.is_null())
        found.refuse("E116", missing, "rows have no readable time", NO_TIME)
        stamps = column.cast(pa.timestamp("s"), safe=False).cast(pa.int64()).fill_null(0)
        return _checked(stamps.to_numpy(), found, missing)
    numbers = numbers_of(column, "time", found, "E116", NO_TIME, LARGEST_TIME)
    missing = ~(np.abs(numbers) <= LARGEST_TIME)
    usable = numbers[~missing]
    if unit is None and _are_calendar_days(usable):
        message = f"times look like dates ({usable[0]:.0f}); converted"
        found.note("N110", message, len(usable), "[change: --time-unit s]")
        return _checked(_of_calendar_days(np.where(missing, 19700101, numbers)), found, missing)
    scale = UNITS[unit] if unit else _guess_unit(usable, found)
    numbers[missing] = 0
    seconds = np.floor(numbers / scale if scale > 1 else numbers).astype(np.int64)
    return _checked(seconds, found, missing)


def _dates(column: pa.ChunkedArray, found: Findings) -> pa.ChunkedArray:
    """Dates as text, as timestamps; null where they cannot be read."""
    for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC")):  # ISO 8601 without and with a zone
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    import pandas as pd  # for the forms that Arrow cannot read

    texts = column.to_pandas().astype(object)
    day_first = _is_day_first(texts, found)
    stamps = pd.to_datetime(texts, errors="coerce", utc=True, format="mixed", dayfirst=day_first)
    return pa.chunked_array([pa.array(stamps.dt.as_unit("us"), from_pandas=True)])


def _is_day_first(texts: "pd.Series[str]", found: Findings) -> bool:  # type: ignore[name-defined] # noqa: F821
    """Whether 03/04/2021 is the third of April: if one of the first numbers can be no month."""
    parts = texts.str.extract(DAY_AND_MONTH).dropna().astype(int)
    if parts.empty:
        return False
    day_first = bool((parts[0] > 12).any())
    order = "day" if day_first else "month"
    sure = day_first or bool((parts[1] > 12).any())
    message = f"dates like {texts.dropna().iloc[0]} are read with the {order} first"
    doubt = "" if sure else "; no date tells which"
    found.note("N123" if sure else "W123", message + doubt, len(parts))
    return day_first


def _are_calendar_days(numbers: NDArray[np.float64]) -> bool:
    """Whether all are dates written as one number: 20210131."""
    if not len(numbers) or numbers.min() < 19000101 or numbers.max() > 21001231:
        return False
    year, month, day = numbers // 10_000, numbers // 100 % 100, numbers % 100
    whole = (numbers == np.floor(numbers)) & (year >= 1900)
    return bool((whole & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).all())


def _of_calendar_days(numbers: NDArray[np.float64]) -> NDArray[np.int64]:
    whole = numbers.astype(np.int64)
    months = (whole // 10_000 - 1970) * 12 + whole // 100 % 100 - 1
    first_days = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return np.asarray((first_days + whole % 100 - 1) * DAY)


def _guess_unit(values: NDArray[np.float64], found: Findings) -> int:
    some = np.abs(values[:: 1 + len(values) // 10_000])
    typical = float(np.median(some)) if len(some) else 0.0
    for unit, above in (("ns", 1e17), ("us", 1e14), ("ms", 1e11)):
        if typical > above:
            day = time.strftime("%Y-%m-%d", time.gmtime(typical / UNITS[unit]))
            message = f"times look like {UNIT_NAMES[unit]} ({typical:.3g} = {day}); converted"
            found.note("N110", message, len(values), "[change: --time-unit s|ms|us]")
            return UNITS[unit]
    return 1


def _checked(
    seconds: NDArray[np.int64], found: Findings, missing: NDArray[np.bool_]
) -> NDArray[np.int64]:
    outside = ((seconds < YEAR_1990) | (seconds > time.time() + DAY)) & ~missing
    n = int(outside.sum())
    if n:
        place = found.place(outside)
        message = f"{n:,} times lie before 1990 or in the future (first: {place})"
        hint = "[if the column is no time: --time-col none; if it is not in seconds: --time-unit]"
        found.note("W111", message, n, hint)
    return seconds
