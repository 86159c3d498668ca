"""Which of two runs of a task is kept when stores come together."""

from dataclasses import replace

import numpy as np
import pytest

from recmeta.execution.task import Result, Task
from recmeta.experiments.store import Store
from recmeta.experiments.transfer import check, export, import_, merge

TASK = Task("/b", "d", "k", "random", "A")
CURVE = {"epochs": [1.0, 2.0], "values": [0.25, 0.5], "seconds": [1.0, 2.0]}


@pytest.mark.parametrize("way", ["import", "merge"])
@pytest.mark.parametrize(
    ("here", "there", "kept"),
    [("ok", "ok", "here"), ("ok", "oom", "here"), ("oom", "ok", "there"), ("oom", "oom", "here")],
)
def test_of_two_runs_of_a_task_an_ok_one_wins_or_the_first(tmp_path, way, here, there, kept):
    with Store(tmp_path / "1.sqlite") as one, Store(tmp_path / "2.sqlite") as two:
        for store, status, fit_s in ((one, here, 1.0), (two, there, 2.0)):
            metrics = {"test": {"ndcg@10": fit_s}} if status == "ok" else {}
            store.add(TASK, Result(status, fit_s=fit_s, metrics=metrics))
        if way == "merge":
            n_taken = merge([two], one)
        else:
            export(two, tmp_path / "out")
            n_taken = import_(tmp_path / "out", one)
        (run,) = one.frame().to_dict("records")
        assert n_taken == (kept == "there")
        assert run["fit_s"] == {"here": 1.0, "there": 2.0}[kept]
        assert check(one) == []


def test_of_two_runs_with_the_same_metrics_one_with_vectors_or_a_curve_is_kept(tmp_path):
    poor = Result("ok", metrics={"test": {"ndcg@10": 0.5}}, n_users={"test": 2}, fit_s=1.0)
    users = {"test": {"ndcg@10": np.array([0.25, 0.75], np.float16)}}
    for n, rich in enumerate([{"per_user": users}, {"curve": CURVE, "n_epochs": 2}]):
        paths = [tmp_path / f"{n}-{name}.sqlite" for name in ("poor", "rich")]
        with Store(paths[0]) as one, Store(paths[1]) as two:
            one.add(TASK, poor)
            two.add(TASK, replace(poor, fit_s=2.0, **rich))
            assert (merge([one], two), merge([two], one)) == (0, 1)
            assert one.frame()["fit_s"].tolist() == [2.0]


@pytest.mark.parametrize("way", ["import", "merge"])
@pytest.mark.parametrize(
    ("here", "there", "kept"),
    [
        (("timeout", 60.0, 9), ("timeout", 120.0, 1), "there"),
        (("timeout", 60.0, 1), ("timeout", 60.0, 9), "here"),
        (("timeout", 120.0, 1), ("timeout", 60.0, 9), "here"),
        (("timeout", 60.0, 1), ("timeout", None, 1), "there"),
        (("timeout", None, 1), ("timeout", 60.0, 1), "here"),
        (("oom", 9.0, 100), ("oom", 1.0, 200), "there"),
        (("oom", 1.0, 200), ("oom", 9.0, 100), "here"),
        (("oom", 1.0, 100), ("timeout", 9.0, 200), "here"),
        (("error", 1.0, 100), ("error", 9.0, 200), "here"),
    ],
)
def test_of_two_runs_over_a_limit_that_with_the_higher_one_is_kept(
    tmp_path, way, here, there, kept
):
    paths = {name: tmp_path / f"{name}.sqlite" for name in ("here", "there")}
    with Store(paths["here"]) as one, Store(paths["there"]) as two:
        for store, (status, seconds, memory), fit_s in ((one, here, 1.0), (two, there, 2.0)):
            task = replace(TASK, time_limit_s=seconds, memory_bytes=memory)
            store.add(task, Result(status, fit_s=fit_s))
        export(two, tmp_path / "out")
        take = {
            "merge": lambda: merge([two], one),
            "import": lambda: import_(tmp_path / "out", one),
        }
        assert take[way]() == (kept == "there")
        assert take[way]() == 0
        assert one.frame()["fit_s"].tolist() == [{"here": 1.0, "there": 2.0}[kept]]
        assert check(one) == []
