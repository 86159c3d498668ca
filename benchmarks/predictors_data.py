"""NAS-Bench-201 as rows for predictors: encodings, proxies, accuracies, isomorphism classes."""

from ast import literal_eval
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from recmeta.architectures.nas_bench_201 import NasBench201

TABLES = Path(__file__).parents[2] / "shared" / "nas"
PROXY_FILES = {"c10": "nb201_zc13_cifar10_9445.csv", "in16": "nb201_zc13_in16_9445.csv"}
PROXIES = (
    "epe_nas", "fisher", "flops", "grad_norm", "grasp", "jacov", "l2_norm", "nwot", "params",
    "plain", "snip", "synflow", "zen",
)  # fmt: skip
FAILED = -1e8  # how the tables write that a proxy has no value
INPUTS = ("one-hot", "path", "proxies", "both")


@dataclass(frozen=True)
class Rows:
    """Candidates: X (n, d), proxies (n, p) or None, y (n,), their isomorphism classes (n,)."""

    X: np.ndarray
    proxies: np.ndarray | None
    y: np.ndarray
    classes: np.ndarray


def rows(inputs: str, task: str = "c10") -> Rows:
    """All 15,625 cells for an encoding; the 9,445 without dead edges for proxies, or both."""
    space = NasBench201()
    table = pd.read_csv(TABLES / "nb201_accuracy.csv")
    archs = [space.from_string(text) for text in table["arch"]]
    y = table[f"{task}_val_e200"].to_numpy(float)
    classes = table["unique_class"].to_numpy()
    if inputs in ("one-hot", "path"):
        X = space.encode(archs, "one_hot" if inputs == "one-hot" else "path")
        return Rows(X, None, y, classes)
    scores = pd.read_csv(TABLES / PROXY_FILES[task])
    place = {arch: at for at, arch in enumerate(archs)}
    alive = [space.from_naslib(literal_eval(text)) for text in scores["net"]]
    at = np.array([place[arch] for arch in alive])
    proxies = scores[list(PROXIES)].to_numpy(float)
    proxies[proxies <= FAILED] = np.nan
    X = space.encode(alive, "one_hot") if inputs == "both" else np.empty((len(at), 0))
    return Rows(X, proxies, y[at], classes[at])


def split(data: Rows, n_train: int, seed: int, by_class: bool) -> tuple[np.ndarray, np.ndarray]:
    """Rows to learn from, and the others; ``by_class`` without cells isomorphic to a known one."""
    order = np.random.default_rng(seed).permutation(len(data.y))
    train, test = order[:n_train], order[n_train:]
    if by_class:
        test = test[~np.isin(data.classes[test], data.classes[train])]
    return train, test
