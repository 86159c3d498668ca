"""Graph-shaped spaces: the cells of NAS-Bench-101 and -201, the autoencoder recommenders.

A module a space. A space samples, validates, encodes, mutates and lists neighbours of its
architectures, which are plain hashable values; nothing here trains or predicts.
"""

from recmeta.architectures._base import Architecture, ArchitectureSpace
from recmeta.registry import Room

__all__ = ["SPACES", "Architecture", "ArchitectureSpace", "all_spaces", "get"]

_room = Room(
    "recmeta.architectures",
    ArchitectureSpace,  # type: ignore[type-abstract]
    "space of architectures",
    __all__,
    "SPACES",
)
get, all_spaces = _room.get, _room.all
__getattr__, __dir__ = _room.attribute, _room.names
