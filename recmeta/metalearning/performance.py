"""Relative performance: each configuration's share of the best score on each problem."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recmeta.metalearning.metadata import MetaData, Scores
from recmeta.metrics import METRICS, parse
from recmeta.registry import UnknownNameError

F64 = NDArray[np.float64]
COVERAGE = 0.75  # share of the problems, where it can be fitted, that a configuration was run on
LEAST_FAMILIES = 8  # that it was run on
FALLBACK = "TopPopular"  # what a user gets where a fit fails


@dataclass(frozen=True)
class Performance:
    """One metric of the meta-data set, ready to learn from.

    Attributes
    ----------
    columns : int64 array, (m,)
        The configurations that are used, as columns of ``MetaData.configurations``.
    share : float64 array, (n_problems, m)
        Score over the best score, the mean of validation and test; NaN where a run failed or was
        not made.
    filled : float64 array, (n_problems, m)
        ``share`` without gaps: configuration's mean plus the problem's mean deviation.
    validation, test : float64 array, (n_problems, m)
        Scores, with popularity's where a run failed; NaN where it was not made.
    best : float64 array, (n_problems,)
        The best test score.
    fallback : int
        Popularity's column in the arrays.
    """

    columns: NDArray[np.int64]
    share: F64
    filled: F64
    validation: F64
    test: F64
    best: F64
    failed: NDArray[np.bool_]
    fallback: int


def performance(known: MetaData, metric: str) -> Performance:
    """The meta-data set by one metric.

    Raises
    ------
    UnknownNameError
        If more of the metric is not better, or the meta-data set does not have it.
    """
    scores = scores_to_choose_by(known, metric)
    columns = np.flatnonzero(_well_known(known, np.isfinite(scores.test) | scores.failed))
    algorithms = known.configurations["algorithm"].to_numpy()[columns]
    fallback = int(np.flatnonzero(algorithms == FALLBACK)[0])
    validation, test = scores.validation[:, columns], scores.test[:, columns]
    shares = [_of_best(part) for part in (validation, test)]
    share = (shares[0] + shares[1]) / 2
    failed = scores.failed[:, columns]
    return Performance(
        columns=columns,
        share=share,
        filled=_filled(share, known.family_weights),
        validation=np.where(failed, validation[:, [fallback]], validation),
        test=np.where(failed, test[:, [fallback]], test),
        best=np.nanmax(test, axis=1),
        failed=failed,
        fallback=fallback,
    )


def scores_to_choose_by(known: MetaData, metric: str) -> Scores:
    """Raises the same error."""
    if METRICS[parse(metric)[0]].higher_is_better is not True:
        better = ", ".join(name for name, one in METRICS.items() if one.higher_is_better)
        raise UnknownNameError(
            f"{metric} is not something to have most of; choose an algorithm by one of: {better}"
        )
    return known.scores(metric)


def _well_known(known: MetaData, run: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Configurations that were run on enough problems of enough families to be judged, (m,)."""
    possible = known.applicable()
    run = run & possible
    enough = run.sum(axis=0) >= COVERAGE * possible.sum(axis=0)
    families = pd.get_dummies(known.problems["family"]).to_numpy(dtype=np.float64)
    n_families = (families.T @ run > 0).sum(axis=0)
    return np.asarray(enough & (n_families >= min(LEAST_FAMILIES, families.shape[1])))


def _of_best(scores: F64) -> F64:
    best = np.nanmax(scores, axis=1)
    return np.asarray(scores / np.maximum(best, 1e-12)[:, None])


def _filled(share: F64, weights: F64) -> F64:
    """Gaps as configuration's mean + problem's mean deviation from the configurations' means."""
    present = np.isfinite(share)
    w = weights[:, None] * present
    mean = np.where(present, share, 0.0).T @ weights / np.maximum(w.sum(axis=0), 1e-12)
    deviation = np.where(present, share - mean, 0.0).sum(axis=1) / present.sum(axis=1)
    return np.where(present, share, np.clip(mean + deviation[:, None], 0.0, 1.0))
