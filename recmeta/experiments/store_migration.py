"""From a store of version 1, which had a row a metric of a run, to version 2."""

import logging
import sqlite3
from pathlib import Path

import numpy as np

from recmeta.experiments.store_schema import PARTS, SCHEMA_2, VERSION, run_all
from recmeta.experiments.store_write import Measured, Writer

logger = logging.getLogger(__name__)

SET_ASIDE = """
DROP VIEW score;
DROP INDEX task_dataset;
ALTER TABLE task RENAME TO task_1;
ALTER TABLE metric RENAME TO metric_1;
ALTER TABLE vector RENAME TO vector_1;
"""
COPY = """
INSERT INTO problem (data_key, dataset, split)
  SELECT data_key, dataset, split FROM task_1 GROUP BY data_key, dataset, split
  ORDER BY min(number);
INSERT INTO algorithm (name) SELECT algorithm FROM task_1 GROUP BY algorithm ORDER BY min(number);
INSERT INTO configuration (algorithm, params)
  SELECT algorithm.number, params FROM task_1 JOIN algorithm ON algorithm.name = task_1.algorithm
  GROUP BY algorithm.number, params ORDER BY min(task_1.number);
INSERT INTO run
  SELECT t.number, t.id, problem.number, algorithm.number, configuration.number, seed, fidelity,
    parts, NULL, status, error, fit_s, fit_cpu_s, predict_s, predict_cpu_s, total_s, peak_mb,
    n_users_validation, n_users_test, time_limit_s, memory_bytes, threads, environment,
    finished_at, 1, NULL
  FROM task_1 AS t
  JOIN problem ON problem.data_key = t.data_key AND problem.dataset = t.dataset
    AND problem.split = t.split
  JOIN algorithm ON algorithm.name = t.algorithm
  JOIN configuration ON configuration.algorithm = algorithm.number
    AND configuration.params = t.params
  ORDER BY t.number;
INSERT INTO vector SELECT task, name, part, float16 FROM vector_1 ORDER BY task, name, part;
"""
CLEAR = """
DROP TABLE task_1;
DROP TABLE metric_1;
DROP TABLE vector_1;
"""
METRICS = "SELECT part, name, value, standard_error FROM metric_1 WHERE task = ?"


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Version 1 to 2, within the caller's transaction: it is done whole or not at all."""
    logger.warning("%s is a store of version 1: it becomes one of version %d", path, VERSION)
    run_all(connection, SET_ASIDE + SCHEMA_2 + COPY)
    writer = Writer(connection)
    rows = connection.execute("SELECT number FROM run ORDER BY number").fetchall()
    for n_done, (number,) in enumerate(rows, start=1):
        writer.measure(number, _measured(connection, number, writer.n_names))
        if n_done % 5000 == 0:
            logger.info("%s: %d of %d runs moved", path, n_done, len(rows))
    run_all(connection, CLEAR)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _measured(connection: sqlite3.Connection, run: int, n_names: int) -> dict[int, Measured]:
    rows = connection.execute(METRICS, (run,)).fetchall()
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)  # NULL is NaN
    found = {}
    for part in PARTS.values():
        of_part = table[table[:, 0] == part]
        if len(of_part):
            places = of_part[:, 1].astype(np.intp) - 1
            values, errors = np.full((2, n_names), np.nan)
            values[places], errors[places] = of_part[:, 2], of_part[:, 3]
            found[part] = Measured(values, errors)
    return found
