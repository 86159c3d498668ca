"""What OMNI makes of curves and proxies."""

import numpy as np
from numpy.typing import NDArray

from recmeta.predictors._table import DIVERGED

F64 = NDArray[np.float64]

HUBER = 1.345  # deviations: 95 % of the efficiency of least squares under a normal


def moments(columns: F64) -> tuple[F64, F64]:
    """Mean and standard deviation of what is there in each column; 0 and 1 where nothing is."""
    there = ~np.isnan(columns)
    n = np.maximum(there.sum(axis=0), 1)
    centre = np.where(there, columns, 0).sum(axis=0) / n
    squares = np.where(there, columns - centre, 0) ** 2
    spread = np.sqrt(squares.sum(axis=0) / n)
    return centre, np.where(spread > 0, spread, 1.0)


def curve_features(curves: F64) -> F64:
    """Last value, change over the last quarter, and length of each curve, (n, 3)."""
    features = np.full((len(curves), 3), np.nan)
    features[:, 2] = 0
    seen = np.isfinite(curves) & (np.abs(curves) < DIVERGED)
    for row in np.flatnonzero(seen.any(axis=1)):  # curves have gaps of their own
        steps = np.flatnonzero(seen[row])
        last = steps[-1]
        before = steps[np.searchsorted(steps, np.floor(0.75 * last), side="right") - 1]
        features[row] = curves[row, last], curves[row, last] - curves[row, before], last + 1
    return features


def line(last: F64, targets: F64) -> F64:
    """Huber's a and b, by least squares weighted anew."""
    design = np.column_stack([np.ones(len(last)), last])
    weights = np.ones(len(last))
    line = np.zeros(2)
    for _ in range(20):
        root = np.sqrt(weights)
        line = np.linalg.lstsq(design * root[:, None], targets * root, rcond=None)[0]
        errors = np.abs(targets - design @ line)
        scale = 1.4826 * np.median(errors)
        if scale <= 0:
            break
        weights = np.minimum(1, HUBER * scale / np.maximum(errors, 1e-300))
    return line
