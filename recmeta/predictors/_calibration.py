"""Predicted variances made to agree with errors on rows that were not learned from.

======  ======================================================================
symbol  meaning
======  ======================================================================
e       error of the mean on a held-out row, standardised units
v       variance that the model gave that row
a, b    slope and offset: the calibrated variance is a v + b
======  ======================================================================

a and b maximise the likelihood of e ~ N(0, a v + b). Errors of performances have heavier tails than
that, so both are then multiplied by one factor, with which the shares of errors within 1 and within
1.645 standard deviations are about the 68.3 % and 90 % that a normal has. A common factor is the
recalibration of Kuleshov et al. 2018, arXiv:1807.00263, with one parameter in place of a function.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

F64 = NDArray[np.float64]

PRIOR_ROWS = 5.0  # rows' worth of belief that the model's own variances are right
INNER, OUTER = 0.6827, 0.9  # shares of a normal within 1 and 1.645 standard deviations


@dataclass(frozen=True)
class Calibration:
    """variance -> slope * variance + offset."""

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, variances: F64) -> F64:
        return np.asarray(self.slope * variances + self.offset)


def calibrated(errors: F64, variances: F64) -> Calibration:
    """The slope and the offset for these errors and variances of held-out rows; O(n).

    Raises
    ------
    FloatingPointError
        If a mean or a variance is no finite number: the model diverged.
    """
    if not (np.isfinite(errors).all() and np.isfinite(variances).all()):
        raise FloatingPointError("held-out predictions are not finite: the model diverged")
    squares = errors**2
    level = squares.mean() + 1e-12
    typical = max(float(variances.mean()), 1e-12)

    def loss(logs: F64) -> tuple[float, F64]:
        slope, offset = np.exp(logs[0]), level * np.exp(logs[1])
        total = slope * variances + offset + 1e-12
        each = 0.5 * (1 / total - squares / total**2)
        value = 0.5 * (np.log(total) + squares / total).sum()
        gradient = np.array([(each * slope * variances).sum(), offset * each.sum()])
        # weak: a slope around what makes the two levels equal, and little offset
        centre = np.array([np.log(level / typical), -2.0])
        return value + 0.125 * ((logs - centre) ** 2).sum(), gradient + 0.25 * (logs - centre)

    start = np.array([np.log(level / typical), -1.0])
    logs = minimize(loss, start, jac=True, method="L-BFGS-B").x
    slope, offset = float(np.exp(logs[0])), float(level * np.exp(logs[1]))
    ratios = np.abs(errors) / np.sqrt(slope * variances + offset)
    inner, outer = np.quantile(ratios, [INNER, OUTER]) / [1.0, 1.645]
    n = len(errors)
    factor = np.exp(n / (n + PRIOR_ROWS) * np.log(max(inner, 1e-3) * max(outer, 1e-3)))
    return Calibration(slope * factor, offset * factor)
