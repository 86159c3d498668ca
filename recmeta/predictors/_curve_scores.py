"""Normal scores of the values of learning curves, and back."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from recmeta.predictors._base import F64


@dataclass(frozen=True)
class CurveScores:
    """u = what a normal has at the rank of a value among ``values``.

    Attributes
    ----------
    values : float64 array, (n_values,)
        Increasing.
    """

    values: F64

    @classmethod
    def learned(cls, curves: F64, y: F64) -> "CurveScores":
        """The ranking of all values of the curves, (n, t), NaN left out, and of y, (n,)."""
        return cls(np.sort(np.concatenate([curves[~np.isnan(curves)], y])))

    def __call__(self, values: F64) -> F64:
        """Normal scores of the middle rank; NaN stays NaN."""
        ranks = sum(np.searchsorted(self.values, values, side) for side in ("left", "right")) / 2
        shares = (ranks + 0.5) / (len(self.values) + 1)
        return np.where(np.isnan(values), np.nan, ndtri(shares))

    def inverse(self, scores: F64) -> F64:
        """The values of normal scores, by lines between those of ``values``."""
        return np.interp(scores, self(self.values), self.values)

    def around(self, scores: F64, spreads: F64) -> tuple[F64, F64]:
        """The values of scores, and half of what lies between score - spread and score + spread."""
        low, high = (self.inverse(scores + sign * spreads) for sign in (-1, 1))
        return self.inverse(scores), (high - low) / 2

    @property
    def unit(self) -> float:
        """The interquartile range of the values, or their whole range, or 1 where they agree."""
        low, high = np.quantile(self.values, [0.25, 0.75])
        return float(high - low) or float(self.values[-1] - self.values[0]) or 1.0
