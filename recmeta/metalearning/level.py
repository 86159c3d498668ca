"""How good the best will be here: ridge regression of its log score, with conformal intervals.

What decides is what the landmarkers reach on a sample; size and kind of split correct it. The
interval comes from the errors made on families that were left out, so it holds for a log of a
family that has never been seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from recmeta.metalearning.metadata import MetaData
from recmeta.metalearning.performance import Performance

F64 = NDArray[np.float64]
FEATURES = ("landmark.item_knn.log_ndcg@10", "basic.log_n_items", "basic.log_mean_history")
BY_TIME = ("global_time", "leave_last_out")  # splits
PENALTY = 3.0
COVERAGE = 0.8
LEAST = 1e-5  # of a score, before the logarithm
FEW = 10  # problems: an interval needs as many errors


@dataclass(frozen=True)
class LevelModel:
    """Predicts log(best score); ``errors``: of left-out families, (n_problems,)."""

    ridge: Ridge
    centre: F64
    spread: F64
    lowest: F64
    highest: F64
    errors: F64
    weights: F64
    by_time: NDArray[np.bool_]

    def predict(self, features: Mapping[str, float], split: str) -> tuple[float, float]:
        """log(best score), and the half-width of its 80 % interval."""
        x = _row([features[name] for name in FEATURES], split)
        x = np.clip(x, self.lowest, self.highest)  # a straight line says nothing beyond what it saw
        mean = float(self.ridge.predict((x[None] - self.centre) / self.spread)[0])
        alike = self.by_time == (split in BY_TIME)
        if alike.sum() < FEW:
            alike = np.ones_like(alike)
        return mean, _quantile(np.abs(self.errors[alike]), self.weights[alike])


def fit_level(known: MetaData, scores: Performance) -> LevelModel:
    """Learn from all problems, each family with the weight of one."""
    splits = known.problems["split"].tolist()
    features = known.features(list(FEATURES))
    X = np.array([_row(list(row), split) for row, split in zip(features, splits, strict=True)])
    y = np.log(np.maximum(scores.best, LEAST))
    weights = known.family_weights
    families = known.problems["family"].to_numpy()
    errors = np.zeros(len(y))
    for family in np.unique(families):
        out = families == family
        if not out.all():
            ridge, centre, spread = _fit(X[~out], y[~out], weights[~out])
            errors[out] = y[out] - ridge.predict((X[out] - centre) / spread)
    ridge, centre, spread = _fit(X, y, weights)
    by_time = np.array([split in BY_TIME for split in splits])
    seen = X.min(axis=0), X.max(axis=0)
    return LevelModel(ridge, centre, spread, *seen, errors, weights, by_time)


def _fit(X: F64, y: F64, weights: F64) -> tuple[Ridge, F64, F64]:
    centre = np.average(X, axis=0, weights=weights)
    spread = np.maximum(X.std(axis=0), 1e-9)
    ridge = Ridge(alpha=PENALTY).fit((X - centre) / spread, y, weights / weights.mean())
    return ridge, centre, spread


def _row(features: list[float], split: str) -> F64:
    """The features, the kind of split, and how far a landmark on random parts counts there."""
    by_time = float(split in BY_TIME)
    return np.array([*features, by_time, float(split == "leave_last_out"), by_time * features[0]])


def _quantile(errors: F64, weights: F64) -> float:
    """The weighted COVERAGE quantile: split conformal with families in place of rows."""
    order = np.argsort(errors)
    share = np.cumsum(weights[order]) / (weights.sum() + weights.max())
    place = int(np.searchsorted(share, COVERAGE))
    return float(errors[order][min(place, len(errors) - 1)])
