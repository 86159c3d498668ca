"""Sweeps with real processes: resumed after a kill, faults recorded, bad data sets left out."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recmeta.execution.task import Result, Task
from recmeta.experiments.configurations import Configuration, configurations
from recmeta.experiments.plan import Limits, Plan
from recmeta.experiments.run_logs import keep_log
from recmeta.experiments.sources import Preparation, find_sources, prepare
from recmeta.experiments.store import Store
from recmeta.experiments.sweep import Manner, sweep

FAULTY = Path(__file__).parent.parent / "execution"


@pytest.fixture
def root(tmp_path):
    """Two data sets and a file that is none."""
    rng = np.random.default_rng(0)
    for name, n_users in (("one", 60), ("two", 80)):
        users, items = np.nonzero(rng.random((n_users, 40)) < 0.3)
        frame = pd.DataFrame({"user": users, "item": items})
        (tmp_path / name).mkdir()
        frame.to_parquet(tmp_path / name / "interactions.parquet")
    (tmp_path / "zero").mkdir()
    (tmp_path / "zero" / "interactions.parquet").write_text("this is no parquet")
    return tmp_path


@pytest.fixture
def how(tmp_path):
    return Preparation("random", 0, None, tmp_path / "cache")


def test_a_sweep_records_every_task_and_leaves_out_what_cannot_be_read(root, how, monkeypatch):
    monkeypatch.syspath_prepend(str(FAULTY))
    names = ["EASE", "faulty_algorithms:Raises", "faulty_algorithms:IsTooLarge"]
    plan = Plan(configurations(names, 1), limits=Limits(30.0, 300 * 2**20))
    events = []
    with Store(root / "s.sqlite") as store:
        sources = find_sources([], root)
        first = sweep(sources, plan, store, how, listen=lambda event, _: events.append(event.kind))
        frame = store.frame()
        again = sweep(sources, plan, store, how)
    assert first.counts == {"ok": 4, "timeout": 0, "oom": 2, "error": 2}
    assert list(first.failed) == ["zero"]
    assert first.total == first.finished == 8
    assert sorted(set(events)) == ["dataset", "failed", "run", "start"]
    assert sorted(frame["dataset"].unique()) == ["one", "two"]
    assert frame.loc[frame["status"] == "ok", "test:ndcg@10"].between(0.01, 1).all()
    assert (again.finished, again.resumed) == (0, 8)


def test_a_killed_sweep_goes_on_where_it_was(root, monkeypatch):
    script = root / "script.py"
    script.write_text(
        textwrap.dedent(f"""
        from pathlib import Path
        from recmeta.experiments.configurations import Configuration
        from recmeta.experiments.plan import Plan
        from recmeta.experiments.sources import Preparation, find_sources
        from recmeta.experiments.store import Store
        from recmeta.experiments.sweep import Manner, sweep
        root = Path({str(root)!r})
        slow = [Configuration("faulty_algorithms:Steady", {{"seconds": 0.05 + i / 1000}}, f"s{{i}}")
                for i in range(12)]
        with Store(root / "s.sqlite") as store:
            progress = sweep(
                find_sources(["one", "two"], root), Plan(tuple(slow)), store,
                Preparation("random", 0, None, root / "cache"), manner=Manner(workers=2),
                listen=lambda event, progress: print(event.kind, flush=True))
            print(progress.resumed, progress.finished)
        """)
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(FAULTY), *sys.path])}
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as driver:
        n_said = 0
        while n_said < 5:
            n_said += driver.stdout.readline() == "run\n"
        driver.send_signal(signal.SIGKILL)
        n_said += driver.stdout.read().count("run\n")
    with Store(root / "s.sqlite") as store:
        before = store.frame().set_index("id")["finished_at"].to_dict()
    assert n_said <= len(before) < 24
    second = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert second.stdout.splitlines()[-1] == f"{len(before)} {24 - len(before)}"
    with Store(root / "s.sqlite") as store:
        after = store.frame()
    assert len(after) == after["id"].nunique() == 24
    assert set(after["status"]) == {"ok"}
    kept = after.set_index("id")["finished_at"]
    assert all(kept[id_] == when for id_, when in before.items())  # none was done again


def test_faults_of_the_machine_are_done_again_and_others_when_asked(root, how, monkeypatch):
    monkeypatch.syspath_prepend(str(FAULTY))
    names = ("IsKilled", "Raises", "Steady", "IsTooLarge")
    plan = Plan(
        tuple(Configuration(f"faulty_algorithms:{name}", {}, "default") for name in names),
        limits=Limits(30.0, 2**30),
    )
    sources = find_sources(["one"], root)
    begun, logs = [], {}

    def listen(event, progress):
        if event.kind == "start":
            assert progress.running[event.task.id][0] is event.task
            begun.append(event.task.algorithm.partition(":")[2])
        elif event.kind == "run":
            logs[event.task.algorithm.partition(":")[2]] = event.detail.get("log")

    with Store(root / "s.sqlite") as store:
        first = sweep(sources, plan, store, how, listen=listen)
        tries = store.frame().set_index("algorithm")["tries"]
        assert begun.count("IsKilled") == tries["faulty_algorithms:IsKilled"] == 3
        assert (first.retried, first.running) == (2, {})
        begun.clear()
        again = sweep(sources, plan, store, how, listen=listen)
        assert (again.resumed, begun) == (3, ["IsKilled"] * 3)
        begun.clear()
        third = sweep(sources, plan, store, how, manner=Manner(retry_errors=True), listen=listen)
        assert (third.resumed, sorted(set(begun))) == (2, ["IsKilled", "Raises"])
        assert len(store.frame()) == 4
    text = Path(logs["Raises"]).read_text(encoding="utf-8")
    assert text.startswith("faulty_algorithms:Raises on one (random_holdout): error\n")
    assert "ZeroDivisionError: the divisor was" in text
    assert '"data_key":' in text
    assert "tried 3 times" in Path(logs["IsKilled"]).read_text(encoding="utf-8")
    assert logs["Steady"] is logs["IsTooLarge"] is None
    folder = Path(f"{root / 's.sqlite'}.logs")
    assert sorted(folder.iterdir()) == sorted(Path(logs[one]) for one in ("Raises", "IsKilled"))


def test_a_run_that_is_ok_is_not_replaced_by_one_that_is_not(root, how):
    plan = Plan(configurations(["EASE"], 0))
    sources = find_sources(["one"], root)

    def fails(tasks, **_):
        return ((task, Result("timeout", error="too slow")) for task in tasks)

    with Store(root / "s.sqlite") as store:
        sweep(sources, plan, store, how)
        before = store.frame()
        manner = Manner(retry_missing=True, executor=fails)
        with_users = replace(plan, per_user=("ndcg@10",))
        again = sweep(sources, with_users, store, how, manner=manner)
        assert (again.resumed, again.counts["timeout"]) == (0, 1)
        pd.testing.assert_frame_equal(store.frame(), before)


def test_a_log_goes_when_its_task_is_ok(tmp_path):
    task = Task("/b", "d", "k", "random", "EASE")
    failed = Result("error", error="Traceback\nE: no", output="a library said so", total_s=1.0)
    file = keep_log(tmp_path / "logs", task, failed)
    assert file == tmp_path / "logs" / f"{task.id}.txt"
    assert "a library said so" in file.read_text(encoding="utf-8")
    assert keep_log(tmp_path / "logs", task, Result("ok")) is None
    assert not file.exists()


def test_two_splits_that_are_one_are_run_once_and_fidelities_apart(root, how):
    hows = [how, replace(how, split="default")]  # no times: the default is random
    plan = Plan(configurations(["TopPopular"], 0), fidelities=(0.5, 1.0))
    with Store(root / "s.sqlite") as store:
        progress = sweep(find_sources(["one"], root), plan, store, hows)
        frame = store.frame()
    assert progress.total == progress.finished == len(frame) == 2
    assert sorted(frame["fidelity"]) == [0.5, 1.0]


def test_a_stop_keeps_what_was_done_and_the_next_sweep_does_the_rest(root, how):
    plan = Plan(configurations(["EASE"], 3))
    sources = find_sources(["one", "two"], root)
    with Store(root / "s.sqlite") as store:
        stop = lambda: len(store.frame(())) >= 3  # noqa: E731
        first = sweep(sources, plan, store, how, manner=Manner(stop=stop))
        assert (first.stopped, first.finished) == (True, 3)
        second = sweep(sources, plan, store, how)
        assert (second.stopped, second.resumed, second.finished) == (False, 3, 5)
        assert store.frame()["id"].nunique() == len(store.frame()) == 8


def test_a_larger_log_is_cut_by_users_and_the_bundle_is_used_again(tmp_path):
    rng = np.random.default_rng(0)
    n_all = 18_000  # of 1,800 users: a sample keeps 1,500 of them at least
    pairs = {"user": np.arange(n_all) % 1800, "item": rng.integers(0, 200, n_all)}
    pd.DataFrame(pairs).to_parquet(tmp_path / "many.parquet")
    (source,) = find_sources([str(tmp_path / "many.parquet")], None)
    bundle = prepare(source, Preparation("random", 0, 6000, tmp_path / "cache"))
    assert bundle.info["n_users"] == 1500
    assert bundle.info["n_events"] < 0.9 * n_all
    assert bundle.info["features"]["basic.n_users"] == 1500
    written = (bundle.path / "bundle.json").stat().st_mtime_ns
    assert prepare(source, Preparation("random", 0, 6000, tmp_path / "cache")) == bundle
    assert (bundle.path / "bundle.json").stat().st_mtime_ns == written
    whole = prepare(source, Preparation("random", 0, None, tmp_path / "cache"))
    assert whole.info["n_users"] == 1800


def test_a_split_without_a_user_to_evaluate_is_an_error(tmp_path):
    once_each = pd.DataFrame({"user": np.arange(30), "item": np.arange(30) % 5})
    once_each.to_parquet(tmp_path / "few.parquet")
    (source,) = find_sources([str(tmp_path / "few.parquet")], None)
    with pytest.raises(ValueError, match="leaves no user to evaluate in validation; try another"):
        prepare(source, Preparation("random", 0, None, tmp_path / "cache"))


def test_features_beside_a_log_are_read_and_change_the_bundle(root, how):
    (plain,) = find_sources(["one"], root)
    without = prepare(plain, how)
    kinds = pd.DataFrame({"item": range(40), "kind": [k % 2 + 5 for k in range(40)]})
    kinds.to_parquet(root / "one" / "items.parquet")
    (source,) = find_sources(["one"], root)
    assert source.options == {"item_features": str(root / "one" / "items.parquet")}
    bundle = prepare(source, how)
    assert bundle.path != without.path
    assert bundle.key != without.key
    assert prepare(source, how) == bundle
    kinds.assign(kind=kinds["kind"] * 100).to_parquet(root / "one" / "items.parquet")
    assert prepare(source, how).path != bundle.path
    other = root / "other.csv"
    (given,) = find_sources(["one"], root, {"item_features": str(other)})
    assert given.options["item_features"] == str(other)


def test_sources_are_names_files_or_both(root):
    file = root / "one" / "interactions.parquet"
    named = find_sources(["two", f"mine={file}"], root)
    assert [source.name for source in named] == ["two", "mine"]
    assert [source.name for source in find_sources([str(file)], None)] == ["interactions"]


def test_a_data_set_that_is_not_there_says_where_it_was_looked_for(root):
    with pytest.raises(FileNotFoundError, match=r"no data set 'three': looked for it as a folder"):
        find_sources(["three"], root)
    with pytest.raises(FileNotFoundError, match=r"at twoo\. Did you mean two\?$"):
        find_sources(["twoo"], root)
    with pytest.raises(FileNotFoundError, match=r"no data set 'one': .* is a folder; name a file"):
        find_sources([str(root / "one")], None)
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere to look"):
        find_sources(["one"], root / "nowhere")
    with pytest.raises(ValueError, match="two data sets have the name one"):
        find_sources(["one", "one"], root)
    with pytest.raises(KeyError, match="no split is named 'half'; there are: default, random"):
        Preparation("half", 0, None, root)


def test_the_command_prints_events_and_the_leaderboard_reads_its_store(root):
    program = [sys.executable, "-c", "from recmeta.cli import main; main()"]
    store = str(root / "s.sqlite")
    options = ["--datasets", "one,two", "--root", str(root), "--algorithms", "ease,PureSVD"]
    options += ["--configs", "1", "--split", "random", "--store", store, "--json"]
    done = subprocess.run([*program, "sweep", *options], capture_output=True, text=True, check=True)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events].count("run") == 8
    assert events[-1]["counts"] == {"resumed": 0, "ok": 8, "timeout": 0, "oom": 0, "error": 0}
    board = subprocess.run(
        [*program, "leaderboard", store, "--json"], capture_output=True, text=True, check=True
    )
    document = json.loads(board.stdout)
    assert document["datasets"] == ["one", "two"]
    assert {row["algorithm"] for row in document["rows"]} == {"EASE", "PureSVD"}
