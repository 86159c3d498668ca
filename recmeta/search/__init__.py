"""Search strategies, a module each: from a space and the trials so far to the next candidates."""

from recmeta.registry import Room
from recmeta.search._base import Proposal, SearchSpace, Strategy, Trial, incumbent

__all__ = ["Proposal", "SearchSpace", "Strategy", "Trial", "all_strategies", "get", "incumbent"]

_room = Room("recmeta.search", Strategy, "strategy", __all__)  # type: ignore[type-abstract]
get, all_strategies = _room.get, _room.all
__getattr__, __dir__ = _room.attribute, _room.names
