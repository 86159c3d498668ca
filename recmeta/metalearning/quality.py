"""Which configuration is best here: a Gaussian process on shares of the best score.

The prior is the mean over families; what the process adds for a log is how its meta-features move
the shares. The single best configuration (SBS) stays the first choice unless another is better
with strong evidence: with some 30 families, small predicted gains are noise.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from recmeta.metalearning.metadata import MetaData
from recmeta.metalearning.performance import Performance
from recmeta.predictors.gp import GaussianProcess, fit_gp

F64 = NDArray[np.float64]
# few, because families are few: shape, concentration, what landmarks say, and time
FEATURES = (
    "basic.log_n_users",
    "basic.log_n_items",
    "basic.log_mean_history",
    "basic.log_mean_item",
    "distribution.item_count.gini",
    "distribution.user_count.gini",
    "structure.top_items_10",
    "structure.log_co_occurrence",
    "landmark.top_popular.relative",
    "landmark.user_knn.relative",
    "landmark.ease.relative",
    "landmark.pure_svd.relative",
    "landmark.item_knn.log_ndcg@10",
)
BY_TIME = ("global_time", "leave_last_out")  # splits
WORTHWHILE = 0.01  # a smaller gain in share than this is none
EVIDENCE = 0.8  # probability of a worthwhile gain that it takes to leave the SBS


@dataclass(frozen=True)
class Quality:
    """What is predicted for one log, for each configuration: arrays (m,).

    ``share``: of the best score, with standard deviation ``spread``; ``p_worthwhile``: that it is
    worth leaving the SBS for it; ``p_popularity``: that it beats popularity; ``order``:
    configurations, the best first; ``similarity`` to the known problems: (n_problems,).
    """

    share: F64
    spread: F64
    p_worthwhile: F64
    p_popularity: F64
    order: NDArray[np.int64]
    similarity: F64


@dataclass(frozen=True)
class QualityModel:
    """Learned by ``fit_quality``.

    Attributes
    ----------
    mean : float64 array, (m,)
        Mean share of each configuration over the families.
    """

    mean: F64
    process: GaussianProcess
    targets: F64
    fallback: int

    def predict(
        self, features: Mapping[str, float], split: str, allowed: NDArray[np.bool_]
    ) -> Quality:
        """Of a log with these meta-features under a split; only ``allowed`` ones can be the SBS."""
        x = inputs_of(features, split)
        share = np.clip(self.process.mean(x)[0], 0.0, 1.0)
        single_best = int(np.argmax(np.where(allowed, self.mean, -np.inf)))
        p_worthwhile = self._p_better(x, single_best, WORTHWHILE)
        p_worthwhile[single_best] = 0.0
        leaves = (p_worthwhile > EVIDENCE) & allowed
        first = int(np.argmax(np.where(leaves, share, -1.0))) if leaves.any() else single_best
        order = np.argsort(-share, kind="stable")
        return Quality(
            # what lacks the evidence to come first is not shown as better than the first either
            share=np.minimum(share, share[first]),
            spread=self.process.predict(x)[1][0],
            p_worthwhile=p_worthwhile,
            p_popularity=self._p_better(x, self.fallback, 0.0),
            order=np.concatenate([[first], order[order != first]]),
            similarity=self.process.similarity(x)[0],
        )

    def _p_better(self, x: F64, than: int, margin: float) -> F64:
        """Probability that each configuration's share is above that of ``than`` by the margin."""
        differences = self.targets - self.targets[:, [than]]
        centred = differences - self.process.prior + self.process.prior[than]
        solved = self.process.coefficients - self.process.coefficients[:, [than]]
        own = np.maximum((centred * solved).sum(axis=0) / len(centred), 1e-12)
        spread = np.sqrt(own) * self.process.spread_of(x)[0]
        share = self.process.mean(x)[0]
        better: F64 = norm.cdf((share - share[than] - margin) / spread)
        better[than] = 0.5 if margin == 0 else 0.0
        return better


def fit_quality(known: MetaData, scores: Performance) -> QualityModel:
    """Learn from all problems, each family with the weight of one."""
    weights = known.family_weights
    process = fit_gp(inputs(known), scores.filled, weights)
    mean = np.average(scores.filled, axis=0, weights=weights)
    return QualityModel(mean, process, scores.filled, scores.fallback)


def inputs(known: MetaData) -> F64:
    """(n_problems, n_features + 1)."""
    by_time = known.problems["split"].isin(BY_TIME).to_numpy(dtype=np.float64)
    return np.column_stack([known.features(list(FEATURES)), by_time])


def inputs_of(features: Mapping[str, float], split: str) -> F64:
    """(1, n_features + 1)."""
    return np.array([[*(features[name] for name in FEATURES), float(split in BY_TIME)]])
