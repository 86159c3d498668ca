"""A store of version 1 becomes one of version 2 with all that it had, or stays as it was."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recmeta.execution.task import Result, Task
from recmeta.experiments.store import Store, StoreError
from recmeta.experiments.store_write import Writer
from recmeta.experiments.transfer import check

# version 1 as it was published
SCHEMA_1 = """
CREATE TABLE dataset (
  data_key TEXT PRIMARY KEY, name TEXT NOT NULL, split TEXT NOT NULL, info TEXT NOT NULL);
CREATE TABLE environment (id TEXT PRIMARY KEY, versions TEXT NOT NULL);
CREATE TABLE task (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, dataset TEXT NOT NULL,
  data_key TEXT NOT NULL, split TEXT NOT NULL, algorithm TEXT NOT NULL,
  params TEXT NOT NULL, seed INTEGER NOT NULL,
  fidelity REAL NOT NULL, parts TEXT NOT NULL, status TEXT NOT NULL, error TEXT NOT NULL,
  fit_s REAL, fit_cpu_s REAL, predict_s REAL, predict_cpu_s REAL, total_s REAL, peak_mb REAL,
  n_users_validation INTEGER, n_users_test INTEGER, time_limit_s REAL, memory_bytes INTEGER,
  threads INTEGER NOT NULL, environment TEXT NOT NULL, finished_at REAL NOT NULL);
CREATE INDEX task_dataset ON task (dataset, algorithm);
CREATE TABLE metric_name (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE metric (
  task INTEGER NOT NULL, name INTEGER NOT NULL, part INTEGER NOT NULL, value REAL,
  standard_error REAL, PRIMARY KEY (task, name, part)) WITHOUT ROWID;
CREATE TABLE vector (
  task INTEGER NOT NULL, name INTEGER NOT NULL, part INTEGER NOT NULL, float16 BLOB NOT NULL,
  PRIMARY KEY (task, name, part)) WITHOUT ROWID;
CREATE VIEW score AS
  SELECT task.id AS task, dataset, split, algorithm, params, seed, fidelity, status,
    CASE part WHEN 0 THEN 'validation' ELSE 'test' END AS part, metric_name.name AS metric, value,
    standard_error, CASE part WHEN 0 THEN n_users_validation ELSE n_users_test END AS n_users
  FROM metric JOIN task ON task.number = metric.task
  JOIN metric_name ON metric_name.number = metric.name;
"""
NAMES = ["ndcg@10", "gini@10", "ndcg@5"]
N_RUNS = 40
TASK = Task("/b", "d0", "key0", "random", "A0", {"x": 0})


@pytest.fixture
def old(tmp_path):
    """A store of version 1 and the rows of its runs and metrics."""
    path = tmp_path / "old.sqlite"
    rng = np.random.default_rng(0)
    connection = sqlite3.connect(path)
    connection.executescript(SCHEMA_1)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("INSERT INTO dataset VALUES ('key0', 'd0', 'random', '{\"n_users\": 5}')")
    connection.execute("INSERT INTO environment VALUES ('e1', ?)", (json.dumps({"numpy": "9"}),))
    rows = [(number, name) for number, name in enumerate(NAMES, start=1)]
    connection.executemany("INSERT INTO metric_name VALUES (?, ?)", rows)
    # the numbers of runs had gaps: a run that was made again got a new one
    for number in range(1, 2 * N_RUNS, 2):
        d, a, x = (int(at) for at in rng.integers(0, 3, 3))
        task = replace(TASK, dataset=f"d{d}", data_key=f"key{d}", algorithm=f"A{a}")
        task = replace(task, params={"x": x}, seed=number)
        failed = number % 7 == 0
        row = (number, task.id, task.dataset, task.data_key, "random", task.algorithm)
        row += (json.dumps(task.params), number, 1.0, "validation,test")
        row += ("timeout", "slow") if failed else ("ok", "")
        row += (*rng.random(6).tolist(), 2, 3, 20.0, 2**32, 1, "e1", 1.5e9 + number)
        connection.execute(f"INSERT INTO task VALUES ({', '.join('?' * 25)})", row)
        for name in range(1, 4):
            for part in range(1 if failed else 2):
                value = None if rng.random() < 0.1 else float(rng.random())
                error = 0.01 if name == 1 else None
                metric = (number, name, part, value, error)
                connection.execute("INSERT INTO metric VALUES (?, ?, ?, ?, ?)", metric)
        blob = rng.random(3).astype("<f2").tobytes()
        connection.execute("INSERT INTO vector VALUES (?, 1, 1, ?)", (number, blob))
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    runs = pd.read_sql_query("SELECT * FROM task ORDER BY number", connection)
    scores = pd.read_sql_query("SELECT * FROM metric", connection)
    vectors = dict(connection.execute("SELECT id, float16 FROM vector JOIN task ON task = number"))
    connection.close()
    return path, runs, scores, vectors


def is_all_there(store, runs, scores, vectors):
    frame = store.frame(NAMES).iloc[: len(runs)]
    asked = runs.drop(columns="number")
    pd.testing.assert_frame_equal(frame[asked.columns], asked, check_dtype=False)
    for number, name in enumerate(NAMES, start=1):
        for part, title in enumerate(("validation", "test")):
            rows = scores[(scores["name"] == number) & (scores["part"] == part)].set_index("task")
            for column, end in (("value", ""), ("standard_error", ":se")):
                want = runs["number"].map(rows[column]).to_numpy(dtype=float)
                if not np.isnan(want).all():
                    # float32 keeps 2**-24 of a value, and is said in its fewest digits
                    found = frame[f"{title}:{name}{end}"]
                    np.testing.assert_allclose(found, want, rtol=2**-23)
    assert store.done_ids(time_limit_s=20.0) >= set(runs["id"])
    assert frame["tries"].tolist() == [1] * len(runs)
    for id_, blob in vectors.items():
        np.testing.assert_array_equal(store.vector(id_, "ndcg@10"), np.frombuffer(blob, "<f2"))
    assert store.versions()["numpy"] == ["9"]
    assert store.dataset_rows() == [("key0", "d0", "random", {"n_users": 5})]
    assert check(store) == []


def test_version_1_is_moved_with_all_that_it_had_and_goes_on(old):
    path, *rows = old
    with Store(path) as store:
        is_all_there(store, *rows)
        result = Result("ok", metrics={part: {"new@10": 0.5} for part in ("validation", "test")})
        store.add(replace(TASK, seed=999), result)
    with Store(path) as store:
        is_all_there(store, *[rows[0], rows[1], rows[2]])
        assert store.metrics() == [*NAMES, "new@10"]
        assert store.frame(["new@10"])["test:new@10"].tolist()[-1] == 0.5
        assert store.best("ndcg@10", higher_is_better=True)["n_seeds"].sum() > 0
        tables = store.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        assert not [name for (name,) in tables if name.endswith("_1")]


def test_a_move_that_fails_leaves_version_1_as_it_was(old, monkeypatch):
    path, *rows = old
    measure, n_moved = Writer.measure, []

    def full(self, run, measured):
        n_moved.append(run)
        if len(n_moved) == N_RUNS // 2:
            raise sqlite3.OperationalError("disk I/O error")
        measure(self, run, measured)

    monkeypatch.setattr(Writer, "measure", full)
    with pytest.raises(StoreError, match="is as it was, nothing was written: disk I/O error"):
        Store(path)
    monkeypatch.undo()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert connection.execute("SELECT count(*) FROM task").fetchone() == (N_RUNS,)
    connection.close()
    with Store(path) as store:
        is_all_there(store, *rows)


def test_a_move_that_is_killed_is_done_by_who_opens_it_next(old):
    path, *rows = old
    script = textwrap.dedent(f"""
        import os, signal
        from recmeta.experiments.store import Store
        from recmeta.experiments.store_write import Writer
        measure, moved = Writer.measure, []
        def killed(self, run, measured):
            measure(self, run, measured)
            moved.append(run)
            if len(moved) == {N_RUNS - 1}:
                os.kill(os.getpid(), signal.SIGKILL)
        Writer.measure = killed
        Store({str(path)!r})
        """)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    with Store(path) as store:
        is_all_there(store, *rows)


def test_two_that_open_version_1_at_one_time_move_it_once(old):
    path, *rows = old
    errors = []

    def open_it() -> None:
        try:
            Store(path).close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with Store(path) as store:
        is_all_there(store, *rows)
