"""CurvePredictor: what all predictors of a learning curve's final value share.

======  ===================================================================  ======
symbol  meaning                                                              shape
======  ===================================================================  ======
curves  value after each step; NaN beyond what was seen                      (n, t)
s       length: 1 + the last column that is not NaN; 0 where nothing is seen  (n,)
y       the value at the last step, in the unit of the curves                (n,)
======  ===================================================================  ======

A NaN before the length was not measured, and stands for the value before it (after it, at the
beginning). An infinite value is a run that diverged: it counts as the largest (or smallest) finite
value of the training curves. Who marks divergence by NaN writes inf there first, or the curve
looks like one that has not been trained that far.
"""

from abc import abstractmethod
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recmeta.predictors._base import F64, Predictor
from recmeta.predictors._groups import checked_groups
from recmeta.predictors._table import checked_encoding, checked_rows, checked_targets

ONE_DEVIATION = 0.6827  # of a normal distribution lie within one standard deviation
FEWEST = 5  # residuals, for a deviation of their own


class CurvePredictor(Predictor):
    """The final value from a partial curve, by what the training curves did from there on.

    A subclass writes ``_final(X, curves, length)``, for rows that have one and the same length, on
    curves without NaN or infinite values. Rows of which nothing was seen get the mean and the
    deviation of y.

    Attributes
    ----------
    curves_ : float64 array, (n, t)
        Training curves, finite up to ``lengths_`` and NaN beyond.
    lengths_ : int64 array, (n,)
    inputs_ : float64 array, (n, d)
    targets_ : float64 array, (n,)
    groups_ : int64 array, (n,)
    limits_ : (float, float)
        Smallest and largest finite value of the training curves and of y.
    """

    reads: ClassVar[frozenset[str]] = frozenset({"curves"})
    needs: ClassVar[frozenset[str]] = frozenset({"curves"})

    def fit(
        self,
        X: F64,
        y: F64,
        *,
        curves: F64 | None = None,
        proxies: F64 | None = None,
        task: F64 | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        X, curves = self._checked(X, curves)
        y = checked_targets(y, len(X))
        values = np.concatenate([curves[np.isfinite(curves)], y])
        self.limits_ = (float(values.min()), float(values.max()))
        self.lengths_ = lengths(curves)
        if not self.lengths_.any():
            raise ValueError(f"{type(self).__name__}.fit got curves of NaN alone; pass some values")
        self.curves_ = filled(curves, *self.limits_)
        self.inputs_, self.targets_ = X, y
        self.groups_ = checked_groups(groups, len(X))
        self._learn()
        return self

    def predict(
        self,
        X: F64,
        *,
        curves: F64 | None = None,
        proxies: F64 | None = None,
        task: F64 | None = None,
    ) -> tuple[F64, F64]:
        self._check_fitted("targets_")
        X, curves = self._checked(X, curves)
        seen, curves = lengths(curves), filled(curves, *self.limits_)
        mean = np.full(len(X), self.targets_.mean())
        std = np.full(len(X), self.targets_.std())
        for length in np.unique(seen[seen > 0]):
            rows = np.flatnonzero(seen == length)
            mean[rows], std[rows] = self._final(X[rows], curves[rows, :length], int(length))
        return mean, np.maximum(std, 1e-12)

    def _learn(self) -> None:
        """What is learned besides the attributes above, once for all lengths."""

    @abstractmethod
    def _final(self, X: F64, curves: F64, length: int) -> tuple[F64, F64]:
        """Mean and standard deviation of the final value, both (n,); curves is (n, length)."""

    def _comparable(self, length: int) -> tuple[NDArray[np.int64], int]:
        """Training rows to learn from about curves of this length, and where to cut them all.

        Those seen as far; where too few were, those seen longest.
        """
        enough = min(FEWEST, int((self.lengths_ > 0).sum()))
        cut = min(length, int(np.sort(self.lengths_)[-enough]))
        return np.flatnonzero(self.lengths_ >= cut), cut

    def _checked(self, X: F64, curves: F64 | None) -> tuple[F64, F64]:
        X = checked_encoding(X)
        if curves is None:
            raise ValueError(f"{type(self).__name__} reads learning curves; pass curves=, (n, t)")
        return X, checked_rows("curves", curves, len(X))


class CalibratedCurve(CurvePredictor):
    """An estimate that needs no training, and a deviation that training curves of one length give.

    ``groups`` change nothing: no error is one of a row whose variants were learned from.

    A subclass writes ``_estimate(curves)``, (n,), and may give scales of its own. The deviation is
    the .6827 quantile of ``|y - estimate| / scale`` over the training curves cut to the same
    length, times the row's scale: a few runs that diverge don't widen it for all others.

    Attributes
    ----------
    calibrations_ : dict of int to float
        The quantile for each length that was asked for.
    """

    exceptions: ClassVar[dict[str, str]] = {
        "test_a_function_of_what_it_reads_is_learned": "the curve says it, whatever was trained on",
        "test_equal_values_are_predicted": "the curve says it, whatever was trained on",
    }

    def _learn(self) -> None:
        self.calibrations_: dict[int, float] = {}

    @abstractmethod
    def _estimate(self, curves: F64) -> tuple[F64, F64]:
        """Final values and relative scales of their errors, both (n,)."""

    def _final(self, X: F64, curves: F64, length: int) -> tuple[F64, F64]:
        estimate, scale = self._estimate(curves)
        if length not in self.calibrations_:
            self.calibrations_[length] = self._calibrated(length)
        return estimate, scale * self.calibrations_[length]

    def _calibrated(self, length: int) -> float:
        rows, cut = self._comparable(length)
        estimate, scale = self._estimate(self.curves_[rows, :cut])
        errors = np.abs(self.targets_[rows] - estimate) / scale
        return float(np.quantile(errors, ONE_DEVIATION))


def lengths(curves: F64) -> NDArray[np.int64]:
    """Steps seen of each curve: 1 + the last column that is not NaN, (n,)."""
    known = ~np.isnan(curves)
    last = curves.shape[1] - np.argmax(known[:, ::-1], axis=1)
    return np.where(known.any(axis=1), last, 0).astype(np.int64)


def filled(curves: F64, lowest: float, highest: float) -> F64:
    """Curves without gaps or infinite values up to their lengths: new, (n, t)."""
    curves = np.where(np.isinf(curves), np.where(curves > 0, highest, lowest), curves)
    beyond = np.arange(curves.shape[1]) >= lengths(curves)[:, None]
    for _ in range(2):  # values before fill a gap; from the right, the first value the beginning
        known = ~np.isnan(curves)
        source = np.maximum.accumulate(np.where(known, np.arange(curves.shape[1]), -1), axis=1)
        carried = np.take_along_axis(curves, np.maximum(source, 0), axis=1)
        curves = np.where(source >= 0, carried, np.nan)[:, ::-1]
    return np.where(beyond, np.nan, curves)
