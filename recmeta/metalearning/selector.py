"""Selector: the ranked configurations for a log, from the meta-data set."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recmeta.metalearning.costs import CostModel, Expected, Shape, fit_costs
from recmeta.metalearning.level import LevelModel, fit_level
from recmeta.metalearning.metadata import MetaData
from recmeta.metalearning.performance import FALLBACK, Performance, performance
from recmeta.metalearning.portfolio import greedy_order
from recmeta.metalearning.quality import Quality, QualityModel, fit_quality

RISK = 0.25  # a configuration more likely than this to go over a limit is not advised
POOR = 0.5  # nor is one less likely than this to beat popularity
NORMAL_80 = 1.28  # half of an 80 % interval, in standard deviations
TRIED = 12  # configurations that the portfolio puts in order; the rest follow by share


@dataclass(frozen=True)
class Choice:
    """A configuration and what is predicted for it.

    Attributes
    ----------
    algorithm, params
    score, low, high : float
        Of the metric, with an 80 % interval.
    relative : float
        Share of the best configuration's score.
    p_beats_popularity : float
    fit_seconds, fit_bytes : float
        Of one fit, on one thread.
    p_fail : float
        Probability that the fit goes over the limits.
    turn : int
        Its place in the order of trying: 0 is the first. Not the order of scores: after the first,
        what helps most if that one disappoints.
    advised : bool
    reason : str
        Why not, where it is not.
    """

    algorithm: str
    params: Mapping[str, Any]
    score: float
    low: float
    high: float
    relative: float
    p_beats_popularity: float
    fit_seconds: float
    fit_bytes: float
    p_fail: float
    turn: int
    advised: bool = True
    reason: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Algorithm and hyperparameters as the meta-data set writes them."""
        return self.algorithm, json.dumps(dict(self.params), sort_keys=True)


@dataclass
class Selector:
    """Learns from the meta-data set which configuration is best for which log.

    Parameters
    ----------
    metric : str
        Such as ``"ndcg@10"``: an accuracy metric.
    """

    metric: str = "ndcg@10"

    def fit(self, known: MetaData) -> Self:
        """Learn quality, level and cost; under a second for some hundred problems."""
        self.known_ = known
        self.scores_: Performance = performance(known, self.metric)
        self.quality_: QualityModel = fit_quality(known, self.scores_)
        self.level_: LevelModel = fit_level(known, self.scores_)
        self.costs_: CostModel = fit_costs(known)
        return self

    @cached_property
    def configurations_(self) -> list[tuple[str, dict[str, Any]]]:
        """Algorithm and hyperparameters, in the order of the columns of ``scores_``."""
        rows = self.known_.configurations.iloc[self.scores_.columns]
        pairs = zip(rows["algorithm"], rows["params"], strict=True)
        return [(algorithm, json.loads(params)) for algorithm, params in pairs]

    def rank(
        self,
        features: Mapping[str, float],
        shape: Shape,
        *,
        split: str = "random_holdout",
        seconds: float | None = None,
        n_bytes: float | None = None,
        lacking: Mapping[str, str] = MappingProxyType({}),
    ) -> list[Choice]:
        """All configurations for a log, the best first.

        Parameters
        ----------
        features : dict
            From ``metafeatures.extract_all`` of the training part.
        shape : (n_users, n_items, nnz)
        split : str
            Name of the split that the scores are to be predicted for.
        seconds, n_bytes : float or None
            Limits of one fit.
        lacking : dict of str to str
            Algorithms that cannot be fitted here, and what they need.
        """
        expected = [self.costs_.predict(*one, shape) for one in self.configurations_]
        p_fail = np.array([cost.p_over(seconds, n_bytes) for cost in expected])
        p_fail[[algorithm in lacking for algorithm, _ in self.configurations_]] = 1.0
        quality = self.quality_.predict(features, split, p_fail <= RISK)
        level = self.level_.predict(features, split)
        turns = self._turns(quality, p_fail <= RISK)
        choices = [
            self._choice(column, quality, level, expected[column], p_fail[column], turns[column])
            for column in range(len(self.configurations_))
        ]
        ordered = (choices[column] for column in quality.order)
        return [
            replace(choice, reason=lacking[choice.algorithm])
            if choice.algorithm in lacking
            else choice
            for choice in ordered
        ]

    def _turns(self, quality: Quality, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Places in the order of trying: the greedy portfolio of what may be tried, then the rest.

        A scenario is the prediction plus how a known problem departs from the mean over problems,
        weighted by likeness.
        """
        departures = self.scores_.filled - self.quality_.mean
        scenarios = np.clip(quality.share + departures, 0.0, 1.2)
        scenarios[:, ~allowed] = 0.0
        weights = self.known_.family_weights * (0.1 + quality.similarity)
        first = int(quality.order[0])
        order = greedy_order(scenarios, weights, first, TRIED).tolist()
        order += [column for column in quality.order.tolist() if column not in set(order)]
        turns = np.empty(len(order), dtype=np.int64)
        turns[order] = np.arange(len(order))
        return turns

    def _choice(
        self,
        column: int,
        quality: Quality,
        level: tuple[float, float],
        cost: Expected,
        p_fail: float,
        turn: int,
    ) -> Choice:
        algorithm, params = self.configurations_[column]
        share = max(float(quality.share[column]), 1e-6)
        middle = np.log(share) + level[0]
        # a configuration's share is uncertain too, the more the less it is
        half = float(np.hypot(level[1], NORMAL_80 * quality.spread[column] / share))
        p_popular = float(quality.p_popularity[column])
        reason = ""
        if p_fail > RISK:
            reason = "would go over the limit"
        elif algorithm != FALLBACK and p_popular < POOR:
            reason = f"beats popularity with {p_popular:.0%} only"
        return Choice(
            algorithm=algorithm,
            params=params,
            score=float(np.exp(min(middle, 0.0))),
            low=float(np.exp(min(middle - half, 0.0))),
            high=float(np.exp(min(middle + half, 0.0))),
            relative=share,
            p_beats_popularity=p_popular,
            fit_seconds=cost.seconds,
            fit_bytes=cost.bytes,
            p_fail=float(p_fail),
            turn=int(turn),
            advised=not reason,
            reason=reason,
        )
