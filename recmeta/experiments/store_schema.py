"""The tables of the results store.

=============  =================================================================================
table          one row for
=============  =================================================================================
dataset        a bundle: name, split, hash of its arrays (``data_key``), sizes as JSON
environment    a set of versions, host and machine
problem        a bundle that was run on: another split or cap of size is another problem
algorithm      a name
configuration  an algorithm with parameters, as JSON with sorted keys
run            what was asked (problem, configuration, seed, ...), status, seconds, memory
metric_name    a metric with its cutoff; ``number`` - 1 is its place in the blobs. Names are only
               ever appended, so an older blob is shorter, and what it lacks is unknown
measured       a part of a run (``number`` = 2 run + part; 0 validation, 1 test): all its metrics
               as float32, in the order of metric_name, NaN where there is none, and the standard
               errors that are known as pairs (uint16 place, float32)
score          a headline metric of a run that counts: status ok, fitted on all users
vector         a metric over the users of a part of a run, float16, where it was kept
curve          a run's learning curve: epochs, values and seconds, float64 each
=============  =================================================================================

The headline metrics are all with cutoff 10. ``score`` is clustered in the order in which a
leaderboard reads it: metric, problem, algorithm, configuration, run; its values are float32 too,
as decimals (``store_write.as_float32``). The view ``task`` is the runs under their names. All
floats are little endian. A failed run is a row, not a gap.
"""

import sqlite3

import numpy as np

VERSION = 2
PARTS = {"validation": 0, "test": 1}
HEADLINE = "@10"
ERRORS = np.dtype([("place", "<u2"), ("error", "<f4")])
# the same in version 1
SCHEMA = """
CREATE TABLE dataset (
  data_key TEXT PRIMARY KEY, name TEXT NOT NULL, split TEXT NOT NULL, info TEXT NOT NULL);
CREATE TABLE environment (id TEXT PRIMARY KEY, versions TEXT NOT NULL);
CREATE TABLE metric_name (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
"""
SCHEMA_2 = """
CREATE TABLE problem (
  number INTEGER PRIMARY KEY, data_key TEXT NOT NULL, dataset TEXT NOT NULL, split TEXT NOT NULL,
  UNIQUE (data_key, dataset, split));
CREATE TABLE algorithm (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE configuration (
  number INTEGER PRIMARY KEY, algorithm INTEGER NOT NULL REFERENCES algorithm,
  params TEXT NOT NULL, UNIQUE (algorithm, params));
CREATE TABLE run (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
  problem INTEGER NOT NULL REFERENCES problem, algorithm INTEGER NOT NULL REFERENCES algorithm,
  configuration INTEGER NOT NULL REFERENCES configuration, seed INTEGER NOT NULL,
  fidelity REAL NOT NULL, parts TEXT NOT NULL, stop_by TEXT, status TEXT NOT NULL,
  error TEXT NOT NULL, fit_s REAL, fit_cpu_s REAL, predict_s REAL, predict_cpu_s REAL,
  total_s REAL, peak_mb REAL, n_users_validation INTEGER, n_users_test INTEGER,
  time_limit_s REAL, memory_bytes INTEGER, threads INTEGER NOT NULL,
  environment TEXT NOT NULL REFERENCES environment, finished_at REAL NOT NULL,
  tries INTEGER NOT NULL DEFAULT 1, n_epochs INTEGER);
CREATE INDEX run_problem ON run (problem, algorithm, configuration, status);
CREATE TABLE measured (number INTEGER PRIMARY KEY, metrics BLOB NOT NULL, errors BLOB NOT NULL);
CREATE TABLE score (
  metric INTEGER NOT NULL REFERENCES metric_name, problem INTEGER NOT NULL REFERENCES problem,
  algorithm INTEGER NOT NULL REFERENCES algorithm,
  configuration INTEGER NOT NULL REFERENCES configuration, run INTEGER NOT NULL REFERENCES run,
  validation REAL, test REAL, validation_se REAL, test_se REAL,
  PRIMARY KEY (metric, problem, algorithm, configuration, run)) WITHOUT ROWID;
CREATE TABLE vector (
  run INTEGER NOT NULL REFERENCES run, metric INTEGER NOT NULL REFERENCES metric_name,
  part INTEGER NOT NULL, float16 BLOB NOT NULL, UNIQUE (run, metric, part));
CREATE TABLE curve (
  run INTEGER PRIMARY KEY REFERENCES run, epochs BLOB NOT NULL, curve_values BLOB NOT NULL,
  seconds BLOB NOT NULL);
CREATE VIEW task AS
  SELECT run.number AS number, run.id AS id, dataset, data_key, split, algorithm.name AS algorithm,
    params, seed, fidelity, parts, status, error, fit_s, fit_cpu_s, predict_s, predict_cpu_s,
    total_s, peak_mb, n_users_validation, n_users_test, time_limit_s, memory_bytes, threads,
    environment, finished_at, tries, n_epochs, stop_by
  FROM run JOIN problem ON problem.number = run.problem
  JOIN algorithm ON algorithm.number = run.algorithm
  JOIN configuration ON configuration.number = run.configuration;
"""


def version_of(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def create(connection: sqlite3.Connection) -> None:
    """Make the tables of this version; within the caller's transaction."""
    run_all(connection, SCHEMA + SCHEMA_2)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def run_all(connection: sqlite3.Connection, script: str) -> None:
    """The statements of a script; ``executescript`` would commit what is open before them."""
    for statement in script.split(";\n"):
        if statement.strip():
            connection.execute(statement)
