"""From curves in any unit to scores that rise in about [0, 1], which the families describe."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recmeta.predictors._base import F64
from recmeta.predictors._curve_families import FAMILIES
from recmeta.registry import UnknownNameError

TAIL = 0.01  # of the training values are beyond either end: a few that diverged set no scale


@dataclass(frozen=True)
class CurveScale:
    """u = (v - start) / span, cut to [-0.5, 1.5]; span is negative for losses."""

    start: float
    span: float

    @classmethod
    def learned(cls, curves: F64, *, larger_is_better: bool) -> "CurveScale":
        """The range of the values (NaN left out) but for a hundredth at either end."""
        low, high = np.nanquantile(curves, [TAIL, 1 - TAIL])
        span = float(high - low) if high > low else 1.0
        return cls(float(low), span) if larger_is_better else cls(float(high), -span)

    def __call__(self, values: F64) -> F64:
        return np.asarray(np.clip((values - self.start) / self.span, -0.5, 1.5))

    def inverse(self, scores: F64) -> F64:
        return np.asarray(self.start + self.span * scores)


def check_families(names: Sequence[str] | None) -> None:
    """Raise a ValueError for a family that there is none of, or an empty list."""
    for name in names if names is not None else FAMILIES:
        if name not in FAMILIES:
            raise UnknownNameError(f"no curve is named {name!r}; there are: {', '.join(FAMILIES)}")
    if names is not None and not len(names):
        raise ValueError("families is empty: name some, or give None for all")
