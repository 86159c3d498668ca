"""Numbers that describe a partial learning curve, for predictors that learn from features."""

import numpy as np

from recmeta.predictors._base import F64

RECENT, SHORT = 5, 3  # steps
DECAYS = (0.7, 0.85)  # of the running means


def curve_features(curves: F64) -> F64:
    """Level, trend, noise and extremes of each curve, the same columns whatever its length.

    Parameters
    ----------
    curves : float64 array, (n, t)
        Finite, t at least 1.

    Returns
    -------
    float64 array, (n, 25)
        Differences and slopes are 0 where the curve is too short for them.
    """
    t = curves.shape[1]
    recent, short = curves[:, -RECENT:], curves[:, -SHORT:]
    steps = np.diff(curves, axis=1) if t > 1 else np.zeros((len(curves), 1))
    bends = np.diff(curves, n=2, axis=1) if t > 2 else np.zeros((len(curves), 1))
    before = curves[:, -2 * SHORT : -SHORT] if t > SHORT else short
    columns = [
        *(curves[:, max(t - back, 0)] for back in (1, 2, 3)),
        *(curves[:, min(step, t - 1)] for step in (0, 1)),
        *(part.mean(axis=1) for part in (short, recent, curves)),
        *(_running_mean(curves, decay) for decay in DECAYS),
        np.median(recent, axis=1),
        np.sort(recent, axis=1)[:, min(1, recent.shape[1] - 1)],
        *(part.std(axis=1) for part in (recent, curves, bends)),
        np.abs(steps).mean(axis=1),
        *(_slope(part) for part in (recent, curves)),
        short.mean(axis=1) - curves[:, :SHORT].mean(axis=1),
        short.mean(axis=1) - before.mean(axis=1),
        curves.min(axis=1),
        curves.max(axis=1),
        t - 1.0 - curves.argmin(axis=1),
        t - 1.0 - curves.argmax(axis=1),
        curves[:, -1] - curves.min(axis=1),
    ]
    return np.column_stack(columns)


def _slope(curves: F64) -> F64:
    """Least-squares slope over the steps, (n,)."""
    time = np.arange(curves.shape[1]) - (curves.shape[1] - 1) / 2
    return np.asarray(curves @ time / max(time @ time, 0.5))  # .5 is that of two steps


def _running_mean(curves: F64, decay: float) -> F64:
    mean = curves[:, 0]
    for step in range(1, curves.shape[1]):
        mean = decay * mean + (1 - decay) * curves[:, step]
    return mean
