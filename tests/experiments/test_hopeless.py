"""Time-outs that are foreseen: only where a cheaper configuration has timed out, and said so."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recmeta.experiments.configurations import Configuration
from recmeta.experiments.hopeless import NOT_RUN
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
