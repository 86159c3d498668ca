"""Predictors on NAS-Bench-201, CIFAR-10, validation accuracy after 200 epochs.

    python benchmarks/predictors.py [--only Boosting,OMNI] [--seeds 2] [--task c10]
        [--inputs one-hot,path,proxies,both] [--sizes 100,400] [--query 2000] [--plain]

Encodings: of all 15,625 cells; 13 proxies, and both: of the 9,445 without dead edges. Means over
seeds of Spearman's and Kendall's rank correlation and the RMSE (percentage points) on the other
cells, the shares of them within 1 and 1.645 predicted standard deviations (a normal: .683, .900),
CPU seconds (one thread) of a fit, and of a query scaled to 10,000 cells. "new" is Spearman on cells
that are not isomorphic to one that was learned from. ``--query`` of the others are asked, at
random; 0: all. ``--plain``: of y itself in place of its normal scores, where there is a choice.
"""

import argparse
import time
from collections.abc import Iterator

import numpy as np
from predictors_data import INPUTS, Rows, rows, split
from scipy.stats import kendalltau, spearmanr

from recmeta.predictors import Predictor, all_predictors, lacking

COLUMNS = ("spearman", "new", "kendall", "rmse", "in 1", "in 1.645", "fit s", "query s")


def measured(model: Predictor, data: Rows, n_train: int, seed: int, query: int) -> list[float]:
    """One row of figures, as in COLUMNS."""
    train, test = split(data, n_train, seed, by_class=False)
    test = test[:query] if query else test
    began = time.process_time()
    model.fit(data.X[train], data.y[train], proxies=_of(data, train))
    fitted = time.process_time()
    mean, std = model.predict(data.X[test], proxies=_of(data, test))
    asked = time.process_time()
    errors = np.abs(data.y[test] - mean)
    new = ~np.isin(data.classes[test], data.classes[train])
    return [
        spearmanr(mean, data.y[test])[0],
        spearmanr(mean[new], data.y[test][new])[0],
        kendalltau(mean, data.y[test])[0],
        np.sqrt((errors**2).mean()),
        (errors < std).mean(),
        (errors < 1.645 * std).mean(),
        fitted - began,
        (asked - fitted) * 1e4 / len(test),
    ]


def _of(data: Rows, at: np.ndarray) -> np.ndarray | None:
    return None if data.proxies is None else data.proxies[at]


def candidates(only: str) -> Iterator[tuple[str, type[Predictor]]]:
    wanted = set(only.split(",")) if only else None
    for name, kind in all_predictors().items():
        if kind.needs or lacking(kind) or (wanted and name not in wanted):
            continue
        # a predictor that looks at curves alone has nothing to look at here
        if kind.reads != {"curves"}:
            yield name, kind


def made(kind: type[Predictor], plain: bool) -> Predictor:
    model = kind()
    if plain and "normal_scores" in model.get_params():
        model.set_params(normal_scores=False)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--task", default="c10", choices=("c10", "in16"))
    parser.add_argument("--inputs", default=",".join(INPUTS))
    parser.add_argument("--sizes", default="100,400")
    parser.add_argument("--query", type=int, default=2000)
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    print(f"{'predictor':26}{'inputs':9}{'n':>4}" + "".join(f"{name:>10}" for name in COLUMNS))
    for inputs in options.inputs.split(","):
        data = rows(inputs, options.task)
        for n_train in map(int, options.sizes.split(",")):
            for name, kind in candidates(options.only):
                figures = np.mean(
                    [
                        measured(made(kind, options.plain), data, n_train, seed, options.query)
                        for seed in range(options.seeds)
                    ],
                    axis=0,
                )
                words = "".join(f"{value:10.3f}" for value in figures)
                print(f"{name:26}{inputs:9}{n_train:4}{words}", flush=True)


if __name__ == "__main__":
    main()
