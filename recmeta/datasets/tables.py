"""From a file or a frame to an Arrow table: formats, separators, headers, encodings."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from recmeta.data import DataError, Notice

CODECS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
SEPARATORS = ("::", "\t", ";", "|", ",", " ")
BY_ENDING = {".csv": ",", ".tsv": "\t", ".inter": "\t", ".dat": "::", ".data": "\t"}
NULLS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "#N/A"]
POSITIONS = ("user", "item", "rating", "timestamp")
SNIFFED = 65536  # bytes looked at to find the separator and the header
ONE_BYTE = "\x1f"  # stands for a separator of several characters: the ASCII unit separator


@dataclass(frozen=True)
class Loaded:
    """A table, the line of its first row in the file (1 for a frame), and what was noticed."""

    table: pa.Table
    name: str
    first_line: int = 0
    notices: tuple[Notice, ...] = ()


def load_table(source: Any, *, sep: str | None, strict: bool, drop_bad: bool) -> Loaded:
    """Read a path, a pandas or polars frame or an Arrow table. Columns of text files stay text.

    Raises
    ------
    DataError
        E102 (separator, when strict), E106 (empty), E114 (ragged rows), E117 (unreadable).
    """
    if isinstance(source, str | Path):
        return _from_file(Path(source), sep, strict, drop_bad)
    if isinstance(source, pa.Table):
        return Loaded(source, "table")
    if hasattr(source, "to_arrow"):  # polars, without importing it
        return Loaded(source.to_arrow(), "frame")
    if hasattr(source, "columns") and hasattr(source, "iloc"):
        return _from_pandas(source)
    raise TypeError(
        f"cannot read a {type(source).__name__}: give a path, a pandas or polars frame, an Arrow "
        "table, or a scipy sparse matrix"
    )


def _from_pandas(frame: Any) -> Loaded:
    arrays, names, notices = [], [], []
    for name in frame.columns:
        try:
            arrays.append(pa.array(frame[name], from_pandas=True))
        except (pa.ArrowInvalid, pa.ArrowTypeError):  # an object column of several types
            column = frame[name]
            n_texts = int(column.map(lambda value: isinstance(value, str)).sum())
            present = column.notna()
            message = (
                f"column {name!r} mixes {int(present.sum()) - n_texts:,} numbers and {n_texts:,} "
                'texts; all compared as text, so 1 and "1" are one'
            )
            notices.append(Notice("W109", "warning", message, n_texts))
            arrays.append(
                pa.array([str(v) if p else None for v, p in zip(column, present, strict=True)])
            )
        names.append(str(name))
    return Loaded(pa.Table.from_arrays(arrays, names=names), "frame", 0, tuple(notices))


def _from_file(path: Path, sep: str | None, strict: bool, drop_bad: bool) -> Loaded:
    if not path.exists():
        raise DataError("E117", f"there is no file {path}.", hint="Check the path.")
    if path.is_dir():
        raise DataError("E117", f"{path} is a folder.", hint="Give the file of the log in it.")
    codec = CODECS.get(path.suffix)
    inner = Path(path.stem) if codec else path
    name = inner.stem if inner.stem != "interactions" else path.resolve().parent.name
    try:
        if inner.suffix in (".parquet", ".pq"):
            return Loaded(pa.parquet.read_table(path), name, 1)
        with pa.input_stream(str(path), compression=codec) as stream:
            text = stream.read()
    except (OSError, pa.ArrowException, EOFError) as error:
        raise DataError(
            "E117",
            f"{path.name} cannot be read: {error}.",
            hint="Is it complete, and of the format that its name says?",
        ) from error
    if not text.strip():
        raise DataError("E106", f"{path.name} is empty.", hint="Is it the right file?")
    if inner.suffix in (".jsonl", ".ndjson", ".json"):
        return Loaded(_from_json(text, path.name), name, 1)
    table, first_line, notices = _from_text(text, path.name, inner.suffix, sep, strict, drop_bad)
    return Loaded(table, name, first_line, notices)


def _from_json(text: bytes, name: str) -> pa.Table:
    try:
        return pa.json.read_json(io.BytesIO(text))
    except pa.ArrowInvalid as error:
        raise DataError(
            "E117", f"{name} is not JSON lines: {error}.", hint="One object a line is needed."
        ) from error


def _from_text(
    text: bytes, name: str, ending: str, sep: str | None, strict: bool, drop_bad: bool
) -> tuple[pa.Table, int, tuple[Notice, ...]]:
    text = text.removeprefix(b"\xef\xbb\xbf")
    encoding = _encoding(text)
    head = text[:SNIFFED].decode(encoding, errors="replace")
    whole = head.splitlines()[: -1 if len(text) > SNIFFED else None]  # the last may be cut
    lines = [line for line in whole[:50] if line.strip()] or [head]
    separator, notices = _separator(lines, name, ending, sep, strict)
    fields = _fields(lines[0], separator)
    headless = any(_numeric(field) for field in fields)
    if len(separator) > 1:
        text, separator = text.replace(separator.encode(), ONE_BYTE.encode()), ONE_BYTE
    names = _names(fields, headless, lines[0] if headless else "")
    ragged: list[int] = []

    def skip(row: Any) -> str:
        ragged.append(row.number or 0)
        return "skip"

    try:
        table = pa.csv.read_csv(
            io.BytesIO(text),
            pa.csv.ReadOptions(
                column_names=names, skip_rows=0 if headless else 1,
                encoding=encoding, use_threads=False
            ),
            pa.csv.ParseOptions(delimiter=separator, invalid_row_handler=skip),
            pa.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True, null_values=NULLS
            ),
        )  # fmt: skip
    except pa.ArrowInvalid as error:
        raise DataError(
            "E117", f"{name} cannot be read as a table: {error}.", hint="Use --sep."
        ) from error
    if ragged:
        notices = (*notices, _ragged(ragged, len(names), name, drop_bad))
    return table, 1 if headless else 2, notices


def _ragged(rows: Sequence[int], n_columns: int, name: str, drop_bad: bool) -> Notice:
    first = ", ".join(str(row) for row in rows[:3])
    message = f"{len(rows):,} rows of {name} don't have {n_columns} columns (first: line {first})"
    if not drop_bad:
        raise DataError(
            "E114", f"{message}.", hint="Use --drop-bad to skip them, or --sep.", rows=rows[:10]
        )
    return Notice("W114", "warning", f"{message}: skipped", len(rows))


def _encoding(text: bytes) -> str:
    try:
        text[:SNIFFED].decode("utf-8")
    except UnicodeDecodeError as error:
        # a character may be cut in two at the end of what is looked at
        return "utf-8" if error.start > min(len(text), SNIFFED) - 4 < len(text) else "latin-1"
    return "utf-8"


def _separator(
    lines: Sequence[str], name: str, ending: str, given: str | None, strict: bool
) -> tuple[str, tuple[Notice, ...]]:
    """The separator, and a note if it is another than the name's ending promises."""
    if given is not None:
        separator = {"\\t": "\t", "tab": "\t"}.get(given, given)
        if len(_fields(lines[0], separator)) < 2:
            raise _one_column(lines[0], name, _likely(lines))
        return separator, ()
    likely = _likely(lines)
    if likely is None:
        raise _one_column(lines[0], name, None)
    promised = BY_ENDING.get(ending)
    if promised == "," and likely != "," and len(_fields(lines[0], ",")) < 2:
        if strict:
            raise _one_column(lines[0], name, likely)
        shown = {"\t": "tab"}.get(likely, likely)
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
    shown = {"\t": "tab"}.get(likely or "", likely)
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


def _names(fields: Sequence[str], headless: bool, line: str) -> list[str]:
    """The header without the types of RecBole's (``user_id:token``), or names by position."""
    if headless:
        return [
            POSITIONS[i] if i < len(POSITIONS) else f"column{i + 1}" for i in range(len(fields))
        ]
    names = [field.split(":")[0] if ":" in field else field for field in fields]
    return [name or f"column{i + 1}" for i, name in enumerate(names)]


def _numeric(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
