"""The predictor core: from what is known of a task and a candidate to mean and uncertainty.

One file a predictor, found by discovery; import them from here by class name.
"""

from importlib.util import find_spec

from recmeta.predictors._base import Predictor
from recmeta.registry import Room

__all__ = ["PREDICTORS", "Predictor", "all_predictors", "get", "lacking"]

_room = Room("recmeta.predictors", Predictor, "predictor", __all__, "PREDICTORS")  # type: ignore[type-abstract]
get, all_predictors = _room.get, _room.all
__getattr__, __dir__ = _room.attribute, _room.names


def lacking(predictor: type[Predictor]) -> str:
    """The extra that a predictor needs and that is not installed, for a person; or nothing."""
    if predictor.requires and find_spec(predictor.requires) is None:
        return f"needs recmeta[{predictor.requires}]"
    return ""
