"""SumOfLosses: how fast a model trains, as the sum of its training losses."""

import numpy as np

from recmeta.predictors._base import F64
from recmeta.predictors._curves import ONE_DEVIATION, CurvePredictor


class SumOfLosses(CurvePredictor):
    """The sum of training losses (SoTL) ranks, and a line from the training curves gives the unit.

        SoTL = sum_t loss_t      SoTL-E = sum over the last ``window`` steps
        y ~ a + b SoTL           (least squares over the training curves cut to the same length)

    ``smoothing`` is the weight of what came before, m_t = smoothing m_(t-1) + (1 - smoothing)
    loss_t, which is then summed. The sign of b is learned, so that y may be a loss or a score; with
    fewer than three training curves or sums that don't vary it is 0, and the mean of y is all that
    is said. O(n t).

    Parameters
    ----------
    window : int or None
        Steps that count: None for all of them, 1 for the last loss alone (SoTL-E).
    smoothing : float
        In [0, 1); 0 sums the losses as they are.

    References
    ----------
    Ru, Lyle, Schut, Fil, van der Wilk and Gal (2021), Speedy performance estimation for neural
    architecture search, arXiv:2006.04492.

    Examples
    --------
    >>> import numpy as np
    >>> losses = np.array([[3.0, 2.0, 1.0], [4.0, 3.0, 2.0], [5.0, 4.0, 3.0]])
    >>> model = SumOfLosses().fit(np.zeros((3, 1)), np.array([0.9, 0.8, 0.7]), curves=losses)
    >>> model.predict(np.zeros((1, 1)), curves=np.array([[3.5, 2.5, np.nan]]))[0].round(3)
    array([0.85])
    """

    def __init__(self, window: int | None = None, smoothing: float = 0.0) -> None:
        self.window = window
        self.smoothing = smoothing

    def _learn(self) -> None:
        if self.window is not None and self.window < 1:
            raise ValueError(f"window={self.window}: give at least 1 step, or None for all")
        if not 0 <= self.smoothing < 1:
            raise ValueError(f"smoothing={self.smoothing}: give a weight in [0, 1)")

    def _final(self, X: F64, curves: F64, length: int) -> tuple[F64, F64]:
        rows, cut = self._comparable(length)
        known, y = self._sums(self.curves_[rows, :cut]), self.targets_[rows]
        centred = known - known.mean()
        spread = centred @ centred
        slope = centred @ y / spread if len(rows) > 2 and spread > 1e-24 else 0.0
        errors = np.abs(y - y.mean() - slope * centred)
        mean = y.mean() + slope * (self._sums(curves[:, :cut]) - known.mean())
        return mean, np.full(len(X), np.quantile(errors, ONE_DEVIATION))

    def _sums(self, curves: F64) -> F64:
        if self.smoothing:
            curves = curves.copy()
            for step in range(1, curves.shape[1]):
                curves[:, step] *= 1 - self.smoothing
                curves[:, step] += self.smoothing * curves[:, step - 1]
        return curves[:, -self.window if self.window else 0 :].sum(axis=1)
