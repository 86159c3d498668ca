"""Ids of any form as labels: whole numbers or text, and each row's place among them."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from recmeta.data import DataError
from recmeta.datasets.validation import Findings, is_text

LARGEST_EXACT = 2**53  # above it a float cannot tell neighbouring integers apart
HUGE = 2**31
DENSE = 8  # numbers an event up to which a table of all of them is cheaper than hashing
WHOLE = r"^(0|-?[1-9][0-9]*)$"
WHOLE_AS_FLOAT = r"^(0|-?[1-9][0-9]*)\.0+$"


def encode_ids(
    column: pa.ChunkedArray, role: str, found: Findings, *, said_mixed: bool = False
) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """The distinct ids, sorted, and each row's place among them; -1 where there is none.

    Ids that are all whole numbers become int64, others stay text: ``"007"`` is no number.
    ``said_mixed``: that numbers and texts are mixed has been said.
    """
    column = _plain_ids(column, role, found)
    numbers = _dense_numbers(column)
    if numbers is not None:
        return _encode_dense(numbers, role, found)
    raw = column.dictionary_encode().combine_chunks()
    labels = _labels(raw.dictionary, role, found, said_mixed).dictionary_encode()
    distinct = labels.dictionary  # fewer than before, if some differed in form only
    if len(distinct) < len(raw.dictionary) - labels.null_count:
        n = len(raw.dictionary) - labels.null_count - len(distinct)
        found.note("N108", f"{n:,} {role} ids differ from others in form only: read as the same")
    order = pc.sort_indices(distinct).to_numpy()
    rank = np.full(len(distinct) + 1, -1, dtype=np.int32)  # the last: no id
    rank[order] = np.arange(len(distinct))
    place_of_raw = np.append(rank[_indices(labels)], np.int32(-1))
    rows = place_of_raw[_indices(raw)]
    found.refuse("E103", rows < 0, f"rows have no {role} id")
    return distinct.take(pa.array(order)).to_numpy(zero_copy_only=False), rows


def _dense_numbers(column: pa.ChunkedArray) -> NDArray[np.int64] | None:
    """Whole numbers that lie close together, none missing: most logs, and no hashing is needed."""
    if column.null_count or not len(column):
        return None
    if is_text(column.type):
        if pc.match_substring_regex(column[0], WHOLE).as_py() is False:
            return None
        zeros = column.filter(pc.match_substring_regex(column, "^-?0"))
        if pc.any(pc.not_equal(zeros, "0")).as_py():  # 007 is no number
            return None
    try:
        numbers = np.asarray(column.cast(pa.int64()))
    except pa.ArrowInvalid:
        return None
    span = int(numbers.max()) - int(numbers.min())
    return numbers if span < DENSE * len(numbers) else None


def _encode_dense(
    numbers: NDArray[np.int64], role: str, found: Findings
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    lowest = numbers.min()
    present = np.zeros(numbers.max() - lowest + 1, dtype=np.bool_)
    present[numbers - lowest] = True
    distinct = np.flatnonzero(present) + lowest
    _say_huge(pa.array(distinct[[0, -1]]), role, found)
    rank = np.cumsum(present, dtype=np.int32) - np.int32(1)
    return distinct, rank[numbers - lowest]


def _indices(encoded: pa.DictionaryArray) -> NDArray[np.int32]:
    """The positions in the dictionary; one past its end where there is null."""
    return np.asarray(encoded.indices.fill_null(len(encoded.dictionary)))


def _plain_ids(column: pa.ChunkedArray, role: str, found: Findings) -> pa.ChunkedArray:
    """As int64 or as text."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_floating(kind):
        return _of_floats(column, role, found)
    if pa.types.is_integer(kind):
        fits = not pa.types.is_uint64(kind) or (pc.max(column).as_py() or 0) < 2**63
        return column.cast(pa.int64() if fits else pa.string())
    if isinstance(kind, pa.BaseExtensionType):  # such as UUIDs
        texts = (None if value is None else str(value) for value in column.to_pylist())
        return pa.chunked_array([pa.array(texts, pa.string())])
    try:
        return column if is_text(kind) else column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            "E108", f"{role} ids are of type {kind}, which is no label.",
            hint="Make them numbers or text.",
        ) from error  # fmt: skip


def _of_floats(column: pa.ChunkedArray, role: str, found: Findings) -> pa.ChunkedArray:
    values = column.to_numpy()
    present = np.isfinite(values)
    whole = present & (values == np.floor(values)) & (np.abs(values) <= LARGEST_EXACT)
    rows = present & ~whole
    if rows.any():
        raise DataError(
            "E108",
            f"{int(rows.sum()):,} {role} ids are fractions or above 2^53 "
            f"(first: {found.place(rows)}): {values[rows][0]:g} is no label.",
            hint="Read the ids as text.",
            rows=found.lines(rows),
        )
    found.note("N108", f"{role} ids are floats: 1.0 is read as 1")
    return pa.chunked_array(
        [pa.array(np.where(present, values, 0).astype(np.int64), mask=~present)]
    )


def _labels(ids: pa.Array, role: str, found: Findings, said_mixed: bool) -> pa.Array:
    """Distinct ids as int64 if all are whole numbers, else as text; null where there is none."""
    if pa.types.is_integer(ids.type):
        _say_huge(ids, role, found)
        return ids
    texts = pc.utf8_trim_whitespace(ids)
    texts = pc.if_else(pc.equal(texts, ""), None, texts)
    n_texts = len(texts) - texts.null_count
    n_whole, n_floats = (_n_like(texts, form) for form in (WHOLE, WHOLE_AS_FLOAT))
    if n_texts and n_whole + n_floats == n_texts:
        if n_floats:
            found.note("N108", f"{role} ids are floats: 1.0 is read as 1")
            texts = pc.replace_substring_regex(texts, r"\.0+$", "")
        try:
            numbers = texts.cast(pa.int64())
        except pa.ArrowInvalid:  # more digits than int64 has
            found.note("N108", f"{role} ids have more digits than numbers can: kept as text")
            return texts
        _say_huge(numbers, role, found)
        return numbers
    if n_texts and _n_like(texts, "^[0-9]+$") == n_texts:
        message = f"{role} ids have leading zeros: kept as text, so 007 and 7 are two"
        found.note("N108", message)
    elif n_whole and not said_mixed and not _are_codes(texts):
        message = (
            f"{role} ids mix {n_whole:,} numbers and {n_texts - n_whole:,} texts; "
            'all compared as text, so 1 and "1" are one'
        )
        found.note("W109", message, n_texts - n_whole)
    return texts


def _n_like(texts: pa.Array, form: str) -> int:
    return pc.sum(pc.match_substring_regex(texts, form)).as_py() or 0


def _are_codes(texts: pa.Array) -> bool:
    """Whether ids are codes of one length, some of which have digits only, as hashes do."""
    return len(texts) > 20 and len(pc.unique(pc.utf8_length(texts)).drop_null()) <= 2


def _say_huge(ids: pa.Array, role: str, found: Findings) -> None:
    largest = max((abs(value) for value in pc.min_max(ids).as_py().values() if value), default=0)
    if largest >= HUGE:
        message = f"{role} ids up to {largest:.2g} are labels: their size costs nothing"
        found.note("N108", message)
