"""The experiments on NAS tables: cuts that don't leak, scores by hand, and figures of the field."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from recmeta.architectures.nas_bench_201 import NasBench201
from recmeta.experiments.nas_prediction import (
    Cut,
    PredictionTask,
    averages,
    correlation,
    cut,
    evaluate_predictors,
    evaluate_transfer,
    task_of,
    understood,
)
from recmeta.experiments.nas_search import (
    SearchTask,
    average_ranks,
    evaluate_strategies,
    regrets,
)
from recmeta.experiments.nas_suite import IN_A_SEARCH, predictors, strategies
from recmeta.experiments.nas_tables import nas_bench_201
from recmeta.experiments.table import BenchmarkTable
from recmeta.predictors._base import Predictor
from recmeta.predictors.bayesian_linear import BayesianLinear
from recmeta.search import RandomSearch
from recmeta.search.local_search import LocalSearch

NAS = Path(__file__).parents[3] / "shared" / "nas"
needs_tables = pytest.mark.skipif(not NAS.is_dir(), reason="the NAS tables are not here")
SPACE = NasBench201()


def made_up(n: int = 400, seed: int = 0, noise: float = 0.1) -> PredictionTask:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 5))
    y = X @ np.arange(1.0, 6.0) + noise * rng.standard_normal(n)
    proxies = np.c_[y + rng.standard_normal(n), rng.standard_normal(n)]
    return PredictionTask("made up", y, {"one_hot": X}, rng.integers(0, n // 3, n), proxies)


@pytest.mark.parametrize("seed", range(5))
def test_a_cut_by_class_has_no_class_in_both_parts(seed: int) -> None:
    task = made_up(seed=seed)
    train, test = cut(task, 50, "class", seed)
    assert len(train) == 50
    assert not set(task.classes[train]) & set(task.classes[test])
    assert len(task.y) - 60 < len(train) + len(test) <= len(task.y)
    at_random = cut(task, 50, "random", seed)
    assert sorted(np.concatenate(at_random)) == list(range(len(task.y)))
    assert set(task.classes[at_random[0]]) & set(task.classes[at_random[1]])


class LeastSquares(Predictor):
    """Ordinary least squares with the deviation of its residuals."""

    reads: ClassVar[frozenset[str]] = frozenset({"proxies"})

    def fit(self, X, y, *, curves=None, proxies=None, task=None, groups=None):  # type: ignore[no-untyped-def]
        Z = self._table(X, proxies)
        self.weights_ = np.linalg.lstsq(Z, y, rcond=None)[0]
        self.deviation_ = np.std(y - Z @ self.weights_)
        return self

    def predict(self, X, *, curves=None, proxies=None, task=None):  # type: ignore[no-untyped-def]
        mean = self._table(X, proxies) @ self.weights_
        return mean, np.full(len(mean), self.deviation_)

    def _table(self, X: np.ndarray, proxies: np.ndarray | None) -> np.ndarray:
        return np.c_[X, np.ones(len(X))] if proxies is None else np.c_[X, proxies, np.ones(len(X))]


def test_predictors_are_told_the_classes_where_whole_ones_are_drawn() -> None:
    told = []

    class Listens(LeastSquares):
        def fit(self, X, y, **sides):  # type: ignore[no-untyped-def]
            told.append(sides.pop("groups"))
            return super().fit(X, y, **sides)

    task = made_up()
    for by in ("class", "random"):
        evaluate_predictors(
            [task], {"own": Listens()}, inputs=("one_hot",), sizes=(50,), n_seeds=1, by=by
        )
    np.testing.assert_array_equal(told[0], task.classes[cut(task, 50, "class", 0)[0]])
    assert told[1] is None


def test_a_part_of_one_class_alone_is_learned_from_without_groups() -> None:
    task = made_up()
    task = replace(task, classes=np.r_[np.zeros(300, int), np.arange(1, 101)])
    seed = next(s for s in range(999) if not task.classes[cut(task, 20, "class", s)[0]].any())
    scores = evaluate_predictors(
        [task], {"linear": BayesianLinear()}, inputs=("one_hot",), sizes=(20,), n_seeds=1,
        by="class", first_seed=seed,
    )  # fmt: skip
    assert scores["spearman"].item() > 0.5
    paths = [replace(task, name=name, encodings={"path": task.encodings["one_hot"]})
             for name in ("a", "b")]  # fmt: skip
    found = evaluate_transfer(
        paths, BayesianLinear(), BayesianLinear(), n_source=50, n_target=20, n_seeds=1,
        first_seed=seed,
    )  # fmt: skip
    assert (found["spearman"] > 0.5).all()


@pytest.mark.parametrize("by", ["random", "class"])
@pytest.mark.parametrize("n_train", [0, 400])
def test_a_cut_that_leaves_a_part_empty_is_refused(by: Cut, n_train: int) -> None:
    with pytest.raises(ValueError, match=f"n_train must be of 1 to 399 candidates: got {n_train}"):
        cut(made_up(), n_train, by, 0)


class Alike(LeastSquares):
    """All candidates are predicted alike."""

    def predict(self, X, **sides):  # type: ignore[no-untyped-def]
        return np.full(len(X), 0.5), np.ones(len(X))


def test_who_predicts_all_alike_orders_nothing_and_no_seed_of_it_is_left_out() -> None:
    scores = evaluate_predictors(
        [made_up()], {"alike": Alike()}, inputs=("one_hot",), sizes=(50,), n_seeds=2
    )
    assert (scores[["spearman", "kendall"]] == 0).all(axis=None)
    y = np.array([1.0, 3.0, 2.0, 4.0])
    assert correlation(spearmanr, y, y[::-1]) == spearmanr(y, y[::-1]).statistic


def test_scores_of_a_linear_model_are_those_of_its_noise() -> None:
    found = averages(
        evaluate_predictors(
            [made_up(2000, noise=1.0)], {"linear": LeastSquares()},
            inputs=("one_hot", "proxies", "one_hot+proxies"), sizes=(500,), n_seeds=2,
        )
    ).set_index("input")  # fmt: skip
    assert found.loc["one_hot", "rmse"] == pytest.approx(1.0, abs=0.06)
    assert found.loc["one_hot", "covered_68"] == pytest.approx(0.683, abs=0.04)
    assert found.loc["one_hot", "covered_90"] == pytest.approx(0.90, abs=0.03)
    # of the variance 56 a proxy with noise 1 leaves about 1; both together half of that
    assert found.loc["proxies", "rmse"] == pytest.approx(1.0, abs=0.06)
    assert found.loc["one_hot+proxies", "rmse"] == pytest.approx(np.sqrt(0.5), abs=0.05)
    assert (found["kendall"] < found["spearman"]).all()


def test_the_target_of_a_transfer_is_told_its_classes_and_the_sources_are_not() -> None:
    told = []

    class Listens(LeastSquares):
        def fit(self, X, y, *, groups=None, **sides):  # type: ignore[no-untyped-def]
            told.append((len(X), groups))
            return super().fit(X, y, **sides)

    tasks = [
        PredictionTask(one.name + str(seed), one.y, {"path": one.encodings["one_hot"]}, one.classes)
        for seed, one in ((seed, made_up(seed=seed)) for seed in (1, 2))
    ]
    evaluate_transfer(tasks, Listens(), Listens(), n_source=60, n_target=12, n_seeds=1)
    assert [n for n, groups in told if groups is None] == [60, 60]
    given = [groups for _, groups in told if groups is not None]
    assert len(given) == 6  # three ways for each of two tasks
    for task, groups in zip(tasks, (given[0], given[3]), strict=True):
        np.testing.assert_array_equal(groups, task.classes[cut(task, 12, "class", 0)[0]])


def test_transfer_helps_where_tasks_are_alike_and_not_where_they_are_not() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 30))
    weights = rng.standard_normal(30)
    other = rng.standard_normal(30)
    tasks = [
        PredictionTask(name, X @ w, {"path": X}, np.arange(300))
        for name, w in (("a", weights), ("b", 2 * weights), ("alone", other))
    ]
    found = evaluate_transfer(
        tasks, BayesianLinear(), BayesianLinear(), n_source=200, n_target=10, n_seeds=2
    ).pivot_table(index="task", columns="way", values="spearman")
    assert found.loc["a", "transferred"] > 0.95 > 0.8 > found.loc["a", "alone"]
    assert found.loc["alone", "transferred"] < 0.5


def test_regret_and_ranks_by_hand() -> None:
    values = {arch: float(sum(arch)) for arch in np.ndindex(*SPACE.n_values)}
    task = SearchTask("sum", SPACE, values, {arch: -value for arch, value in values.items()})
    strategies = {"local": LocalSearch(n_initial=5), "random": RandomSearch()}
    scores = evaluate_strategies([task], strategies, n_trials=60, n_seeds=3)
    assert set(scores["queries"]) == {25, 50, 60}
    assert (scores["regret"] == 24.0 + scores["reported"]).all()
    table = regrets(scores, 60).set_index("strategy")
    assert table.loc["local", "regret"] < table.loc["random", "regret"]
    ranks = average_ranks(scores, 60)
    assert ranks["strategy"].tolist() == ["local", "random"]
    assert ranks["rank"].sum() == pytest.approx(3.0)


def test_predictors_without_extras_read_encodings() -> None:
    names = set(predictors())
    assert {"RandomForest", "Boosting", "BayesianLinear"} <= names
    assert not names & {"LastValue", "MLPEnsemble"}
    assert set(predictors(["random-forest"])) == {"RandomForest"}


def test_a_predictor_is_given_the_encoding_that_it_understands() -> None:
    class ReadsGraphs(LeastSquares):
        encoding: ClassVar[str | None] = "graph"

    inputs = ("one_hot", "path", "proxies", "path+proxies")
    assert understood(LeastSquares(), inputs) == list(inputs)
    assert understood(ReadsGraphs(), inputs) == ["graph", "graph+proxies"]
    task = made_up()
    task = replace(task, encodings={"graph": task.encodings["one_hot"]})
    scores = evaluate_predictors([task], {"own": ReadsGraphs()}, inputs=inputs, sizes=(50,))
    assert set(scores["input"]) == {"graph", "graph+proxies"}
    searches = strategies({"graphs": ReadsGraphs(), "any": LeastSquares()})
    assert searches["BANANAS graphs"].get_params()["encoding"] == "graph"
    assert searches["BANANAS any"].get_params()["encoding"] == "path"


@pytest.fixture(scope="module")
def table() -> BenchmarkTable:
    return nas_bench_201(NAS)


@needs_tables
def test_the_order_of_inputs_is_that_of_the_field(table: BenchmarkTable) -> None:
    # reference/nas.md D.2: one-hot .705, path .769, 13 proxies .904 at 100 training cells
    task = task_of(table, "cifar10", SPACE, "validation:accuracy", with_proxies=True)
    assert len(task.y) == 9445
    scores = evaluate_predictors(
        [task], predictors(["RandomForest"]), inputs=("one_hot", "path", "proxies"),
        sizes=(100,), n_seeds=2,
    )  # fmt: skip
    found = averages(scores).set_index("input")["spearman"]
    assert found["one_hot"] < found["path"] < found["proxies"]
    assert found["proxies"] > 0.90


@needs_tables
def test_local_search_beats_random_search_on_nas_bench_201(table: BenchmarkTable) -> None:
    # reference/nas.md D.5, validation regret at 150 queries: random .621, local .173
    task = SearchTask.of(table, "cifar10", SPACE, "validation:accuracy", "test:accuracy")
    strategies = {"local": LocalSearch(), "random": RandomSearch()}
    scores = evaluate_strategies([task], strategies, n_seeds=12)
    found: pd.DataFrame = regrets(scores, 150).set_index("strategy")
    assert found.loc["local", "regret"] < 0.35 < found.loc["random", "regret"]
    assert found.loc["local", "reported"] > found.loc["random", "reported"]


def test_networks_train_less_inside_a_search_and_as_they_are_elsewhere() -> None:
    pytest.importorskip("torch")
    chosen = predictors(["NAO", "BOHAMIANN", "RandomForest"])
    own = {name: one.get_params() for name, one in chosen.items()}
    found = strategies(chosen)
    for name, faster in IN_A_SEARCH.items():
        inside = found[f"BANANAS {name}"].get_params(deep=False)["predictor"].get_params()
        assert inside == own[name] | faster != own[name]
        assert chosen[name].get_params() == own[name]
    forest = found["BANANAS RandomForest"].get_params(deep=False)["predictor"]
    assert forest.get_params() == own["RandomForest"]
