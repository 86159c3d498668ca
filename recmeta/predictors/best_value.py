"""BestValue: the final value is the best one seen."""

import numpy as np

from recmeta.predictors._base import F64
from recmeta.predictors._curves import CalibratedCurve


class BestValue(CalibratedCurve):
    """The best value seen of a curve stands for its final value. O(n t).

    Right where training keeps the best epoch; where it keeps the last, a curve that gets worse
    again is taken for better than it ends.

    Parameters
    ----------
    larger_is_better : bool
        Of the curves: True for scores, False for losses.

    Attributes
    ----------
    calibrations_ : dict of int to float
        Deviation of the final value from the best value, for each length that was asked for.

    Examples
    --------
    >>> import numpy as np
    >>> losses = np.array([[3.0, 1.0, 1.5], [2.0, 1.8, 1.7]])
    >>> model = BestValue(larger_is_better=False)
    >>> model = model.fit(np.zeros((2, 1)), losses[:, -1], curves=losses)
    >>> model.predict(np.zeros((1, 1)), curves=np.array([[1.2, 1.9, np.nan]]))[0]
    array([1.2])
    """

    def __init__(self, *, larger_is_better: bool = True) -> None:
        self.larger_is_better = larger_is_better

    def _estimate(self, curves: F64) -> tuple[F64, F64]:
        best = curves.max(axis=1) if self.larger_is_better else curves.min(axis=1)
        return best, np.ones(len(curves))
