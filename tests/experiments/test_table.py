"""The benchmark table: what it answers, from a store, an export and the published NAS tables."""

import importlib
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recmeta.algorithms import EASE
from recmeta.execution.task import Result, Task
from recmeta.experiments.nas_tables import nas_bench_201, task_set, trans_nas_bench
from recmeta.experiments.store import Store
from recmeta.experiments.store_export import export
from recmeta.experiments.surrogate import Surrogate
from recmeta.experiments.table import BenchmarkTable, Curve, Problem
from recmeta.registry import UnknownNameError

NAS = Path(__file__).parents[3] / "shared" / "nas"
needs_tables = pytest.mark.skipif(not NAS.is_dir(), reason="the NAS tables are not here")
L2 = (10.0, 100.0, 1000.0)
ROUNDED = 1.3e-4  # what 12 bits of fraction leave of an exported number (store_export)


def _result(value: float, seconds: float, **more: object) -> Result:
    scores = {"validation": {"ndcg@10": value}, "test": {"ndcg@10": value - 0.01}}
    return Result("ok", metrics=scores, fit_s=seconds, **more)


def _task(l2: float, seed: int = 0, **more: object) -> Task:
    params = EASE().get_params() | {"l2": l2}
    defining = {"dataset": "shop", "data_key": "k", "split": "time", "algorithm": "EASE"} | more
    return Task(bundle="", params=params, seed=seed, **defining)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    with Store(tmp_path / "runs.sqlite") as made:
        made.add_dataset("k", "shop", "time", {})
        for place, l2 in enumerate(L2):
            for seed in (0, 1):
                made.add(_task(l2, seed), _result(0.1 * place + 0.02 * seed, 1.0 + seed))
        made.add(_task(5.0), Result("timeout", error="stopped"))
        curve = {"epochs": [1.0, 2.0], "values": [0.1, 0.2], "seconds": [0.5, 1.0]}
        made.add(_task(10.0, split="random", data_key="r"), _result(0.3, 2.0, curve=curve))
        return made


@pytest.fixture
def table(store: Store) -> BenchmarkTable:
    with Store(store.path) as opened:
        return BenchmarkTable.from_store(opened, ["ndcg@10"])


def test_answers_are_means_over_seeds_or_one_seed(table: BenchmarkTable) -> None:
    both = table.query("shop", "EASE", {"l2": 100.0}, split="time")
    assert both.metrics == pytest.approx({"validation:ndcg@10": 0.11, "test:ndcg@10": 0.10})
    assert (both.seconds, both.n_seeds, both.status) == (1.5, 2, "ok")
    one = table.query("shop", "EASE", {"l2": 100.0}, split="time", seed=1)
    assert one.metrics["validation:ndcg@10"] == pytest.approx(0.12)


def test_parameters_that_are_not_given_are_the_defaults(table: BenchmarkTable) -> None:
    whole = EASE().get_params() | {"l2": 10.0}
    assert table.query("shop/time", "EASE", whole) == table.query("shop/time", "EASE", {"l2": 10})


def test_a_failed_run_is_an_answer_without_metrics(table: BenchmarkTable) -> None:
    answer = table.query("shop", "EASE", {"l2": 5.0}, split="time")
    assert (answer.status, answer.metrics) == ("timeout", {})


def test_curves_come_with_the_answer(table: BenchmarkTable) -> None:
    curve = table.query("shop", "EASE", {"l2": 10.0}, split="random").curve
    assert curve is not None
    assert curve.values == pytest.approx([0.1, 0.2])
    assert table.query("shop", "EASE", {"l2": 10.0}, split="time").curve is None


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (("shop", "EASE", {"l2": 1.0}), "there are: shop/random, shop/time"),
        (("shop/time", "EASY", {}), "did you mean EASE"),
        (("shop/time", "EASE", {"l2": 7.0}), r"configurations\(\) lists the 4 that the table has"),
        (("shop/time", "EASE", {"l2": 7.0, "random_state": 1}), "ask with seed="),
        (("shop/time", "EASE", {"foo": 7.0}), "EASE has no parameter foo; it has: l2$"),
        (("mall", "EASE", {}), "no problem 'mall' in the table; there are: shop/random"),
    ],
)
def test_what_is_not_there_is_said(table: BenchmarkTable, asked: tuple, says: str) -> None:
    with pytest.raises(UnknownNameError, match=says):
        table.query(*asked)


def test_the_import_that_an_error_advises_works(table: BenchmarkTable) -> None:
    with pytest.raises(UnknownNameError) as caught:
        table.query("shop/time", "EASE", {"l2": 7.0})
    advice = re.search(r"from (\S+) import (\S+)$", str(caught.value))
    assert advice is not None
    assert getattr(importlib.import_module(advice[1]), advice[2]) is Surrogate


def test_problems_and_runs_are_counted(table: BenchmarkTable, store: Store) -> None:
    assert repr(table) == "<BenchmarkTable: 2 problems, 8 runs>"
    with Store(store.path) as opened:
        frame = opened.frame(["ndcg@10"])
    one = BenchmarkTable.from_frame(frame[frame["split"] == "random"])
    assert repr(one) == "<BenchmarkTable: 1 problem, 1 run>"


def test_a_fidelity_that_is_not_there_is_said(table: BenchmarkTable) -> None:
    with pytest.raises(UnknownNameError, match=r"there are \(fidelity, seed\): \[\(1.0, 0\)"):
        table.query("shop/time", "EASE", {"l2": 10.0}, fidelity=0.5)


def test_an_export_answers_as_its_store(table: BenchmarkTable, store: Store) -> None:
    folder = store.path.parent / "published"
    with Store(store.path) as opened:
        export(opened, folder)
    read = BenchmarkTable.from_export(folder)
    for split, params in (("time", {"l2": 100.0}), ("random", {"l2": 10.0})):
        ours, theirs = (one.query("shop", "EASE", params, split=split) for one in (read, table))
        assert ours.metrics == pytest.approx(theirs.metrics, rel=1e-6)
        assert ours.seconds == pytest.approx(theirs.seconds, rel=ROUNDED)
    curve = read.query("shop", "EASE", {"l2": 10.0}, split="random").curve
    values = [pytest.approx(0.1, rel=ROUNDED), pytest.approx(0.2, rel=ROUNDED)]
    assert curve == Curve([1.0, 2.0], values, [0.5, 1.0])


def test_a_run_that_was_made_in_two_ways_counts_once(tmp_path: Path) -> None:
    with Store(tmp_path / "runs.sqlite") as made:
        made.add(_task(10.0), _result(0.3, 2.0))
        made.add(_task(10.0, stop_by="ndcg@10"), Result("timeout", error="stopped"))
        made.add(_task(10), Result("ok", metrics={"validation": {"ndcg@10": 0.9}}, fit_s=1.0))
        answer = BenchmarkTable.from_store(made, ["ndcg@10"]).query("shop", "EASE", {"l2": 10})
    assert (answer.n_seeds, answer.seconds, answer.status) == (1, 2.0, "ok")
    assert answer.metrics["validation:ndcg@10"] == pytest.approx(0.3)


def test_a_failed_run_has_the_seconds_of_its_whole_task(tmp_path: Path) -> None:
    with Store(tmp_path / "runs.sqlite") as made:
        made.add(_task(10.0), _result(0.3, 2.0, total_s=5.0))
        made.add(_task(20.0), Result("timeout", error="stopped", total_s=60.0))
        table = BenchmarkTable.from_store(made, ["ndcg@10"])
    seconds = [table.query("shop", "EASE", {"l2": l2}).seconds for l2 in (10.0, 20.0)]
    assert seconds == [2.0, 60.0]


def test_a_seed_without_a_metric_does_not_hide_that_of_the_others(tmp_path: Path) -> None:
    with Store(tmp_path / "runs.sqlite") as made:
        made.add(_task(10.0, seed=0), _result(0.3, 2.0))
        made.add(_task(10.0, seed=1), Result("ok", metrics={"validation": {"ndcg@10": 0.5}}))
        answer = BenchmarkTable.from_store(made, ["ndcg@10"]).query("shop", "EASE", {"l2": 10})
    assert answer.metrics == pytest.approx({"validation:ndcg@10": 0.4, "test:ndcg@10": 0.29})
    assert answer.seconds == 2.0


def test_a_data_set_may_have_a_slash_in_its_name(tmp_path: Path) -> None:
    with Store(tmp_path / "runs.sqlite") as made:
        made.add(_task(10.0, dataset="shop/2024"), _result(0.3, 2.0))
        table = BenchmarkTable.from_store(made)
    assert table.query("shop/2024", "EASE", {"l2": 10}).seconds == 2.0


def test_doubled_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="shop has a run twice"):
        Problem("shop", [("A", "{}", 1.0, 0)] * 2, {}, np.ones(2), ["ok"] * 2)


def _made_up(n: int, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    l2 = 10 ** rng.uniform(0, 4, n)
    value = 0.4 - 0.03 * (np.log10(l2) - 2) ** 2
    frame = pd.DataFrame({
        "id": [str(i) for i in range(n)], "dataset": "shop", "split": "time", "data_key": "k",
        "algorithm": "EASE", "params": [json.dumps({"l2": one}) for one in l2], "seed": 0,
        "fidelity": 1.0, "status": "ok", "fit_s": 0.1 * l2, "validation:ndcg@10": value,
    })  # fmt: skip
    return frame, value


def test_a_surrogate_predicts_what_was_not_run() -> None:
    frame, value = _made_up(80, np.random.default_rng(0))
    table = BenchmarkTable.from_frame(frame[:60])
    model = Surrogate("validation:ndcg@10").fit(table, "shop")
    new = [("EASE", json.loads(params)) for params in frame["params"][60:]]
    mean, std = model.predict(new)
    assert np.corrcoef(mean, value[60:])[0, 1] > 0.95
    assert (abs(mean - value[60:]) < 3 * std).mean() > 0.9
    ratio = model.seconds(new) / frame["fit_s"][60:].to_numpy()
    assert np.median(np.maximum(ratio, 1 / ratio)) < 1.5


def test_a_surrogate_needs_runs_and_a_metric() -> None:
    frame, _ = _made_up(5, np.random.default_rng(0))
    table = BenchmarkTable.from_frame(frame)
    with pytest.raises(ValueError, match="has 5 runs with validation:ndcg@10: a surrogate needs 8"):
        Surrogate("validation:ndcg@10").fit(table, "shop")
    with pytest.raises(UnknownNameError, match="no 'test:map@5'; it has: validation:ndcg@10"):
        Surrogate("test:map@5").fit(table, "shop")


@needs_tables
def test_nas_bench_201_has_the_published_optima() -> None:
    # Dong and Yang 2020, table 4: best test accuracies
    table = nas_bench_201(NAS)
    assert len(table.configurations("cifar10")) == 15_625
    for name, best in (("cifar10", 94.3733), ("cifar100", 73.5133), ("imagenet16-120", 47.3111)):
        problem = table.problem(name)
        assert problem.metrics["test:accuracy"].max() == pytest.approx(best, abs=1e-3)
    # the cell of the first row, and its proxies under the other numbering of edges and operations
    answer = table.query("cifar10", "NasBench201", {"arch": [4, 2, 1, 2, 1, 1]})
    assert answer.metrics["validation:accuracy"] == pytest.approx(81.9)
    early = table.query("cifar10", "NasBench201", {"arch": [4, 2, 1, 2, 1, 1]}, fidelity=12 / 200)
    assert early.metrics["validation:accuracy"] == pytest.approx(63.364)
    assert early.seconds == pytest.approx(0.06)
    proxies = table.problem("cifar10").metrics["proxy:jacov"]
    assert np.isfinite(proxies).sum() in range(9_400, 9_446)


@needs_tables
def test_the_other_published_tables_load() -> None:
    micro = trans_nas_bench(NAS)
    assert len(micro.problems) == 7
    assert all(len(problem.runs) == 4096 for problem in micro.problems.values())
    losses = task_set(NAS)
    assert len(losses.problems) == 12
    name = next(iter(losses.problems))
    algorithm, params = losses.configurations(name)[0]
    curve = losses.query(name, algorithm, params).curve
    assert curve is not None
    assert len(curve.values) == 51
