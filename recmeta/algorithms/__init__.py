"""The algorithms: one file each, found by discovery; import them from here by class name."""

from collections.abc import Collection
from importlib.util import find_spec
from typing import Any

from recmeta.algorithms._base import Cost, Recommender
from recmeta.algorithms._iterative import IterativeRecommender
from recmeta.registry import discover, find

__all__ = ["ALGORITHMS", "Cost", "IterativeRecommender", "Recommender", "get", "lacking"]


def get(name: str) -> type[Recommender]:
    """The algorithm of that name, without regard to case.

    Raises
    ------
    KeyError
        Listing the names, if there is none.
    """
    return find(all_algorithms(), name, "algorithm")


def all_algorithms() -> dict[str, type[Recommender]]:
    """Class name to class, for every algorithm in this folder."""
    return discover("recmeta.algorithms", Recommender)  # type: ignore[type-abstract]


def lacking(algorithm: type[Recommender], available: Collection[str] = ()) -> str:
    """What an algorithm needs and there is not, for a person; empty if it can be fitted.

    Parameters
    ----------
    algorithm : type
    available : collection of str
        Names of the side information that there is: ``item_features`` and the like.
    """
    missing = sorted(algorithm.uses - set(available))
    words = [name.replace("_", " ") for name in missing]
    if algorithm.requires and find_spec(algorithm.requires) is None:
        words.append(f"recmeta[{algorithm.requires}]")
    return f"needs {' and '.join(words)}" if words else ""


def __getattr__(name: str) -> Any:
    # one file an algorithm: the folder is the list, so no import line here is needed for a new one
    if name == "ALGORITHMS":
        return all_algorithms()
    if name[:1].isupper() and name in all_algorithms():
        return all_algorithms()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *all_algorithms()])
