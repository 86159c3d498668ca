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
    correlation,
    cut,
    evaluate_predictors,
    task_of,
)
from recmeta.experiments.nas_tables import nas_bench_201
from recmeta.predictors import get

SIZES = (100, 400)
CUTS = ("random", "class")
N_SEEDS = 3
N_ASKED = 1500  # cells, of part groups
DEVIATIONS = {  # encoding, and seeds for each of SIZES
    "RandomForest": ("path", 8, 4),
    "Boosting": ("one_hot", 8, 4),
    "GaussianProcessRegression": ("path", 8, 4),
    "BayesianLinear": ("path", 8, 4),
    "NaturalGradientBoosting": ("path", 8, 4),
    "GraphNetwork": ("graph", 4, 2),
    "MLPEnsemble": ("path", 4, 2),
    "NAO": ("sequence", 4, 2),
    "BOHAMIANN": ("path", 4, 2),
}
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
                        "spearman": correlation(spearmanr, mean, task.y[test]),
                        "covered_68": (error < std).mean(),
                        "covered_90": (error < 1.645 * std).mean(),
                    }
                )
    return pd.DataFrame(rows).groupby(["cut", "n_train", "predictor"], sort=False).mean()


def groups(task: PredictionTask) -> pd.DataFrame:
    """Whole classes drawn: deviations and ranks without and with the classes as groups."""
    rows = []
    for name, (encoding, *n_seeds) in DEVIATIONS.items():
        X = task.encodings[encoding]
        for n, seeds in zip(SIZES, n_seeds, strict=True):
            for seed in range(seeds):
                train, test = cut(task, n, "class", seed)
                test = np.random.default_rng(seed).permutation(test)[:N_ASKED]
                for told in (None, task.classes[train]):
                    model = get(name)(random_state=seed)
                    mean, std = model.fit(X[train], task.y[train], groups=told).predict(X[test])
                    error = np.abs(task.y[test] - mean)
                    rows.append(
                        {
                            "predictor": name,
                            "n_train": n,
                            "groups": told is not None,
                            "seeds": seeds,
                            "spearman": correlation(spearmanr, mean, task.y[test]),
                            "covered_68": (error < std).mean(),
                            "covered_90": (error < 1.645 * std).mean(),
                        }
                    )
    keys = ["predictor", "n_train", "groups", "seeds"]
    return pd.DataFrame(rows).groupby(keys, sort=False).mean()


PARTS = {
    "forest": usual("RandomForest", "one_hot", "path"),
    "graph_network": usual("GraphNetwork", "graph"),
    "nao": usual("NAO", "sequence"),
    "semi_nao": half_labelled,
    "groups": groups,
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
