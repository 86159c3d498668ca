"""read(): an interaction log from a file, a frame or a matrix, checked and counted."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse

from recmeta.data import DataError, Interactions
from recmeta.datasets.columns import NONE, OPTIONS, Columns, find_columns
from recmeta.datasets.features import with_features
from recmeta.datasets.feedback import Values, read_values
from recmeta.datasets.ids import encode_ids
from recmeta.datasets.repeats import DUPLICATES, without_repeats
from recmeta.datasets.tables import Loaded, load_table
from recmeta.datasets.text import no_rows
from recmeta.datasets.times import seconds_of
from recmeta.datasets.validation import Findings, numbers_of

FEW_USERS = 5
UNNAMED = re.compile(r"column\d+")  # what text.py calls a column without a name


def read(
    source: Any,
    *,
    user: str | None = None,
    item: str | None = None,
    rating: str | None = None,
    time: str | None = None,
    sep: str | None = None,
    threshold: float | None = None,
    scale: tuple[float, float] | None = None,
    drop_bad: bool = False,
    duplicates: str | None = None,
    time_unit: str | None = None,
    strict: bool = False,
    users: Sequence[Any] | None = None,
    items: Sequence[Any] | None = None,
    item_features: Any = None,
    user_features: Any = None,
    name: str | None = None,
) -> Interactions:
    """Read an interaction log.

    Parameters
    ----------
    source : path, frame, table or matrix
        csv, tsv, ``::``-separated, jsonl, parquet or RecBole's ``.inter``, plain, .gz or .zst;
        a pandas or polars frame; an Arrow table; a scipy sparse matrix, with ``users`` and
        ``items`` naming its rows and columns (their numbers, if not given).
    user, item, rating, time : str or None
        Columns. None: guessed by name, then by content; ``"none"``: there is none.
    sep : str or None
        What separates the columns of a text file; None: looked for.
    threshold : float or None
        Ratings of at least this are positive; None: the first value from three quarters of the
        scale on, such as 4 of 1-5.
    scale : (float, float) or None
        The lowest and the highest rating; needed where ratings go below 0.
    drop_bad : bool
        Leave out rows that cannot be used, and count them, where otherwise there is an error.
    duplicates : str or None
        A user's repeated item: ``last`` (by time, else by row), ``first``, ``sum``, ``max``,
        ``error`` or ``keep``. None: the last rating counts; repeats without ratings are kept.
    time_unit : str or None
        ``s``, ``ms``, ``us`` or ``ns``; None: by the size of the numbers.
    strict : bool
        An unexpected separator is an error.
    item_features, user_features : path, frame, table, matrix or None
        What is known of the items and of the users: a table with their ids in one column (found by
        name, else by content), or a matrix with a row for each, in the order of the log's.
    name : str or None
        What to call the log.

    Returns
    -------
    Interactions
        ``notices`` has all that was guessed, converted, dropped or kept.

    Raises
    ------
    DataError
        With ``code``, ``rows`` and ``hint``; docs/errors.md lists them.
    """
    if duplicates is not None and duplicates not in DUPLICATES:
        raise ValueError(f"duplicates must be one of {', '.join(DUPLICATES)}: got {duplicates!r}")
    if issparse(source):
        data = _from_matrix(source, users, items, threshold, scale, drop_bad, name or "matrix")
        return with_features(data, item_features, user_features)
    loaded = load_table(source, sep=sep, strict=strict, drop_bad=drop_bad)
    if loaded.table.num_rows == 0:
        raise no_rows(loaded.name)
    given = {"user": user, "item": item, "rating": rating, "time": time}
    columns = find_columns(loaded.table, given, loaded.name)
    found = Findings(loaded.name, loaded.table.num_rows, drop_bad, loaded.lines_of)
    found.notices.extend(loaded.notices)
    data = _index(loaded, columns, found, threshold, scale, time_unit)
    _say_not_read(loaded, columns, given, found)
    data = without_repeats(data, duplicates, found)
    _say_few_users(data, found)
    data = _with_notices(data, found, name or loaded.name)
    return with_features(data, item_features, user_features)


def _say_not_read(
    loaded: Loaded, columns: Columns, given: Mapping[str, str | None], found: Findings
) -> None:
    """Columns left over, where one of them could be the ratings or the times that are missing."""
    has_values = "rating" in columns.names or "weight" in columns.names
    lacking = {"rating": not has_values, "time": "time" not in columns.names}
    wanted = [role for role, missing in lacking.items() if missing and given[role] != NONE]
    known = {*columns.names.values(), *columns.textual}
    named = (name for name in loaded.table.column_names if not UNNAMED.fullmatch(name))
    left = [name for name in named if name not in known]
    if wanted and left:
        names = ", ".join(left[:5]) + (" and more" if len(left) > 5 else "")
        options = " ".join(OPTIONS[role] for role in wanted)
        found.note("N126", f"not read: {names}", 0, f"[change: {options}]")


def _index(
    loaded: Loaded,
    columns: Columns,
    found: Findings,
    threshold: float | None,
    scale: tuple[float, float] | None,
    time_unit: str | None,
) -> Interactions:
    table, names = loaded.table, columns.names
    _say_guesses(columns, found)
    users, user_rows = _encode(loaded, names["user"], "user", found)
    items, item_columns = _encode(loaded, names["item"], "item", found)
    values = Values(None, "implicit", None)
    role = "rating" if "rating" in names else "weight"
    if role in names:
        numbers = numbers_of(table.column(names[role]), role, found, "E115")
        values = read_values(numbers, role, found, threshold, scale)
    timestamps = order = None
    if "time" in names:
        timestamps = seconds_of(table.column(names["time"]), time_unit, found)
    if "order" in names:
        numbers = numbers_of(table.column(names["order"]), "order", found, "E116")
        order = np.where(found.kept(), numbers, 0).astype(np.int64)
    data = Interactions(
        users=users,
        items=items,
        user_rows=user_rows,
        item_columns=item_columns,
        values=values.values,
        feedback=values.feedback,
        threshold=values.threshold,
        timestamps=timestamps,
        order=order,
        columns=dict(names),
    )
    return data if found.bad is None else _compact(data.select(~found.bad), loaded.name)


def _say_guesses(columns: Columns, found: Findings) -> None:
    if columns.guessed:
        what = " and ".join(f"{role}={columns.names[role]}" for role in columns.guessed)
        found.note("N120", f"{what}: guessed by content", 0, "[change: --user-col, --item-col]")
    for column in columns.textual:
        message = f"column {column} is called a rating or a weight, but holds no numbers: not read"
        found.note("W125", message, 0, "[change: --rating-col]")


def _encode(
    loaded: Loaded, column: str, role: str, found: Findings
) -> tuple[NDArray[Any], NDArray[np.int32]]:
    mixed = loaded.mixed.get(column)
    if mixed is not None:
        message = (
            f"{role} ids mix {mixed[0]:,} texts and {mixed[1]:,} others; "
            'all compared as text, so 1 and "1" are one'
        )
        found.note("W109", message, mixed[0])
    return encode_ids(loaded.table.column(column), role, found, said_mixed=mixed is not None)


def _compact(data: Interactions, name: str) -> Interactions:
    """Without the users and items that have no event left."""
    if data.n_events == 0:
        raise DataError("E106", f"{name} has no usable row.", hint="Every row was bad.")
    kept_users, user_rows = np.unique(data.user_rows, return_inverse=True)
    kept_items, item_columns = np.unique(data.item_columns, return_inverse=True)
    return Interactions(
        **{
            **vars(data),
            "users": data.users[kept_users],
            "items": data.items[kept_items],
            "user_rows": user_rows.astype(np.int32),
            "item_columns": item_columns.astype(np.int32),
        }
    )


def _say_few_users(data: Interactions, found: Findings) -> None:
    if data.n_users == 1:
        found.note("W107", "1 user: collaborative methods cannot learn; only popularity is fitted")
    elif data.n_users < FEW_USERS:
        found.note("W107", f"{data.n_users} users: too few to tell one algorithm from another")


def _with_notices(data: Interactions, found: Findings, name: str) -> Interactions:
    return Interactions(**{**vars(data), "notices": tuple(found.notices), "name": name})


def _from_matrix(
    matrix: Any,
    users: Sequence[Any] | None,
    items: Sequence[Any] | None,
    threshold: float | None,
    scale: tuple[float, float] | None,
    drop_bad: bool,
    name: str,
) -> Interactions:
    if matrix.ndim != 2:
        raise DataError(
            "E117", f"{name} has {matrix.ndim} dimension, not users and items.",
            hint="Give a matrix with a row for each user.",
        )  # fmt: skip
    X = csr_array(matrix)
    ids = []
    for what, given, n in (("users", users, X.shape[0]), ("items", items, X.shape[1])):
        if given is not None and len(set(given)) != n:
            raise DataError(
                "E101", f"{len(set(given))} distinct {what} for a matrix with {n}.",
                hint=f"Give one id each in {what}=.",
            )  # fmt: skip
        plain = np.arange(n) if given is None else np.asarray(given)
        ids.append(plain if plain.dtype.kind in "iu" else plain.astype(str).astype(object))
    if X.nnz == 0:
        raise DataError("E106", f"{name} has no entry.", hint="Is it the right matrix?")
    rows, columns = X.nonzero() if (X.data == 0).any() else _places(X)
    data = X.data[X.data != 0].astype(np.float64)
    found = Findings(name, len(data), drop_bad)
    found.refuse("E115", ~np.isfinite(data), "entries are not finite")
    if (data == 1).all():
        values = Values(None, "implicit", None)
    else:
        values = read_values(data, "rating", found, threshold, scale)
    log = Interactions(
        users=ids[0],
        items=ids[1],
        user_rows=rows.astype(np.int32),
        item_columns=columns.astype(np.int32),
        values=values.values,
        feedback=values.feedback,
        threshold=values.threshold,
    )
    if found.bad is not None:
        log = log.select(~found.bad)
    if log.n_events == 0:
        raise DataError("E106", f"{name} has no usable entry.", hint="Every entry was bad.")
    _say_few_users(log, found)
    return _with_notices(log, found, name)


def _places(X: csr_array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.repeat(np.arange(X.shape[0]), np.diff(X.indptr)), X.indices


__all__ = ["DUPLICATES", "NONE", "read"]
