"""The results store: SQLite in WAL mode, one transaction a finished run, safe under kill -9.

===========  ===================================================================================
table        one row for
===========  ===================================================================================
dataset      a data set under one split: name, hash of the bundle, sizes as JSON
environment  a set of versions, host and thread count
task         a run: what was asked (algorithm, params, seed, ...), status, seconds, memory
metric       a value of a run: part (0 validation, 1 test), name, value, standard error
vector       a metric over the users of a part, float16, where it was kept (paired tests)
===========  ===================================================================================

The view ``score`` joins run and metric under their names. A failed run is a row, not a gap.
"""

import hashlib
import json
import math
import platform
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd

from recmeta.execution.task import Result, Task

VERSION = 1
PARTS = {"validation": 0, "test": 1}
SCHEMA = """
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
INSERT = """
INSERT OR REPLACE INTO task (
  id, dataset, data_key, split, algorithm, params, seed, fidelity, parts, status, error, fit_s,
  fit_cpu_s, predict_s, predict_cpu_s, total_s, peak_mb, n_users_validation, n_users_test,
  time_limit_s, memory_bytes, threads, environment, finished_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


class StoreError(RuntimeError):
    """A file that is no store of this version."""


class Store:
    """Finished runs in one SQLite file.

    Parameters
    ----------
    path : path
        Made if it is not there. Never on a network file system: SQLite cannot lock there.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise StoreError(f"{path} is no results store: {error}") from error
        except StoreError:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        run = self._connection.execute
        if run("PRAGMA user_version").fetchone()[0] == 0:
            others = [name for (name,) in run("SELECT name FROM sqlite_master LIMIT 3")]
            if others:  # somebody's database: nothing is written into it
                raise StoreError(f"{self.path} is no results store: it has {', '.join(others)}")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")  # survives the kill of a process, not always of power
        run("BEGIN IMMEDIATE")
        version = run("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in SCHEMA.split(";\n"):
                if statement.strip():
                    run(statement)
            run(f"PRAGMA user_version = {VERSION}")
        run("COMMIT")
        if version not in (0, VERSION):
            raise StoreError(
                f"{self.path} is a store of version {version}, this recmeta writes {VERSION}: "
                "use the recmeta that wrote it, or another --store"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def add(self, task: Task, result: Result) -> None:
        """Record a run in one transaction; a run of the same id is replaced."""
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        try:
            for (old,) in run("SELECT number FROM task WHERE id = ?", (task.id,)).fetchall():
                run("DELETE FROM metric WHERE task = ?", (old,))
                run("DELETE FROM vector WHERE task = ?", (old,))
            environment = self._environment(result)
            number = run(INSERT, _row(task, result, environment)).lastrowid
            self._add_metrics(int(number or 0), result)
            run("COMMIT")
        except BaseException:
            run("ROLLBACK")
            raise

    def add_dataset(self, data_key: str, name: str, split: str, info: dict[str, Any]) -> None:
        """Record what a data set is: sizes, the split's reason, users who were not evaluated."""
        row = (data_key, name, split, json.dumps(info, sort_keys=True))
        self._connection.execute("INSERT OR REPLACE INTO dataset VALUES (?, ?, ?, ?)", row)

    def done_ids(
        self, *, time_limit_s: float | None = None, memory_bytes: int | None = None
    ) -> set[str]:
        """Ids of the runs that need not be made again.

        A timeout or oom counts as done only if it had at least the limits that are asked for now.
        """
        query = "SELECT id, status, time_limit_s, memory_bytes FROM task"
        return {
            id_
            for id_, status, had_time, had_memory in self._connection.execute(query)
            if (status != "timeout" or _reaches(had_time, time_limit_s))
            and (status != "oom" or _reaches(had_memory, memory_bytes))
        }

    def metrics(self) -> list[str]:
        """Names of the metrics that the store has."""
        rows = self._connection.execute("SELECT name FROM metric_name ORDER BY number")
        return [name for (name,) in rows]

    def datasets(self) -> list[str]:
        """Names of the data sets that the store has runs of."""
        rows = self._connection.execute("SELECT DISTINCT dataset FROM task ORDER BY dataset")
        return [name for (name,) in rows]

    def dataset_rows(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        """data_key, name, split and info of each data set, as ``add_dataset`` was given them."""
        rows = self._connection.execute("SELECT data_key, name, split, info FROM dataset")
        return [(key, name, split, json.loads(info)) for key, name, split, info in rows]

    def versions(self) -> dict[str, list[str]]:
        """Package -> the versions that runs were made with; where they ran is left out."""
        found: dict[str, set[str]] = {}
        for (text,) in self._connection.execute("SELECT versions FROM environment"):
            for package, version in json.loads(text).items():
                if package != "host":
                    found.setdefault(package, set()).add(str(version))
        return {package: sorted(versions) for package, versions in sorted(found.items())}

    def frame(self, metrics: Iterable[str] = ("ndcg@10",)) -> pd.DataFrame:
        """One row a run, with a column ``"validation:NAME"`` and ``"test:NAME"`` a metric.

        Runs in which a metric is missing have NaN there.
        """
        runs = pd.read_sql_query("SELECT * FROM task ORDER BY number", self._connection)
        columns: dict[str, pd.Series[Any]] = {}
        for name in metrics:
            query = (
                "SELECT task, part, value, standard_error FROM metric "
                "WHERE name = (SELECT number FROM metric_name WHERE name = ?)"
            )
            values = pd.read_sql_query(query, self._connection, params=(name,))
            for part, number in PARTS.items():
                rows = values[values["part"] == number].set_index("task")
                columns[f"{part}:{name}"] = runs["number"].map(rows["value"])
                if rows["standard_error"].notna().any():
                    columns[f"{part}:{name}:se"] = runs["number"].map(rows["standard_error"])
        return pd.concat([runs.drop(columns="number"), pd.DataFrame(columns)], axis=1)

    def export(self, folder: Path | str) -> list[Path]:
        """Write ``runs.parquet``, ``metrics.parquet`` (long) and ``datasets.parquet``."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        queries = {
            "runs": "SELECT * FROM task ORDER BY number",
            "metrics": "SELECT task, part, metric, value, standard_error FROM score",
            "datasets": "SELECT * FROM dataset ORDER BY name",
        }
        files = []
        for name, query in queries.items():
            files.append(target / f"{name}.parquet")
            table = pd.read_sql_query(query, self._connection)
            if name == "metrics":
                table = table.astype(dict.fromkeys(("task", "part", "metric"), "category"))
                table = table.astype({"value": "float32", "standard_error": "float32"})
            table.to_parquet(files[-1], index=False, compression="zstd")
        return files

    def _environment(self, result: Result) -> str:
        versions = dict(result.versions) | {"host": platform.node(), "machine": platform.machine()}
        text = json.dumps(versions, sort_keys=True)
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        self._connection.execute("INSERT OR IGNORE INTO environment VALUES (?, ?)", (key, text))
        return key

    def _add_metrics(self, number: int, result: Result) -> None:
        for part, values in result.metrics.items():
            names = self._names(values)
            errors = result.standard_errors.get(part, {})
            rows = (
                (number, names[name], PARTS[part], _finite(value), _finite(errors.get(name)))
                for name, value in values.items()
            )
            self._connection.executemany("INSERT INTO metric VALUES (?, ?, ?, ?, ?)", rows)
        for part, vectors in result.per_user.items():
            names = self._names(vectors)
            blobs = (
                (number, names[name], PARTS[part], vector.astype("<f2").tobytes())
                for name, vector in vectors.items()
            )
            self._connection.executemany("INSERT INTO vector VALUES (?, ?, ?, ?)", blobs)

    def _names(self, wanted: Iterable[str]) -> dict[str, int]:
        rows = ((name,) for name in wanted)
        self._connection.executemany("INSERT OR IGNORE INTO metric_name (name) VALUES (?)", rows)
        return dict(self._connection.execute("SELECT name, number FROM metric_name"))


def _row(task: Task, result: Result, environment: str) -> tuple[Any, ...]:
    params = json.dumps(task.params, sort_keys=True)
    asked = (task.id, task.dataset, task.data_key, task.split, task.algorithm, params, task.seed)
    seconds = (result.fit_s, result.fit_cpu_s, result.predict_s, result.predict_cpu_s)
    return (
        *asked,
        task.fidelity,
        ",".join(task.parts),
        result.status,
        result.error,
        *(_finite(value) for value in (*seconds, result.total_s, result.peak_mb)),
        *(result.n_users.get(part) for part in PARTS),
        task.time_limit_s,
        task.memory_bytes,
        result.threads,
        environment,
        time.time(),
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _reaches(had: float | None, asked: float | None) -> bool:
    return had is None or (asked is not None and had >= asked)
