"""What ``cost()`` promises beside what a fit takes, in a process of its own on one thread.

    python benchmarks/costs.py [LOG ...]

Without LOG: synthetic logs of 1,000 x 800 with 30,000 events and of MovieLens-1M's shape. Seconds
and bytes are medians of 3 fits with the defaults; bytes are what a fit adds to the memory of its
process. Aim: within a factor of 3 either way. Fits of under 10 ms or 2 MiB are left without ratio:
there the clock and the pages of the process decide. What cost() says to take over 8 s is not run.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from recmeta.algorithms import all_algorithms
from recmeta.data import Interactions
from recmeta.datasets import read
from recmeta.datasets.splits import random_holdout
from recmeta.datasets.synthetic import generate
from recmeta.execution.bundle import Bundle, open_bundle, write_bundle
from recmeta.execution.local import run
from recmeta.execution.task import Task

REPEATS = 3
LONGEST = 8.0  # seconds that cost() may promise
LEAST_SECONDS, LEAST_BYTES = 0.01, 2 * 2**20


def ratio(promised: float, taken: float, least: float) -> str:
    return f"{promised / taken:.2f}" if taken >= least else "-"


def rows(bundle: Bundle) -> list[str]:
    n_users, n_items, nnz = (bundle.info[name] for name in ("n_users", "n_items", "nnz"))
    tasks = [
        Task(str(bundle.path), bundle.dataset, bundle.key, bundle.split, name, parts=("test",))
        for name, algorithm in all_algorithms().items()
        for _ in range(REPEATS)
        if algorithm.cost(n_users, n_items, nnz, **algorithm().get_params()).seconds <= LONGEST
    ]
    found: dict[str, list[tuple[float, float]]] = {}
    for task, result in run(tasks):
        found.setdefault(task.algorithm, []).append((result.fit_s, result.peak_mb * 2**20))
    lines = []
    for name, measured in sorted(found.items()):
        seconds, size = (statistics.median(column) for column in zip(*measured, strict=True))
        algorithm = all_algorithms()[name]
        cost = algorithm.cost(n_users, n_items, nnz, **algorithm().get_params())
        lines.append(
            f"| {bundle.dataset} | {name} | {seconds:.3f} | {cost.seconds:.3f} "
            f"| {ratio(cost.seconds, seconds, LEAST_SECONDS)} | {size / 1e6:.1f} "
            f"| {cost.bytes / 1e6:.1f} | {ratio(cost.bytes, size, LEAST_BYTES)} |"
        )
    return lines


def logs() -> dict[str, Interactions]:
    if sys.argv[1:]:
        return {(data := read(path)).name: data for path in sys.argv[1:]}
    return {
        "1,000 x 800": generate(n_users=1000, n_items=800, n_events=30_000, seed=42),
        "6,040 x 3,706": generate(n_users=6040, n_items=3706, n_events=1_000_000, seed=42),
    }


def main() -> None:
    print(
        "| log | algorithm | fit s | cost() s | ratio | fit MB | cost() MB | ratio |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, data) in enumerate(logs().items()):
            split = random_holdout(data, seed=0)
            info = {"nnz": split.fold("test").fit.nnz}
            path = Path(folder) / str(number)
            write_bundle(split, path, dataset=name, info=info)
            print("\n".join(rows(open_bundle(path))), flush=True)


if __name__ == "__main__":
    main()
