"""OMNI: any predictor on encoding, proxies and learning curve together, or without one of them."""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from recmeta.predictors._base import Predictor
from recmeta.predictors._omni_features import curve_features, line, moments
from recmeta.predictors._table import FAMILIES as ORDER
from recmeta.predictors._table import check_widths, checked_targets, stacked
from recmeta.predictors.boosting import Boosting

F64 = NDArray[np.float64]

FAMILIES = ("encoding", "proxies", "curves")


class OMNI(Predictor):
    """Families of predictors complement each other, so one model sees all (White et al. 2021).

    The base predictor gets, beside the task, the columns of ``families``: the encoding; proxies,
    standardised; of a curve the last value, the change over the last quarter of what was seen, and
    its length. With ``residual`` it learns y - (a + b last) in place of y, a and b by least squares
    (Huber's, since runs that failed are far off): the last value alone is hard to beat, and the
    rest need only explain what it leaves. A row whose curve has no value has the median last value.

    Time is that of the base.

    Parameters
    ----------
    base : Predictor or None
        None: Boosting with its defaults.
    families : tuple of str
        Which of "encoding", "proxies" and "curves" are seen.
    residual : bool
    random_state : int or None
        Of the base, if it is None.

    Attributes
    ----------
    base_ : Predictor
    centre_, spread_ : float64 array, (p,)
        Of the proxies.
    line_ : float64 array, (2,), or None
        a and b, if the residual is learned.
    typical_ : float
        Median last value.

    References
    ----------
    White, Zela, Ru, Liu and Hutter (2021), How powerful are performance predictors in neural
    architecture search?, arXiv:2104.01177.

    Examples
    --------
    >>> X = np.random.default_rng(0).random((40, 2))
    >>> proxies, curves = X[:, :1] ** 2, np.cumsum(X, axis=1)
    >>> model = OMNI(families=("proxies", "curves")).fit(X, X[:, 0], curves=curves, proxies=proxies)
    >>> mean, std = model.predict(X[:5], curves=curves[:5], proxies=proxies[:5])
    >>> mean.shape
    (5,)
    """

    reads: ClassVar[frozenset[str]] = frozenset({"curves", "proxies", "task"})
    tiny: ClassVar[dict[str, Any]] = {}

    def __init__(
        self,
        base: Predictor | None = None,
        *,
        families: tuple[str, ...] = FAMILIES,
        residual: bool = True,
        random_state: int | None = 0,
    ) -> None:
        self.base = base
        self.families = families
        self.residual = residual
        self.random_state = random_state

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
        unknown = set(self.families) - set(FAMILIES)
        if unknown:
            raise ValueError(f"families are of {FAMILIES}: got {sorted(unknown)}")
        parts, self.widths_ = self._parts(X, curves, proxies, task)
        targets = checked_targets(y, len(parts["encoding"]))
        self.centre_, self.spread_ = moments(parts["proxies"])
        last = curve_features(parts["curves"])[:, 0]
        seen = np.isfinite(last)
        self.typical_ = float(np.median(last[seen])) if seen.any() else 0.0
        wanted = self.residual and "curves" in self.families and seen.sum() > 2
        self.line_ = line(last[seen], targets[seen]) if wanted else None
        base = Boosting(random_state=self.random_state) if self.base is None else clone(self.base)
        rest = targets - self._from_last(parts["curves"])
        self.base_ = base.fit(parts["encoding"], rest, **self._sides(parts), groups=groups)
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
        parts, widths = self._parts(X, curves, proxies, task)
        check_widths("OMNI", widths, self.widths_)
        if not len(parts["encoding"]):
            return np.empty(0), np.empty(0)
        mean, std = self.base_.predict(parts["encoding"], **self._sides(parts))
        return mean + self._from_last(parts["curves"]), std

    def _parts(
        self, X: F64, curves: F64 | None, proxies: F64 | None, task: F64 | None
    ) -> tuple[dict[str, F64], tuple[int, ...]]:
        """The columns of each family, none for one that is left out, and how many there are."""
        table, widths = stacked(X, curves, proxies, task)
        edges = np.cumsum(widths)[:-1]
        parts = dict(zip(ORDER, np.split(table, edges, axis=1), strict=True))
        for name in set(FAMILIES) - set(self.families):
            parts[name] = parts[name][:, :0]
        widths = tuple(parts[name].shape[1] for name in ORDER)
        if not sum(widths):
            raise ValueError(f"nothing to learn from: families={self.families} have no columns")
        return parts, widths

    def _sides(self, parts: dict[str, F64]) -> dict[str, F64 | None]:
        """What the base gets beside the encoding."""
        scaled = (parts["proxies"] - self.centre_) / self.spread_
        curves = curve_features(parts["curves"]) if parts["curves"].shape[1] else None
        return {
            "proxies": scaled if scaled.shape[1] else None,
            "curves": curves,
            "task": parts["task"] if parts["task"].shape[1] else None,
        }

    def _from_last(self, curves: F64) -> F64:
        """a + b last, (n,), or 0."""
        if self.line_ is None:
            return np.zeros(len(curves))
        last = curve_features(curves)[:, 0]
        return self.line_[0] + self.line_[1] * np.where(np.isfinite(last), last, self.typical_)
