"""What is known of items and users besides the log: tables as matrices, a row for each id.

======  ======================================  =======================
symbol  meaning                                 shape
======  ======================================  =======================
ids     the log's users or items, in its order  (n_ids,)
rows    of the table, those of an id of the     (n_rows,)
        log
F       1 where an id has a feature             (n_ids, n_features)
======  ======================================  =======================
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack, issparse

from recmeta.data import DataError, Interactions, Notice
from recmeta.datasets.columns import NAMES
from recmeta.datasets.feature_columns import code_column
from recmeta.datasets.ids import encode_ids
from recmeta.datasets.tables import Loaded, load_table
from recmeta.datasets.validation import Findings

Role = Literal["user", "item"]
MIN_IDS = 2  # a feature that fewer have says nothing of anyone else
ATOMIC = (".item", ".user")  # RecBole's, whose header says which texts are sequences


@dataclass(frozen=True)
class Features:
    """A matrix with a row for each id of the log, the features' names, and what was found."""

    matrix: csr_array | None
    names: tuple[str, ...]
    notices: tuple[Notice, ...]


def with_features(data: Interactions, item_features: Any, user_features: Any) -> Interactions:
    """The log with what is known of its items and users; see ``read_features`` for the sources.

    Raises
    ------
    DataError
        E127, and what reading a table raises.
    """
    if item_features is not None:
        of_items = read_features(item_features, data.items, "item", data.columns.get("item"))
        data = replace(
            data,
            item_features=of_items.matrix,
            item_feature_names=of_items.names,
            notices=(*data.notices, *of_items.notices),
        )
    if user_features is not None:
        of_users = read_features(user_features, data.users, "user", data.columns.get("user"))
        data = replace(
            data,
            user_features=of_users.matrix,
            user_feature_names=of_users.names,
            notices=(*data.notices, *of_users.notices),
        )
    return data


def read_features(source: Any, ids: NDArray[Any], role: Role, column: str | None) -> Features:
    """Features of the log's users or items: canonical float32, (n_ids, n_features).

    Parameters
    ----------
    source : path, frame, table or matrix
        A table with a column of ids, the others of which become binary features (how: see
        ``feature_columns``), or a matrix that has a row for each of ``ids``, in their order.
    ids : array, (n_ids,)
    role : str
        ``"user"`` or ``"item"``.
    column : str or None
        The log's own name for the column of ids.

    A feature that fewer than MIN_IDS of the ids have is left out, and so is one that all have.
    """
    if issparse(source) or isinstance(source, np.ndarray):
        return _from_matrix(source, len(ids), role)
    if getattr(getattr(source, "index", None), "name", None) is not None:  # ids as pandas' index
        source = source.reset_index()
    loaded = _without_positions(load_table(source, sep=None, strict=False, drop_bad=False))
    return _from_table(loaded, ids, role, column, _sequences(source))


def _from_matrix(source: Any, n_ids: int, role: Role) -> Features:
    if source.ndim != 2 or source.shape[0] != n_ids:
        raise DataError(
            "E127", f"{role}_features is a matrix of shape {source.shape} for {n_ids:,} {role}s.",
            hint=f"Give a row for each {role}, in the order of the log's, or a table with ids.",
        )  # fmt: skip
    matrix = csr_array(source, dtype=np.float32, copy=True)
    if not np.isfinite(matrix.data).all():
        raise DataError(
            "E127", f"{role}_features has entries that are not finite.",
            hint="Leave out what is missing.",
        )  # fmt: skip
    return Features(_canonical(matrix), (), ())


def _from_table(
    loaded: Loaded,
    ids: NDArray[Any],
    role: Role,
    column: str | None,
    spaced: frozenset[str] = frozenset(),
) -> Features:
    found = Findings(loaded.name, loaded.table.num_rows, drop_bad=True, lines_of=loaded.lines_of)
    key, places = _find_ids(loaded, ids, role, column, found)
    _say_coverage(places, len(ids), role, found)
    rows = np.flatnonzero(places >= 0)
    table = loaded.table.drop_columns([key]).take(pa.array(rows))
    to_ids = csr_array(
        (np.ones(len(rows), dtype=np.float32), (places[rows], np.arange(len(rows)))),
        shape=(len(ids), len(rows)),
    )
    n_with_row = len(np.unique(places[rows]))
    parts, names, empty = [], [], []
    for name in table.column_names:
        coded = code_column(table.column(name), name, spaced=name in spaced)
        labels = coded.labels if coded else []
        part = csr_array(to_ids @ coded.matrix) if coded else csr_array((len(ids), 0))
        part.data[:] = 1
        n_ids = np.bincount(part.indices, minlength=len(labels))
        telling = np.flatnonzero((n_ids >= MIN_IDS) & (n_ids < n_with_row))
        parts.append(part[:, telling])
        names += [f"{name}={labels[i]}" if labels[i] else name for i in telling]
        if not len(telling):
            empty.append(name)
    if empty:
        message = f"no feature that some of the {role}s share, not all: {', '.join(empty)}"
        found.note("N128" if names else "W128", message)
    notices = tuple(
        replace(notice, message=f"{role} features, {loaded.name}: {notice.message}")
        for notice in (*loaded.notices, *found.notices)
    )
    if not names:
        return Features(None, (), notices)
    matrix = csr_array(hstack(parts, format="csr", dtype=np.float32))
    return Features(_canonical(matrix), tuple(names), notices)


def _canonical(matrix: csr_array) -> csr_array:
    """Sorted, without duplicates and zeros, with int32 indices; ``matrix`` may be changed."""
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    places = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return csr_array((matrix.data, *places), shape=matrix.shape)


def _find_ids(
    loaded: Loaded, ids: NDArray[Any], role: Role, column: str | None, found: Findings
) -> tuple[str, NDArray[np.int64]]:
    """The column of the ids, and each row's place among them; -1 where it is none of them.

    The log's own name and the usual ones come first, if they match half as many ids as the column
    that matches most.
    """
    table = loaded.table
    if table.num_columns < 2:
        raise DataError(
            "E127", f"{found.source} has 1 column, {table.column_names[0]}, and no features.",
            hint=f"A column of {role} ids and others are needed.",
        )  # fmt: skip
    n_matched: dict[str, int] = {}
    available: list[str] = table.column_names
    by_name = _by_name(available, role, column)
    for name in dict.fromkeys([*by_name, *available]):
        places = _places(loaded, name, ids, role, Findings("", found.n_rows, drop_bad=True))
        places = places[places >= 0]
        n = len(np.unique(places))
        n_matched[name] = n if name in by_name or n > len(places) / 2 else 0
        if name == column and n > len(ids) / 2:
            break  # no other can match twice as many
    most = max(n_matched.values())
    if most == 0:
        raise _no_match(loaded, ids, role, by_name)
    key = next((name for name in by_name if n_matched[name] >= most / 2), "")
    key = key or max(n_matched, key=n_matched.__getitem__)
    if key != column:
        how = "by name" if key in by_name else "by content"
        found.note("N127", f"column {key} holds the ids: guessed {how}")
    return key, _places(loaded, key, ids, role, found)


def _by_name(available: Sequence[str], role: Role, column: str | None) -> list[str]:
    plain = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in reversed(available)}
    first = [column] if column is not None and column in available else []
    usual = [plain[known] for known in (f"{role}id", "id", *NAMES[role]) if known in plain]
    return list(dict.fromkeys([*first, *usual]))


def _places(
    loaded: Loaded, name: str, ids: NDArray[Any], role: Role, found: Findings
) -> NDArray[np.int64]:
    """Each row's place among the ids of the log; whole numbers and their texts are the same."""
    try:
        distinct, rows = encode_ids(loaded.table.column(name), role, found, said_mixed=True)
    except DataError:  # of a type that no id has
        return np.full(found.n_rows, -1, dtype=np.int64)
    if not len(distinct):
        return np.full(found.n_rows, -1, dtype=np.int64)
    as_numbers = distinct.dtype.kind == "i" and ids.dtype.kind in "iu"
    kind = pa.int64() if as_numbers else pa.string()
    known = pa.array(ids).cast(kind)
    matched = pc.index_in(pa.array(distinct).cast(kind), value_set=known).fill_null(-1)
    return np.append(np.asarray(matched, dtype=np.int64), -1)[rows]


def _no_match(loaded: Loaded, ids: NDArray[Any], role: Role, by_name: list[str]) -> DataError:
    name = (by_name or loaded.table.column_names)[0]
    there = ", ".join(str(value) for value in loaded.table.column(name).slice(0, 3).to_pylist())
    here = ", ".join(str(value) for value in ids[:3])
    return DataError(
        "E127",
        f"no {role} of the log is in {loaded.name}: its column {name} has {there}; "
        f"the log has {here}.",
        hint=f"Give a file with the {role} ids of the log in one of its columns.",
    )


def _say_coverage(places: NDArray[np.int64], n_ids: int, role: Role, found: Findings) -> None:
    n_rows = np.bincount(places[places >= 0], minlength=n_ids)
    n_without, n_repeated = int((n_rows == 0).sum()), int((n_rows > 1).sum())
    n_unknown = int((found.kept() & (places < 0)).sum())
    parts = []
    if n_without:
        parts.append(f"{n_without:,} of {n_ids:,} {role}s have no row")
    if n_unknown:
        parts.append(f"{n_unknown:,} rows are of no {role} of the log: not read")
    if parts:
        found.note("N129", "; ".join(parts), n_unknown)
    if n_repeated:
        n = int(n_rows[n_rows > 1].sum())
        found.note("W129", f"{n_repeated:,} {role}s have several rows: the features of all", n)


def _without_positions(loaded: Loaded) -> Loaded:
    """A file without a header has no users, items and ratings by position, but columns."""
    if not any(notice.code == "N120" for notice in loaded.notices):
        return loaded
    names = [f"column{i + 1}" for i in range(loaded.table.num_columns)]
    said = tuple(notice for notice in loaded.notices if notice.code != "N120")
    return replace(loaded, table=loaded.table.rename_columns(names), notices=said)


def _sequences(source: Any) -> frozenset[str]:
    """The columns that RecBole's atomic files call sequences: a space separates their elements."""
    if not isinstance(source, str | Path) or Path(source).suffix not in ATOMIC:
        return frozenset()
    with Path(source).open(encoding="utf-8", errors="replace") as lines:
        fields = [field.strip().partition(":") for field in lines.readline().split("\t")]
    return frozenset(name for name, _, kind in fields if kind == "token_seq")
