"""Where the trends of partial learning curves lead, and how far above their noise they are.

======  ==================================================================  ======
symbol  meaning                                                             shape
======  ==================================================================  ======
c       values up to now, in their own unit                                 (n, t)
u       normal score of a value (``_curve_scores``)
T       step at which curves end
m       mean of the last 3 values                                           (n,)
b       least-squares slope of the last w values over the steps, or over    (n,)
        their logarithms
r       residuals from the line over the steps                              (n, w)
======  ==================================================================  ======

    led_h = u(m + b h (T - t)) - u(m),  with logarithms  u(m + b h ln(T / t)) - u(m)
    sure  = b |steps - mean step| / rms(r),   noise = ln rms(r)

A trend of .001 decides the rank of a run among many that end alike, and none where runs are far
apart: a slope of ranks at step t says neither, what it leads to in ranks does.
"""

import numpy as np

from recmeta.predictors._base import F64
from recmeta.predictors._curve_features import SHORT
from recmeta.predictors._curve_scores import CurveScores

WINDOWS = (3, 5, 10**9)  # steps; the last is the whole curve
TESTED = WINDOWS[1:]  # three values have no noise of their own
HORIZONS = (0.1, 0.25, 0.5, 1.0)  # trends fade: shares of the way to the end
LEAST_NOISE = 1e-6  # of the unit of the scores
MOST_SURE = 50.0


def trend_features(curves: F64, scores: CurveScores, end: int) -> F64:
    """``led`` for each window, horizon and kind of line; ``sure`` and ``noise``.

    Parameters
    ----------
    curves : float64 array, (n, t)
        Finite, t at least 1.
    scores : CurveScores
    end : int
        T; from there on, trends lead nowhere.

    Returns
    -------
    float64 array, (n, 28)
        O(n t) time, and O(n ln n_values) for the scores. ``led`` and ``sure`` are 0 for t = 1.
    """
    t = curves.shape[1]
    steps = np.arange(1.0, t + 1)
    level = curves[:, -SHORT:].mean(axis=1)
    now = scores(level)
    ways = ((steps, max(end - t, 0.0)), (np.log(steps), np.log(max(end / t, 1.0))))
    columns = []
    for window in WINDOWS:
        for axis, way in ways:
            gain = _slope(curves[:, -window:], axis[-window:]) * way
            columns += [scores(level + share * gain) - now for share in HORIZONS]
    for window in TESTED:
        columns += _significance(curves[:, -window:], LEAST_NOISE * scores.unit)
    return np.column_stack(columns)


def _slope(curves: F64, axis: F64) -> F64:
    centred = axis - axis.mean()
    return np.asarray(curves @ centred / (centred @ centred or 1.0))


def _significance(curves: F64, least: float) -> list[F64]:
    steps = np.arange(curves.shape[1]) - (curves.shape[1] - 1) / 2
    slope = _slope(curves, steps)
    residuals = curves - curves.mean(axis=1, keepdims=True) - slope[:, None] * steps
    noise = np.sqrt((residuals**2).mean(axis=1)) + least
    sure = np.clip(slope * np.sqrt(steps @ steps) / noise, -MOST_SURE, MOST_SURE)
    return [sure, np.log(noise)]
