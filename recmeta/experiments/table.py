"""A finished sweep as a benchmark: what a configuration reaches and costs, looked up, not run.

The idea of the tabular NAS benchmarks (Ying et al. 2019, arXiv:1902.09635), for recommenders; the
tables of NAS-Bench-201, TransNAS-Bench-101 and TaskSet load into the same object (nas_tables).

==========  ==============================================================================
word        meaning
==========  ==============================================================================
problem     a data set under one split, ``"movielens-100k/time"``, or a task of a NAS table
run         an algorithm with parameters, a seed and a fidelity on one problem
metrics     ``"validation:ndcg@10"``, ``"test:ndcg@10"``, ``"proxy:nwot"``, ...
==========  ==============================================================================
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from recmeta.algorithms import all_algorithms
from recmeta.experiments.store import Store
from recmeta.experiments.table_rows import (
    F64,
    Curve,
    Problem,
    canonical_params,
    curves_of,
    problems_of,
)
from recmeta.registry import UnknownNameError
from recmeta.space import Params

__all__ = ["HEADLINE", "Answer", "BenchmarkTable", "Curve", "Problem", "canonical_params"]

HEADLINE = ("ndcg@10", "recall@10", "hit_rate@10")


@dataclass(frozen=True)
class Answer:
    """What the table has of a configuration.

    Attributes
    ----------
    metrics : dict
        Means over the seeds that were asked for.
    seconds : float
        Of one fit, of the whole task where it failed; NaN where that is not known.
    fidelity : float
    n_seeds : int
        Runs behind the means.
    status : str
        ``"ok"``, or what became of it where no run was.
    curve : Curve or None
        Of the first seed, where one was kept.
    """

    metrics: dict[str, float]
    seconds: float
    fidelity: float
    n_seeds: int
    status: str
    curve: Curve | None = None


class BenchmarkTable:
    """Runs of a finished sweep, or of a published table, by problem.

    Parameters
    ----------
    problems : iterable of Problem
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = {problem.name: problem for problem in problems}

    @classmethod
    def from_store(cls, store: Store, metrics: Sequence[str] = HEADLINE) -> Self:
        """A table of a results store, with these metrics of it and its learning curves."""
        frame = store.frame(metrics)
        curves = {id_: Curve(**found) for id_ in frame["id"] if (found := store.curve(id_))}
        return cls.from_frame(frame, curves)

    @classmethod
    def from_export(cls, folder: Path | str) -> Self:
        """A table of what ``recmeta store export`` wrote."""
        source = Path(folder)
        file = source / "curves.parquet"
        curves = curves_of(pd.read_parquet(file)) if file.exists() else {}
        return cls.from_frame(pd.read_parquet(source / "runs.parquet"), curves)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, curves: Mapping[str, Curve] | None = None) -> Self:
        """A table of one row a run, with the columns that ``Store.frame`` has.

        Of runs that differ only in what the table does not know (parts, early stopping) one is
        kept: an ok one, of those the one with most metrics, of those the last.
        """
        return cls(problems_of(frame, curves or {}))

    def problem(self, dataset: str, split: str | None = None) -> Problem:
        """The problem of a data set; ``split`` where there are several.

        Raises
        ------
        UnknownNameError
            If there is none, or more than one; the message lists them.
        """
        exact = dataset if split is None else f"{dataset}/{split}"
        if exact in self.problems:
            return self.problems[exact]
        of_it = [name for name in self.problems if name.rpartition("/")[0] == dataset]
        if split is None and len(of_it) == 1:
            return self.problems[of_it[0]]
        names = of_it or sorted(self.problems)
        raise UnknownNameError(f"no problem {exact!r} in the table; there are: {', '.join(names)}")

    def query(
        self,
        dataset: str,
        algorithm: str,
        params: Params,
        *,
        split: str | None = None,
        fidelity: float | None = None,
        seed: int | None = None,
    ) -> Answer:
        """What a configuration reached, and what it cost.

        Parameters
        ----------
        dataset : str
            The name of a data set with one split in the table, or of a problem.
        algorithm : str
        params : dict
            Parameters that are not given have the algorithm's defaults.
        split : str or None
        fidelity : float or None
            None: the highest that the table has of it.
        seed : int or None
            None: the mean over all of them.

        Raises
        ------
        UnknownNameError
            If the table has no such run: the message says what it has. ``Surrogate`` of
            recmeta.experiments.surrogate predicts what was not run.
        """
        problem = self.problem(dataset, split)
        fidelities = problem.index[self._key(problem, algorithm, params)]
        chosen = max(fidelities) if fidelity is None else fidelity
        rows = [
            row
            for row in fidelities.get(chosen, [])
            if seed is None or problem.runs[row][3] == seed
        ]
        if not rows:
            had = {(problem.runs[row][2], problem.runs[row][3]) for rows in fidelities.values()
                   for row in rows}  # fmt: skip
            raise UnknownNameError(
                f"{algorithm} has no run of fidelity {chosen} and seed {seed} on {problem.name}; "
                f"there are (fidelity, seed): {sorted(had)}"
            )
        return _answer(problem, rows, chosen)

    def _key(self, problem: Problem, algorithm: str, params: Params) -> tuple[str, str]:
        key = (algorithm, canonical_params(params))
        if key in problem.index:
            return key
        if algorithm in all_algorithms():
            defaults = all_algorithms()[algorithm]().get_params()
            defaults.pop("random_state", None)
            _check_names(algorithm, params, defaults)
            key = (algorithm, canonical_params(defaults | params))
            if key in problem.index:
                return key
        names = sorted({name for name, _ in problem.index})
        if algorithm not in names:
            near = get_close_matches(algorithm, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names)}"
            raise UnknownNameError(f"no algorithm {algorithm!r} on {problem.name}; {hint}")
        n = sum(name == algorithm for name, _ in problem.index)
        raise UnknownNameError(
            f"{algorithm} was not run with {params} on {problem.name}; .configurations() lists the "
            f"{n} that the table has of it, and the class Surrogate predicts others: "
            "from recmeta.experiments.surrogate import Surrogate"
        )

    def configurations(
        self, dataset: str, split: str | None = None, *, whole: bool = False
    ) -> list[tuple[str, Params]]:
        """Algorithm and parameters of all that the table has on a problem.

        ``whole``: only of what was run at the highest fidelity that the problem has.
        """
        index = self.problem(dataset, split).index
        highest = max((max(rows) for rows in index.values()), default=0.0) if whole else None
        return [
            (algorithm, json.loads(params))
            for (algorithm, params), rows in index.items()
            if highest is None or highest in rows
        ]

    def __repr__(self) -> str:
        n = sum(len(problem.runs) for problem in self.problems.values())
        problems = "problem" if len(self.problems) == 1 else "problems"
        runs = "run" if n == 1 else "runs"
        return f"<BenchmarkTable: {len(self.problems):,} {problems}, {n:,} {runs}>"


def _check_names(algorithm: str, params: Params, has: Params) -> None:
    for name in params:
        if name == "random_state":
            raise UnknownNameError("random_state is no parameter in a table: ask with seed=")
        if name not in has:
            raise UnknownNameError(
                f"{algorithm} has no parameter {name}; it has: {', '.join(has) or 'none'}"
            )


def _answer(problem: Problem, rows: list[int], fidelity: float) -> Answer:
    ok = [row for row in rows if problem.status[row] == "ok"]
    used = ok or rows
    means = {name: _mean(values[used]) for name, values in problem.metrics.items()}
    metrics = {name: mean for name, mean in means.items() if not math.isnan(mean)}
    curve = next((problem.curves[row] for row in used if row in problem.curves), None)
    status = "ok" if ok else problem.status[rows[0]]
    return Answer(metrics, _mean(problem.seconds[used]), fidelity, len(used), status, curve)


def _mean(values: F64) -> float:
    """Of the seeds that have a value; NaN if none has."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan
