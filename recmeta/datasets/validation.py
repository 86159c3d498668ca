"""What the checks of a log have in common: bad rows are counted, said, and refused or left out.

Each check has a code, counts what it touches and says the way out; docs/errors.md has them all.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from recmeta.data import DataError, Notice

LARGEST = float(np.finfo(np.float32).max)
LOOKED_AT = 1000  # rows that tell what a column of text holds
NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+|\d+,\d+)([eE][-+]?\d+)?\s*$"
THOUSANDS = r",\d{3}\s*$"


@dataclass
class Findings:
    """What the checks have found so far: notices, and the rows to leave out.

    ``lines_of`` turns row numbers into lines of the file; None where there is no file of lines.
    """

    source: str
    n_rows: int
    drop_bad: bool
    lines_of: Callable[[NDArray[np.int64]], list[int]] | None = None
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
        message = f"{n:,} {what} (first: {self.place(rows)})"
        if not self.drop_bad:
            way_out = hint or f"Use --drop-bad to skip them ({n / self.n_rows:.2%} of rows)."
            if n == self.n_rows and not hint:
                way_out = "These are all rows: name another column, or leave this one out."
            raise DataError(code, f"{message}.", hint=way_out, rows=self.lines(rows))
        self.note(f"W{code[1:]}", f"{message}: skipped", n)
        self.bad = rows if self.bad is None else self.bad | rows

    def place(self, rows: NDArray[np.bool_]) -> str:
        """Where the first three such rows are."""
        first = ", ".join(str(line) for line in self.lines(rows)[:3])
        return f"{'line' if self.lines_of else 'row'} {first}"

    def lines(self, rows: NDArray[np.bool_]) -> list[int]:
        """The first ten such rows, as lines of the file, or as rows from 0 on."""
        first = np.flatnonzero(rows)[:10]
        return self.lines_of(first) if self.lines_of else [int(row) for row in first]

    def kept(self) -> NDArray[np.bool_]:
        """Which rows are not to be left out."""
        return np.ones(self.n_rows, dtype=np.bool_) if self.bad is None else ~self.bad


def is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def mostly_numbers(column: pa.ChunkedArray) -> bool:
    """Whether at least half of the first texts are numbers; 3,5 is one."""
    texts = column.slice(0, LOOKED_AT).drop_null().cast(pa.string())
    n_numbers = pc.sum(pc.match_substring_regex(texts, NUMBER)).as_py() or 0
    return len(texts) > 0 and n_numbers >= 0.5 * len(texts)


def numbers_of(
    column: pa.ChunkedArray,
    role: str,
    found: Findings,
    code: str,
    hint: str = "",
    largest: float = LARGEST,
) -> NDArray[np.float64]:
    """The values as numbers; those that are missing, unreadable or beyond largest are refused."""
    try:
        numbers = column.cast(pa.float64(), safe=False).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        numbers = _of_texts(column, role, found)
    values = np.array(numbers, dtype=np.float64)
    found.refuse(code, ~(np.abs(values) <= largest), f"rows have no readable {role}", hint)
    return values


def _of_texts(column: pa.ChunkedArray, role: str, found: Findings) -> NDArray[np.float64]:
    """Text as numbers, NaN where it is none; a comma is the decimal point if it can be no other."""
    import pandas as pd  # only for values that Arrow cannot read

    if not is_text(column.type):
        return np.full(len(column), np.nan)
    commas = column.filter(pc.match_substring(column, ","))
    if len(commas) and not pc.any(pc.match_substring_regex(commas, THOUSANDS)).as_py():
        found.note("N124", f"{role}s have decimal commas: 3,5 is read as 3.5", len(commas))
        column = pc.replace_substring(column, ",", ".")
    return pd.to_numeric(column.to_pandas(), errors="coerce").to_numpy(np.float64)
