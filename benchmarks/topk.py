"""The 50 best of each row, the history left out: our selection beside other libraries', one thread.

    python benchmarks/topk.py [--repeats 7]

Two tables, medians of alternated runs. Selection: float32 scores are there, 100 items of each row
must not come (masked in place; ours and numpy's in blocks of 16 MB). Scores in random order, and
rising with the item number, which a heap minds most. Factors: implicit's top-k makes the scores
itself, from 64 factors, so there ours and numpy's make them too, by the same matrix product.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numba
import numpy as np
from implicit.cpu.topk import topk
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from recmeta.algorithms._base import _blocks
from recmeta.algorithms._topk import mask_seen, select_top_k

K, HISTORY, N_FACTORS = 50, 100, 64
SHAPES = ((6_040, 3_706), (1_000, 50_000))
LOWEST = np.float32(-3.4e38)
Lists = tuple[np.ndarray, np.ndarray]


def histories(n_rows: int, n_items: int) -> csr_matrix:
    rng = np.random.default_rng(1)
    rows = np.repeat(np.arange(n_rows), HISTORY)
    ones = np.ones(len(rows), dtype=np.float32)
    seen = csr_matrix((ones, (rows, rng.integers(0, n_items, len(rows)))), shape=(n_rows, n_items))
    seen.sum_duplicates()
    return seen


def in_blocks(n_rows: int, n_items: int, work: Callable[[slice], Lists]) -> Lists:
    parts = [work(block) for block in _blocks(n_rows, n_items)]
    return np.vstack([items for items, _ in parts]), np.vstack([values for _, values in parts])


def ours(scores: np.ndarray, seen: csr_matrix) -> Lists:
    items = np.empty((len(scores), K), dtype=np.int32)
    values = np.empty((len(scores), K), dtype=np.float32)
    mask_seen(scores, seen.indptr, seen.indices)
    select_top_k(scores, items, values)
    return items, values


def with_argpartition(scores: np.ndarray, seen: csr_matrix) -> Lists:
    scores[np.repeat(np.arange(len(scores)), np.diff(seen.indptr)), seen.indices] = LOWEST
    best = np.argpartition(scores, -K, axis=1)[:, -K:]
    values = np.take_along_axis(scores, best, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(best, order, axis=1), np.take_along_axis(values, order, axis=1)


def with_torch(scores: np.ndarray, seen: csr_matrix) -> Lists:
    import torch

    scores[np.repeat(np.arange(len(scores)), np.diff(seen.indptr)), seen.indices] = LOWEST
    values, items = torch.topk(torch.from_numpy(scores), K)
    return items.numpy(), values.numpy()


def alternated(runs: dict[str, Callable[[], Lists]], repeats: int) -> dict[str, float]:
    """Median milliseconds of each; all must find the same values."""
    found = {name: run()[1] for name, run in runs.items()}
    first = next(iter(found.values()))
    for name, values in found.items():
        np.testing.assert_allclose(values, first, rtol=1e-4, atol=1e-5, err_msg=name)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(of_run) for name, of_run in times.items()}


def selections(scores: np.ndarray, seen: csr_matrix, selectors: dict) -> dict:  # type: ignore[type-arg]
    def run(select: Callable[[np.ndarray, csr_matrix], Lists]) -> Callable[[], Lists]:
        return lambda: in_blocks(*scores.shape, lambda rows: select(scores[rows], seen[rows]))

    return {name: run(select) for name, select in selectors.items()}


def of_factors(seen: csr_matrix, selectors: dict) -> dict:  # type: ignore[type-arg]
    rng = np.random.default_rng(2)
    n_rows, n_items = seen.shape
    users, items = (
        rng.standard_normal((n, N_FACTORS), dtype=np.float32) for n in (n_rows, n_items)
    )

    def run(select: Callable[[np.ndarray, csr_matrix], Lists]) -> Callable[[], Lists]:
        return lambda: in_blocks(
            n_rows, n_items, lambda rows: select(users[rows] @ items.T, seen[rows])
        )

    runs = {name: run(select) for name, select in selectors.items()}
    runs["implicit"] = lambda: topk(items, users, K, filter_query_items=seen, num_threads=1)
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    selectors = {"ours": ours, "numpy argpartition": with_argpartition, "torch": with_torch}
    try:
        import torch

        torch.set_num_threads(1)
    except ImportError:
        del selectors["torch"]
    numba.set_num_threads(1)
    rng = np.random.default_rng(0)
    print("| input | " + " | ".join(f"{name}, ms" for name in (*selectors, "implicit")) + " |")
    print("|---" * (len(selectors) + 2) + "|")
    with threadpool_limits(1):
        for n_rows, n_items in SHAPES:
            seen = histories(n_rows, n_items)
            scores = rng.standard_normal((n_rows, n_items), dtype=np.float32)
            rising = np.sort(scores, axis=1)
            for what, runs in (
                ("scores", selections(scores, seen, selectors)),
                ("rising scores", selections(rising, seen, selectors)),
                (f"{N_FACTORS} factors", of_factors(seen, selectors)),
            ):
                medians = alternated(runs, repeats)
                cells = [
                    f"{medians[name]:.0f}" if name in medians else ""
                    for name in (*selectors, "implicit")
                ]
                print(f"| {what}, {n_rows:,} x {n_items:,} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
