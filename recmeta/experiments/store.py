"""The results store: SQLite in WAL mode, one transaction a finished run, safe under kill -9.

What the tables are: ``store_schema``. A failed run is a row, not a gap.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recmeta.execution.task import Result, Task
from recmeta.experiments import store_read
from recmeta.experiments.store_open import (
    DamagedStoreError,
    StoreError,
    damage_of,
    no_store,
    open_readable,
    open_writable,
    unwritten,
)
from recmeta.experiments.store_schema import PARTS
from recmeta.experiments.store_write import Writer
from recmeta.registry import UnknownNameError

__all__ = ["DamagedStoreError", "Store", "StoreError"]
VECTORS = """
SELECT run.id, float16 FROM problem JOIN run ON run.problem = problem.number
JOIN vector ON vector.run = run.number
WHERE data_key = ? AND metric = (SELECT number FROM metric_name WHERE name = ?) AND part = ?
ORDER BY run.number
"""


class Store:
    """Finished runs in one SQLite file.

    Parameters
    ----------
    path : path
        Made if it is not there; a store of version 1 is moved to version 2, in one transaction.
        Never on a network file system: SQLite cannot lock there.
    read_only : bool
        Change nothing. So a store can be read that may not be written, or on a disk that may not;
        one of version 1 is refused.

    Raises
    ------
    StoreError
        If the file is no store, or one of a version that is not known; if it cannot be read, or
        written and is to be. DamagedStoreError, also at the end of ``with``, if SQLite finds its
        pages damaged.
    """

    def __init__(self, path: Path | str, *, read_only: bool = False) -> None:
        self.path = Path(path)
        self.connection = (open_readable if read_only else open_writable)(self.path)
        try:
            self._writer = Writer(self.connection)
        except sqlite3.DatabaseError as error:
            self.connection.close()
            raise no_store(self.path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        if (damage := damage_of(error)) is not None and not isinstance(error, StoreError):
            raise no_store(self.path, damage) from damage

    def close(self) -> None:
        self.connection.close()

    def add(self, task: Task, result: Result) -> None:
        """Record a run in one transaction; a run of the same id is replaced.

        Raises
        ------
        StoreError
            If the disk is full or another process keeps the store locked: then nothing of the run
            is there, and the store is as it was.
        """
        with self.writing() as writer:
            writer.add(writer.row(task, result))

    def add_dataset(self, data_key: str, name: str, split: str, info: dict[str, Any]) -> None:
        """Record what a data set is: sizes, the split's reason, users who were not evaluated."""
        row = (data_key, name, split, json.dumps(info, sort_keys=True))
        with self.writing() as writer:
            writer.connection.execute("INSERT OR REPLACE INTO dataset VALUES (?, ?, ?, ?)", row)

    def forget(self, **wanted: Iterable[str]) -> dict[str, int]:
        """Remove the runs whose ``dataset``, ``algorithm``, ``status`` are all among those given.

        In one transaction. Returns how many there were of each status.
        """
        with self.writing() as writer:
            return writer.remove_all(wanted)

    def done_ids(
        self, *, time_limit_s: float | None = None, memory_bytes: int | None = None
    ) -> set[str]:
        """Ids of the runs that need not be made again.

        A timeout or oom counts as done only if it had at least the limits that are asked for now.
        """
        query = "SELECT id FROM run WHERE status NOT IN ('timeout', 'oom')"
        done = {id_ for (id_,) in self.connection.execute(query)}
        query = "SELECT id, status, time_limit_s, memory_bytes FROM run WHERE status IN (?, ?)"
        for id_, status, had_time, had_memory in self.connection.execute(query, ("timeout", "oom")):
            had, asked = (
                (had_time, time_limit_s) if status == "timeout" else (had_memory, memory_bytes)
            )
            if had is None or (asked is not None and had >= asked):
                done.add(id_)
        return done

    def failed_ids(self) -> set[str]:
        """Ids of the runs that are not ok."""
        query = "SELECT id FROM run WHERE status != 'ok'"
        return {id_ for (id_,) in self.connection.execute(query)}

    def error_ids(self, beginning: str = "") -> set[str]:
        """Ids of the runs that ended in an error whose text begins so."""
        query = "SELECT id FROM run WHERE status = 'error' AND substr(error, 1, ?) = ?"
        return {id_ for (id_,) in self.connection.execute(query, (len(beginning), beginning))}

    def ids_with_gaps(
        self, metrics: Iterable[str], parts: Iterable[str], curves_of: Iterable[str]
    ) -> set[str]:
        """Ids of the ok runs that lack what is kept on request.

        A vector over the users of one of the parts for one of the metrics, or, for the algorithms
        of ``curves_of``, the learning curve.
        """
        places = [PARTS[part] for part in parts]
        return store_read.ids_with_gaps(self.connection, metrics, places, curves_of)

    def metrics(self) -> list[str]:
        """Names of the metrics that the store has."""
        return list(store_read.places(self.connection))

    def datasets(self) -> list[str]:
        """Names of the data sets that the store has runs of."""
        query = (
            "SELECT DISTINCT dataset FROM problem "
            "WHERE EXISTS (SELECT 1 FROM run WHERE run.problem = problem.number) ORDER BY dataset"
        )
        return [name for (name,) in self.connection.execute(query)]

    def dataset_rows(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        """data_key, name, split and info of each data set, as ``add_dataset`` was given them."""
        rows = self.connection.execute("SELECT data_key, name, split, info FROM dataset")
        return [(key, name, split, json.loads(info)) for key, name, split, info in rows]

    def versions(self) -> dict[str, list[str]]:
        """Package -> the versions that runs were made with; where they ran is left out."""
        found: dict[str, set[str]] = {}
        for (text,) in self.connection.execute("SELECT versions FROM environment"):
            for package, version in json.loads(text).items():
                if package != "host":
                    found.setdefault(package, set()).add(str(version))
        return {package: sorted(versions) for package, versions in sorted(found.items())}

    def environments_of(self, host: str) -> set[str]:
        """Ids of the environments (the column of ``frame``) that are of a host."""
        rows = self.connection.execute("SELECT id, versions FROM environment")
        return {id_ for id_, text in rows if json.loads(text).get("host") == host}

    def frame(self, metrics: Iterable[str] = ("ndcg@10",)) -> pd.DataFrame:
        """One row a run, with a column ``"validation:NAME"`` and ``"test:NAME"`` a metric.

        ``"test:NAME:se"`` is its standard error, where one is known. Runs in which a metric is
        missing have NaN there. All scores have the precision of float32.
        """
        return store_read.frame(self.connection, list(metrics))

    def best(
        self, metric: str, *, higher_is_better: bool, dataset: str | None = None
    ) -> pd.DataFrame:
        """The configuration of each algorithm that is best on validation, on each problem.

        A problem is a bundle: another split or another cap of size is another problem. Runs count
        that are ok and were fitted on all users. Ties go to the first parameters as text.

        Parameters
        ----------
        metric : str
            One with cutoff 10 is read from a table in this order, any other from all blobs of the
            store: docs/benchmarks.md has the times.
        higher_is_better : bool
        dataset : str or None
            One data set, or all.

        Returns
        -------
        DataFrame
            data_key, dataset, split, algorithm, params, n_seeds; n_scored, the runs of all its
            configurations that have the metric; the means over seeds of validation, test, test_se,
            fit_s and peak_mb; run_id, that of the lowest seed.
        """
        return store_read.best(self.connection, metric, higher_is_better, dataset)

    def counts(self, *, whole: bool = False) -> pd.DataFrame:
        """Number of runs: data_key, dataset, split, algorithm, status, n.

        ``whole``: of those alone that were fitted on all users, for which all rows are read.
        """
        return store_read.counts(self.connection, whole=whole)

    def curve(self, id_: str) -> dict[str, list[float]]:
        """A run's learning curve as ``Result.curve``; empty where it has none."""
        query = (
            "SELECT epochs, curve_values, seconds FROM curve "
            "WHERE run = (SELECT number FROM run WHERE id = ?)"
        )
        blobs = self.connection.execute(query, (id_,)).fetchone() or ()
        names = ("epochs", "values", "seconds")
        return {
            name: np.frombuffer(blob, "<f8").tolist()
            for name, blob in zip(names, blobs, strict=bool(blobs))
        }

    def vector(self, id_: str, metric: str, part: str = "test") -> NDArray[np.float32]:
        """A metric of a run over the users of a part, (n_users,); in the order of the bundle.

        Raises
        ------
        KeyError
            If the run has no such vector.
        """
        query = (
            "SELECT float16 FROM vector WHERE run = (SELECT number FROM run WHERE id = ?) "
            "AND metric = (SELECT number FROM metric_name WHERE name = ?) AND part = ?"
        )
        found = self.connection.execute(query, (id_, metric, PARTS[part])).fetchone()
        if found is None:
            raise UnknownNameError(
                f"{self.path} has no {metric} of each user of {part} for the run {id_}: "
                "run it with per_user"
            )
        return _floats(found[0])

    def vectors(
        self, data_key: str, metric: str, part: str = "test"
    ) -> dict[str, NDArray[np.float32]]:
        """The vectors of all runs on a problem that have one: run id -> (n_users,)."""
        rows = self.connection.execute(VECTORS, (data_key, metric, PARTS[part]))
        return {id_: _floats(blob) for id_, blob in rows}

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """One transaction: all that is added within is there, or nothing is.

        Raises
        ------
        StoreError
            If SQLite cannot write.
        """
        run = self.connection.execute
        try:
            run("BEGIN IMMEDIATE")
            yield self._writer
            run("COMMIT")
        except BaseException as error:
            if self.connection.in_transaction:
                run("ROLLBACK")
            self._writer.forget()
            if isinstance(error, sqlite3.OperationalError):
                raise unwritten(self.path, error) from error
            raise


def _floats(blob: bytes) -> NDArray[np.float32]:
    return np.frombuffer(blob, "<f2").astype(np.float32)
