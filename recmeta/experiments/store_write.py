"""How a run becomes rows of the store (store_schema), always within the caller's transaction."""

import hashlib
import json
import platform
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recmeta.execution.task import Result, Task
from recmeta.experiments.store_schema import ERRORS, HEADLINE, PARTS

COLUMNS = (
    "id", "seed", "fidelity", "parts", "stop_by", "status", "error", "fit_s", "fit_cpu_s",
    "predict_s", "predict_cpu_s", "total_s", "peak_mb", "n_users_validation", "n_users_test",
    "time_limit_s", "memory_bytes", "threads", "environment", "finished_at", "tries", "n_epochs",
)  # fmt: skip
INSERT = (
    f"INSERT INTO run (problem, algorithm, configuration, {', '.join(COLUMNS)}) "
    f"VALUES ({', '.join('?' * (3 + len(COLUMNS)))})"
)
PLACE_OF_RUN = (
    "SELECT problem, algorithm, configuration, status, fidelity FROM run WHERE number = ?"
)


@dataclass(frozen=True)
class Measured:
    """A part of a run.

    Attributes
    ----------
    values, errors : float64 arrays, (n_names,)
        Metrics and their standard errors by place; NaN where there is none.
    whole : bool
        Whether all metrics are here. If not, they are the headline metrics, which have their own
        table.
    """

    values: NDArray[np.float64]
    errors: NDArray[np.float64]
    whole: bool = True


@dataclass(frozen=True)
class Row:
    """A run as the store keeps it: ``columns`` are those of COLUMNS and the names of the tables."""

    columns: Mapping[str, Any]
    measured: Mapping[int, Measured] = field(default_factory=dict)
    vectors: Mapping[tuple[int, int], bytes] = field(default_factory=dict)  # (part, place)
    curve: tuple[bytes, bytes, bytes] | None = None


class Writer:
    """Adds runs, and knows the numbers that names have in this store.

    Parameters
    ----------
    connection : sqlite3.Connection
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.forget()

    def forget(self) -> None:
        """What was learned in a transaction that was rolled back does not hold."""
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._places: dict[str, int] = {}
        self._environments: dict[str, str] = {}
        self._read_names()

    def _read_names(self) -> None:
        rows = self.connection.execute("SELECT name, number - 1 FROM metric_name ORDER BY number")
        self._places = dict(rows)
        self.n_names = max(self._places.values(), default=-1) + 1
        self._headline = [at for name, at in self._places.items() if name.endswith(HEADLINE)]

    def places(self, names: Iterable[str]) -> list[int]:
        """Places of metrics in the blobs; new names are appended."""
        wanted = list(names)
        new = [(name,) for name in wanted if name not in self._places]
        if new:
            self.connection.executemany("INSERT OR IGNORE INTO metric_name (name) VALUES (?)", new)
            self._read_names()
        return [self._places[name] for name in wanted]

    def add(self, row: Row) -> int:
        """Insert a run; one of the same id is replaced."""
        columns = row.columns
        self.remove(columns["id"])
        values = [columns[name] for name in COLUMNS]
        number = self.connection.execute(INSERT, (*self._key(columns), *values)).lastrowid or 0
        self.measure(number, row.measured)
        self.connection.executemany(
            "INSERT INTO vector VALUES (?, ?, ?, ?)",
            ((number, place + 1, part, blob) for (part, place), blob in row.vectors.items()),
        )
        if row.curve is not None:
            self.connection.execute("INSERT INTO curve VALUES (?, ?, ?, ?)", (number, *row.curve))
        return number

    def measure(self, run: int, measured: Mapping[int, Measured]) -> None:
        """Insert the metrics of a run that is there and has none."""
        blobs = ((2 * run + part, *_blobs(one)) for part, one in measured.items() if one.whole)
        self.connection.executemany("INSERT INTO measured VALUES (?, ?, ?)", blobs)
        problem, algorithm, configuration, *kind = self.connection.execute(
            PLACE_OF_RUN, (run,)
        ).fetchone()
        if measured and kind == ["ok", 1.0]:
            self.connection.executemany(
                "INSERT INTO score VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (metric, problem, algorithm, configuration, run, *scores)
                    for metric, *scores in self._scores(measured)
                ),
            )

    def remove(self, id_: str) -> None:
        run = self.connection.execute
        for number, *key in run(
            "SELECT number, problem, algorithm, configuration FROM run WHERE id = ?", (id_,)
        ).fetchall():
            run(
                "DELETE FROM score WHERE metric IN (SELECT number FROM metric_name WHERE name LIKE "
                "?) AND problem = ? AND algorithm = ? AND configuration = ? AND run = ?",
                (f"%{HEADLINE}", *key, number),
            )
            run("DELETE FROM measured WHERE number IN (?, ?)", (2 * number, 2 * number + 1))
            run("DELETE FROM vector WHERE run = ?", (number,))
            run("DELETE FROM curve WHERE run = ?", (number,))
            run("DELETE FROM run WHERE number = ?", (number,))

    def remove_all(self, wanted: Mapping[str, Iterable[str]]) -> dict[str, int]:
        """All runs whose columns of the view ``task`` are among those wanted: status -> number."""
        if not wanted or any(isinstance(values, str) for values in wanted.values()):
            raise ValueError(f"name lists of datasets, algorithms or statuses: got {dict(wanted)}")
        if unknown := wanted.keys() - {"dataset", "algorithm", "status"}:
            raise ValueError(f"runs have a dataset, an algorithm and a status: got {unknown}")
        where = " AND ".join(f"{column} IN (SELECT value FROM json_each(?))" for column in wanted)
        lists = [json.dumps([*values]) for values in wanted.values()]
        query = f"SELECT id, status FROM task WHERE {where}"
        found = self.connection.execute(query, lists).fetchall()
        for id_, _ in found:
            self.remove(id_)
        return dict(Counter(status for _, status in found))

    def environment(self, text: str) -> str:
        """The id of an environment, given as JSON; inserted if it is new."""
        if text not in self._environments:
            key = hashlib.sha256(text.encode()).hexdigest()[:16]
            self.connection.execute("INSERT OR IGNORE INTO environment VALUES (?, ?)", (key, text))
            self._environments[text] = key
        return self._environments[text]

    def row(self, task: Task, result: Result) -> Row:
        """A result as rows; metrics, vectors and the environment that are new get their numbers."""
        self.places(name for values in result.metrics.values() for name in values)
        self.places(name for vectors in result.per_user.values() for name in vectors)
        measured = {}
        for part, values in result.metrics.items():
            errors = result.standard_errors.get(part, {})
            known = {name: error for name, error in errors.items() if name in values}
            measured[PARTS[part]] = Measured(self._array(values), self._array(known))
        vectors = {
            (PARTS[part], place): vector.astype("<f2").tobytes()
            for part, of_part in result.per_user.items()
            for place, vector in zip(self.places(of_part), of_part.values(), strict=True)
        }
        return Row(self._columns(task, result), measured, vectors, _curve(result))

    def _array(self, values: Mapping[str, float]) -> NDArray[np.float64]:
        array = np.full(self.n_names, np.nan)
        array[self.places(values)] = list(values.values())
        array[np.isinf(array)] = np.nan
        return array

    def _columns(self, task: Task, result: Result) -> dict[str, Any]:
        where = {"host": platform.node(), "machine": platform.machine()}
        text = json.dumps(dict(result.versions) | where, sort_keys=True)
        both = {name: getattr(task, name) for name in COLUMNS if hasattr(task, name)}
        both |= {name: getattr(result, name) for name in COLUMNS if hasattr(result, name)}
        return both | {
            "data_key": task.data_key,
            "dataset": task.dataset,
            "split": task.split,
            "algorithm": task.algorithm,
            "params": json.dumps(task.params, sort_keys=True),
            "parts": ",".join(task.parts),
            "n_users_validation": result.n_users.get("validation"),
            "n_users_test": result.n_users.get("test"),
            "environment": self.environment(text),
            "finished_at": time.time(),
        }

    def _key(self, columns: Mapping[str, Any]) -> tuple[int, int, int]:
        problem = tuple(columns[name] for name in ("data_key", "dataset", "split"))
        algorithm = self._number("algorithm", ("name",), (columns["algorithm"],))
        configuration = (algorithm, columns["params"])
        return (
            self._number("problem", ("data_key", "dataset", "split"), problem),
            algorithm,
            self._number("configuration", ("algorithm", "params"), configuration),
        )

    def _number(self, table: str, names: tuple[str, ...], values: tuple[Any, ...]) -> int:
        key = (table, *values)
        if key not in self._numbers:
            where = " AND ".join(f"{name} = ?" for name in names)
            query = f"SELECT number FROM {table} WHERE {where}"
            found = self.connection.execute(query, values).fetchone()
            if found is None:
                marks = ", ".join("?" * len(names))
                insert = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"
                found = (self.connection.execute(insert, values).lastrowid,)
            self._numbers[key] = int(found[0])
        return self._numbers[key]

    def _scores(self, measured: Mapping[int, Measured]) -> list[list[float]]:
        """metric, validation, test and their errors, of the headline metrics that are known."""
        table = np.full((5, len(self._headline)), np.nan)
        table[0] = np.array(self._headline) + 1
        for part, one in measured.items():
            table[1 + part], table[3 + part] = (
                one.values[self._headline],
                one.errors[self._headline],
            )
        known = ~np.isnan(table[1:3]).all(axis=0)
        table[1:] = as_float32(table[1:])
        return table[:, known].T.tolist()  # sqlite3: NaN is NULL


def as_float32(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values as float32 has them, each as the decimal of fewest digits that is that float32.

    So 0.2 stays 0.2, and what differs in the order of a sum alone is the same: it would decide
    who won where nobody did.
    """
    single = values.astype(np.float32)
    exact = single.astype(np.float64)
    size = np.abs(np.where(np.isnan(exact) | (exact == 0), 1.0, exact))
    found = exact
    for digits in (9, 8, 7, 6):
        scale = 10.0 ** (digits - 1 - np.floor(np.log10(size)))
        decimal = np.round(exact * scale) / scale
        found = np.where(decimal.astype(np.float32) == single, decimal, found)
    return found


def _blobs(measured: Measured) -> tuple[bytes, bytes]:
    known = np.flatnonzero(np.isfinite(measured.errors))
    errors = np.empty(len(known), dtype=ERRORS)
    errors["place"], errors["error"] = known, measured.errors[known]
    return measured.values.astype("<f4").tobytes(), errors.tobytes()


def _curve(result: Result) -> tuple[bytes, bytes, bytes] | None:
    if not result.curve:
        return None
    epochs, values, seconds = (
        np.asarray(result.curve.get(name, []), dtype="<f8").tobytes()
        for name in ("epochs", "values", "seconds")
    )
    return epochs, values, seconds
