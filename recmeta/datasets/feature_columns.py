"""One column of a table about users or items as binary features: which, and of which rows.

What a column is, is told by its type, its name and its distinct values; never by their order.

============  =========================================  ===================================
a column of   such as                                    becomes
============  =========================================  ===================================
lists         ``["Drama", "War"]``, ``Drama|War``        one feature an element
flags         true and false, yes and no, 0 and 1        one feature: where it is true
labels        few distinct texts; numbers that their     one feature a value
              name calls a label (``category_id``)
numbers       prices, years, dates                       ranges that hold about as many each;
                                                         up to FEW_NUMBERS values: each value
words         titles: nearly all cells differ            one feature a word, in lower case
============  =========================================  ===================================
"""

import ast
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.datasets.times import DAY, seconds_of
from recmeta.datasets.validation import NUMBER, Findings, is_text

N_RANGES = 10
FEW_NUMBERS = 12  # distinct ones up to which each is a feature
NEARLY_ALL = 0.8  # share of the cells that are distinct from which on they are texts of words
OFTEN = 0.1  # share of the cells with a | from which on it separates
LABELS = {  # names, without a plural s, of columns whose numbers are no quantities
    "id", "code", "category", "categorie", "cat", "genre", "tag", "class", "type", "kind",
    "brand", "label", "cluster", "group", "zip", "zipcode", "postcode", "department",
    "attribute", "artist", "author", "publisher", "country", "city", "region", "state",
    "gender", "sex", "occupation", "job", "language",
}  # fmt: skip
FLAGS = ({"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"})
TRUE = ("true", "yes", "y", "t")
DATE = r"^\s*(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/. ](\d{1,2}|[A-Za-z]{3,9})[-/. ]\d{4})"
LEADING_ZERO = r"^0\d"
THOUSANDS = r"\d,\d{3}(\D|$)"
NUMBER_OR_THOUSANDS = NUMBER + r"|^[-+]?\d{1,3}(,\d{3})+(\.\d+)?$"
BRACKETS = r"^\[.*\]$"
QUOTES = " \t'\""
WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


@dataclass(frozen=True)
class Coded:
    """The features of one column: their labels, sorted, and which rows have them.

    ``matrix`` has a row for each of the table's and a column for each label.
    """

    labels: list[str]
    matrix: csr_array


def code_column(column: pa.ChunkedArray, name: str, *, spaced: bool = False) -> Coded | None:
    """The features of a column; None where its type is none that can be read.

    ``spaced``: a space separates the elements of a text.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_null(kind):
        return Coded([], csr_array((len(column), 0), dtype=np.float32))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _of_lists(column)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _of_dates(column)
    if pa.types.is_boolean(kind):
        return _of_texts(column.cast(pa.string()), name, spaced)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _of_numbers(np.asarray(column.cast(pa.float64(), safe=False)), name)
    return _of_texts(column, name, spaced) if is_text(kind) else None


def _of_lists(column: pa.ChunkedArray) -> Coded | None:
    lists = column.combine_chunks()
    elements = pc.list_flatten(lists)
    if pa.types.is_dictionary(elements.type):
        elements = elements.cast(elements.type.value_type)
    try:
        texts = _tidy(elements.cast(pa.string()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    codes, labels = _distinct(texts)
    rows = np.asarray(pc.list_parent_indices(lists))
    return _coded(labels, rows[codes >= 0], codes[codes >= 0], len(column))


def _of_texts(column: pa.ChunkedArray, name: str, spaced: bool) -> Coded:
    codes, cells = _distinct(_tidy(column))
    rows = np.flatnonzero(codes >= 0)
    if not cells:
        return _coded([], rows, rows, len(column))
    numbers = _numbers(cells, name)
    if numbers is not None:
        return _of_numbers(np.append(numbers, np.nan)[codes], name)  # -1 is the last: missing
    if _all_like(cells, DATE):
        return _of_dates(column)
    if any({cell.lower() for cell in cells} <= flags for flags in FLAGS):
        true = np.array([cell.lower() in TRUE for cell in cells])
        rows = np.flatnonzero((codes >= 0) & true[codes])
        return _coded([""], rows, np.zeros_like(rows), len(column))
    cut = str.split if spaced else _cutter(cells, codes)
    if cut is None:
        if len(cells) > NEARLY_ALL * len(rows):
            cut = _words
        else:
            return _coded(cells, rows, codes[rows], len(column))
    of_cells = _cut(cells, cut)
    cell_of_row = _coded(cells, rows, codes[rows], len(column)).matrix
    return Coded(of_cells.labels, csr_array(cell_of_row @ of_cells.matrix))


def _of_numbers(values: NDArray[np.float64], name: str) -> Coded:
    values = values + 0.0  # -0.0 is 0, whichever comes first
    rows = np.flatnonzero(np.isfinite(values))
    distinct, codes = np.unique(values[rows], return_inverse=True)
    whole = bool((distinct == np.floor(distinct)).all())
    a_label = whole and _is_label(name)
    if not a_label and len(distinct) and np.isin(distinct, (0, 1)).all():
        rows = rows[values[rows] == 1]
        return _coded([""], rows, np.zeros_like(rows), len(values))
    if a_label or len(distinct) <= FEW_NUMBERS:
        return _coded(_shown(distinct), rows, codes, len(values))
    return _of_ranges(values, rows, _shown)


def _of_dates(column: pa.ChunkedArray) -> Coded:
    found = Findings("", len(column), drop_bad=True)
    seconds = seconds_of(column, None, found)
    days = np.where(found.kept(), seconds // DAY, np.nan)

    def shown(numbers: NDArray[np.float64]) -> list[str]:
        return [str(day) for day in numbers.astype("datetime64[D]")]

    return _of_ranges(days, np.flatnonzero(found.kept()), shown)


def _of_ranges(
    values: NDArray[np.float64],
    rows: NDArray[np.int64],
    shown: Callable[[NDArray[np.float64]], list[str]],
) -> Coded:
    """Ranges of about as many rows each; equal numbers are in one."""
    present = values[rows]
    shares = np.arange(1, N_RANGES) / N_RANGES
    cuts = np.unique(np.quantile(present, shares, method="lower")) if len(rows) else present
    places, codes = np.unique(np.searchsorted(cuts, present), return_inverse=True)
    lows, highs = np.full(len(places), np.inf), np.full(len(places), -np.inf)
    np.minimum.at(lows, codes, present)
    np.maximum.at(highs, codes, present)
    texts = shown(np.concatenate([lows, highs]))
    bounds = zip(texts[: len(places)], texts[len(places) :], strict=True)
    labels = [low if low == high else f"{low}..{high}" for low, high in bounds]
    return _coded(labels, rows, codes, len(values))


def _numbers(cells: Sequence[str], name: str) -> NDArray[np.float64] | None:
    """Texts as numbers, if all are; a comma parts thousands if it can, else it is decimal."""
    if not _all_like(cells, NUMBER_OR_THOUSANDS) or _any_like(cells, LEADING_ZERO):
        return None
    commas = any("," in cell for cell in cells)
    if commas and _is_label(name):  # 1,2 are two labels
        return None
    point = "" if _any_like(cells, THOUSANDS) else "."
    return np.array([float(cell.replace(",", point)) for cell in cells])


def _shown(numbers: NDArray[np.float64]) -> list[str]:
    """Whole numbers as they are, others with as few digits as tell them apart."""
    if (numbers == np.floor(numbers)).all():
        return [f"{number:.0f}" for number in numbers]
    n_distinct = len(np.unique(numbers))
    texts: list[str] = []
    for digits in (4, 6, 9, 17):
        texts = [
            np.format_float_positional(number, digits, fractional=False, trim="-")
            for number in numbers
        ]
        if len(set(texts)) == n_distinct:
            break
    return texts


def _is_label(name: str) -> bool:
    """Whether the last word of a column's name says that its numbers are no quantities."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)
    last = words[-1].lower() if words else ""
    singular = last[:-1] if last.endswith("s") and last != "class" else last
    return singular in LABELS or singular.removesuffix("id") in LABELS


def _cutter(cells: Sequence[str], codes: NDArray[np.int64]) -> Callable[[str], list[str]] | None:
    """What cuts the texts of a column into elements; None where they are whole.

    A bar does where it is frequent; a semicolon or a comma where fewer elements than texts come out
    of it, as with genres; not so with ``President, The`` or ``Paris, Texas``.
    """
    if _all_like(cells, BRACKETS):  # a list, as Python or JSON writes it
        return _elements
    present = codes[codes >= 0]
    for separator in "|;,":
        has_it = np.array([separator in cell for cell in cells])
        if not has_it.any() or (separator == "," and _any_like(cells, THOUSANDS)):
            continue
        elements = {part.strip() for cell in cells for part in cell.split(separator)} - {""}
        often = separator == "|" and has_it[present].mean() >= OFTEN
        if often or len(elements) <= len(cells):
            return lambda cell, by=separator: [part.strip() for part in cell.split(by)]  # type: ignore[misc]
    return None


def _elements(text: str) -> list[str]:
    """Of a list written as text; by its commas where Python cannot read it."""
    try:
        return [str(element).strip() for element in ast.literal_eval(text)]
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return [part.strip(QUOTES) for part in text[1:-1].split(",")]


def _words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def _cut(cells: Sequence[str], cut: Callable[[str], Iterable[str]]) -> Coded:
    """The elements of distinct texts; the matrix has a row a text."""
    parts = [[part for part in cut(cell) if part] for cell in cells]
    labels = sorted({part for some in parts for part in some})
    place = {label: i for i, label in enumerate(labels)}
    rows = np.repeat(np.arange(len(cells)), [len(some) for some in parts])
    codes = np.array([place[part] for some in parts for part in some], dtype=np.int64)
    return _coded(labels, rows, codes, len(cells))


def _coded(labels: list[str], rows: NDArray[np.int64], codes: NDArray[np.int64], n: int) -> Coded:
    ones = np.ones(len(rows), dtype=np.float32)
    return Coded(labels, csr_array((ones, (rows, codes)), shape=(n, len(labels))))


def _tidy(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Without spaces around them, letters in their composed form; null where nothing is left."""
    trimmed = pc.utf8_normalize(pc.utf8_trim_whitespace(texts), form="NFC")
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, trimmed.type), trimmed)


def _distinct(texts: pa.Array | pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str]]:
    """Each text's place among the distinct ones, which are sorted; -1 where there is none."""
    encoded = pc.dictionary_encode(texts)
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    labels: list[str] = encoded.dictionary.to_pylist()
    order = sorted(range(len(labels)), key=labels.__getitem__)
    rank = np.full(len(labels) + 1, -1, dtype=np.int64)
    rank[order] = np.arange(len(labels))
    indices = np.asarray(encoded.indices.fill_null(len(labels)))
    return rank[indices], [labels[i] for i in order]


def _all_like(cells: Sequence[str], form: str) -> bool:
    return all(re.search(form, cell) for cell in cells)


def _any_like(cells: Sequence[str], form: str) -> bool:
    return any(re.search(form, cell) for cell in cells)
