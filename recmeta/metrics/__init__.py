"""315 numbers: 21 metrics at 15 cutoffs, from one pass over ranked lists.

``METRICS`` has each metric's formula; ``Accumulator`` takes the lists in blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from inspect import getdoc
from typing import Literal

from recmeta.metrics._accumulator import CUTOFFS, Accumulator
from recmeta.metrics._kernel import PER_USER
from recmeta.metrics.accuracy import ACCURACY
from recmeta.metrics.beyond_accuracy import FORMULAS
from recmeta.registry import UnknownNameError, find

__all__ = ["CUTOFFS", "METRICS", "PER_USER", "Accumulator", "Metric", "parse"]


@dataclass(frozen=True)
class Metric:
    """A metric's name, its formula in words and what it is taken over.

    ``kind`` is ``"user"`` (a number a user, averaged over users with a held-out item) or
    ``"system"`` (one number for all lists). ``higher_is_better`` is None where it depends.
    """

    name: str
    formula: str
    kind: Literal["user", "system"]
    higher_is_better: bool | None


def _first_line(function: object) -> str:
    return (getdoc(function) or "").split("\n")[0]


METRICS: dict[str, Metric] = {
    function.__name__: Metric(function.__name__, _first_line(function), "user", True)
    for function in ACCURACY
}
METRICS["novelty"] = Metric(
    "novelty",
    "Mean over L of -log2(interactions of the item / all interactions), at least one "
    "interaction an item; users without a list are left out.",
    "user",
    None,
)
METRICS["average_popularity"] = Metric(
    "average_popularity", "Mean over L of interactions of the item / those of the most popular; "
    "users without a list are left out.", "user", None,
)  # fmt: skip
METRICS.update(
    {
        name: Metric(name, _first_line(function), "system", None)
        for name, function in FORMULAS.items()
    }
)


def parse(text: str, cutoffs: Sequence[int] = CUTOFFS) -> tuple[str, int]:
    """``"ndcg@10"`` as its metric's name and cutoff, one of ``cutoffs``.

    Raises
    ------
    UnknownNameError
        Saying how to write one, or which metrics and cutoffs there are.
    """
    name, _, cutoff = text.partition("@")
    if name in METRICS and not cutoff:
        raise UnknownNameError(f"{name} needs a cutoff: {name}@{min(10, max(cutoffs))}")
    if not cutoff.isdecimal() or int(cutoff) not in cutoffs:
        raise UnknownNameError(
            f"not a metric: {text!r}; write name@cutoff with a cutoff of {tuple(cutoffs)}"
        )
    return find({key: key for key in METRICS}, name, "metric"), int(cutoff)
