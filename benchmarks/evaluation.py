"""All 315 numbers of ranked lists, beside ranx's 7 accuracy metrics at the same cutoffs.

    python benchmarks/evaluation.py [--repeats 7]

Random lists of 50 for 6,040 users and 3,706 items (MovieLens-1M's shape), 33 held-out items a user.
One thread; medians of alternated runs after compilation. First call: a process of its own with an
empty compilation cache, then one with that cache filled; imports are not counted. ranx's Qrels and
Run are built beforehand and timed apart.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numba
import numpy as np
from scipy.sparse import csr_array

N_USERS, N_ITEMS, LENGTH, HELD_OUT = 6_040, 3_706, 50, 33
CUTOFFS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 30, 40, 50)
RANX = ("precision", "recall", "f1", "hit_rate", "ndcg", "mrr", "map")


def lists(n_users: int) -> tuple[np.ndarray, csr_array]:
    rng = np.random.default_rng(0)
    order = rng.random((n_users, N_ITEMS), dtype=np.float32).argsort(axis=1)
    ranking = order[:, :LENGTH].astype(np.int32)
    held_out = np.hstack([order[:, :LENGTH:9], order[:, -(HELD_OUT - 6) :]])  # 6 are in the list
    rows = np.repeat(np.arange(n_users), held_out.shape[1])
    ones = np.ones(held_out.size, dtype=np.float32)
    return ranking, csr_array((ones, (rows, held_out.ravel())), shape=(n_users, N_ITEMS))


def ours(ranking: np.ndarray, relevant: csr_array) -> dict[str, float]:
    from recmeta.metrics import Accumulator

    counts = np.arange(N_ITEMS)
    accumulator = Accumulator(N_ITEMS, counts, CUTOFFS)
    accumulator.add(ranking, relevant)
    return accumulator.result()


def as_ranx(ranking: np.ndarray, relevant: csr_array) -> Callable[[], dict[str, float]]:
    import ranx

    users = [f"u{user}" for user in range(len(ranking))]
    truth = {
        user: {f"i{item}": 1 for item in relevant.indices[slice(*relevant.indptr[row : row + 2])]}
        for row, user in enumerate(users)
    }
    run = {
        user: {f"i{item}": float(-place) for place, item in enumerate(ranking[row])}
        for row, user in enumerate(users)
    }
    qrels, runs = ranx.Qrels(truth), ranx.Run(run)
    names = [f"{name}@{k}" for name in RANX for k in CUTOFFS]
    return lambda: ranx.evaluate(qrels, runs, names)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def first_call(who: str) -> None:
    """Print the seconds of the first call in this process, less those of the second."""
    ranking, relevant = lists(8)
    if who == "ours":
        import recmeta.metrics  # noqa: F401

        work: Callable[[], object] = lambda: ours(ranking, relevant)  # noqa: E731
    else:
        work = as_ranx(ranking, relevant)
    print(seconds(work) - seconds(work))


def compilation(who: str) -> tuple[float, float]:
    """Seconds of a first call with an empty cache and with a full one."""
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, __file__, "--first-call", who]
        environment = os.environ | {"NUMBA_CACHE_DIR": cache}
        found = [
            float(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
            for _ in range(2)
        ]
    return found[0], found[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--first-call", choices=("ours", "ranx"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.first_call:
        first_call(options.first_call)
        return
    numba.set_num_threads(1)
    ranking, relevant = lists(N_USERS)
    as_ranx(*lists(8))  # compiles
    start = time.perf_counter()
    of_ranx = as_ranx(ranking, relevant)
    building = time.perf_counter() - start
    values, others = ours(ranking, relevant), of_ranx()
    # ranx's map divides by all that is held out, ours by what a list of k can have
    same = [name for name in others if not name.startswith("map")]
    apart = max(abs(values[name] - others[name]) for name in same)
    times: dict[str, list[float]] = {"ours": [], "ranx": []}
    for _ in range(options.repeats):
        times["ours"].append(seconds(lambda: ours(ranking, relevant)))
        times["ranx"].append(seconds(of_ranx))
    print("| what | numbers | ms | users/s | first call, s | with a full cache, s |")
    print("|---|---|---|---|---|---|")
    for who, numbers in (("ours", len(values)), ("ranx", len(others))):
        median = statistics.median(times[who])
        cold, warm = compilation(who)
        print(f"| {who} | {numbers} | {1e3 * median:.1f} | {N_USERS / median:,.0f} | {cold:.1f} "
              f"| {warm:.2f} |")  # fmt: skip
    print(f"\nranx builds its Qrels and Run in {building:.1f} s more; target of ours: under 50 ms.")
    print(f"Largest difference in the {len(same)} numbers that both define alike: {apart:.1e}.")


if __name__ == "__main__":
    main()
