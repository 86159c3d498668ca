"""evaluate(): rank for every held-out user and measure, in blocks; never users x items dense."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recmeta.algorithms import Recommender
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
        Fitted on ``fold.fit``.
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
            fold.history[block], cutoffs[-1], users=fold.users[block], exclude=fold.exclude[block]
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


def _column(name: str, cutoffs: Sequence[int]) -> tuple[int, int]:
    """Where the accumulator's per-user values have a metric."""
    metric, k = parse(name, cutoffs)
    if metric not in PER_USER:
        raise ValueError(
            f"{name} has no value for each user; these have one: {', '.join(PER_USER)}"
        )
    return PER_USER.index(metric), list(cutoffs).index(k)
