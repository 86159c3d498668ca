"""The results store at a million runs.

    python benchmarks/store.py [--folder /tmp/recmeta-store] [--datasets 100]

A store of data sets x 25 algorithms x 40 configurations x 10 seeds with made-up scores, all 315
metrics of both parts, written in bulk through the same tables; then what a sweep and a leaderboard
do with it. How long a sweep asks before it goes on depends on how many vectors and curves there
are, so each run has them, of one number; the size is without. A leaderboard reads ``Store.best``
and ``Store.counts``. Adding is ``Store.add`` of a result with 630 metrics and a vector of 600
users, a transaction each; on the clock it is all processes together, on the processor a run's
share. Medians of three where it is short.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from recmeta.algorithms import ALGORITHMS as ALL
from recmeta.execution.task import Result, Task
from recmeta.experiments.configurations import Configuration
from recmeta.experiments.plan import Limits, Plan
from recmeta.experiments.resume import before
from recmeta.experiments.store import Store
from recmeta.experiments.store_schema import HEADLINE
from recmeta.experiments.store_write import COLUMNS, INSERT, as_float32
from recmeta.experiments.transfer import export
from recmeta.metrics import METRICS

ALGORITHMS, CONFIGURATIONS, SEEDS = 25, 40, 10
NAMES_OF_ALGORITHMS = [*ALL][:ALGORITHMS]
CUTOFFS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 30, 40, 50)
NAMES = [f"{metric}@{cutoff}" for metric in METRICS for cutoff in CUTOFFS]
WITH_ERROR = ["recall@10", "recall@20", "hit_rate@10", "ndcg@5", "ndcg@10", "ndcg@20"]
N_USERS = 600


def scores(rng: np.random.Generator, n_datasets: int) -> np.ndarray:
    """One level a run, as data sets, algorithms, configurations and seeds add up; (n_runs,)."""
    shape = (n_datasets, ALGORITHMS, CONFIGURATIONS, SEEDS)
    logit = rng.normal(-2.0, 1.0, (n_datasets, 1, 1, 1)) + rng.normal(0, 0.5, (1, ALGORITHMS, 1, 1))
    logit = logit + rng.normal(0, 0.3, (*shape[:3], 1)) + rng.normal(0, 0.05, shape)
    return 1 / (1 + np.exp(-logit.ravel()))


def fill(store: Store, n_datasets: int) -> None:
    """The tables in their own order, which is the fastest; add() makes the same rows."""
    rng = np.random.default_rng(0)
    level = scores(rng, n_datasets)
    with store.writing() as writer:
        run = writer.connection.executemany
        writer.places(NAMES)
        environment = writer.environment(json.dumps({"recmeta": "0"}))
        rows = ((d + 1, f"key{d}", f"data{d}", "random") for d in range(n_datasets))
        run("INSERT INTO problem VALUES (?, ?, ?, ?)", rows)
        run("INSERT INTO algorithm VALUES (?, ?)", enumerate(NAMES_OF_ALGORITHMS, start=1))
        rows = (
            (a * CONFIGURATIONS + c + 1, a + 1, json.dumps({"x": c}))
            for a in range(ALGORITHMS)
            for c in range(CONFIGURATIONS)
        )
        run("INSERT INTO configuration VALUES (?, ?, ?)", rows)
        run(INSERT, run_rows(n_datasets, environment, rng))
        run("INSERT INTO measured VALUES (?, ?, ?)", blobs(level, rng))
        for metric, name in enumerate(NAMES, start=1):
            if name.endswith(HEADLINE):
                run("INSERT INTO score VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    score_rows(metric, level, rng, with_error=name in WITH_ERROR))  # fmt: skip


def run_rows(n_datasets: int, environment: str, rng: np.random.Generator) -> Iterator[Any]:
    for d in range(n_datasets):
        for a in range(ALGORITHMS):
            for c in range(CONFIGURATIONS):
                task = Task("", f"data{d}", f"key{d}", "random", NAMES_OF_ALGORITHMS[a], {"x": c})
                seconds = rng.lognormal(0, 1, SEEDS).tolist()
                for seed, fit_s in enumerate(seconds):
                    values: dict[str, Any] = dict.fromkeys(COLUMNS)
                    status = "timeout" if (c + seed) % 97 == 0 else "ok"
                    values |= {"id": replace(task, seed=seed).id, "seed": seed, "fidelity": 1.0}
                    values |= {"parts": "validation,test", "status": status, "error": ""}
                    values |= {"fit_s": fit_s, "peak_mb": 10 * fit_s, "threads": 1, "tries": 1}
                    values |= {"n_users_validation": N_USERS, "n_users_test": N_USERS}
                    values |= {"time_limit_s": 60.0, "memory_bytes": 2**32, "finished_at": 1.8e9}
                    values["environment"] = environment
                    key = (d + 1, a + 1, a * CONFIGURATIONS + c + 1)
                    yield (*key, *(values[name] for name in COLUMNS))


def is_ok(run: np.ndarray) -> np.ndarray:
    c, seed = (run // SEEDS) % CONFIGURATIONS, run % SEEDS
    return (c + seed) % 97 != 0


def blobs(level: np.ndarray, rng: np.random.Generator) -> Iterator[tuple[int, bytes, bytes]]:
    errors = np.zeros(len(WITH_ERROR), dtype=[("place", "<u2"), ("error", "<f4")])
    errors["place"] = [NAMES.index(name) for name in WITH_ERROR]
    for first in range(0, len(level), 2000):
        levels = level[first : first + 2000]
        values = levels[:, None] * rng.uniform(0.5, 1.5, (2, len(levels), len(NAMES)))
        values = values.astype("<f4")
        for at in range(len(levels)):
            for part in range(2):
                errors["error"] = 0.01 * levels[at]
                yield 2 * (first + at + 1) + part, values[part, at].tobytes(), errors.tobytes()


def score_rows(
    metric: int, level: np.ndarray, rng: np.random.Generator, *, with_error: bool
) -> Iterator[Any]:
    for first in range(0, len(level), 100_000):
        levels = level[first : first + 100_000]
        runs = np.arange(first, first + len(levels))
        values = as_float32(levels * rng.uniform(0.9, 1.1, (2, len(levels))))
        per_problem = ALGORITHMS * CONFIGURATIONS * SEEDS
        of = [runs // per_problem, runs // (CONFIGURATIONS * SEEDS) % ALGORITHMS]
        of.append(of[1] * CONFIGURATIONS + runs // SEEDS % CONFIGURATIONS)
        error = (0.01 * levels).tolist() if with_error else [None] * len(levels)
        columns = [(one + 1).tolist() for one in (*of, runs)]
        rows = zip(*columns, *values.tolist(), error, error, strict=True)
        yield from (
            (metric, *row) for row, ok in zip(rows, is_ok(runs).tolist(), strict=True) if ok
        )


def added(path: Path, writer: int, n: int) -> None:
    rng = np.random.default_rng(writer)
    errors = dict.fromkeys(WITH_ERROR, 0.01)
    with Store(path) as store:
        for seed in range(n):
            values = [dict(zip(NAMES, rng.random(len(NAMES)).tolist(), strict=True)) for _ in "vt"]
            parts = dict(zip(("validation", "test"), values, strict=True))
            vector = {"ndcg@10": rng.random(N_USERS).astype(np.float16)}
            result = Result(
                "ok",
                metrics=parts,
                standard_errors=dict.fromkeys(parts, errors),
                per_user={"test": vector},
                n_users=dict.fromkeys(parts, N_USERS),
                fit_s=1.0,
                versions={"recmeta": "0"},
            )
            key = f"key{int(rng.integers(100))}"
            params = {"x": int(rng.integers(CONFIGURATIONS)), "writer": writer}
            algorithm = NAMES_OF_ALGORITHMS[int(rng.integers(ALGORITHMS))]
            store.add(
                Task("", key.replace("key", "data"), key, "random", algorithm, params, seed + 1000),
                result,
            )


def rate(path: Path, n_writers: int, n: int) -> str:
    """Runs a second; the making of the results and the start of the processes count."""
    before = sum(os.times()[:4])
    started = time.perf_counter()
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=added, args=(path, w, n)) for w in range(n_writers)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    seconds, n_runs = time.perf_counter() - started, n_writers * n
    processor = sum(os.times()[:4]) - before
    return f"{n_runs / seconds:,.0f} runs/s | {1000 * processor / n_runs:.2f} ms a run"


def timed(work: Callable[[], Any], repeats: int = 3) -> str:
    clock, processor = [], []
    for _ in range(repeats):
        started = time.perf_counter(), time.process_time()
        work()
        clock.append(time.perf_counter() - started[0])
        processor.append(time.process_time() - started[1])
    return f"{statistics.median(clock):.2f} s | {statistics.median(processor):.2f} s"


def resume_check(store: Store, metric: str) -> None:
    """As ``sweep`` does for a plan that keeps the metric over the users, and curves."""
    chosen = tuple(Configuration(name, {}, "default") for name in NAMES_OF_ALGORITHMS)
    limits = Limits(60.0, 2**32)
    before(Plan(chosen, limits=limits, per_user=(metric,), curve_by="ndcg@10"), store)


def keep_users_and_curves(store: Store, n_runs: int) -> None:
    """A vector for each part and a curve; of no use but to be there."""
    (metric,) = store.connection.execute(
        "SELECT number FROM metric_name WHERE name = 'ndcg@10'"
    ).fetchone()
    with store.writing() as writer:
        run = writer.connection.executemany
        runs = range(1, n_runs + 1)
        rows: Any = ((number, metric, part, b"00") for number in runs for part in (0, 1))
        run("INSERT INTO vector VALUES (?, ?, ?, ?)", rows)
        rows = ((number, b"0" * 8, b"0" * 8, b"0" * 8) for number in runs)
        run("INSERT INTO curve VALUES (?, ?, ?, ?)", rows)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, default=Path("/tmp/recmeta-store"))
    parser.add_argument("--datasets", type=int, default=100)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / "large.sqlite"
    made = not path.exists()
    with Store(path) as store:
        (n_runs,) = store.connection.execute("SELECT count(*) FROM run").fetchone()
        seconds = timed(lambda: fill(store, options.datasets), 1) if made else "made before | "
        if made:
            (n_runs,) = store.connection.execute("SELECT count(*) FROM run").fetchone()
            store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = path.stat().st_size
        if made:
            keep_users_and_curves(store, n_runs)
        print(f"{n_runs:,} runs, {size / 1e9:.2f} GB, {size / n_runs:,.0f} bytes a run\n")
        print("| what | on the clock | on the processor |\n|---|---|---|", flush=True)
        row("written in bulk", seconds)
        row('`best("ndcg@10")` and `counts()`', timed(lambda: board(store, "ndcg@10")))
        row('`best("ndcg@10")` of one data set', timed(lambda: one_board(store)))
        row("`done_ids()`", timed(store.done_ids))
        asked = "all that a sweep asks before it goes on"
        row(asked, timed(lambda: resume_check(store, "ndcg@10")))
        row(f"{asked}, and all runs have gaps", timed(lambda: resume_check(store, "ndcg@20")))
        row('`best("ndcg@5")`, from the blobs', timed(lambda: board(store, "ndcg@5"), 1))
        row("`frame()`", timed(store.frame, 1))
    for n_writers, n in ((1, 2000), (4, 500)):
        empty = options.folder / "empty.sqlite"
        drop(empty)
        row(f"`add`, {n_writers} at one time, empty store", rate(empty, n_writers, n))
        row(f"`add`, {n_writers} at one time, this store", rate(path, n_writers, n))
    with Store(path) as store:
        folder = options.folder / "best"
        row("`export`, keep best", timed(lambda: export(store, folder, "best"), 1))
        sizes = [file.stat().st_size / 1e6 for file in sorted(folder.glob("*.parquet"))]
        print(f"\nExported: {sum(sizes):.0f} MB, {1e6 * sum(sizes) / n_runs:.0f} bytes a run")


def row(what: str, values: str) -> None:
    print(f"| {what} | {values} |", flush=True)


def board(store: Store, metric: str) -> None:
    store.best(metric, higher_is_better=True)
    store.counts()


def one_board(store: Store) -> None:
    store.best("ndcg@10", higher_is_better=True, dataset="data7")


def drop(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
