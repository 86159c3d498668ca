"""A search replayed on a benchmark table, with a clock that is computed and not waited for.

Several workers ask a strategy for candidates, as a cluster would: a result is known when its
seconds are over, and what runs meanwhile is pending. Nothing is fitted, so a search over hours of
training takes seconds.
"""

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recmeta.architectures._base import ArchitectureSpace
from recmeta.experiments.table import BenchmarkTable
from recmeta.search import Proposal, SearchSpace, Strategy, Trial
from recmeta.search.configurations import ConfigurationSpace
from recmeta.space import Params

Answers = Callable[[Any, float], tuple[float, float]]


@dataclass(frozen=True)
class Step:
    """A trial and the time of the simulated clock at which it ended, in seconds."""

    at: float
    trial: Trial


def simulate(
    space: SearchSpace,
    strategy: Strategy,
    answers: Answers,
    *,
    n_trials: int,
    budget_s: float = math.inf,
    workers: int = 1,
    resume: bool = True,
    seed: int = 0,
) -> list[Step]:
    """Run a strategy against a table.

    Parameters
    ----------
    space : SearchSpace
    strategy : Strategy
    answers : callable
        (candidate, fidelity) -> (value, seconds); see ``answers_of``. A value of NaN is a failure
        that took these seconds; seconds of NaN are not known and count as none.
    n_trials : int
        Trials that end, at most.
    budget_s : float
        Nothing counts that ends later.
    workers : int
    resume : bool
        A candidate that was trained at a lower fidelity goes on from there: only the difference
        of the seconds is paid.
    seed : int

    Returns
    -------
    list of Step
        In the order in which they ended.
    """
    if workers < 1 or n_trials < 1:
        raise ValueError(f"a worker and a trial at least: got {workers} and {n_trials}")
    steps: list[Step] = []
    running: list[tuple[float, int, Proposal, float]] = []  # ends at, number, what, value
    paid: dict[Any, float] = {}
    clock, n = 0.0, 0
    while len(steps) < n_trials:
        rng = np.random.default_rng([seed, n])
        free = min(workers, n_trials - len(steps)) - len(running)
        if free > 0:
            pending = [one[2] for one in running]
            known = [step.trial for step in steps]
            for proposal in strategy.propose(space, known, rng, k=free, pending=pending):
                value, seconds = answers(proposal.candidate, proposal.fidelity)
                seconds = 0.0 if math.isnan(seconds) else seconds  # else the clock is NaN for good
                key = space.canonical(proposal.candidate)
                cost = max(seconds - (paid.get(key, 0.0) if resume else 0.0), 0.0)
                paid[key] = max(seconds, paid.get(key, 0.0))
                heapq.heappush(running, (clock + cost, n, proposal, value))
                n += 1
        if not running:
            break
        clock, _, proposal, value = heapq.heappop(running)
        if clock > budget_s:
            break
        steps.append(Step(clock, Trial(proposal.candidate, value, proposal.fidelity)))
    return steps


def answers_of(
    table: BenchmarkTable,
    dataset: str,
    metric: str,
    space: SearchSpace,
    *,
    split: str | None = None,
    larger_is_better: bool = True,
) -> Answers:
    """What ``simulate`` asks, looked up in a table; the sign is turned where smaller is better."""
    sign = 1.0 if larger_is_better else -1.0
    problem = table.problem(dataset, split).name

    def answer(candidate: Any, fidelity: float) -> tuple[float, float]:
        algorithm, params = as_query(space, candidate)
        found = table.query(problem, algorithm, params, fidelity=fidelity)
        value = found.metrics.get(metric, math.nan) if found.status == "ok" else math.nan
        return sign * value, found.seconds

    return answer


def as_query(space: SearchSpace, candidate: Any) -> tuple[str, Params]:
    """Algorithm and parameters of a candidate, as a table names them."""
    if isinstance(space, ConfigurationSpace):
        return space.params(candidate)
    if isinstance(space, ArchitectureSpace):
        return type(space).__name__, {"arch": list(candidate)}
    return space.as_query(candidate)  # type: ignore[attr-defined]


def best_by(steps: Sequence[Step], at: Sequence[float]) -> list[float]:
    """The best value among the trials of the highest fidelity that had ended by each time.

    NaN before the first one.
    """
    top = max((step.trial.fidelity for step in steps), default=1.0)
    found = []
    for time in at:
        values = [
            step.trial.value
            for step in steps
            if step.at <= time and step.trial.fidelity == top and not math.isnan(step.trial.value)
        ]
        found.append(max(values, default=math.nan))
    return found
