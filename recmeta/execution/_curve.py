"""Learning curves of fits that go on as ever: what is measured on the way is off the clock."""

import contextlib
import time
from collections.abc import Iterator

from scipy.sparse import csr_array

from recmeta.algorithms import IterativeRecommender, Recommender
from recmeta.datasets.folds import Fold
from recmeta.evaluation import value_of
from recmeta.execution.limits import PeakMemory

MEASURED = 10  # times that a training is measured


class Clock:
    """Seconds on the wall and on the processor since it was made, without pauses."""

    def __init__(self) -> None:
        self.started = [time.perf_counter(), time.process_time()]

    def wall(self) -> float:
        return time.perf_counter() - self.started[0]

    def cpu(self) -> float:
        return time.process_time() - self.started[1]

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        begun = time.perf_counter(), time.process_time()
        yield
        self.started[0] += time.perf_counter() - begun[0]
        self.started[1] += time.process_time() - begun[1]


def fit_and_watch(
    estimator: Recommender,
    X: csr_array,
    fold: Fold,
    metric: str,
    clock: Clock,
    peak: PeakMemory,
) -> dict[str, list[float]]:
    """Fit as ever, and measure an iterative algorithm on the way, off the clock."""
    curve: dict[str, list[float]] = {"epochs": [], "values": [], "seconds": []}
    if not isinstance(estimator, IterativeRecommender):
        estimator.fit(X, **fold.side())
        return {}
    every = max(estimator.n_epochs // MEASURED, 1)
    for epoch in estimator.epochs(X, **fold.side()):
        if epoch % every == 0 or epoch == estimator.n_epochs:
            curve["epochs"].append(float(epoch))
            curve["seconds"].append(clock.wall())
            with clock.paused(), peak.paused():
                curve["values"].append(float(value_of(estimator, fold, metric)))
    return curve
