"""The meta-data set: what the algorithms reached on known data sets, as Parquet in this package.

A *problem* is a data set under a split; a *configuration* is an algorithm with hyperparameters.

==================  ============================================================================
problems.parquet    a row a problem: dataset, split, family, domain, sizes, meta-features
runs.parquet        a row a run: problem, algorithm, params (JSON), status, seconds, peak_mb, and
                    ``validation:METRIC@K`` and ``test:METRIC@K`` for each metric and cutoff
provenance.json     how it was made: limits, versions, counts; the commands: docs/metadata.md
==================  ============================================================================
"""

import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from recmeta.algorithms import ALGORITHMS
from recmeta.metrics import parse
from recmeta.registry import UnknownNameError

FOLDER = Path(__file__).parent / "metadata"
FILES = ("problems.parquet", "runs.parquet", "provenance.json")
PARTS = ("validation", "test")
RUN_COLUMNS = ["problem", "algorithm", "params", "status", "fit_s", "total_s", "peak_mb"]
F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """One metric over problems and configurations: (n_problems, n_configurations).

    NaN where a run failed or was not made; ``failed`` tells the two apart. A run that was not made
    counts as failed where every run of its algorithm on the problem was: too large is too large.
    """

    validation: F64
    test: F64
    failed: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class MetaData:
    """The meta-data set in memory; metrics are read from the file when they are asked for.

    Attributes
    ----------
    folder : path
    problems : DataFrame
        In the order of the rows of ``scores``.
    runs : DataFrame
        Without the metrics.
    configurations : DataFrame
        ``algorithm``, ``params`` (JSON): in the order of the columns of ``scores``.
    """

    folder: Path
    problems: pd.DataFrame
    runs: pd.DataFrame
    configurations: pd.DataFrame

    @property
    def n_problems(self) -> int:
        return len(self.problems)

    @property
    def n_datasets(self) -> int:
        return int(self.problems["dataset"].nunique())

    @property
    def n_configurations(self) -> int:
        return len(self.configurations)

    @cached_property
    def provenance(self) -> dict[str, Any]:
        text = (self.folder / "provenance.json").read_text(encoding="utf-8")
        return dict(json.loads(text))

    @cached_property
    def family_weights(self) -> F64:
        """One a family, shared by its problems: (n_problems,)."""
        families = self.problems["family"]
        return np.asarray(1.0 / families.map(families.value_counts()).to_numpy(dtype=np.float64))

    def features(self, names: list[str]) -> F64:
        """Meta-features of the problems, (n_problems, n_names)."""
        return self.problems[names].to_numpy(dtype=np.float64)

    def metrics(self) -> list[str]:
        """Names of the metrics with their cutoffs that the runs have."""
        names = pq.read_schema(self.folder / "runs.parquet").names
        return [
            name.removeprefix("test:")
            for name in names
            if name.startswith("test:") and not name.endswith(":se")
        ]

    def scores(self, metric: str) -> Scores:
        """A metric such as ``"ndcg@10"`` of all runs.

        Raises
        ------
        UnknownNameError
            If the metric is not one, or the meta-data set does not have it.
        """
        name, cutoff = parse(metric)
        if f"{name}@{cutoff}" not in self.metrics():
            have = sorted({one.partition("@")[0] for one in self.metrics()})
            raise UnknownNameError(
                f"the meta-data set has no {metric}; it has {', '.join(have)} at some cutoffs"
            )
        columns = [f"{part}:{name}@{cutoff}" for part in PARTS]
        file = self.folder / "runs.parquet"
        values = pd.read_parquet(file, columns=columns).loc[self.runs.index]
        validation, test = (self.table(values[column]) for column in columns)
        return Scores(validation, test, self._failed())

    def applicable(self) -> NDArray[np.bool_]:
        """Where a configuration can be fitted, (n_problems, n_configurations): everywhere, but for
        an algorithm that uses side information, which a problem has where it was run.
        """
        possible = np.ones((self.n_problems, self.n_configurations), dtype=np.bool_)
        algorithms = self.configurations["algorithm"].to_numpy()
        for algorithm in set(algorithms) & set(ALGORITHMS):
            if ALGORITHMS[algorithm].uses:
                run_on = self.runs.loc[self.runs["algorithm"] == algorithm, "problem"]
                problems = np.isin(np.arange(self.n_problems), run_on)
                possible[:, algorithms == algorithm] = problems[:, None]
        return possible

    def table(self, values: "pd.Series[Any]") -> F64:
        """A column of the runs as (n_problems, n_configurations), NaN where there is no run."""
        result = np.full((self.n_problems, self.n_configurations), np.nan)
        result[self.runs["problem"], self.runs["configuration"]] = values.to_numpy(np.float64)
        return result

    def _failed(self) -> NDArray[np.bool_]:
        table = self.table((self.runs["status"] != "ok").astype(float))
        failed = table > 0.5  # NaN is neither
        ok, made = table < 0.5, np.isfinite(table)
        algorithms = self.configurations["algorithm"]
        for algorithm in algorithms.unique():
            own = np.flatnonzero(algorithms == algorithm)
            hopeless = np.any(failed[:, own], axis=1) & ~np.any(ok[:, own], axis=1)
            failed[:, own] |= hopeless[:, None] & ~made[:, own]
        return failed


@cache
def load(folder: Path = FOLDER) -> MetaData:
    """The shipped meta-data set, or one that ``recmeta meta build`` wrote.

    Raises
    ------
    FileNotFoundError
        If the folder lacks one of the files.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{folder} is no meta-data set: it lacks {', '.join(missing)}; "
            "`recmeta meta build STORE --out DIR` makes one"
        )
    problems = pd.read_parquet(folder / "problems.parquet")
    runs = pd.read_parquet(folder / "runs.parquet", columns=RUN_COLUMNS)
    pairs = ["algorithm", "params"]
    configurations = runs[pairs].drop_duplicates().sort_values(pairs, ignore_index=True)
    index = pd.MultiIndex.from_frame(configurations)
    runs["configuration"] = index.get_indexer(pd.MultiIndex.from_frame(runs[pairs]))
    return MetaData(folder, problems, runs, configurations)


def of_families(known: MetaData, kept: NDArray[np.bool_]) -> MetaData:
    """The part of the meta-data set with the problems of a mask, (n_problems,)."""
    place = np.cumsum(kept) - 1
    runs = known.runs[kept[known.runs["problem"]]]
    renumbered = runs.assign(problem=place[runs["problem"]])
    problems = known.problems[kept].reset_index(drop=True)
    return MetaData(known.folder, problems, renumbered, known.configurations)
