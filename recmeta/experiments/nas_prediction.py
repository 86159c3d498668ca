"""How well predictors order what they have not seen: correlation, error, coverage and seconds.

A problem of a benchmark table is cut into a few training candidates and all others. By class: no
candidate is in both parts in another writing (isomorphic cells), which random cuts allow.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import kendalltau, spearmanr
from sklearn.base import clone

from recmeta.architectures._base import ArchitectureSpace
from recmeta.experiments.table import BenchmarkTable
from recmeta.predictors._base import Predictor

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Cut = Literal["random", "class"]
ONE_SIGMA, NINETY = 1.0, 1.6449  # deviations within which 68.3 and 90 % of a normal lie


@dataclass(frozen=True)
class PredictionTask:
    """Candidates with their performance, and what a predictor may read of them.

    Attributes
    ----------
    name : str
    y : float64 array, (n,)
        Larger is better.
    encodings : dict of float64 arrays, (n, d)
    classes : int64 array, (n,)
        Equal for candidates that are the same network.
    proxies : float64 array, (n, p), or None
    """

    name: str
    y: F64
    encodings: Mapping[str, F64]
    classes: I64
    proxies: F64 | None = None


def task_of(
    table: BenchmarkTable,
    problem: str,
    space: ArchitectureSpace,
    metric: str,
    *,
    encodings: Iterable[str] = ("one_hot", "path"),
    with_proxies: bool = False,
) -> PredictionTask:
    """A prediction task of a table of architectures, at its highest fidelity.

    ``with_proxies`` keeps only the candidates that have a proxy.
    """
    found = table.problem(problem)
    top = max(run[2] for run in found.runs)
    rows = np.array([row for row, run in enumerate(found.runs) if run[2] == top])
    names = sorted(name for name in found.metrics if name.startswith("proxy:"))
    proxies = np.array([found.metrics[name] for name in names]).T if names else None
    if with_proxies:
        if proxies is None:
            raise ValueError(f"{problem} has no proxies in this table")
        rows = rows[np.isfinite(proxies[rows]).any(axis=1)]
    archs = [arch_of(found.runs[row][1]) for row in rows]
    keys: dict[Any, int] = {}
    classes = np.array([keys.setdefault(space.canonical(arch), len(keys)) for arch in archs])
    return PredictionTask(
        name=problem,
        y=found.metrics[metric][rows],
        encodings={name: space.encode(archs, name) for name in encodings},
        classes=classes,
        proxies=proxies[rows] if with_proxies and proxies is not None else None,
    )


def arch_of(params: str) -> tuple[int, ...]:
    """The architecture of a table's ``{"arch": [...]}``."""
    return tuple(json.loads(params)["arch"])


def cut(task: PredictionTask, n_train: int, by: Cut, seed: int) -> tuple[I64, I64]:
    """Rows to learn from and rows to predict.

    By class, whole classes are drawn until there are ``n_train`` rows; what is too many in the last
    one is in neither part.

    Raises
    ------
    ValueError
        Where ``n_train`` leaves nothing to learn from or to predict.
    """
    if not 0 < n_train < len(task.y):
        raise ValueError(f"n_train must be of 1 to {len(task.y) - 1} candidates: got {n_train}")
    rng = np.random.default_rng(seed)
    if by == "random":
        order = rng.permutation(len(task.y))
        return order[:n_train], order[n_train:]
    rank = rng.permutation(task.classes.max() + 1)[task.classes]
    order = np.lexsort((rng.random(len(rank)), rank))
    last = rank[order[n_train - 1]]
    return order[:n_train], order[rank[order] > last]


def evaluate_predictors(
    tasks: Sequence[PredictionTask],
    predictors: Mapping[str, Predictor],
    *,
    inputs: Sequence[str],
    sizes: Sequence[int] = (100, 400),
    n_seeds: int = 8,
    by: Cut = "random",
    first_seed: int = 0,
) -> pd.DataFrame:
    """One row a task, predictor, input, size and seed.

    Parameters
    ----------
    tasks, predictors
    inputs : sequence of str
        Names of encodings, ``"proxies"``, or ``"NAME+proxies"``.
    sizes : sequence of int
        Training candidates.
    n_seeds, first_seed : int
    by : str
        How to ``cut``; by class, predictors are told the classes, as ``groups``.

    Returns
    -------
    DataFrame
        spearman and kendall (0 where all are predicted alike), rmse, covered_68 and covered_90
        (shares of the unseen values within 1 and 1.645 deviations), fit_s, query_s and n_test.
    """
    rows = []
    for task in tasks:
        for n_train in sizes:
            for seed in range(first_seed, first_seed + n_seeds):
                train, test = cut(task, n_train, by, seed)
                groups = _told(task.classes[train]) if by == "class" else None
                for name, predictor in predictors.items():
                    for what in understood(predictor, inputs):
                        row: dict[str, Any] = {"task": task.name, "predictor": name, "input": what}
                        row |= {"n_train": n_train, "seed": seed, "cut": by}
                        rows.append(row | _score(task, predictor, what, train, test, groups, seed))
    return pd.DataFrame(rows)


def _told(classes: I64) -> I64 | None:
    """Classes as ``groups``; None if all rows are of one, since nothing could be left out."""
    return classes if len(np.unique(classes)) > 1 else None


def understood(predictor: Predictor, inputs: Sequence[str]) -> list[str]:
    """The inputs with the one encoding that a predictor understands in place of all others."""
    if predictor.encoding is None:
        return list(inputs)
    own = (
        "+".join(part if part == "proxies" else str(predictor.encoding) for part in what.split("+"))
        for what in inputs
        if what != "proxies"
    )
    return list(dict.fromkeys(own))


def averages(scores: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds, and the standard error of that of Spearman's coefficient."""
    keys = ["task", "cut", "n_train", "input", "predictor"]
    groups = scores.drop(columns="seed").groupby(keys, sort=False)
    means = groups.mean()
    means.insert(1, "se", groups["spearman"].sem())
    return means.reset_index()


def _score(
    task: PredictionTask,
    predictor: Predictor,
    what: str,
    train: I64,
    test: I64,
    groups: I64 | None,
    seed: int,
) -> dict[str, float]:
    model = _seeded(predictor, seed)
    encoding, _, rest = what.partition("+")
    alone = encoding == "proxies"
    X = np.empty((len(task.y), 0)) if alone else task.encodings[encoding]
    proxies = task.proxies if alone or rest == "proxies" else None
    extra = [{} if proxies is None else {"proxies": proxies[rows]} for rows in (train, test)]
    started = time.perf_counter()
    model.fit(X[train], task.y[train], **extra[0], groups=groups)
    fitted = time.perf_counter()
    mean, std = model.predict(X[test], **extra[1])
    ended = time.perf_counter()
    error = np.abs(task.y[test] - mean)
    return {
        "spearman": correlation(spearmanr, mean, task.y[test]),
        "kendall": correlation(kendalltau, mean, task.y[test]),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "covered_68": float((error <= ONE_SIGMA * std).mean()),
        "covered_90": float((error <= NINETY * std).mean()),
        "fit_s": fitted - started,
        "query_s": ended - fitted,
        "n_test": float(len(test)),
    }


def correlation(statistic: Callable[[F64, F64], Any], predicted: F64, y: F64) -> float:
    """A rank correlation of scipy.stats; 0 where all are predicted alike, which orders nothing.

    It is not defined there, and a mean over seeds or problems would leave such a one out.
    """
    return float(statistic(predicted, y).statistic) if np.ptp(predicted) > 0 else 0.0


def evaluate_transfer(
    tasks: Sequence[PredictionTask],
    source: Predictor,
    target: Predictor,
    *,
    encoding: str = "path",
    n_source: int = 400,
    n_target: int = 20,
    n_seeds: int = 8,
    first_seed: int = 0,
) -> pd.DataFrame:
    """Leave one task out: what the other tasks' models say of a candidate, as its proxies.

    A ``source`` predictor is learned on each other task from ``n_source`` candidates. The
    ``target`` predictor is learned from ``n_target`` candidates of the task itself, whole classes
    that it is told as ``groups``: with the encoding alone, with what the sources predict alone, and
    with both.

    Returns
    -------
    DataFrame
        One row a task, seed and way (``"alone"``, ``"transferred"``, ``"both"``), with spearman.
        Candidates of a class of the target's training part are not scored.
    """
    rows = []
    for seed in range(first_seed, first_seed + n_seeds):
        models = {task.name: _learned(source, task, encoding, n_source, seed) for task in tasks}
        for task in tasks:
            train, test = cut(task, n_target, "class", seed)
            groups = _told(task.classes[train])
            X = task.encodings[encoding]
            others = [models[name] for name in models if name != task.name]
            told = np.array([model.predict(X)[0] for model in others]).T
            ways = {"alone": X, "transferred": told, "both": np.hstack([X, told])}
            for way, table in ways.items():
                model = _seeded(target, seed).fit(table[train], task.y[train], groups=groups)
                mean, _ = model.predict(table[test])
                rank = correlation(spearmanr, mean, task.y[test])
                rows.append({"task": task.name, "way": way, "seed": seed, "spearman": rank})
    return pd.DataFrame(rows)


def _learned(
    predictor: Predictor, task: PredictionTask, encoding: str, n: int, seed: int
) -> Predictor:
    rows = np.random.default_rng([seed, n]).permutation(len(task.y))[:n]
    return _seeded(predictor, seed).fit(task.encodings[encoding][rows], task.y[rows])


def _seeded(predictor: Predictor, seed: int) -> Predictor:
    model: Any = clone(predictor)
    if "random_state" in model.get_params():
        model.set_params(random_state=seed)
    return model
