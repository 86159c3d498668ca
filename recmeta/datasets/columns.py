"""Which column is what: by name first, then by what is in it; every guess is said."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from recmeta.data import DataError
from recmeta.datasets.times import is_time
from recmeta.datasets.validation import LOOKED_AT, is_text, mostly_numbers

ROLES = ("user", "item", "rating", "weight", "time", "order")
NAMES: dict[str, tuple[str, ...]] = {
    "user": (
        "user", "userid", "uid", "customer", "customerid", "client", "clientid", "member",
        "memberid", "visitor", "visitorid", "reviewer", "reviewerid", "account", "accountid",
        "household", "householdid", "session", "sessionid", "person", "personid", "u", "username",
        "profile", "profileid", "buyer", "buyerid", "listener", "reader", "author",
    ),
    "item": (
        "item", "itemid", "iid", "product", "productid", "sku", "asin", "parentasin", "movie",
        "movieid", "film", "filmid", "book", "bookid", "isbn", "song", "songid", "track", "trackid",
        "artist", "artistid", "article", "articleid", "business", "businessid", "venue", "venueid",
        "poi", "place", "placeid", "game", "gameid", "anime", "animeid", "joke", "jokeid", "i",
        "thing", "stockcode", "content", "contentid", "url", "page", "restaurant", "hotel",
        "offer", "course", "recipe", "recipeid", "app", "tag", "itemname", "productname", "title",
    ),
    "rating": (
        "rating", "ratings", "stars", "star", "score", "overall", "rate", "grade", "vote",
        "preference", "opinion", "r", "reviewscore", "feedback",
    ),
    "weight": (
        "weight", "count", "counts", "plays", "playcount", "quantity", "qty", "hours", "listens",
        "purchases", "views", "clicks", "frequency", "freq", "n", "times", "duration", "amount",
    ),
    "time": (
        "timestamp", "ts", "time", "date", "datetime", "unixtime", "unixreviewtime", "createdat",
        "created", "reviewtime", "eventtime", "at", "when", "t", "invoicedate", "checkintime",
    ),
    "order": ("order", "position", "seq", "sequence", "step", "rank"),
}  # fmt: skip
NUMERIC = ("rating", "weight", "order")
OPTIONS = {
    "user": "--user-col",
    "item": "--item-col",
    "rating": "--rating-col",
    "time": "--time-col",
}
FRACTION = re.compile(r"-?\d*[.,]\d*[1-9]\d*")
NONE = "none"  # what a caller gives to say that there is no such column


@dataclass(frozen=True)
class Columns:
    """The column of each role; the roles that were guessed by what the columns hold.

    ``textual`` are the columns that are called a rating or a weight and hold no numbers.
    """

    names: Mapping[str, str]
    guessed: tuple[str, ...] = ()
    textual: tuple[str, ...] = ()


def find_columns(table: pa.Table, given: Mapping[str, str | None], source: str) -> Columns:
    """The column of each role in ``table``, which may be the first rows only.

    Parameters
    ----------
    given : mapping
        Role to the caller's column; ``"none"`` for a role that must stay empty.

    Raises
    ------
    DataError
        E101, if a given column is not there, or the user or item column cannot be guessed.
    """
    names: dict[str, str] = {}
    available = list(table.column_names)
    for role, column in given.items():
        if column is None or column == NONE:
            continue
        if column not in available:
            raise _missing(role, column, available, source)
        names[role] = column
    banned = {role for role, column in given.items() if column == NONE}
    textual = []
    for role in ROLES:
        if role in names or role in banned:
            continue
        found = _by_name(role, [name for name in available if name not in names.values()])
        if found is None:
            continue
        if role not in NUMERIC or _numeric(table, found):
            names[role] = found
        elif role != "order":
            textual.append(found)
    guessed = _by_content(table, names, banned)
    for role in ("user", "item"):
        if role not in names:
            free = [name for name in available if name not in given.values()]
            raise _missing(role, None, available, source, free)
    if "rating" in names:
        names.pop("weight", None)
    unread = tuple(column for column in textual if column not in names.values())
    ordered = {role: names[role] for role in ROLES if role in names}
    return Columns(ordered, guessed, unread)


def _by_name(role: str, available: Sequence[str]) -> str | None:
    plain = {
        re.sub(r"[^a-z0-9]", "", name.lower().split(":")[0]): name for name in reversed(available)
    }
    return next((plain[known] for known in NAMES[role] if known in plain), None)


def _numeric(table: pa.Table, name: str) -> bool:
    kind = table.schema.field(name).type
    if is_text(kind):  # what the first rows hold says whether it can be a number
        return mostly_numbers(table.column(name))
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
    )


def _by_content(table: pa.Table, names: dict[str, str], banned: set[str]) -> tuple[str, ...]:
    """Fill user and item: of the columns that are left, those with the most distinct values.

    Fractions are no ids, and what looks like times comes last. Of two the user is the one whose ids
    say so (``u-17``), else the first in the file, as nearly everywhere. Changes ``names``.
    """
    missing = [role for role in ("user", "item") if role not in names and role not in banned]
    if not missing:
        return ()
    left = [
        name for name in table.column_names if name not in names.values() and _id_like(table, name)
    ]
    n_distinct = {name: pc.count_distinct(table.column(name)).as_py() for name in left}
    by_preference = sorted(left, key=lambda name: (_timed(table, name), -n_distinct[name]))
    chosen = by_preference[: len(missing)]
    if len(chosen) < len(missing):
        return ()
    in_file = sorted(chosen, key=table.column_names.index)
    if len(in_file) == 2 and _says(table, in_file[0]) - _says(table, in_file[1]) > 0:
        in_file.reverse()
    names.update(zip(missing, in_file, strict=True))
    return tuple(missing)


def _says(table: pa.Table, name: str) -> int:
    """-1 for a column whose ids begin with a word for users, 1 with one for items, else 0."""
    words = {re.split(r"[^a-z]", text.lower(), maxsplit=1)[0] for text in _first_texts(table, name)}
    if words and words <= set(NAMES["user"]):
        return -1
    return 1 if words and words <= set(NAMES["item"]) else 0


def _id_like(table: pa.Table, name: str) -> bool:
    kind = table.schema.field(name).type
    if is_text(kind):
        return not any(FRACTION.fullmatch(text) for text in _first_texts(table, name))
    return bool(pa.types.is_integer(kind) or pa.types.is_dictionary(kind))


def _timed(table: pa.Table, name: str) -> bool:
    return all(is_time(text) for text in _first_texts(table, name))


def _first_texts(table: pa.Table, name: str) -> list[str]:
    values = table.column(name).slice(0, LOOKED_AT).drop_null()
    return [str(value).strip() for value in values.to_pylist()]


def _missing(
    role: str, column: str | None, available: Sequence[str], source: str, free: Sequence[str] = ()
) -> DataError:
    """``free`` are the columns that the caller has given no role."""
    listed = ", ".join(available)
    option = OPTIONS.get(role, f"the option for {role}")
    if column is not None:
        near = difflib.get_close_matches(column, available, 1, 0.4)
        hint = f"Did you mean {option} {near[0]} ?" if near else f"Name it with {option}."
        return DataError("E101", f"no column {column!r} in {source}. Columns: {listed}.", hint=hint)
    telling = [known for known in NAMES[role] if len(known) > 2]
    near = [name for name in free if any(known in name.lower() for known in telling)]
    hint = f"Did you mean {option} {near[0]} ?" if near else f"Name it with {option}."
    taken = [name for name in available if name not in free]
    if not near and taken:
        hint += f" Other options have {', '.join(taken)}."
    return DataError("E101", f"no {role} column in {source}. Columns: {listed}.", hint=hint)
