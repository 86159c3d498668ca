"""Whether a store is sound: its pages, its references, its blobs, its ids."""

import json
import sqlite3
from collections import Counter
from dataclasses import replace

import numpy as np

from recmeta.execution.task import Task
from recmeta.experiments.store import Store
from recmeta.experiments.store_read import SCORED, SCORES, measured, places, snapshot
from recmeta.experiments.store_schema import ERRORS, HEADLINE, PARTS

# what is counted -> how it is said
FINDINGS = {
    "SELECT count(*) FROM measured WHERE number / 2 NOT IN (SELECT number FROM run)": (
        "{n} blobs of metrics belong to no run"
    ),
    "SELECT count(*) FROM measured WHERE length(metrics) % 4 OR length(metrics) > 4 * (SELECT "
    "max(number) FROM metric_name)": "{n} blobs of metrics have a length that cannot be",
    f"SELECT count(*) FROM measured WHERE length(errors) % {ERRORS.itemsize}": (
        "{n} blobs of standard errors have a length that cannot be"
    ),
    "SELECT count(*) FROM vector JOIN run ON run.number = vector.run WHERE length(float16) <> 2 * "
    "CASE part WHEN 0 THEN n_users_validation ELSE n_users_test END": (
        "{n} vectors over users have not a value for each user of their part"
    ),
    "SELECT count(*) FROM curve WHERE length(epochs) % 8 OR length(epochs) <> length(curve_values) "
    "OR length(epochs) <> length(seconds)": "{n} learning curves have a length that cannot be",
    "SELECT count(*) FROM run JOIN configuration ON configuration.number = run.configuration "
    "WHERE configuration.algorithm <> run.algorithm": (
        "{n} runs have a configuration of another algorithm"
    ),
    "SELECT count(*) FROM score JOIN run ON run.number = score.run WHERE score.problem <> "
    "run.problem OR score.algorithm <> run.algorithm OR score.configuration <> run.configuration "
    f"OR NOT ({SCORED})": "{n} scores are of another problem or configuration than their run",
    "SELECT count(*) - count(DISTINCT id) FROM run NOT INDEXED": "{n} runs are there twice",
    "SELECT count(*) - max(number) FROM metric_name": "metrics are not numbered without a gap",
}
DEFINING = (
    "SELECT id, dataset, data_key, split, algorithm, params, seed, fidelity, parts, stop_by "
    "FROM task ORDER BY number"
)


def check(store: Store) -> list[str]:
    """What is wrong with a store, a line a finding; empty if it is sound.

    SQLite's own check of all pages, references to rows that are not there, blobs of a length that
    cannot be, scores that are not where their run is, runs that are there twice, and ids that are
    not the hash of what their run was asked. Reads the whole file.

    Parameters
    ----------
    store : Store
    """
    run = store.connection.execute
    with snapshot(store.connection):
        pages = _damaged_pages(store)
        if pages:  # what is read from such pages means nothing
            return pages
        found = _lost_references(store)
        counts = ((text, run(query).fetchone()[0]) for query, text in FINDINGS.items())
        found += [text.format(n=n) for text, n in counts if n]
        found += _errors_of_nothing(store)
        if not found:  # else the blobs cannot be read
            found += _scores_apart(store)
        return found + _wrong_ids(store)


def _damaged_pages(store: Store) -> list[str]:
    try:
        rows = store.connection.execute("PRAGMA integrity_check").fetchall()
    except sqlite3.DatabaseError as error:  # damage that the check itself stumbles over
        rows = [(str(error),)]
    return [f"SQLite: {line}" for (text,) in rows if text != "ok" for line in text.splitlines()]


def _lost_references(store: Store) -> list[str]:
    lost: Counter[tuple[str, str]] = Counter()
    for table, _, parent, _ in store.connection.execute("PRAGMA foreign_key_check"):
        lost[table, parent] += 1
    return [f"{n} rows of {table} name a {parent} that is not there" for (table, parent), n in
            sorted(lost.items())]  # fmt: skip


def _errors_of_nothing(store: Store) -> list[str]:
    n_names = len(store.metrics())
    n_wrong = 0
    for (blob,) in store.connection.execute("SELECT errors FROM measured"):
        if len(blob) % ERRORS.itemsize == 0:
            n_wrong += bool((np.frombuffer(blob, ERRORS)["place"] >= n_names).any())
    return [f"{n_wrong} blobs of standard errors name a metric that is not there"] * (n_wrong > 0)


def _scores_apart(store: Store) -> list[str]:
    """Runs that count whose headline metrics are not those of their blobs: leaderboards are off."""
    run = store.connection.execute
    query = f"SELECT number FROM run WHERE {SCORED} ORDER BY number"
    runs = np.array([number for (number,) in run(query)], dtype=np.int64)
    headline = [at for name, at in places(store.connection).items() if name.endswith(HEADLINE)]
    blobs, _ = measured(store.connection, runs, headline, SCORED)
    apart = np.zeros(len(runs), dtype=bool)
    for at, place in enumerate(headline):
        rows = np.array(run(SCORES, (place + 1,)).fetchall(), dtype=np.float64).reshape(-1, 5)
        rows = rows[np.isin(rows[:, 0], runs)]
        scores = np.full((len(PARTS), len(runs)), np.nan)
        scores[:, np.searchsorted(runs, rows[:, 0])] = rows[:, 1:3].T
        same = np.isclose(scores, blobs[:, :, at], rtol=1e-3, atol=1e-30)
        apart |= (~same & ~np.isnan(blobs[:, :, at])).any(axis=0)
    return [f"{apart.sum()} runs have other scores than their blobs have"] * bool(apart.any())


def _wrong_ids(store: Store) -> list[str]:
    found = []
    for id_, *names, params, seed, fidelity, parts, stop_by in store.connection.execute(DEFINING):
        dataset, data_key, split, algorithm = names
        task = Task("", dataset, data_key, split, algorithm, json.loads(params), seed)
        task = replace(task, parts=tuple(parts.split(",")), stop_by=stop_by)
        # a fidelity of 1 may have been given as 1 or as 1.0, which are not the same JSON
        ids = {replace(task, fidelity=share).id for share in (fidelity, int(fidelity))}
        if id_ not in ids:
            found.append(f"the run {id_} is not the hash of what it was asked: {min(ids)}")
    return found
