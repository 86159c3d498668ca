"""A benchmark table for configurations that were not run: predicted from those that were.

The idea of NAS-Bench-301 (Zela et al. 2022, arXiv:2008.09777).
"""

import json
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from recmeta.algorithms import all_algorithms
from recmeta.architectures import all_spaces
from recmeta.experiments.table import BenchmarkTable, Problem
from recmeta.predictors._base import Predictor
from recmeta.predictors.random_forest import RandomForest
from recmeta.registry import UnknownNameError
from recmeta.search.configurations import ConfigurationSpace
from recmeta.space import Params

F64 = NDArray[np.float64]
Candidate = tuple[str, Params]
LEAST = 8  # runs that a surrogate is learned from


class Surrogate:
    """Mean and deviation of a metric, and seconds, of any configuration on one problem.

    Parameters
    ----------
    metric : str
        As the table names it, such as ``"validation:ndcg@10"``.
    predictor : Predictor or None
        None: a random forest.

    Attributes
    ----------
    space_ : ConfigurationSpace or ArchitectureSpace
        What encodes the candidates.
    """

    def __init__(self, metric: str, *, predictor: Predictor | None = None) -> None:
        self.metric = metric
        self.predictor = predictor

    def fit(self, table: BenchmarkTable, dataset: str, split: str | None = None) -> Self:
        """Learn from the successful runs of the highest fidelity on a problem.

        Raises
        ------
        ValueError
            If there are fewer than LEAST of them, or their algorithms have no known space.
        """
        problem = table.problem(dataset, split)
        if self.metric not in problem.metrics:
            names = ", ".join(sorted(problem.metrics))
            raise UnknownNameError(f"{problem.name} has no {self.metric!r}; it has: {names}")
        rows = _usable(problem, self.metric)
        if len(rows) < LEAST:
            raise ValueError(
                f"{problem.name} has {len(rows)} runs with {self.metric}: a surrogate needs {LEAST}"
            )
        candidates = [(problem.runs[row][0], problem.runs[row][1]) for row in rows]
        self.space_ = space_of(sorted({name for name, _ in candidates}))
        X = self._encoded([(name, _loaded(params)) for name, params in candidates])
        self.value_ = self._fitted(X, problem.metrics[self.metric][rows])
        seconds = problem.seconds[rows]
        timed = np.isfinite(seconds) & (seconds > 0)
        self.seconds_ = None
        if timed.sum() >= LEAST:
            self.seconds_ = self._fitted(X[timed], np.log(seconds[timed]))
        return self

    def predict(self, candidates: Sequence[Candidate]) -> tuple[F64, F64]:
        """Mean and standard deviation of the metric, both (n,)."""
        return self.value_.predict(self._encoded(candidates))

    def seconds(self, candidates: Sequence[Candidate]) -> F64:
        """Of a fit, (n,): the exponential of the mean logarithm; NaN where no run was timed."""
        if self.seconds_ is None:
            return np.full(len(candidates), np.nan)
        return np.asarray(np.exp(self.seconds_.predict(self._encoded(candidates))[0]))

    def _fitted(self, X: F64, y: F64) -> Any:
        model: Any = RandomForest() if self.predictor is None else clone(self.predictor)
        return model.fit(X, y)

    def _encoded(self, candidates: Sequence[Candidate]) -> F64:
        if isinstance(self.space_, ConfigurationSpace):
            rows = [self.space_.candidate(name, complete(name, own)) for name, own in candidates]
            return self.space_.encode(rows, "one_hot")
        archs = [tuple(params["arch"]) for _, params in candidates]
        return np.asarray(self.space_.encode(archs, "one_hot"))


def space_of(algorithms: Sequence[str]) -> Any:
    """The space that the candidates of a table lie in: configurations, or architectures.

    Raises
    ------
    ValueError
        If a name is neither an algorithm nor a space of architectures, or the two are mixed.
    """
    known = all_algorithms()
    if all(name in known for name in algorithms):
        return ConfigurationSpace({name: known[name].space for name in algorithms})
    if len(algorithms) == 1 and algorithms[0] in all_spaces():
        return all_spaces()[algorithms[0]]()
    unknown = [name for name in algorithms if name not in known]
    raise ValueError(
        f"no space is known for {', '.join(unknown)}: algorithms of recmeta, or one space of "
        f"architectures ({', '.join(all_spaces())}) can be encoded"
    )


def _usable(problem: Problem, metric: str) -> list[int]:
    top = max((run[2] for run in problem.runs), default=1.0)
    return [
        row
        for row, run in enumerate(problem.runs)
        if run[2] == top
        and problem.status[row] == "ok"
        and np.isfinite(problem.metrics[metric][row])
    ]


def complete(name: str, params: Params) -> Params:
    """With the defaults of what a run does not say, as one of an earlier version may not."""
    return all_algorithms()[name]().get_params() | params


def _loaded(params: str) -> Params:
    return dict(json.loads(params))
