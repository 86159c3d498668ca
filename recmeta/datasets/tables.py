"""From a file or a frame to an Arrow table, whatever the format."""

import codecs
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.json
import pyarrow.parquet
from numpy.typing import NDArray

from recmeta.data import DataError, Notice
from recmeta.datasets.text import POSITIONS, Lines, line_numbers, no_rows, read_text

CODECS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
JSON_LINES = (".jsonl", ".ndjson", ".json")
CONTAINERS = {  # what files begin with that are no text, whatever their name
    b"PAR1": "Parquet",
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "a zip archive or a workbook",
}


@dataclass(frozen=True)
class Loaded:
    """A table and what was noticed.

    ``lines_of`` has the line of each row where there are lines; ``mixed`` the columns with values
    of several types: their numbers of texts and of others.
    """

    table: pa.Table
    name: str
    lines_of: Lines | None = None
    notices: tuple[Notice, ...] = ()
    mixed: dict[str, tuple[int, int]] = field(default_factory=dict)


def load_table(source: Any, *, sep: str | None, strict: bool, drop_bad: bool) -> Loaded:
    """Read a path, a pandas or polars frame or an Arrow table. Columns of text files stay text.

    Raises
    ------
    DataError
        E102 (separator, when strict), E106 (empty), E114 (ragged rows), E117 (unreadable).
    """
    loaded = _load(source, sep, strict, drop_bad)
    names, notices = _distinct(loaded.table.column_names)
    columns = [  # Arrow's functions for text don't know its views yet
        column.cast(pa.string()) if pa.types.is_string_view(column.type) else column
        for column in loaded.table.columns
    ]
    table = pa.table(columns, names=names)
    return replace(loaded, table=table, notices=(*loaded.notices, *notices))


def _load(source: Any, sep: str | None, strict: bool, drop_bad: bool) -> Loaded:
    if isinstance(source, str | Path):
        return _from_file(Path(source), sep, strict, drop_bad)
    if isinstance(source, pa.Table):
        return Loaded(source, "table")
    if hasattr(source, "to_arrow"):  # polars, without importing it
        return Loaded(source.to_arrow(), "frame")
    if hasattr(source, "iloc") and hasattr(source, "columns"):
        return _from_pandas(source)
    raise TypeError(
        f"cannot read a {type(source).__name__}: give a path, a pandas or polars frame, an Arrow "
        "table, or a scipy sparse matrix"
    )


def _distinct(names: Sequence[str]) -> tuple[list[str], tuple[Notice, ...]]:
    """The names, the later ones of several equal ones numbered, which is said."""
    distinct: list[str] = []
    for name in names:
        n, new = 1, name
        while new in distinct or (n > 1 and new in names):
            n += 1
            new = f"{name}_{n}"
        distinct.append(new)
    renamed = [new for name, new in zip(names, distinct, strict=True) if name != new]
    if not renamed:
        return distinct, ()
    message = f"columns of the same name: the later ones are read as {', '.join(renamed)}"
    return distinct, (Notice("W122", "warning", message),)


def _from_pandas(frame: Any) -> Loaded:
    arrays, mixed = [], {}
    names = [str(name) for name in frame.columns]
    if all(isinstance(name, int | np.integer) for name in frame.columns):  # no names were given
        names = [POSITIONS[i] if i < len(POSITIONS) else name for i, name in enumerate(names)]
    for i, name in enumerate(names):
        column = frame.iloc[:, i]
        try:
            arrays.append(pa.array(column, from_pandas=True))
        except (pa.ArrowInvalid, pa.ArrowTypeError):  # an object column of several types
            values = [
                None if absent else value
                for value, absent in zip(column, column.isna(), strict=True)
            ]
            n_texts = sum(isinstance(value, str) for value in values)
            mixed[name] = n_texts, sum(value is not None for value in values) - n_texts
            arrays.append(pa.array([_label(value) for value in values], pa.string()))
    return Loaded(pa.Table.from_arrays(arrays, names=names), "frame", mixed=mixed)


def _label(value: Any) -> str | None:
    if value is None:
        return None
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)


def _from_file(path: Path, sep: str | None, strict: bool, drop_bad: bool) -> Loaded:
    codec = CODECS.get(path.suffix)
    inner = Path(path.stem) if codec else path
    try:
        if not path.exists():
            raise DataError("E117", f"there is no file {path}.", hint="Check the path.")
        if path.is_dir():
            raise DataError("E117", f"{path} is a folder.", hint="Give the file of the log in it.")
        name = inner.stem if inner.stem != "interactions" else path.resolve().parent.name
        if inner.suffix in (".parquet", ".pq"):
            return Loaded(pa.parquet.read_table(path), name)
        with pa.input_stream(str(path), compression=codec) as stream:
            text = stream.read()
    except PermissionError as error:
        raise DataError(
            "E117", f"{path.name[:60]} may not be read: permission denied.",
            hint="Change its permissions, or copy it.",
        ) from error  # fmt: skip
    except (OSError, pa.ArrowException, EOFError) as error:
        raise DataError(
            "E117",
            f"{path.name[:60]} cannot be read: {str(error)[:200].rstrip('.')}.",
            hint="Is it complete, and of the format that its name says?",
        ) from error
    if not text.removeprefix(codecs.BOM_UTF8) or text.isspace():
        raise DataError("E106", f"{path.name} is empty.", hint="Is it the right file?")
    for beginning, what in CONTAINERS.items():
        if text.startswith(beginning):
            packed = what.startswith("a zip")  # is not read, whatever its name
            raise DataError(
                "E117",
                f"{path.name} is {what}{'' if packed else ', and its name does not say so'}.",
                hint=f"{'Unpack it' if packed else 'Rename it, or unpack it'}, or save it as csv.",
            )
    if inner.suffix in JSON_LINES:
        return _from_json(text, path.name, name)
    table, lines_of, notices = read_text(text, path.name, inner.suffix, sep, strict, drop_bad)
    return Loaded(table, name, lines_of, notices)


def _from_json(text: bytes, file: str, name: str) -> Loaded:
    def lines_of(rows: NDArray[np.int64]) -> list[int]:
        return line_numbers(text, rows + 1, quotes=False)

    try:
        return Loaded(pa.json.read_json(pa.BufferReader(text)), name, lines_of)
    except pa.ArrowInvalid as error:
        rows = _objects(text)  # one list, or values of several types in one column
        if rows is None:
            hint = "One object a line is needed, or one list of objects."
            raise DataError("E117", f"{file} is not JSON lines: {error}.", hint=hint) from error
    if not rows:
        raise no_rows(file)
    import pandas as pd  # for the rare case only

    return replace(_from_pandas(pd.DataFrame(rows)), name=name)


def _objects(text: bytes) -> list[dict[str, Any]] | None:
    """The objects of a list or of lines; None where there is anything else."""
    try:
        whole = text.lstrip().startswith(b"[")
        rows = (
            json.loads(text) if whole else [json.loads(line) for line in text.splitlines() if line]
        )
    except ValueError:
        return None
    return rows if all(isinstance(row, dict) for row in rows) else None
