"""What a process of its own costs a fit, and what a second worker gains.

Overhead: the same tasks, TopPopular on a tiny log, in this process (``fit_one``: load, fit,
evaluate) and through the executor with one worker; the difference of the medians a task, the start
of the executor left out. Speed-up: fits of about half a second of pure computing, with one worker
and with two.

Run on a quiet machine of at least two cores: ``python benchmarks/overhead.py``.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from recmeta.algorithms import Recommender
from recmeta.data import Interactions
from recmeta.datasets.splits import random_holdout
from recmeta.execution.bundle import Bundle, write_bundle
from recmeta.execution.fit import fit_one, warm_up
from recmeta.execution.limits import n_cores
from recmeta.execution.local import run
from recmeta.execution.task import Task

ROUNDS, N_TRIVIAL, N_BUSY = 4, 60, 8
NAME = f"{Path(__file__).stem}:Computes"


class Computes(Recommender):
    """Ranks by the item number, after ``million_steps`` of the interpreter."""

    def __init__(self, million_steps: float = 0.0) -> None:
        self.million_steps = million_steps

    def _fit(self, X: csr_array) -> None:
        if X.shape[0] > 24:  # not in the warm-up on a tiny matrix
            for _ in range(int(self.million_steps * 1e6)):
                pass
        self.n_ranks_ = X.shape[1]

    def _scores(self, X: csr_array, users: np.ndarray) -> np.ndarray:
        return np.tile(np.arange(self.n_ranks_, 0, -1, dtype=np.float32), (X.shape[0], 1))


def small_bundle(folder: str) -> Bundle:
    rng = np.random.default_rng(0)
    users, items = np.nonzero(rng.random((200, 100)) < 0.1)
    data = Interactions(
        users=np.array([f"u{u}" for u in range(200)], dtype=object),
        items=np.array([f"i{i}" for i in range(100)], dtype=object),
        user_rows=users.astype(np.int32),
        item_columns=items.astype(np.int32),
        name="small",
    )
    return write_bundle(random_holdout(data, seed=0), Path(folder) / "small")


def tasks(bundle: Bundle, n: int, name: str, **params: float) -> list[Task]:
    of = (str(bundle.path), bundle.dataset, bundle.key, bundle.split, name)
    return [Task(*of, params=params, seed=seed, parts=("validation",)) for seed in range(n)]


def bare_ms(todo: list[Task]) -> float:
    """Of a task in this process."""
    times = []
    for task in todo:
        started = time.perf_counter()
        assert fit_one(task).status == "ok"
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


def executor_times(todo: list[Task], workers: int) -> list[float]:
    """When each task was back, in seconds; the first is the start of the executor."""
    backs = []
    for _, result in run(todo, workers=workers):
        assert result.status == "ok", result.error
        backs.append(time.perf_counter())
    return backs


def overhead(bundle: Bundle) -> dict[str, float]:
    todo = tasks(bundle, N_TRIVIAL, "TopPopular")
    bare = bare_ms(todo)
    backs = executor_times(todo, 1)
    each = 1000 * statistics.median(np.diff(backs))
    return {"bare_ms": bare, "process_ms": each, "overhead_ms": each - bare}


def speed_up(bundle: Bundle, million_steps: float) -> dict[str, float]:
    """The first of each is the start, so n + 1 tasks with one worker and n + 2 with two."""
    one = executor_times(tasks(bundle, N_BUSY + 1, NAME, million_steps=million_steps), 1)
    two = executor_times(tasks(bundle, N_BUSY + 2, NAME, million_steps=million_steps), 2)
    one_s, two_s = one[-1] - one[0], two[-1] - two[1]
    return {"one_worker_s": one_s, "two_workers_s": two_s, "speed_up": one_s / two_s}


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parent))  # where the workers find Computes
    warm_up()
    with tempfile.TemporaryDirectory() as folder:
        bundle = small_bundle(folder)
        million = 0.5 / _seconds_of_a_million()
        for number in range(1, ROUNDS + 1):
            line = {"round": number} | overhead(bundle) | speed_up(bundle, million)
            print(json.dumps({key: round(value, 2) for key, value in line.items()}), flush=True)
    print(f"{n_cores()} cores, Python {sys.version.split()[0]}")


def _seconds_of_a_million() -> float:
    started = time.perf_counter()
    for _ in range(5_000_000):
        pass
    return (time.perf_counter() - started) / 5


if __name__ == "__main__":
    main()
