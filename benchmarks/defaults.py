"""How near an algorithm's defaults come to the best of a random search, on six real logs.

    python benchmarks/defaults.py FOLDER [--only P3alpha,RP3beta] [--configurations 40]

FOLDER/NAME/interactions.parquet is read for each NAME below. Fitted on the train part of the random
hold-out, measured by NDCG@10 on its validation part; every log has the same configurations, drawn
from the algorithm's space. A share is of the best that is found on the log, a mean one is over
logs. ``published``: the defaults of the code of Ferrari Dacrema et al., RecSys 2019, in our
implementation. ``in common``: the configuration with the highest mean share. 6 minutes on one
thread.
"""

import argparse
from pathlib import Path
from typing import Any

import numba
import numpy as np

from recmeta.algorithms import get
from recmeta.datasets import read
from recmeta.datasets.folds import Fold
from recmeta.datasets.splits import random_holdout
from recmeta.evaluation import evaluate
from recmeta.space import sample

LOGS = (
    "movielens-100k", "amazon-digital-music", "foursquare-nyc", "filmtrust", "mafengwo", "frappe",
)  # fmt: skip
ONLY = "P3alpha,RP3beta,PureSVD,IALS,BPR"
PUBLISHED: dict[str, dict[str, Any]] = {
    "P3alpha": {"n_neighbours": 100, "alpha": 1.0},
    "RP3beta": {"n_neighbours": 100, "alpha": 1.0, "beta": 0.6},
    "PureSVD": {"n_factors": 100},
}


def fold_of(path: Path) -> Fold:
    return random_holdout(read(path), seed=0).fold("validation")


def reached(name: str, params: dict[str, Any], fold: Fold) -> float:
    model = get(name)(**params).fit(fold.fit)
    return evaluate(model, fold, cutoffs=(10,)).values["ndcg@10"]


def row(name: str, folds: list[Fold], n_configurations: int) -> str:
    rng = np.random.default_rng(0)
    drawn = [sample(get(name).space, rng) for _ in range(n_configurations)]
    tried = [{}, PUBLISHED.get(name, {}), *drawn]
    values = np.array([[reached(name, params, fold) for params in tried] for fold in folds])
    shares = values / values.max(axis=1, keepdims=True)  # (n_logs, n_tried)
    common = int(shares.mean(axis=0).argmax())
    which = ", ".join(f"{key}={value:.3g}" for key, value in tried[common].items())
    by_log = " ".join(f"{share:.2f}" for share in shares[:, 0])
    published = f"{shares[:, 1].mean():.3f}" if name in PUBLISHED else ""
    return (
        f"| {name} | {shares[:, 0].mean():.3f} | {by_log} | {published} "
        f"| {np.median(shares[:, 2:], axis=1).mean():.3f} | {shares[:, common].mean():.3f} "
        f"| {which or 'the defaults'} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default=ONLY)
    parser.add_argument("--configurations", type=int, default=40)
    options = parser.parse_args()
    numba.set_num_threads(1)
    folds = [fold_of(options.folder / name / "interactions.parquet") for name in LOGS]
    print("| algorithm | defaults | by log | published | median drawn | in common | which |")
    print("|---|---|---|---|---|---|---|")
    for name in options.only.split(","):
        print(row(name, folds, options.configurations), flush=True)


if __name__ == "__main__":
    main()
