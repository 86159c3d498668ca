"""The algorithms: one file each, found by discovery; import them from here by class name."""

from collections.abc import Collection
from importlib.util import find_spec

from recmeta.algorithms._base import Cost, Recommender
from recmeta.algorithms._iterative import IterativeRecommender
from recmeta.registry import Room

__all__ = ["ALGORITHMS", "Cost", "IterativeRecommender", "Recommender", "get", "lacking"]

_room = Room("recmeta.algorithms", Recommender, "algorithm", __all__, "ALGORITHMS")  # type: ignore[type-abstract]
get, all_algorithms = _room.get, _room.all
__getattr__, __dir__ = _room.attribute, _room.names


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
