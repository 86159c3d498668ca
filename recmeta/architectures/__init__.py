"""Graph-shaped spaces: the cells of NAS-Bench-101 and -201, the autoencoder recommenders.

A module a space. A space samples, validates, encodes, mutates and lists neighbours of its
architectures, which are plain hashable values; nothing here trains or predicts.
"""

from typing import Any

from recmeta.architectures._base import Architecture, ArchitectureSpace
from recmeta.registry import discover, find

__all__ = ["SPACES", "Architecture", "ArchitectureSpace", "all_spaces", "get"]


def get(name: str) -> type[ArchitectureSpace]:
    """The space of that name, without regard to case.

    Raises
    ------
    KeyError
        Listing the names, if there is none.
    """
    return find(all_spaces(), name, "space of architectures")


def all_spaces() -> dict[str, type[ArchitectureSpace]]:
    """Class name to class, for every space in this folder."""
    return discover("recmeta.architectures", ArchitectureSpace)  # type: ignore[type-abstract]


def __getattr__(name: str) -> Any:
    # one file a space: the folder is the list, so no import line here is needed for a new one
    if name == "SPACES":
        return all_spaces()
    if name[:1].isupper() and name in all_spaces():
        return all_spaces()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *all_spaces()])
