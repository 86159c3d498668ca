"""The standard experiments on the published NAS tables, as the command line runs them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from sklearn.base import clone

from recmeta.architectures.nas_bench_201 import NasBench201
from recmeta.architectures.trans_nas_bench import TransNasBench101Micro
from recmeta.experiments.algorithm_prediction import evaluate_on_metadata
from recmeta.experiments.nas_prediction import (
    Cut,
    PredictionTask,
    averages,
    evaluate_predictors,
    evaluate_transfer,
    task_of,
)
from recmeta.experiments.nas_search import (
    SearchTask,
    average_ranks,
    evaluate_strategies,
    regrets,
)
from recmeta.experiments.nas_tables import TASKS_201, nas_bench_201, trans_nas_bench
from recmeta.metalearning.metadata import load
from recmeta.predictors import all_predictors, get, lacking
from recmeta.predictors._base import Predictor
from recmeta.predictors.bayesian_linear import BayesianLinear
from recmeta.predictors.random_forest import RandomForest
from recmeta.registry import MissingExtraError
from recmeta.search import Strategy
from recmeta.search.bananas import BANANAS
from recmeta.search.local_search import LocalSearch
from recmeta.search.npenas import NPENAS
from recmeta.search.random_search import RandomSearch
from recmeta.search.regularised_evolution import RegularisedEvolution
from recmeta.search.tpe import TPE

SEEN, REPORTED = "validation:accuracy", "test:accuracy"
WITH_PROXIES = ("cifar10", "imagenet16-120")
# a search fits 14 times: less training, which ranks as well to .01 (docs/nas.md)
IN_A_SEARCH: dict[str, dict[str, float]] = {
    "BOHAMIANN": {"n_chains": 2, "n_burn_in": 200, "thinning": 5, "step_size": 0.1},
    "NAO": {"n_epochs": 30},
}


def predictors(names: Sequence[str] = ()) -> dict[str, Predictor]:
    """Those of the names, or all that read an encoding and need no extra.

    Raises
    ------
    ValueError
        If one needs learning curves, which these tables do not have.
    MissingExtraError
        If one needs what is not installed.
    """
    if names:
        kinds = {get(name).__name__: get(name) for name in names}
        for name, kind in kinds.items():
            if kind.needs:
                raise ValueError(f"{name} needs {', '.join(kind.needs)}: name one that does not")
            if kind.requires and lacking(kind):
                raise MissingExtraError(name, kind.requires)
    else:
        kinds = {
            name: kind
            for name, kind in all_predictors().items()
            if kind.requires is None and "proxies" in kind.reads
        }
    return {name: kind() for name, kind in kinds.items()}


def predictor_table(
    folder: Path, chosen: Mapping[str, Predictor], sizes: Sequence[int], n_seeds: int, by: Cut
) -> pd.DataFrame:
    """NAS-Bench-201: encodings on all cells, and proxies on those that have them."""
    table = nas_bench_201(folder)
    space = NasBench201()
    own = {one.encoding for one in chosen.values() if one.encoding is not None}
    encodings = ("one_hot", "path", *sorted(own))
    whole = [task_of(table, name, space, SEEN, encodings=encodings) for name in TASKS_201.values()]
    live = [
        task_of(table, name, space, SEEN, encodings=encodings, with_proxies=True)
        for name in WITH_PROXIES
    ]
    parts = []
    for label, tasks, inputs in (
        ("all 15,625", whole, ("one_hot", "path")),
        ("live 9,445", live, ("one_hot", "path", "proxies", "path+proxies")),
    ):
        scores = evaluate_predictors(
            tasks, chosen, inputs=inputs, sizes=sizes, n_seeds=n_seeds, by=by
        )
        parts.append(averages(scores).assign(cells=label))
    return pd.concat(parts, ignore_index=True)


def transfer_table(folder: Path, n_seeds: int) -> pd.DataFrame:
    """TransNAS-Bench-101 micro, leaving one of seven tasks out: mean over seeds by task and way."""
    table = trans_nas_bench(folder)
    space = TransNasBench101Micro()
    tasks: list[PredictionTask] = [
        task_of(table, name, space, "validation:score") for name in table.problems
    ]
    scores = evaluate_transfer(tasks, RandomForest(), BayesianLinear(), n_seeds=n_seeds)
    wide = scores.pivot_table(index="task", columns="way", values="spearman")
    wide.loc["mean"] = wide.mean()
    return wide[["alone", "transferred", "both"]].reset_index().rename_axis(columns=None)


def algorithm_table(chosen: Mapping[str, Predictor]) -> pd.DataFrame:
    """The same predictors on the shipped meta-data set: the order of algorithms on unseen logs."""
    return evaluate_on_metadata(load(), chosen)


def strategies(chosen: Mapping[str, Predictor]) -> dict[str, Strategy]:
    """The searches that need no predictor, BANANAS with each of them, NPENAS with a forest.

    Predictors in IN_A_SEARCH have its parameters, which are faster.
    """
    plain: dict[str, Strategy] = {
        "RandomSearch": RandomSearch(),
        "RegularisedEvolution": RegularisedEvolution(),
        "LocalSearch": LocalSearch(),
        "TPE": TPE(),
        "NPENAS": NPENAS(predictor=RandomForest()),
    }
    cheaper = {
        name: clone(one).set_params(**IN_A_SEARCH.get(name, {})) for name, one in chosen.items()
    }
    return plain | {
        f"BANANAS {name}": BANANAS(predictor=one, encoding=one.encoding or "path")
        for name, one in cheaper.items()
    }


def strategy_tables(
    folder: Path, chosen: Mapping[str, Predictor], queries: int, n_seeds: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """NAS-Bench-201: regret of validation accuracy by task, and average ranks over the tasks."""
    table = nas_bench_201(folder)
    space = NasBench201()
    tasks = [SearchTask.of(table, name, space, SEEN, REPORTED) for name in TASKS_201.values()]
    scores = evaluate_strategies(tasks, strategies(chosen), n_trials=queries, n_seeds=n_seeds)
    last = int(scores["queries"].max())
    return regrets(scores, last), average_ranks(scores, last)
