"""What the table of autoencoders says of proxies, learning curves and predictors, in Markdown.

Called by ``autoencoder_table.py --analyse FOLDER``. The truth is test NDCG@10 after the last epoch
unless a heading says otherwise; correlations are Spearman's, over architectures whose training did
not diverge and, for a proxy, for which it is defined.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from recmeta.architectures import AutoencoderSpace
from recmeta.experiments.table import BenchmarkTable
from recmeta.predictors import Predictor, get
from recmeta.predictors.zero_cost import PROXIES

F64 = np.ndarray
SEEN = (3, 5, 10)  # epochs
FIRST = 5  # epochs that predictors see
N_TRAIN, N_SEEDS = 100, 5
FORESTS = ("RandomForest", "Boosting", "OMNI")


@dataclass(frozen=True)
class Task:
    """The runs on one data set: n architectures, alike and in one order on all of them."""

    name: str
    archs: list[tuple[int, ...]]
    validation: F64  # (n,)
    test: F64  # (n,)
    proxies: pd.DataFrame  # (n, 13)
    curves: F64  # (n, n_epochs)
    seconds: F64  # (n,)


def tasks(folder: Path) -> list[Task]:
    table, runs = BenchmarkTable.from_export(folder), pd.read_parquet(folder / "runs.parquet")
    runs["arch"] = [tuple(map(int, arch)) for arch in runs["architecture"]]
    failed = set(runs.loc[runs["status"] != "ok", "arch"])
    found = []
    for name in runs["dataset"].unique():
        problem = table.problem(name)
        rows = [row for row, arch in enumerate(runs.loc[runs["dataset"] == name, "arch"])
                if arch not in failed]  # fmt: skip
        own = runs[runs["dataset"] == name].iloc[rows]
        metrics = {key: values[rows] for key, values in problem.metrics.items()}
        found.append(
            Task(
                name,
                list(own["arch"]),
                metrics["validation:ndcg@10"],
                metrics["test:ndcg@10"],
                pd.DataFrame({proxy: metrics[f"proxy:{proxy}"] for proxy in PROXIES}),
                np.array([problem.curves[row].values for row in rows]),
                problem.seconds[rows],
            )
        )
    return found


def correlation(a: F64, b: F64) -> float:
    known = np.isfinite(a) & np.isfinite(b)
    return float(spearmanr(a[known], b[known]).statistic)


def print_table(head: list[str], rows: list[list[str]]) -> None:
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def overview(found: list[Task]) -> None:
    rows = []
    for task in found:
        low, middle, high = np.quantile(task.test, (0.1, 0.5, 0.9))
        best = int(np.argmax(task.validation))
        chosen = [task.test[0], task.test[best], task.test.max()]
        agreement = correlation(task.validation, task.test)
        figures = [f"{x:.3f}" for x in (low, middle, high, *chosen, agreement)]
        rows.append([task.name, str(len(task.test)), *figures, f"{task.seconds.sum() / 60:.0f}"])
    head = ["data set", "n", "10 %", "median", "90 %", "default", "best on validation", "best"]
    print("Test NDCG@10, its rank correlation with validation NDCG@10, minutes of training:\n")
    print_table([*head, "correlation", "minutes"], rows)


def proxy_table(found: list[Task]) -> None:
    rows = []
    for proxy in PROXIES:
        columns = [task.proxies[proxy].to_numpy() for task in found]
        both = zip(columns, found, strict=True)
        missing = np.mean([np.isnan(column).mean() for column in columns])
        values = [f"{correlation(column, task.test):.2f}" for column, task in both]
        rows.append([proxy, *values, f"{missing:.0%}"])
    print("Proxies at the random start and test NDCG@10, rank correlation:\n")
    print_table(["proxy", *(task.name for task in found), "undefined"], rows)


def curve_table(found: list[Task]) -> None:
    n_epochs = found[0].curves.shape[1]
    rows = []
    for seen in (*SEEN, n_epochs):
        values = []
        for task in found:
            value = task.curves[:, seen - 1]
            pair = correlation(value, task.validation), correlation(value, task.test)
            values.append(f"{pair[0]:.2f}, {pair[1]:.2f}")
        rows.append([str(seen), *values])
    print("Validation NDCG@10 after some epochs with that after the last, and with test:\n")
    print_table(["epochs", *(task.name for task in found)], rows)


def across(found: list[Task]) -> None:
    rows = [
        [f"{a.name}, {b.name}", f"{correlation(a.test, b.test):.2f}"]
        for a, b in combinations(found, 2)
    ]
    print("The same architectures on two data sets, rank correlation of test NDCG@10:\n")
    print_table(["data sets", "correlation"], rows)


def inputs(task: Task, others: list[Task]) -> Iterator[tuple[str, dict[str, F64]]]:
    """What a predictor may read, by name."""
    X = AutoencoderSpace().encode(task.archs, "one_hot")
    nothing, proxies = np.empty((len(X), 0)), task.proxies.to_numpy()
    elsewhere = np.column_stack([other.test for other in others])
    yield "encoding (one-hot)", {"X": X}
    yield "encoding (path)", {"X": AutoencoderSpace().encode(task.archs, "path")}
    yield "proxies", {"X": nothing, "proxies": proxies}
    yield "encoding, proxies", {"X": X, "proxies": proxies}
    yield "curve", {"X": nothing, "curves": task.curves}
    yield "encoding, curve", {"X": X, "curves": task.curves}
    yield "encoding, proxies, curve", {"X": X, "proxies": proxies, "curves": task.curves}
    yield "encoding, other data sets", {"X": np.hstack([X, elsewhere])}


def quality(name: str, given: dict[str, F64], y: F64) -> list[float]:
    """Rank correlation on the architectures that were not learned from, for each seed."""
    found = []
    # trees on a table need the same columns of both; a curve predictor learns from whole curves
    whole = FIRST if name in FORESTS else None
    for seed in range(N_SEEDS):
        order = np.random.default_rng(seed).permutation(len(y))
        train, rest = order[:N_TRAIN], order[N_TRAIN:]
        model: Predictor = get(name)().set_params(random_state=seed)
        model.fit(y=y[train], **_part(given, train, whole))
        mean, _ = model.predict(**_part(given, rest, FIRST))
        found.append(correlation(mean, y[rest]))
    return found


def _part(given: dict[str, F64], rows: F64, n_epochs: int | None) -> dict[str, F64]:
    part = {key: values[rows] for key, values in given.items()}
    return part | ({"curves": part["curves"][:, :n_epochs]} if "curves" in part else {})


def predictor_table(found: list[Task]) -> None:
    rows: dict[str, list[str]] = {}
    for task in found:
        others = [other for other in found if other is not task]
        for what, given in inputs(task, others):
            on_curves = ("CurveTrees",) if what == "encoding, curve" else ()
            for name in FORESTS + on_curves:
                scores = quality(name, given, task.test)
                text = f"{np.mean(scores):.2f} ± {np.std(scores, ddof=1):.2f}"
                rows.setdefault(f"{what} | {name}", []).append(text)
    print(
        f"Predictors that learned from {N_TRAIN} architectures, rank correlation of their mean "
        f"with test NDCG@10 of the others, mean and deviation over {N_SEEDS} draws; a curve is "
        f"that of the first {FIRST} epochs:\n"
    )
    head = ["reads", "predictor", *(task.name for task in found)]
    print_table(head, [[what, *values] for what, values in rows.items()])


def choices(found: list[Task]) -> None:
    """Which choice matters: the share of the variance of ranks between its values."""
    space, rows = AutoencoderSpace(), []
    designs = pd.DataFrame([space.to_dict(arch) for arch in found[0].archs])
    for name in designs:
        shares, best = [], []
        for task in found:
            ranks = pd.Series(task.test).rank()
            means = ranks.groupby(designs[name]).transform("mean")
            shares.append(f"{means.var(ddof=0) / ranks.var(ddof=0):.0%}")
            best.append(str(pd.Series(task.test).groupby(designs[name]).mean().idxmax()))
        pairs = [f"{share} {value}" for share, value in zip(shares, best, strict=True)]
        rows.append([str(name), *pairs])
    print("Share of the variance of ranks between the values of a choice, and the best value:\n")
    print_table(["choice", *(task.name for task in found)], rows)


def analyse(folder: Path) -> None:
    found = tasks(folder)
    for part in (overview, choices, proxy_table, curve_table, across, predictor_table):
        part(found)
