"""The predictor core: from what is known of a task and a candidate to mean and uncertainty.

One file a predictor, found by discovery; import them from here by class name.
"""

from importlib.util import find_spec
from typing import Any

from recmeta.predictors._base import Predictor
from recmeta.registry import discover, find

__all__ = ["PREDICTORS", "Predictor", "all_predictors", "get", "lacking"]


def get(name: str) -> type[Predictor]:
    """The predictor of that name, without regard to case.

    Raises
    ------
    KeyError
        Listing the names, if there is none.
    """
    return find(all_predictors(), name, "predictor")


def all_predictors() -> dict[str, type[Predictor]]:
    """Class name to class, for every predictor in this folder."""
    return discover("recmeta.predictors", Predictor)  # type: ignore[type-abstract]


def lacking(predictor: type[Predictor]) -> str:
    """The extra that a predictor needs and that is not installed, for a person; or nothing."""
    if predictor.requires and find_spec(predictor.requires) is None:
        return f"needs recmeta[{predictor.requires}]"
    return ""


def __getattr__(name: str) -> Any:
    # one file a predictor: the folder is the list, so no import line here is needed for a new one
    if name == "PREDICTORS":
        return all_predictors()
    if name[:1].isupper() and name in all_predictors():
        return all_predictors()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *all_predictors()])
