"""evaluate(): rank for every held-out user and measure, in blocks; never users x items dense.

train(): let an iterative algorithm learn, watch what it reaches, and stop in time.
"""

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recmeta.algorithms import IterativeRecommender, Recommender
from recmeta.metrics import CUTOFFS, PER_USER, Accumulator, parse

if TYPE_CHECKING:
    from recmeta.datasets.folds import Fold

BLOCK = 8192  # users ranked before they are measured: 1.6 MB of lists


@dataclass(frozen=True)
class Evaluation:
    """What a model reaches on a fold.

    Attributes
    ----------
    values : dict
        ``"ndcg@10"`` and the like to value: every metric at every cutoff.
    per_user : dict
        Metric to float32 array, (n_rows,), for those asked for.
    n_users : int
        Users who were averaged over.
    seconds : float
        Ranking and measuring, on the clock.
    """

    values: dict[str, float]
    per_user: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    n_users: int = 0
    seconds: float = 0.0

    def standard_error(self, metric: str) -> float:
        """Of the mean over users, of a metric whose ``per_user`` vector was asked for."""
        values = self.per_user[metric]
        counted = values[~np.isnan(values)].astype(np.float64)
        return (
            float(counted.std(ddof=1)) / math.sqrt(len(counted)) if len(counted) > 1 else math.nan
        )


def evaluate(
    model: Recommender,
    fold: "Fold",
    *,
    cutoffs: Sequence[int] = CUTOFFS,
    per_user: Sequence[str] = (),
) -> Evaluation:
    """All metrics of a fitted model on a fold.

    Parameters
    ----------
    model : Recommender
        Fitted on ``fold.fit`` (and ``**fold.side()``).
    fold : Fold
        Whose histories, held-out items and exclusions.
    cutoffs : sequence of int
        Ascending.
    per_user : sequence of str
        Metrics such as ``"ndcg@10"`` whose value for each user is kept.

    Notes
    -----
    Full ranking over all items. Memory: a block of users' lists, what ``recommend`` needs for one,
    and O(n_items n_cutoffs).
    """
    started = time.perf_counter()
    n_items = fold.fit.shape[1]
    counts = np.bincount(fold.fit.indices, minlength=n_items)
    n_other_users = max(fold.fit.shape[0] - len(fold.rows), 0)
    accumulator = Accumulator(n_items, counts, cutoffs, n_other_users=n_other_users)
    wanted = [_column(name, cutoffs) for name in per_user]
    kept: list[list[NDArray[np.float32]]] = [[] for _ in per_user]
    for start in range(0, len(fold.rows), BLOCK):
        block = slice(start, start + BLOCK)
        items, _ = model.recommend(
            fold.history[block],
            cutoffs[-1],
            users=fold.users[block],
            exclude=fold.exclude[block],
            timestamps=None if fold.history_times is None else fold.history_times[block],
        )
        values = accumulator.add(items, fold.relevant[block], per_user=bool(per_user))
        for (metric, column), vectors in zip(wanted, kept, strict=True):
            assert values is not None
            vectors.append(values[:, metric, column].astype(np.float32))
    empty = np.zeros(0, dtype=np.float32)
    return Evaluation(
        values=accumulator.result(),
        per_user={
            name: np.concatenate([empty, *vectors])
            for name, vectors in zip(per_user, kept, strict=True)
        },
        n_users=accumulator.n_users,
        seconds=time.perf_counter() - started,
    )


def value_of(model: Recommender, fold: "Fold", metric: str) -> float:
    """One metric of ``evaluate``, by lists no longer than its cutoff.

    Raises
    ------
    UnknownNameError
        If there is no such metric or cutoff.
    """
    _, k = parse(metric)
    return evaluate(model, fold, cutoffs=(k,)).values[metric]


@dataclass(frozen=True)
class LearningCurve:
    """What training reached, by epoch.

    Attributes
    ----------
    metric : str
    epochs : list of int
        After which epochs it was measured.
    values : list of float
        Of the metric.
    seconds : list of float
        From the start of training, measuring left out.
    best_epoch : int
        Whose state the model has.
    """

    metric: str
    epochs: list[int]
    values: list[float]
    seconds: list[float]
    best_epoch: int


def train(
    model: IterativeRecommender,
    fold: "Fold",
    *,
    metric: str = "ndcg@10",
    every: int = 1,
    patience: int | None = None,
    resume: bool = False,
) -> LearningCurve:
    """Fit an iterative algorithm on a fold, and keep the state of its best epoch.

    Parameters
    ----------
    model : IterativeRecommender
    fold : Fold
    metric : str
        What decides which epoch is best: an accuracy metric.
    every : int
        Measure after this many epochs, and after the last.
    patience : int or None
        Stop after this many measurements in a row that were not better; None: run all epochs.
    resume : bool
        Go on with a model that was trained on this fold before; see ``epochs``.

    Raises
    ------
    ValueError
        If every or patience is below 1.
    """
    if every < 1 or (patience is not None and patience < 1):
        raise ValueError(f"every and patience must be at least 1: got {every} and {patience}")
    curve = LearningCurve(metric, [], [], [], 0)
    best, best_state, training = -math.inf, dict[str, Any](), 0.0
    if resume:
        best, best_state = value_of(model, fold, metric), copy.deepcopy(model.__dict__)
        curve = replace(curve, best_epoch=model.n_epochs_)
    started = time.perf_counter()
    for epoch in model.epochs(fold.fit, resume=resume, **fold.side()):
        training += time.perf_counter() - started
        if epoch % every == 0 or epoch == model.n_epochs:
            value = value_of(model, fold, metric)
            curve.epochs.append(epoch)
            curve.values.append(value)
            curve.seconds.append(training)
            if value > best:
                best, best_state = value, copy.deepcopy(model.__dict__)
                curve = replace(curve, best_epoch=epoch)
            if patience is not None and (epoch - curve.best_epoch) >= patience * every:
                break
        started = time.perf_counter()
    model.__dict__.update(best_state)
    return curve


def _column(name: str, cutoffs: Sequence[int]) -> tuple[int, int]:
    """Where the accumulator's per-user values have a metric."""
    metric, k = parse(name, cutoffs)
    if metric not in PER_USER:
        raise ValueError(
            f"{name} has no value for each user; these have one: {', '.join(PER_USER)}"
        )
    return PER_USER.index(metric), list(cutoffs).index(k)
