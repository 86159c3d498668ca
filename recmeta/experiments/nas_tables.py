"""Published NAS tables as benchmark tables. A candidate is ``(space, {"arch": [...]})``.

Seconds are not in the published ones: one full training counts as 1, a part of it as its share.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from recmeta.architectures.nas_bench_201 import NasBench201
from recmeta.experiments.table import BenchmarkTable, Curve, Problem, canonical_params

FAILED = -1e8  # what the published proxy files have where a proxy could not be computed
TASKS_201 = {"c10": "cifar10", "c100": "cifar100", "in16": "imagenet16-120"}
PROXIES_201 = {
    "cifar10": "nb201_zc13_cifar10_9445.csv",
    "imagenet16-120": "nb201_zc13_in16_9445.csv",
}


def nas_bench_201(folder: Path | str) -> BenchmarkTable:
    """NAS-Bench-201: 15,625 cells, three tasks, at 12 and 200 epochs.

    Metrics: ``validation:accuracy`` and ``test:accuracy`` in percent, and ``proxy:NAME`` (13, NaN
    on the cells with dead edges and where one failed) at the full fidelity.

    Parameters
    ----------
    folder : path
        With ``nb201_accuracy.csv`` and, where there are, the files of PROXIES_201.

    References
    ----------
    Dong and Yang (2020), arXiv:2001.00326; Krishnakumar et al. (2022), arXiv:2210.03230.
    """
    source = Path(folder)
    frame = pd.read_csv(source / "nb201_accuracy.csv", dtype={"ops": str})
    archs = [_of_digits(text) for text in frame["ops"]]
    problems = []
    for short, name in TASKS_201.items():
        proxies = _proxies_201(source / PROXIES_201.get(name, ""), archs)
        missing = {key: np.full(len(archs), np.nan) for key in proxies}
        parts = []
        for epochs, extra in ((12, missing), (200, proxies)):
            values = {
                f"{part}:accuracy": frame[f"{short}_{column}_e{epochs}"].to_numpy(np.float64)
                for part, column in (("validation", "val"), ("test", "test"))
            }
            parts.append((epochs / 200, values | extra))
        problems.append(_problem(name, "NasBench201", archs, parts))
    return BenchmarkTable(problems)


def trans_nas_bench(folder: Path | str) -> BenchmarkTable:
    """TransNAS-Bench-101, micro cells: 4,096 of them, seven tasks; ``validation:score``.

    Scores are as published: accuracy, structural similarity or negative loss, the larger the
    better.

    References
    ----------
    Duan et al. (2021), arXiv:2105.11871.
    """
    frame = pd.read_csv(Path(folder) / "tnb101_micro.csv")
    archs = [_of_tuple(text) for text in frame["arch"]]
    ends = "__val_accuracy"
    return BenchmarkTable(
        _problem(
            str(column).removesuffix(ends),
            "TransNasBench101Micro",
            archs,
            [(1.0, {"validation:score": frame[column].to_numpy(np.float64)})],
        )
        for column in frame.columns
        if str(column).endswith(ends)
    )


def task_set(folder: Path | str) -> BenchmarkTable:
    """TaskSet: 12 tasks, 1,000 settings of an optimiser, losses at 51 points of training.

    ``validation:loss`` is the last point (smaller is better; infinite where training diverged),
    ``curve`` has all of them; the candidate is ``("Adam8p", {name: value})``.

    References
    ----------
    Metz et al. (2020), arXiv:2002.11887.
    """
    stored = np.load(Path(folder) / "taskset_learning_curves.npz", allow_pickle=False)
    names = [str(name) for name in stored["hp_names"]]
    problems = []
    for task in [key.removesuffix("__valid") for key in stored.files if key.endswith("__valid")]:
        settings, losses = stored[f"{task}__hp"], stored[f"{task}__valid"].astype(np.float64)
        points = np.arange(losses.shape[1], dtype=np.float64)
        share = points / points[-1]
        runs, kept = [], {}
        for row, (setting, curve) in enumerate(zip(settings, losses, strict=True)):
            params = dict(zip(names, map(float, setting), strict=True))
            runs.append(("Adam8p", canonical_params(params), 1.0, 0))
            kept[row] = Curve(points.tolist(), curve.tolist(), share.tolist())
        metrics = {"validation:loss": losses[:, -1]}
        problems.append(Problem(task, runs, metrics, np.ones(len(runs)), ["ok"] * len(runs), kept))
    return BenchmarkTable(problems)


def autoencoders(folder: Path | str) -> BenchmarkTable:
    """recmeta's own: autoencoder recommenders on three data sets (docs/autoencoders.md).

    What ``BenchmarkTable.from_export`` has of it, with candidates as architectures; seconds are
    those of training.
    """
    runs = pd.read_parquet(Path(folder) / "runs.parquet")
    archs = {
        canonical_params(json.loads(str(params))): canonical_params({"arch": arch})
        for params, arch in zip(runs["params"], runs["architecture"], strict=True)
    }
    return BenchmarkTable(
        replace(
            problem, runs=[("AutoencoderSpace", archs[run[1]], *run[2:]) for run in problem.runs]
        )
        for problem in BenchmarkTable.from_export(folder).problems.values()
    )


def _problem(
    name: str,
    space: str,
    archs: list[tuple[int, ...]],
    parts: list[tuple[float, dict[str, np.ndarray]]],
) -> Problem:
    """A problem of the same architectures at several fidelities."""
    keys = [canonical_params({"arch": list(arch)}) for arch in archs]
    runs = [(space, key, fidelity, 0) for fidelity, _ in parts for key in keys]
    metrics = {key: np.concatenate([values[key] for _, values in parts]) for key in parts[0][1]}
    seconds = np.repeat([fidelity for fidelity, _ in parts], len(archs))
    return Problem(name, runs, metrics, seconds, ["ok"] * len(runs))


def _proxies_201(file: Path, archs: list[tuple[int, ...]]) -> dict[str, np.ndarray]:
    if not file.is_file():
        return {}
    frame = pd.read_csv(file)
    space = NasBench201()
    rows = {arch: row for row, arch in enumerate(archs)}
    places = [rows[space.from_naslib(_of_tuple(text))] for text in frame["net"]]
    found = {}
    for name in frame.columns.difference(["net", "net_str"]):
        values = np.full(len(archs), np.nan)
        values[places] = frame[name].replace(FAILED, np.nan)
        found[f"proxy:{name}"] = values
    return found


def _of_digits(text: str) -> tuple[int, ...]:
    return tuple(int(digit) for digit in text)


def _of_tuple(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.strip("() ").split(","))
