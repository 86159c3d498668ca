"""Discovery: the classes and functions that a folder's modules define are the registry.

Nothing is registered by hand. A new file in the folder is found the next time the folder is read.
"""

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@cache
def _discover(package: str, kind: type) -> tuple[tuple[str, type], ...]:
    folder = importlib.import_module(package)
    found: dict[str, type] = {}
    for info in pkgutil.iter_modules(folder.__path__):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package}.{info.name}")
        found.update(_defined_in(module, kind))
    return tuple(sorted(found.items(), key=lambda entry: entry[0].lower()))


def _defined_in(module: ModuleType, kind: type) -> dict[str, type]:
    return {
        name: member
        for name, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, kind)
        and member.__module__ == module.__name__
        and not inspect.isabstract(member)
        and not name.startswith("_")
    }


def discover(package: str, kind: type[T]) -> dict[str, type[T]]:
    """All concrete subclasses of ``kind`` that the modules of ``package`` define.

    Parameters
    ----------
    package : str
        Dotted name of an importable package, such as ``"recmeta.algorithms"``. Modules whose name
        starts with an underscore are shared maths, not entries.
    kind : type
        The base class.

    Returns
    -------
    dict of str to type
        Class name to class, sorted by name without regard to case.
    """
    return dict(_discover(package, kind))  # type: ignore[arg-type]


class UnknownNameError(KeyError, ValueError):
    """A name that there is none of; the message lists those there are."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError would show its repr


class MissingExtraError(ImportError):
    """What an optional part of recmeta needs is not installed; the message has the pip line."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs recmeta[{extra}]: pip install 'recmeta[{extra}]'")


def find(entries: dict[str, T], name: str, what: str) -> T:
    """Look ``name`` up without regard to case, ``-`` or ``_``; a miss lists the names.

    The message ends with the closest of them, if one is close.

    Raises
    ------
    UnknownNameError
        If no entry has that name.
    """

    def plain(text: str) -> str:
        return text.lower().replace("-", "").replace("_", "")

    by_plain_name = {plain(key): value for key, value in entries.items()}
    if plain(name) not in by_plain_name:
        close = difflib.get_close_matches(plain(name), by_plain_name, n=1)
        known = {plain(key): key for key in entries}
        hint = f". Did you mean {known[close[0]]}?" if close else ""
        raise UnknownNameError(
            f"no {what} is named {name!r}; there are: {', '.join(entries)}{hint}"
        )
    return by_plain_name[plain(name)]


class Room(Generic[T]):
    """A folder of classes, a file each, as the folder's ``__init__`` offers them.

    Its ``get``, ``all``, ``attribute`` and ``names`` become that module's functions, so no line of
    the ``__init__`` has to change when a file is new.

    Parameters
    ----------
    package, kind
        As of ``discover``.
    what : str
        One entry, for a person: ``"algorithm"``.
    public : sequence of str
        Names that the module has besides the classes: its ``__all__``.
    table : str
        A name under which the module has all classes as a dict; empty for none.
    """

    def __init__(
        self, package: str, kind: type[T], what: str, public: Sequence[str], table: str = ""
    ) -> None:
        self.package, self.kind, self.what = package, kind, what
        self.public, self.table = public, table

    def all(self) -> dict[str, type[T]]:
        """Class name to class, for every one in this folder."""
        return discover(self.package, self.kind)

    def get(self, name: str) -> type[T]:
        """The one of that name, without regard to case.

        Raises
        ------
        KeyError
            Listing the names, if there is none.
        """
        return find(self.all(), name, self.what)

    def attribute(self, name: str) -> Any:
        """``__getattr__`` of the module: classes are imported when they are first asked for."""
        if name == self.table and name:
            return self.all()
        if name[:1].isupper() and name in self.all():
            return self.all()[name]
        raise AttributeError(f"module {self.package!r} has no attribute {name!r}")

    def names(self) -> list[str]:
        """``__dir__`` of the module."""
        return sorted([*self.public, *self.all()])
