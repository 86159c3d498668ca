"""Time-outs that are foreseen: only where a cheaper configuration has timed out, and said so."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recmeta.execution._outcome import result_of
from recmeta.execution.task import Result, Task
from recmeta.experiments.configurations import Configuration
from recmeta.experiments.hopeless import NOT_RUN, Hopeless
from recmeta.experiments.plan import Limits, Plan
from recmeta.experiments.sources import Preparation, find_sources
from recmeta.experiments.store import Store
from recmeta.experiments.sweep import Manner, sweep

FAULTY = "faulty_algorithms:CostsWhatItTakes"
FORESEEING = Manner(foresee_timeouts=True)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Sweeps one log with an algorithm that takes the seconds it is told, and says so in cost()."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "execution"))
    users, items = np.nonzero(np.random.default_rng(0).random((60, 40)) < 0.3)
    (tmp_path / "one").mkdir()
    pd.DataFrame({"user": users, "item": items}).to_parquet(
        tmp_path / "one" / "interactions.parquet"
    )
    how = Preparation("random", 0, None, tmp_path / "cache")

    def run(seconds, limit, manner=FORESEEING):
        plan = Plan(
            tuple(Configuration(FAULTY, {"seconds": one}, f"{one}") for one in seconds),
            limits=Limits(limit),
        )
        with Store(tmp_path / "s.sqlite") as store:
            sweep(find_sources([], tmp_path), plan, store, how, manner=manner)
            runs = store.frame()
        seconds_of = runs["params"].str.extract(r"([\d.]+)")[0].astype(float)
        return runs.assign(seconds=seconds_of).set_index("seconds").sort_index()

    return run


def test_what_costs_more_than_a_time_out_is_not_run_and_says_why(run):
    run([8.0], 1.5)
    runs = run([0.0, 8.0, 30.0, 60.0], 1.5)
    assert runs["status"].tolist() == ["ok", "timeout", "timeout", "timeout"]
    assert runs["error"].str.startswith(NOT_RUN).tolist() == [False, False, True, True]
    assert "no higher cost()" in runs["error"].iloc[-1]
    assert "8 s; here 60 s" in runs["error"].iloc[-1]
    assert runs["total_s"].iloc[:2].notna().all()
    assert runs["total_s"].iloc[2:].isna().all()


def test_without_being_told_everything_is_run(run):
    run([8.0], 1.0)
    runs = run([8.0, 30.0], 1.0, Manner())
    assert not runs["error"].str.startswith(NOT_RUN).any()


def test_a_time_out_under_a_shorter_limit_says_nothing(run):
    run([2.0], 1.0)
    assert run([2.0], 20.0)["status"].tolist() == ["ok"]


def test_what_is_no_dearer_than_a_run_that_came_through_is_run(run):
    run([3.0], 20.0)  # ok
    run([2.5], 1.5)  # timeout
    runs = run([2.8, 4.0], 1.5)
    assert runs["error"].str.startswith(NOT_RUN).loc[[2.8, 4.0]].tolist() == [False, True]


def test_foreseen_time_outs_teach_nothing(run):
    """A larger limit runs them after all, the cheapest first."""
    run([8.0], 1.5)
    run([8.0, 9.0], 1.5)
    runs = run([8.0, 9.0], 40.0)
    assert runs["status"].tolist() == ["ok", "ok"]


@pytest.fixture(params=["from the store", "within the sweep"])
def hopeless_after(request, tmp_path):
    """A Hopeless that knows some runs of one configuration, by either way."""
    shapes = {"shapes": {"fit": [1000, 800]}, "nnz": {"fit": 30_000}}
    parts = {"validation": shapes, "test": shapes}

    def after(*runs):
        with Store(tmp_path / "s.sqlite") as store:
            store.add_dataset("key", "one", "random", {"parts": parts})
            if request.param == "from the store":
                for seed, (task, result) in enumerate(runs):
                    store.add(replace(task, seed=seed), result)
            found = Hopeless(store, Limits(60.0))
        found.meet("key", parts)
        if request.param == "within the sweep":
            for task, result in runs:
                found.learn(task, result)
        return found

    return after


TASK = Task("bundle", "one", "key", "random", "ItemKNN", seed=9, time_limit_s=60.0)
LATE = Result("timeout", error="stopped after 60.0 s, without the 1.0 s of loading and compiling")


def test_what_costs_as_much_as_a_time_out_is_not_run(hopeless_after):
    assert hopeless_after((TASK, LATE)).reason(TASK).startswith(NOT_RUN)


def test_what_costs_as_much_as_a_run_that_came_through_is_run(hopeless_after):
    """As all configurations of one algorithm do where none of its parameters costs anything."""
    assert not hopeless_after((TASK, Result("ok")), (TASK, LATE)).reason(TASK)


@pytest.mark.parametrize("change", [{"parts": ("validation",)}, {"stop_by": "ndcg@10"}])
def test_a_time_out_says_nothing_of_other_parts_or_of_early_stopping(hopeless_after, change):
    known = hopeless_after((TASK, LATE))
    assert not known.reason(replace(TASK, **change))
    known = hopeless_after((replace(TASK, **change), LATE))
    assert known.reason(replace(TASK, **change))
    known = hopeless_after((TASK, LATE), (replace(TASK, **change), Result("ok")))
    assert known.reason(TASK)


def test_a_time_out_before_the_fit_says_nothing(hopeless_after, tmp_path):
    answer = {"why": "timeout", "warm_s": None, "wall_s": 600.0}
    stuck = result_of(tmp_path / "none", answer, threads=1)
    assert not hopeless_after((TASK, stuck)).reason(TASK)
