"""Predictors that read graphs and sequences, beside forests: NAS-Bench-201, CIFAR-10, all cells.

    python benchmarks/architecture_networks.py ../shared/nas [PART ...]

Validation accuracy at 200 epochs; all cells that are not of the training part are predicted. Where
whole classes are drawn, predictors are told them.
"""

import argparse
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from recmeta.architectures import NasBench201
from recmeta.experiments.nas_prediction import (
    PredictionTask,
    averages,
    cut,
    evaluate_predictors,
    task_of,
)
from recmeta.experiments.nas_tables import nas_bench_201
from recmeta.predictors import get

SIZES = (100, 400)
CUTS = ("random", "class")
N_SEEDS = 3
COLUMNS = ["cut", "n_train", "input", "predictor", "spearman", "se", "kendall"]
COLUMNS += ["covered_68", "covered_90", "fit_s", "query_s"]


def usual(name: str, *inputs: str) -> Callable[[PredictionTask], pd.DataFrame]:
    def scores(task: PredictionTask) -> pd.DataFrame:
        parts = [
            evaluate_predictors(
                [task], {name: get(name)()}, inputs=inputs, sizes=SIZES, n_seeds=N_SEEDS, by=by
            )
            for by in CUTS
        ]
        return averages(pd.concat(parts))[COLUMNS]

    return scores


def half_labelled(task: PredictionTask) -> pd.DataFrame:
    """SemiNAO, with as many cells without label, drawn from those to be predicted."""
    rows = []
    X = task.encodings["sequence"]
    for by in CUTS:
        for n in SIZES:
            for seed in range(N_SEEDS):
                train, test = cut(task, n, by, seed)
                more = np.random.default_rng(seed).choice(test, n, replace=False)
                y = np.concatenate([task.y[train], np.full(n, np.nan)])
                rows_known = np.append(train, more)
                groups = task.classes[rows_known] if by == "class" else None
                model = get("SemiNAO")(random_state=seed).fit(X[rows_known], y, groups=groups)
                mean, std = model.predict(X[test])
                error = np.abs(task.y[test] - mean)
                rows.append(
                    {
                        "cut": by,
                        "n_train": n,
                        "predictor": "SemiNAO",
                        "spearman": spearmanr(mean, task.y[test]).statistic,
                        "covered_68": (error < std).mean(),
                        "covered_90": (error < 1.645 * std).mean(),
                    }
                )
    return pd.DataFrame(rows).groupby(["cut", "n_train", "predictor"], sort=False).mean()


PARTS = {
    "forest": usual("RandomForest", "one_hot", "path"),
    "graph_network": usual("GraphNetwork", "graph"),
    "nao": usual("NAO", "sequence"),
    "semi_nao": half_labelled,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", help="the published tables, as `recmeta nas` reads them")
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; none: all"
    )
    options = parser.parse_args()
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown:
        parser.error(f"no part {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    encodings = ("one_hot", "path", "graph", "sequence")
    space, table = NasBench201(), nas_bench_201(options.folder)
    task = task_of(table, "cifar10", space, "validation:accuracy", encodings=encodings)
    for part in options.parts or PARTS:
        print(PARTS[part](task).round(3).to_string(), flush=True)


if __name__ == "__main__":
    main()
