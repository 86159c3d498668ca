"""FeaturePredictor: a regression on one table of numbers, with all that is not learning done."""

from abc import abstractmethod
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from recmeta.predictors._base import Predictor
from recmeta.predictors._table import Scaling, check_widths, checked_targets, stacked

F64 = NDArray[np.float64]

LEAST_STD = 1e-6  # of y's spread: certainty that no finite number of candidates can give


class FeaturePredictor(Predictor):
    """Curves, proxies and the task's meta-features are appended to X as further columns.

    A subclass has the parameter ``random_state`` and writes

    - ``_learn(Z, t, rng)``: Z (n, d') as ``_table.Scaling`` makes it, or the table as it came, with
      NaN, if the class ``takes_missing``; t (n,) is y standardised;
    - ``_posterior(Z)``: mean and variance of t for new rows, both (n_rows,).

    Attributes
    ----------
    widths_ : tuple of int
        Columns of X, curves, proxies and task.
    scaling_ : Scaling or None
    centre_, spread_ : float
        Mean and standard deviation of y.
    """

    reads: ClassVar[frozenset[str]] = frozenset({"curves", "proxies", "task"})
    takes_missing: ClassVar[bool] = False

    random_state: int | None

    @abstractmethod
    def _learn(self, Z: F64, t: F64, rng: np.random.Generator) -> None:
        """Learn t from Z."""

    @abstractmethod
    def _posterior(self, Z: F64) -> tuple[F64, F64]:
        """Mean and variance of an observation of t."""

    def fit(
        self,
        X: F64,
        y: F64,
        *,
        curves: F64 | None = None,
        proxies: F64 | None = None,
        task: F64 | None = None,
    ) -> Self:
        table, self.widths_ = stacked(X, curves, proxies, task)
        targets = checked_targets(y, len(table))
        self.centre_ = float(targets.mean())
        deviation = float(np.sqrt(((targets - self.centre_) ** 2).mean()))
        # equal values have no scale of their own: what rounding leaves of one
        rounding = 1e-9 * abs(self.centre_)
        self.spread_ = deviation if deviation > rounding else max(rounding, 1e-9)
        self.scaling_ = None if self.takes_missing else Scaling.learned(table, self.widths_[0])
        # rounded, so that the units of y cannot decide between two splits that are equally good
        t = np.round((targets - self.centre_) / self.spread_, 10)
        self._learn(self._columns(table), t, np.random.default_rng(self.random_state))
        return self

    def predict(
        self,
        X: F64,
        *,
        curves: F64 | None = None,
        proxies: F64 | None = None,
        task: F64 | None = None,
    ) -> tuple[F64, F64]:
        if not hasattr(self, "widths_"):
            raise ValueError(f"{type(self).__name__} has learned nothing yet: call fit first")
        table, widths = stacked(X, curves, proxies, task)
        check_widths(type(self).__name__, widths, self.widths_)
        if not len(table):
            return np.empty(0), np.empty(0)
        mean, variance = self._posterior(self._columns(table))
        std = np.sqrt(np.maximum(variance, LEAST_STD**2))
        return self.centre_ + self.spread_ * mean, self.spread_ * std

    def _columns(self, table: F64) -> F64:
        return table if self.scaling_ is None else self.scaling_(table)

    def _families(self) -> NDArray[np.int64]:
        """The position in FAMILIES of each column that ``_learn`` gets, (d',)."""
        if self.scaling_ is not None:
            return self.scaling_.family_of(self.widths_)
        return np.repeat(np.arange(len(self.widths_)), self.widths_)
