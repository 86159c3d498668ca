"""FeaturePredictor: a regression on one table of numbers, with all that is not learning done."""

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recmeta.predictors._base import Predictor
from recmeta.predictors._groups import checked_groups
from recmeta.predictors._table import Scaling, check_widths, checked_targets, stacked
from recmeta.predictors._targets import Targets

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


class FeaturePredictor(Predictor):
    """Curves, proxies and the task's meta-features are appended to X as further columns.

    A subclass has the parameters ``normal_scores`` (learn those of y, see ``_targets``) and
    ``random_state``, and writes

    - ``_learn(Z, t, groups, rng)``: Z (n, d') as ``_table.Scaling`` makes it, or the table as it
      came, with NaN, if the class ``takes_missing``; t (n,) has mean 0 and variance 1; groups (n,)
      are numbers of those that the rows are in, for ``_groups``;
    - ``_posterior(Z)``: mean and variance of t for new rows, both (n_rows,).

    Attributes
    ----------
    widths_ : tuple of int
        Columns of X, curves, proxies and task.
    scaling_ : Scaling or None
    targets_ : Targets
        From y to t and back.
    """

    reads: ClassVar[frozenset[str]] = frozenset({"curves", "proxies", "task"})
    takes_missing: ClassVar[bool] = False

    normal_scores: bool
    random_state: int | None

    @abstractmethod
    def _learn(self, Z: F64, t: F64, groups: I64, rng: np.random.Generator) -> None:
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
        groups: ArrayLike | None = None,
    ) -> Self:
        table, self.widths_ = stacked(X, curves, proxies, task)
        targets = checked_targets(y, len(table))
        self.targets_ = Targets.learned(targets, self.normal_scores)
        self.scaling_ = None if self.takes_missing else Scaling.learned(table, self.widths_[0])
        rng = np.random.default_rng(self.random_state)
        rows = checked_groups(groups, len(table))
        self._learn(self._columns(table), self.targets_(targets), rows, rng)
        return self

    def predict(
        self,
        X: F64,
        *,
        curves: F64 | None = None,
        proxies: F64 | None = None,
        task: F64 | None = None,
    ) -> tuple[F64, F64]:
        self._check_fitted("widths_")
        table, widths = stacked(X, curves, proxies, task)
        check_widths(type(self).__name__, widths, self.widths_)
        if not len(table):
            return np.empty(0), np.empty(0)
        return self.targets_.moments(*self._posterior(self._columns(table)))

    def _drawn(self, X: F64, function: Callable[[F64], F64]) -> F64:
        """A function of the posterior of t, at the rows of X, as performances: for ``draw``."""
        table, widths = stacked(X, None, None, None)
        check_widths(type(self).__name__, widths, self.widths_)
        return self.targets_.performances(function(self._columns(table)))

    def _columns(self, table: F64) -> F64:
        return table if self.scaling_ is None else self.scaling_(table)

    def _families(self) -> NDArray[np.int64]:
        """The position in FAMILIES of each column that ``_learn`` gets, (d',)."""
        if self.scaling_ is not None:
            return self.scaling_.family_of(self.widths_)
        return np.repeat(np.arange(len(self.widths_)), self.widths_)
