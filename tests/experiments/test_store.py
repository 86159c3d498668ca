"""The store: nothing acknowledged is lost, nothing is there twice."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from dataclasses import replace

import numpy as np
import pytest

from recmeta.execution.task import Result, Task
from recmeta.experiments.store import Store, StoreError

TASK = Task("/b", "shop", "k1", "random", "EASE", {"l2": 10.0}, time_limit_s=10.0, memory_bytes=100)
RESULT = Result(
    "ok",
    metrics={"validation": {"ndcg@10": 0.25, "mrr@10": 0.5}, "test": {"ndcg@10": 0.125}},
    standard_errors={"test": {"ndcg@10": 0.01}},
    per_user={"test": {"ndcg@10": np.array([0.0, 0.25], dtype=np.float16)}},
    n_users={"validation": 3, "test": 2},
    fit_s=1.5,
    peak_mb=12.0,
    versions={"numpy": "9"},
)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "new folder" / "s.sqlite") as one:
        yield one


def test_a_run_is_read_as_it_was_written(store):
    store.add(TASK, RESULT)
    row = store.frame(["ndcg@10", "mrr@10"]).iloc[0]
    assert (row["id"], row["dataset"], row["params"]) == (TASK.id, "shop", '{"l2": 10.0}')
    assert (row["status"], row["n_users_test"]) == ("ok", 2)
    assert (row["fit_s"], row["peak_mb"]) == (1.5, 12.0)
    assert (row["validation:ndcg@10"], row["test:ndcg@10"]) == (0.25, 0.125)
    assert row["test:ndcg@10:se"] == 0.01
    assert row["validation:mrr@10"] == 0.5
    assert np.isnan(row["test:mrr@10"])
    blob = sqlite3.connect(store.path).execute("SELECT float16 FROM vector").fetchone()[0]
    np.testing.assert_array_equal(np.frombuffer(blob, "<f2"), [0.0, 0.25])


def test_a_second_run_of_a_task_replaces_the_first(store):
    store.add(TASK, RESULT)
    store.add(replace(TASK, seed=1), RESULT)
    store.add(TASK, replace(RESULT, status="timeout", metrics={}, per_user={}))
    frame = store.frame()
    assert sorted(frame["status"]) == ["ok", "timeout"]
    counts = {
        table: store._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("run", "measured", "score", "vector")
    }
    assert counts == {"run": 2, "measured": 2, "score": 2, "vector": 1}


@pytest.mark.parametrize(
    ("status", "limits", "done"),
    [
        ("ok", {"time_limit_s": 99.0, "memory_bytes": 999}, True),
        ("error", {"time_limit_s": 99.0, "memory_bytes": 999}, True),
        ("timeout", {"time_limit_s": 10.0, "memory_bytes": 999}, True),
        ("timeout", {"time_limit_s": 10.5, "memory_bytes": 100}, False),
        ("timeout", {"time_limit_s": None, "memory_bytes": 100}, False),
        ("oom", {"time_limit_s": 99.0, "memory_bytes": 100}, True),
        ("oom", {"time_limit_s": 10.0, "memory_bytes": 101}, False),
        ("oom", {"time_limit_s": 10.0, "memory_bytes": None}, False),
    ],
)
def test_a_fault_of_a_limit_is_tried_again_when_the_limit_is_raised(store, status, limits, done):
    store.add(TASK, replace(RESULT, status=status))
    assert store.done_ids(**limits) == ({TASK.id} if done else set())


def test_a_run_that_cannot_be_written_leaves_nothing_behind(store):
    with pytest.raises(KeyError, match="train"):
        store.add(TASK, replace(RESULT, metrics={"train": {"ndcg@10": 1.0}}))
    assert store.done_ids() == set()
    store.add(TASK, RESULT)
    assert store.done_ids() == {TASK.id}


def test_another_file_is_no_store(tmp_path):
    (tmp_path / "s.sqlite").write_text("user,item\n" * 500)
    with pytest.raises(StoreError, match="is no results store: file is not a database"):
        Store(tmp_path / "s.sqlite")


def test_nothing_is_written_into_somebodys_database(tmp_path):
    with sqlite3.connect(tmp_path / "mine.db") as mine:
        mine.execute("CREATE TABLE purchases (customer TEXT)")
    before = (tmp_path / "mine.db").read_bytes()
    with pytest.raises(StoreError, match="is no results store: it has purchases"):
        Store(tmp_path / "mine.db")
    assert (tmp_path / "mine.db").read_bytes() == before


def test_a_store_of_another_version_is_refused(store):
    store._connection.execute("PRAGMA user_version = 7")
    with pytest.raises(StoreError, match="is a store of version 7, this recmeta writes 2"):
        Store(store.path)


def test_writers_at_one_time_wait_for_each_other(store):
    def write(first: int) -> None:
        with Store(store.path) as own:
            for seed in range(first, first + 25):
                own.add(replace(TASK, seed=seed), RESULT)

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.done_ids()) == 75


def test_no_acknowledged_run_is_lost_when_the_writer_is_killed(tmp_path):
    script = textwrap.dedent(f"""
        from dataclasses import replace
        from recmeta.execution.task import Result, Task
        from recmeta.experiments.store import Store
        task = Task("/b", "shop", "k1", "random", "EASE")
        result = Result("ok", metrics={{"test": {{f"m@{{i}}": 0.5 for i in range(300)}}}})
        store = Store({str(tmp_path / "s.sqlite")!r})
        for seed in range(100_000):
            store.add(replace(task, seed=seed), result)
            print(seed, flush=True)
        """)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=env
    ) as writer:
        said = [int(writer.stdout.readline()) for _ in range(60)]
        writer.send_signal(signal.SIGKILL)
        said += [int(line) for line in writer.stdout.read().splitlines() if line]
    with Store(tmp_path / "s.sqlite") as store:
        frame = store.frame(["m@299"])
        check = store._connection.execute("PRAGMA integrity_check").fetchone()[0]
    assert check == "ok"
    assert set(said) <= set(frame["seed"])
    assert len(frame) == frame["id"].nunique() <= len(said) + 1
    assert (frame["test:m@299"] == 0.5).all()
