"""Search strategies, a module each: from a space and the trials so far to the next candidates."""

from typing import Any

from recmeta.registry import discover, find
from recmeta.search._base import Proposal, SearchSpace, Strategy, Trial, incumbent

__all__ = ["Proposal", "SearchSpace", "Strategy", "Trial", "all_strategies", "get", "incumbent"]


def get(name: str) -> type[Strategy]:
    """The strategy of that name, without regard to case.

    Raises
    ------
    KeyError
        Listing the names, if there is none.
    """
    return find(all_strategies(), name, "strategy")


def all_strategies() -> dict[str, type[Strategy]]:
    """Class name to class, for every strategy in this folder."""
    return discover("recmeta.search", Strategy)  # type: ignore[type-abstract]


def __getattr__(name: str) -> Any:
    # one file a strategy: the folder is the list, so no import line here is needed for a new one
    if name[:1].isupper() and name in all_strategies():
        return all_strategies()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *all_strategies()])
