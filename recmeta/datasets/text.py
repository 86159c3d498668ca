"""Text files as tables: encoding, separator, header, and the line on which each row stands."""

import codecs
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from recmeta.data import DataError, Notice
from recmeta.datasets.times import is_time

SEPARATORS = ("::", "\t", ";", "|", ",", " ")
BY_ENDING = {".csv": ",", ".tsv": "\t", ".inter": "\t", ".dat": "::", ".data": "\t"}
NULLS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "#N/A"]
POSITIONS = ("user", "item", "rating", "timestamp")
SNIFFED = 65536  # bytes looked at to find the separator and the header
ONE_BYTE = "\x1f"  # stands for a separator of several bytes: the ASCII unit separator
SHOWN = {"\t": "tab"}
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")
BLANK_LINES = re.compile(rb"(?:[ \t]*(?:\r\n|\r|\n))*")

Lines = Callable[[NDArray[np.int64]], list[int]]  # row numbers from 0 to line numbers from 1


@dataclass(frozen=True)
class Layout:
    """How the lines of a text file are cut into columns, and what those are called."""

    separator: str
    names: list[str]
    headless: bool
    notices: tuple[Notice, ...]


def read_text(
    text: bytes, name: str, ending: str, sep: str | None, strict: bool, drop_bad: bool
) -> tuple[pa.Table, Lines, tuple[Notice, ...]]:
    """A table of texts, the lines of its rows, and what was noticed.

    Raises
    ------
    DataError
        E102 (separator), E106 (no row), E114 (ragged rows), E117 (unreadable).
    """
    text, encoding, notices = _decodable(text, name)
    above = BLANK_LINES.match(text)
    n_above = len(above.group().splitlines()) if above else 0
    text = text[above.end() :] if above and above.end() else text
    head = text[:SNIFFED].decode(encoding, errors="replace")
    whole = head.splitlines()[: -1 if len(text) > SNIFFED else None]  # the last may be cut
    lines = [line for line in whole[:50] if line.strip()] or [head]
    layout = _layout(lines, name, ending, sep, strict)
    if not layout.headless and len(lines) == 1 and len(text) <= SNIFFED:
        raise no_rows(name)
    table, ragged = _parse(text, layout, encoding, name)
    if ragged:
        bad = np.asarray([record for record, cells in ragged if cells.strip()], dtype=np.int64)
        places = [n_above + line for line in line_numbers(text, bad[:10])]
        if len(bad):
            notices += (_ragged(len(bad), places, len(layout.names), name, drop_bad),)
    skipped = np.asarray([record for record, _ in ragged], dtype=np.int64)

    def lines_of(rows: NDArray[np.int64]) -> list[int]:
        records = rows + (1 if layout.headless else 2)
        before = np.searchsorted(skipped - np.arange(len(skipped)), records, side="right")
        return [n_above + line for line in line_numbers(text, records + before)]

    return table, lines_of, notices + layout.notices


def no_rows(name: str) -> DataError:
    return DataError("E106", f"{name} has a header but 0 rows.", hint="Is it the right file?")


def line_numbers(text: bytes, records: NDArray[np.int64], *, quotes: bool = True) -> list[int]:
    """The line on which each of the ascending ``records`` begins; both count from 1.

    An empty line is no record, and a line break inside ``quotes`` ends none.
    """
    found: list[int] = []
    n, inside = 0, False
    for number, line in enumerate(text.splitlines(), 1):
        if len(found) == len(records):
            break
        if line and not inside:
            n += 1
            if n == records[len(found)]:
                found.append(number)
        inside ^= quotes and line.count(b'"') % 2 == 1
    return found


def _parse(
    text: bytes, layout: Layout, encoding: str, name: str
) -> tuple[pa.Table, list[tuple[int, str]]]:
    """The table, and the number and text of each record with another number of columns."""
    separator = layout.separator
    if len(separator.encode()) > 1:
        text = text.replace(separator.encode(encoding, errors="replace"), ONE_BYTE.encode())
        separator = ONE_BYTE
    ragged: list[tuple[int, str]] = []

    def skip(row: Any) -> str:
        ragged.append((row.number, row.text))
        return "skip"

    try:
        table = pa.csv.read_csv(
            pa.BufferReader(text),
            pa.csv.ReadOptions(
                column_names=layout.names, skip_rows=0 if layout.headless else 1,
                encoding=encoding, use_threads=False,  # threads lose the row numbers
            ),
            pa.csv.ParseOptions(
                delimiter=separator, invalid_row_handler=skip, newlines_in_values=True
            ),
            pa.csv.ConvertOptions(
                column_types=dict.fromkeys(layout.names, pa.string()),
                strings_can_be_null=True, null_values=NULLS
            ),
        )  # fmt: skip
    except pa.ArrowInvalid as error:
        hint = "Is a quote left open? If the separator is wrong, use --sep."
        raise DataError("E117", f"{name} cannot be read as a table: {error}.", hint=hint) from error
    return table, ragged


def _ragged(n: int, places: list[int], n_columns: int, name: str, drop_bad: bool) -> Notice:
    first = ", ".join(str(line) for line in places[:3])
    message = f"{n:,} rows of {name} don't have {n_columns} columns (first: line {first})"
    if not drop_bad:
        raise DataError(
            "E114", f"{message}.", hint="Use --drop-bad to skip them, or --sep.", rows=places
        )
    return Notice("W114", "warning", f"{message}: skipped", n)


def _decodable(text: bytes, name: str) -> tuple[bytes, str, tuple[Notice, ...]]:
    """The text without a byte order mark, and its encoding: UTF-8, or else Latin-1, which is said.

    UTF-16, as spreadsheets write it, becomes UTF-8.
    """
    if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = text.decode("utf-16", errors="replace").encode()
    text = text.removeprefix(codecs.BOM_UTF8)
    if b"\0" in text[:SNIFFED]:
        raise DataError(
            "E117", f"{name} is no text file.", hint="Does its name end as its format says?"
        )
    if text.isascii():
        return text, "utf-8", ()
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(text), SNIFFED):  # in pieces: no second copy of a large file
            decoder.decode(text[start : start + SNIFFED], start + SNIFFED >= len(text))
    except UnicodeDecodeError:
        message = f"{name} is not UTF-8: read as Latin-1"
        return text, "latin-1", (Notice("N121", "note", message, hint="[change: save as UTF-8]"),)
    return text, "utf-8", ()


def _layout(lines: Sequence[str], name: str, ending: str, sep: str | None, strict: bool) -> Layout:
    separator, notices = _separator(lines, name, ending, sep, strict)
    rows = [_fields(line, separator) for line in lines]
    fields = rows[0]
    if not any(_is_value(field) for field in fields):
        names = _names(fields)
        if all(len(row) == len(fields) + 1 and not row[-1] for row in rows[1:]) and rows[1:]:
            names.append(f"column{len(names) + 1}")  # the rows end with a separator
        return Layout(separator, names, False, notices)
    timed = len(fields) == 3 and all(len(row) == 3 and is_time(row[2]) for row in rows)
    positions = ("user", "item", "timestamp") if timed else POSITIONS
    names = [*positions, *(f"column{i + 1}" for i in range(4, len(fields)))][: len(fields)]
    message = f"{name} has no header: by position its columns are {', '.join(names)}"
    options = "[change: --user-col, --item-col, --rating-col, --time-col]"
    return Layout(separator, names, True, (*notices, Notice("N120", "note", message, 0, options)))


def _separator(
    lines: Sequence[str], name: str, ending: str, given: str | None, strict: bool
) -> tuple[str, tuple[Notice, ...]]:
    """The separator, and a note if it is another than the name's ending promises."""
    likely = _likely(lines)
    if given is not None:
        separator = {"\\t": "\t", "tab": "\t"}.get(given, given)
        if not separator or len(_fields(lines[0], separator)) < 2:
            raise _one_column(lines[0], name, likely)
        return separator, ()
    if likely is None:
        raise _one_column(lines[0], name, None)
    promised = BY_ENDING.get(ending)
    if promised == "," and likely != "," and len(_fields(lines[0], ",")) < 2:
        if strict:
            raise _one_column(lines[0], name, likely)
        shown = SHOWN.get(likely, likely)
        message = f"the columns of {name} are separated by {shown!r}, not by ','"
        return likely, (Notice("N102", "note", message, hint="[change: --sep]"),)
    return likely, ()


def _likely(lines: Sequence[str]) -> str | None:
    """The separator that cuts all lines into the same number of columns, and into the most."""
    best, most = None, 1
    for separator in SEPARATORS:
        counts = {len(_fields(line, separator)) for line in lines[:20]}
        if len(counts) == 1 and (n := counts.pop()) > most:
            best, most = separator, n
    if best is None:  # ragged rows: what the first line has
        found = {separator: len(_fields(lines[0], separator)) for separator in SEPARATORS[:-1]}
        best = max(found, key=lambda separator: found[separator])
        return best if found[best] > 1 else None
    return best


def _one_column(line: str, name: str, likely: str | None) -> DataError:
    shown = SHOWN.get(likely or "", likely)
    hint = f"This looks like {shown!r}. Use --sep {shown!r}." if likely else "Use --sep."
    return DataError("E102", f'1 column found in {name}, "{line[:60]}".', hint=hint)


def _fields(line: str, separator: str) -> list[str]:
    """The cells of a line; a separator inside quotes cuts nothing."""
    cells, quoted = [""], False
    for piece in line.rstrip("\r\n").split(separator):
        if quoted:
            cells[-1] += separator + piece
        else:
            cells.append(piece)
        quoted ^= piece.count('"') % 2 == 1
    return [cell.strip().strip('"') for cell in cells[1:]]


def _names(fields: Sequence[str]) -> list[str]:
    """The header without the types of RecBole's (``user_id:token``)."""
    names = [field.split(":")[0].strip() for field in fields]
    return [name or f"column{i + 1}" for i, name in enumerate(names)]


def _is_value(text: str) -> bool:
    """Whether a cell is a number or a date, which no header has."""
    if DATE.match(text):
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True
