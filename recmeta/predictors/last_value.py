"""LastValue: the final value is the last one seen."""

import numpy as np

from recmeta.predictors._base import F64
from recmeta.predictors._curves import CalibratedCurve


class LastValue(CalibratedCurve):
    """The last value seen of a curve stands for its final value.

    O(n t). Any extrapolation must be compared with it: on the 12 tasks of TaskSet it ranks better
    than least-squares extrapolation does.

    Attributes
    ----------
    calibrations_ : dict of int to float
        Deviation of the final value from the value at each length that was asked for.

    References
    ----------
    Domhan, Springenberg and Hutter (2015), Speeding up automatic hyperparameter optimization of
    deep neural networks by extrapolation of learning curves, IJCAI: its baseline.

    Examples
    --------
    >>> import numpy as np
    >>> curves = np.array([[0.5, 0.6, 0.7], [0.2, 0.4, 0.5], [0.3, 0.3, 0.4]])
    >>> model = LastValue().fit(np.zeros((3, 1)), curves[:, -1], curves=curves)
    >>> mean, std = model.predict(np.zeros((1, 1)), curves=np.array([[0.4, 0.5, np.nan]]))
    >>> float(mean[0]), round(float(std[0]), 2)
    (0.5, 0.1)
    """

    def _estimate(self, curves: F64) -> tuple[F64, F64]:
        return curves[:, -1], np.ones(len(curves))
