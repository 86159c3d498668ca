"""Search strategies on tables whose optimum is known: regret over queries, and average ranks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from recmeta.experiments.nas_prediction import arch_of
from recmeta.experiments.table import BenchmarkTable
from recmeta.search import SearchSpace, Strategy
from recmeta.search.loop import search

MARKS = (25, 50, 100, 150)


@dataclass(frozen=True)
class SearchTask:
    """A space with the value of every candidate.

    Attributes
    ----------
    name : str
    space : SearchSpace
    values : dict
        Candidate -> what the search sees; larger is better.
    reported : dict
        Candidate -> what is reported of the best one: test accuracy, where the search sees
        validation accuracy.
    """

    name: str
    space: SearchSpace
    values: Mapping[Any, float]
    reported: Mapping[Any, float]

    @classmethod
    def of(
        cls, table: BenchmarkTable, problem: str, space: SearchSpace, seen: str, reported: str
    ) -> "SearchTask":
        """A problem of a table of architectures, at its highest fidelity."""
        found = table.problem(problem)
        top = max(run[2] for run in found.runs)
        rows = [row for row, run in enumerate(found.runs) if run[2] == top]
        archs = [arch_of(found.runs[row][1]) for row in rows]
        values, tests = (found.metrics[name][rows].tolist() for name in (seen, reported))
        pairs = (dict(zip(archs, column, strict=True)) for column in (values, tests))
        return cls(problem, space, *pairs)


def evaluate_strategies(
    tasks: Sequence[SearchTask],
    strategies: Mapping[str, Strategy],
    *,
    n_trials: int = 150,
    batch: int = 10,
    n_seeds: int = 40,
    first_seed: int = 0,
) -> pd.DataFrame:
    """Regret of the best candidate so far, one row a task, strategy, seed and mark.

    Marks are MARKS and ``n_trials``.

    Parameters
    ----------
    tasks, strategies
    n_trials : int
        Queries.
    batch : int
        Candidates of one proposal of a strategy that fits a model; others propose one at a time.
    n_seeds, first_seed : int

    Returns
    -------
    DataFrame
        ``regret`` in the units of the task's values, ``reported`` of the best candidate.
    """
    rows = []
    for task in tasks:
        best = max(task.values.values())
        for name, strategy in strategies.items():
            k = batch if hasattr(strategy, "acquisition") else 1
            for seed in range(first_seed, first_seed + n_seeds):
                trials = search(
                    task.space, strategy, lambda arch, _, task=task: task.values[arch],  # type: ignore[misc]
                    n_trials, k=k, seed=seed,
                )  # fmt: skip
                for mark in sorted({n_trials, *(mark for mark in MARKS if mark < n_trials)}):
                    top = max(trials[:mark], key=lambda trial: trial.value)
                    row = {"task": task.name, "strategy": name, "seed": seed, "queries": mark}
                    row |= {"regret": best - top.value, "reported": task.reported[top.candidate]}
                    rows.append(row)
    return pd.DataFrame(rows)


def regrets(scores: pd.DataFrame, queries: int) -> pd.DataFrame:
    """Mean regret with its standard error, and the mean of what is reported, at one mark."""
    at = scores[scores["queries"] == queries].groupby(["strategy", "task"], sort=False)
    table = at["regret"].agg(["mean", "sem"]).rename(columns={"mean": "regret", "sem": "se"})
    return table.join(at["reported"].mean()).reset_index()


def average_ranks(scores: pd.DataFrame, queries: int) -> pd.DataFrame:
    """Mean over tasks and seeds of the rank by regret, 1 the best, ties shared."""
    at = scores[scores["queries"] == queries]
    ranks = at.groupby(["task", "seed"])["regret"].rank()
    table = at.assign(rank=ranks).groupby("strategy")["rank"].agg(["mean", "sem"])
    table = table.rename(columns={"mean": "rank", "sem": "se"}).sort_values("rank")
    return table.reset_index()
