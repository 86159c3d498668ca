"""What the store is asked: tables of runs, the best configurations, counts, vectors."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recmeta.experiments.store_schema import ERRORS, HEADLINE, PARTS

AT_ONCE = 5000  # blobs in memory
KEY = ["problem", "algorithm", "configuration"]
BEST = [
    "data_key", "dataset", "split", "algorithm", "params", "n_seeds", "n_scored",
    "validation", "test", "test_se", "fit_s", "peak_mb", "run_id",
]  # fmt: skip
NUMBERS = [
    "fit_s", "fit_cpu_s", "predict_s", "predict_cpu_s", "total_s", "peak_mb",
    "n_users_validation", "n_users_test", "time_limit_s", "memory_bytes", "n_epochs",
]  # fmt: skip
FLOATS = ["validation", "test", "test_se", "fit_s", "peak_mb"]
ORDER = ["dataset", "split", "data_key", "algorithm"]
SCORED = "status = 'ok' AND fidelity = 1"
UNSCORED = "(status <> 'ok' OR fidelity <> 1)"
OF_DATASET = "problem IN (SELECT number FROM problem WHERE ? IS NULL OR dataset = ?)"
OF_RUNS = (
    "SELECT measured.number, metrics, errors FROM run CROSS JOIN measured "
    "ON measured.number IN (2 * run.number, 2 * run.number + 1)"
)
SCORES = "SELECT run, validation, test, validation_se, test_se FROM score WHERE metric = ?"
MEANS = f"""
SELECT problem, algorithm, configuration, count(*) AS n_seeds, avg(validation) AS validation,
  avg(test) AS test, avg(test_se) AS test_se
FROM score
WHERE metric = ? AND validation IS NOT NULL AND test IS NOT NULL AND {OF_DATASET}
GROUP BY problem, algorithm, configuration
"""
# run_id is that of the lowest seed; CROSS JOIN keeps the order of the tables
COSTS = f"""
SELECT chosen.key AS at, avg(fit_s) AS fit_s, avg(peak_mb) AS peak_mb,
  substr(min(printf('%012d ', seed) || run.id), -64) AS run_id
FROM json_each(?) AS chosen CROSS JOIN run
  ON problem = json_extract(chosen.value, '$[0]') AND algorithm = json_extract(chosen.value, '$[1]')
  AND configuration = json_extract(chosen.value, '$[2]') AND {SCORED}
GROUP BY chosen.key
"""
COUNTS = """
SELECT data_key, dataset, split, algorithm.name AS algorithm, status, sum(n) AS n
FROM (SELECT problem, algorithm, configuration, status, count(*) AS n FROM run {where}
      GROUP BY problem, algorithm, configuration, status) AS groups
JOIN problem ON problem.number = groups.problem
JOIN algorithm ON algorithm.number = groups.algorithm
GROUP BY groups.problem, groups.algorithm, status
ORDER BY dataset, split, data_key, algorithm, status
"""
WITH_GAPS = """
SELECT id FROM run WHERE status = 'ok' AND (
  number NOT IN (
    SELECT run FROM vector
    WHERE metric IN (
      SELECT number FROM metric_name WHERE name IN (SELECT value FROM json_each(:metrics)))
    AND part IN (SELECT value FROM json_each(:parts))
    GROUP BY run HAVING count(*) = :n_vectors)
  AND :n_vectors > 0
  OR number NOT IN (SELECT run FROM curve)
  AND algorithm IN (
    SELECT number FROM algorithm WHERE name IN (SELECT value FROM json_each(:curves_of))))
"""


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """All queries within see the same runs, whoever writes meanwhile."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:  # an error may have ended it
            connection.execute("ROLLBACK")


def ids_with_gaps(
    connection: sqlite3.Connection,
    metrics: Iterable[str],
    parts: Iterable[int],
    curves_of: Iterable[str],
) -> set[str]:
    """As Store.ids_with_gaps: one pass over the runs, the index of the vectors and the curves."""
    names, places = {*metrics}, {*parts}
    given = {
        "metrics": json.dumps([*names]),
        "parts": json.dumps([*places]),
        "curves_of": json.dumps([*curves_of]),
        "n_vectors": len(names) * len(places),
    }
    return {id_ for (id_,) in connection.execute(WITH_GAPS, given)}


def places(connection: sqlite3.Connection) -> dict[str, int]:
    """Metric -> place in the blobs, in their order."""
    return dict(connection.execute("SELECT name, number - 1 FROM metric_name ORDER BY number"))


def measured(
    connection: sqlite3.Connection,
    runs: NDArray[np.int64],
    wanted: Sequence[int],
    condition: str = "",
    given: tuple[Any, ...] = (),
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Values and standard errors of metrics from the blobs, (n_parts, n_runs, n_wanted) each.

    ``runs`` are numbers of runs in ascending order; ``wanted`` are places; ``condition`` is one on
    the table run.
    """
    values, errors = np.full((2, len(PARTS), len(runs), len(wanted)), np.nan, dtype=np.float32)
    column = np.full(1 << 16, -1)
    column[list(wanted)] = np.arange(len(wanted))
    n_names = max(wanted, default=-1) + 1
    gap = np.full(n_names, np.nan, dtype="<f4").tobytes()
    query = "SELECT measured.number, metrics, errors FROM measured"
    if condition:
        query = f"{OF_RUNS} WHERE {condition}"
    cursor = connection.execute(query, given)
    while rows := cursor.fetchmany(AT_ONCE):
        numbers, blobs, known = zip(*rows, strict=True)
        run, part = np.divmod(np.array(numbers), 2)
        at = np.searchsorted(runs, run)
        padded = b"".join(blob[: len(gap)] + gap[len(blob) :] for blob in blobs)
        values[part, at] = np.frombuffer(padded, "<f4").reshape(len(rows), n_names)[:, list(wanted)]
        pairs = np.frombuffer(b"".join(known), dtype=ERRORS)
        of = np.repeat(np.arange(len(rows)), [len(blob) // ERRORS.itemsize for blob in known])
        to = column[pairs["place"]]
        of, to, pairs = of[to >= 0], to[to >= 0], pairs[to >= 0]
        errors[part[of], at[of], to] = pairs["error"]
    return values, errors


def frame(connection: sqlite3.Connection, metrics: Sequence[str]) -> pd.DataFrame:
    """See ``Store.frame``."""
    with snapshot(connection):
        runs = pd.read_sql_query("SELECT * FROM task ORDER BY number", connection)
        numbers = runs.pop("number").to_numpy(dtype=np.int64)
        empty = [name for name in NUMBERS if runs[name].dtype == object]  # nothing but NULL
        runs[empty] = runs[empty].astype(np.float64)
        scores = _scores(connection, numbers, list(metrics))
    columns = {}
    for name, (values, errors) in scores.items():
        for part, number in PARTS.items():
            columns[f"{part}:{name}"] = values[number]
            if np.isfinite(errors[number]).any():
                columns[f"{part}:{name}:se"] = errors[number]
    return pd.concat([runs, pd.DataFrame(columns, index=runs.index)], axis=1)


def _scores(
    connection: sqlite3.Connection, runs: NDArray[np.int64], metrics: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """Metric -> values and standard errors, (2, n_parts, n_runs)."""
    known = places(connection)
    scores = {name: np.full((2, len(PARTS), len(runs)), np.nan) for name in metrics}
    wanted = [name for name in scores if name in known]
    # the headline metrics of a run that counts are in the table score: most blobs can stay unread
    condition = UNSCORED if all(name.endswith(HEADLINE) for name in wanted) else ""
    tables = measured(connection, runs, [known[name] for name in wanted], condition)
    for at, name in enumerate(wanted):
        for to, table in enumerate(tables):
            scores[name][to] = table[:, :, at]
        if name.endswith(HEADLINE):
            rows = connection.execute(SCORES, (known[name] + 1,)).fetchall()
            found = np.array(rows, dtype=np.float64).reshape(-1, 5)  # NULL is NaN
            at_run = np.searchsorted(runs, found[:, 0])
            scores[name][:, :, at_run] = found[:, 1:].T.reshape(2, len(PARTS), -1)
    return scores


def best(
    connection: sqlite3.Connection, metric: str, higher_is_better: bool, dataset: str | None
) -> pd.DataFrame:
    """See ``Store.best``."""
    with snapshot(connection):
        place = places(connection).get(metric, -1)
        if metric.endswith(HEADLINE):
            given = (place + 1, dataset, dataset)
            means = pd.read_sql_query(MEANS, connection, params=given)
        else:
            means = _means_of_blobs(connection, place, dataset)
        means["n_scored"] = means.groupby(KEY[:2])["n_seeds"].transform("sum")
        names = pd.read_sql_query("SELECT number, params FROM configuration", connection)
        means["params"] = means["configuration"].map(names.set_index("number")["params"])
        order = [*KEY[:2], "validation", "params"]
        means = means.sort_values(order, ascending=[True, True, not higher_is_better, True])
        chosen = means.drop_duplicates(KEY[:2]).reset_index(drop=True)
        asked = json.dumps(chosen[KEY].to_numpy().tolist())
        costs = pd.read_sql_query(COSTS, connection, params=(asked,)).set_index("at")
        problems = pd.read_sql_query("SELECT * FROM problem", connection).set_index("number")
        algorithms = dict(connection.execute("SELECT number, name FROM algorithm"))
    chosen = chosen.join(costs).join(problems, on="problem")
    chosen["algorithm"] = chosen["algorithm"].map(algorithms)
    chosen[FLOATS] = chosen[FLOATS].astype(np.float64)  # nothing but NULL is object
    return chosen[BEST].sort_values(ORDER, ignore_index=True)


def _means_of_blobs(
    connection: sqlite3.Connection, place: int, dataset: str | None
) -> pd.DataFrame:
    """What MEANS answers, of a metric that has no rows in the table score."""
    condition, given = f"{SCORED} AND {OF_DATASET}", (dataset, dataset)
    query = f"SELECT number, {', '.join(KEY)} FROM run WHERE {condition} ORDER BY number"
    runs = pd.read_sql_query(query, connection, params=given)
    numbers = runs.pop("number").to_numpy(dtype=np.int64)
    wanted = [place] if place >= 0 else []
    values, errors = measured(connection, numbers, wanted, condition, given)
    columns = np.vstack([values[0].T, values[1].T, errors[1].T]).astype(np.float64)
    names = ["validation", "test", "test_se"]
    runs[names] = columns.T if wanted else np.full((len(runs), 3), np.nan)
    groups = runs.dropna(subset=names[:2]).groupby(KEY, as_index=False)
    return groups.mean().assign(n_seeds=groups.size()["size"])


def counts(connection: sqlite3.Connection, *, whole: bool = False) -> pd.DataFrame:
    """See ``Store.counts``."""
    query = COUNTS.format(where="WHERE fidelity = 1" if whole else "")
    return pd.read_sql_query(query, connection)
