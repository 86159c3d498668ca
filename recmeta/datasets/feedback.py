"""What the values mean: an opinion or an amount, and from where on an opinion is positive."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recmeta.data import Feedback
from recmeta.datasets.validation import LARGEST, Findings

POSITIVE_FROM = 0.75  # of the way up the scale: 4 of 1-5, 8 of 1-10
LARGEST_SCALE = 20  # whole numbers beyond it, most of them small, are counts


@dataclass(frozen=True)
class Values:
    """The values with what they are: see Interactions."""

    values: NDArray[np.float32] | None
    feedback: Feedback
    threshold: float | None


def read_values(
    numbers: NDArray[np.float64],
    role: str,
    found: Findings,
    threshold: float | None,
    scale: tuple[float, float] | None,
) -> Values:
    """Decide between rating and weight, check the scale, choose the threshold.

    Raises
    ------
    DataError
        E104 for values below 0 without a scale that has them, or outside a given scale.
    """
    present = (np.abs(numbers) <= LARGEST) & found.kept()
    if scale is not None:
        outside = present & ((numbers < scale[0]) | (numbers > scale[1]))
        found.refuse("E104", outside, f"ratings lie outside {scale[0]:g}:{scale[1]:g}")
    elif (negative := present & (numbers < 0)).any():
        low, high = numbers[present].min(), numbers[present].max()
        hint = (
            f"Use --scale {np.floor(low):g}:{max(np.ceil(high), 0):g} for explicit data, "
            "or --drop-bad to leave them out."
        )
        found.refuse("E104", negative, f"{role}s < 0 (min {low:g})", hint)
    usable = numbers[present & found.kept()]
    values = np.where(present, numbers, np.nan).astype(np.float32)
    if threshold is None and scale is None and (role == "weight" or _are_counts(usable)):
        if role != "weight":
            message = (
                f"the ratings look like counts (whole numbers, median {np.median(usable):g}, "
                f"max {usable.max():g}): kept as weights, every event is positive"
            )
            found.note("W118", message, len(usable), "[change: --threshold, --scale]")
        return Values(values, "weight", None)
    low, high = scale or (float(usable.min(initial=np.inf)), float(usable.max(initial=-np.inf)))
    if threshold is None and low >= high and len(usable):
        found.note("N119", f"all ratings are {low:g}: every event is positive")
        return Values(values, "implicit", None)
    chosen = threshold if threshold is not None else _threshold(usable, low, high)
    return Values(values, "rating", chosen)


def _are_counts(values: NDArray[np.float64]) -> bool:
    """Whole numbers, far from all of one size: play counts, quantities; no scale of opinions."""
    if len(values) == 0 or (values != np.floor(values)).any():
        return False
    return bool(values.max() > LARGEST_SCALE and np.median(values) < 0.2 * values.max())


def _threshold(values: NDArray[np.float64], low: float, high: float) -> float:
    """The smallest rating that occurs from POSITIVE_FROM of the scale on."""
    above = values[values >= low + POSITIVE_FROM * (high - low)]
    return float(above.min()) if len(above) else float(high)
