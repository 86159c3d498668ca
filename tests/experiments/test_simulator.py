"""The simulator: its clock by hand, and strategies on tables."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recmeta.architectures.nas_bench_201 import NasBench201
from recmeta.experiments.known_configurations import KnownConfigurations
from recmeta.experiments.nas_tables import nas_bench_201
from recmeta.experiments.simulator import answers_of, best_by, simulate
from recmeta.experiments.table import BenchmarkTable
from recmeta.search import RandomSearch
from recmeta.search.asha import ASHA
from recmeta.search.local_search import LocalSearch
from recmeta.search.successive_halving import SuccessiveHalving
from recmeta.search.tpe import TPE

NAS = Path(__file__).parents[3] / "shared" / "nas"
CELLS = NasBench201()


def slow_first(candidate: tuple[int, ...], fidelity: float) -> tuple[float, float]:
    """Value and seconds: 1 + the first operation, for a full training."""
    return float(sum(candidate)), (1.0 + candidate[0]) * fidelity


@pytest.mark.parametrize("workers", [1, 3])
def test_the_clock_is_that_of_a_queue(workers: int) -> None:
    steps = simulate(CELLS, RandomSearch(), slow_first, n_trials=30, workers=workers)
    ends = [step.at for step in steps]
    assert ends == sorted(ends)
    assert len(steps) == 30
    busy = sum(slow_first(step.trial.candidate, 1.0)[1] for step in steps)
    if workers == 1:
        assert ends[-1] == pytest.approx(busy)
    else:  # no worker waits before the last trials
        assert busy / workers <= ends[-1] <= busy / workers + 5.0


def test_the_budget_ends_it() -> None:
    steps = simulate(CELLS, RandomSearch(), slow_first, n_trials=1000, budget_s=50.0, workers=2)
    assert 45.0 < steps[-1].at <= 50.0


def test_going_on_from_a_lower_fidelity_pays_the_difference() -> None:
    halving = SuccessiveHalving(n_first=3, min_fidelity=1 / 3)

    def one_second(candidate: tuple[int, ...], fidelity: float) -> tuple[float, float]:
        return float(sum(candidate)), fidelity

    resumed = simulate(CELLS, halving, one_second, n_trials=4)
    anew = simulate(CELLS, halving, one_second, n_trials=4, resume=False)
    assert resumed[-1].at == pytest.approx(3 / 3 + 2 / 3)
    assert anew[-1].at == pytest.approx(3 / 3 + 1)


def test_failures_take_their_time_and_win_nothing() -> None:
    def fails(candidate: tuple[int, ...], fidelity: float) -> tuple[float, float]:
        return (math.nan if candidate[0] > 1 else float(candidate[0])), 1.0

    steps = simulate(CELLS, LocalSearch(n_initial=3), fails, n_trials=40)
    assert steps[-1].at == 40.0
    assert best_by(steps, [0.5, 40.0])[1] == 1.0
    assert math.isnan(best_by(steps, [0.5])[0])


def test_seconds_that_are_not_known_do_not_stop_the_clock() -> None:
    def some_unknown(candidate: tuple[int, ...], fidelity: float) -> tuple[float, float]:
        return (math.nan, math.nan) if candidate[0] < 3 else (1.0, 1.0)

    steps = simulate(CELLS, RandomSearch(), some_unknown, n_trials=40, budget_s=10.0)
    n_known = sum(not math.isnan(step.trial.value) for step in steps)
    assert [step.at for step in steps if not math.isnan(step.trial.value)] == list(range(1, 11))
    assert n_known < len(steps) < 40


def test_more_workers_reach_the_same_sooner() -> None:
    ends = [
        simulate(CELLS, ASHA(min_fidelity=1 / 9), slow_first, n_trials=60, workers=n)[-1].at
        for n in (1, 4)
    ]
    assert ends[1] < ends[0] / 2.5


def _swept() -> BenchmarkTable:
    rng = np.random.default_rng(0)
    rows = []
    for place in range(60):
        name = ("EASE", "TopPopular")[place == 59]
        params = {"l2": float(10 ** rng.uniform(0, 4))} if name == "EASE" else {}
        value = 0.4 - 0.03 * (np.log10(params["l2"]) - 2) ** 2 if params else 0.1
        rows.append((str(place), name, json.dumps(params), value))
    frame = pd.DataFrame(rows, columns=["id", "algorithm", "params", "validation:ndcg@10"])
    facts = {"dataset": "shop", "split": "time", "data_key": "k", "seed": 0, "fidelity": 1.0}
    return BenchmarkTable.from_frame(frame.assign(**facts, status="ok", fit_s=2.0))


def test_a_sweep_is_searched_through_its_known_configurations() -> None:
    table = _swept()
    space = KnownConfigurations(table, "shop")
    answers = answers_of(table, "shop", "validation:ndcg@10", space)
    best = max(table.problem("shop").metrics["validation:ndcg@10"])

    def regret(strategy: object) -> float:
        runs = [simulate(space, strategy, answers, n_trials=15, seed=s) for s in range(20)]
        return float(np.mean([best - best_by(steps, [math.inf])[0] for steps in runs]))

    assert regret(LocalSearch(n_initial=4)) < regret(RandomSearch())
    everything = simulate(space, RandomSearch(), answers, n_trials=100)
    # the last few are found by chance: a strategy gives up after 200 draws that are known
    assert 55 <= len({step.trial.candidate for step in everything}) == len(everything) <= 60
    with pytest.raises(TypeError, match="TPE needs the ranges of a space: got KnownConf"):
        simulate(space, TPE(), answers, n_trials=30)


def test_neighbours_are_the_nearest_others_however_few_there_are() -> None:
    rows = [{"id": str(l2), "params": json.dumps({"l2": l2})} for l2 in (1.0, 10.0, 1000.0)]
    facts = {"dataset": "shop", "split": "time", "data_key": "k", "seed": 0, "fidelity": 1.0}
    frame = pd.DataFrame(rows).assign(**facts, algorithm="EASE", status="ok", fit_s=2.0)
    space = KnownConfigurations(BenchmarkTable.from_frame(frame), "shop")
    assert [space.neighbours(one) for one in range(3)] == [[1, 2], [0, 2], [1, 0]]
    alone = KnownConfigurations(BenchmarkTable.from_frame(frame[:1]), "shop")
    assert alone.neighbours(0) == []
    assert alone.mutate(0, np.random.default_rng(0)) == 0


@pytest.mark.skipif(not NAS.is_dir(), reason="the NAS tables are not here")
def test_a_whole_space_of_cells_has_neighbours_that_differ_in_one_operation() -> None:
    space = KnownConfigurations(nas_bench_201(NAS), "cifar10")
    _, params = space.as_query(77)
    for _, other in map(space.as_query, space.neighbours(77)):
        assert sum(a != b for a, b in zip(params["arch"], other["arch"], strict=True)) == 1


@pytest.mark.skipif(not NAS.is_dir(), reason="the NAS tables are not here")
def test_a_search_on_nas_bench_201_asks_the_table() -> None:
    table = nas_bench_201(NAS)
    answers = answers_of(table, "cifar10", "validation:accuracy", CELLS)
    steps = simulate(CELLS, LocalSearch(), answers, n_trials=100)
    assert best_by(steps, [math.inf])[0] > 91.0
    assert steps[-1].at == pytest.approx(100.0)


def test_what_was_run_at_a_lower_fidelity_alone_is_no_candidate() -> None:
    """As a sweep leaves it that was stopped between two fidelities."""
    rows = [
        {
            "id": f"{l2}-{fidelity}", "dataset": "shop", "split": "random_holdout", "data_key": "k",
            "algorithm": "EASE", "params": json.dumps({"l2": l2}), "seed": 0, "fidelity": fidelity,
            "status": "ok", "fit_s": 1.0, "total_s": 1.0, "validation:ndcg@10": l2 / 100,
        }
        for l2, fidelities in ((1.0, (0.25, 1.0)), (2.0, (0.25,)), (3.0, (0.25, 1.0)))
        for fidelity in fidelities
    ]  # fmt: skip
    table = BenchmarkTable.from_frame(pd.DataFrame(rows))
    assert len(table.configurations("shop")) == 3
    space = KnownConfigurations(table, "shop")
    assert [params["l2"] for _, params in space.known] == [1.0, 3.0]
    answers = answers_of(table, "shop", "validation:ndcg@10", space)
    steps = simulate(space, RandomSearch(), answers, n_trials=10)
    assert max(step.trial.value for step in steps) == 0.03
