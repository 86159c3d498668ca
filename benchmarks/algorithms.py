"""Every algorithm beside its best peer, in one run: fit seconds, users/s of top-50, NDCG@10.

    python benchmarks/algorithms.py [LOG] [--shape 10m|wide] [--only EASE,IALS] [--repeats 3]

Without LOG a synthetic log of MovieLens-1M's shape is made (6,040 x 3,706, 1,000,000 events; 10m:
69,878 x 10,677, 10,000,000). Ours and the peer's runs alternate; figures are medians; threads: two
each. What predicts ratings gets random ones from 1 to 5 in place of ones, so its NDCG says nothing.
A peer's time is without bringing the matrix into its own form. Ranking and NDCG@10 are over the
first 8,192 users, on a random 20 % hold-out that no fit has seen.

"limit": seconds of ours over those that the machine needs at best, measured in the same run
(limits.py): the additions of the Gram matrix, LAPACK's Cholesky inverse, the multiply-adds of the
products. In brackets, for what ranks by factors, users/s of the scores' matrix product alone over
ours. With 10m what cost() says to take over 3 minutes is left out, and so are the peers that
take longer than that.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import limits
import numpy as np
import peers
from algorithms_cases import CASES, Case
from scipy.sparse import csr_array, csr_matrix

from recmeta.algorithms import get
from recmeta.datasets import read
from recmeta.datasets.folds import Fold
from recmeta.datasets.splits import random_holdout
from recmeta.datasets.synthetic import World, generate
from recmeta.metrics.accuracy import ndcg

SHAPES = {
    "1m": (6040, 3706, 1_000_000),
    "10m": (69_878, 10_677, 10_000_000),
    "wide": (2000, 15_000, 50_000),  # a sample of whole users of a large catalogue
}
MOST_RANKED = 8192
LONGEST = 180.0  # seconds of a fit, by cost()


@dataclass(frozen=True)
class Run:
    fit_seconds: float
    users_per_second: float
    ndcg: float


def run_ours(case: Case, fold: Fold) -> Run:
    model = get(case.algorithm)(**case.params)
    X = with_ratings(fold.fit) if case.rated else fold.fit
    rows = csr_array(X[:MOST_RANKED])

    def fit() -> Callable[[int], np.ndarray]:
        model.fit(X)
        return lambda k: model.recommend(rows, k, users=np.arange(rows.shape[0]))[0]

    return measure(fit, fold)


def run_peer(case: Case, fold: Fold) -> Run:
    X = csr_matrix(with_ratings(fold.fit) if case.rated else fold.fit)
    data, rows = case.peer.prepare(X), csr_matrix(X[:MOST_RANKED])

    def fit() -> Callable[[int], np.ndarray]:
        top: peers.Top = case.peer.fit(data)
        return lambda k: top(rows, k)

    return measure(fit, fold)


def with_ratings(X: csr_array) -> csr_array:
    values = np.random.default_rng(0).integers(1, 6, X.nnz).astype(np.float32)
    return csr_array((values, X.indices, X.indptr), shape=X.shape)


def measure(fit: Callable[[], Callable[[int], np.ndarray]], fold: Fold) -> Run:
    start = time.perf_counter()
    top = fit()
    fitted = time.perf_counter()
    k = min(50, fold.fit.shape[1] - 1)
    start_top = time.perf_counter()
    lists = np.asarray(top(k), dtype=np.int32)
    seconds = time.perf_counter() - start_top
    ranked = fold.users < len(lists)
    value = float(np.nanmean(ndcg(lists[fold.users[ranked]], fold.relevant[ranked], 10)))
    return Run(fitted - start, len(lists) / seconds, value)


def median(runs: list[Run]) -> Run:
    names = "fit_seconds", "users_per_second", "ndcg"
    return Run(*(statistics.median(getattr(run, name) for run in runs) for name in names))


def compare(case: Case, fold: Fold, repeats: int, *, with_peer: bool) -> str:
    ours, theirs = [], []
    run_ours(case, fold if fold.fit.nnz < 2_000_000 else small(fold))  # compiles
    for _ in range(repeats):
        ours.append(run_ours(case, fold))
        if with_peer:
            theirs.append(run_peer(case, fold))
    our = median(ours)
    text = [
        f"{our.fit_seconds:.3f}",
        "",
        "",
        f"{our.users_per_second:,.0f}",
        "",
        "",
        f"{our.ndcg:.4f}",
    ]
    text.append("")
    if with_peer:
        their = median(theirs)
        text[1], text[2] = f"{their.fit_seconds:.3f}", f"{our.fit_seconds / their.fit_seconds:.2f}"
        text[4] = f"{their.users_per_second:,.0f}"
        text[5] = f"{their.users_per_second / our.users_per_second:.2f}"
        text[7] = f"{their.ndcg:.4f}"
    floor = limits.of_fit(case.algorithm, case.params, csr_matrix(fold.fit))
    text.append("" if floor is None else f"{our.fit_seconds / floor:.1f}")
    ceiling = limits.of_ranking(case.params, csr_matrix(fold.fit))
    text[-1] += "" if ceiling is None else f" ({ceiling / our.users_per_second:.1f})"
    library = case.peer.library if with_peer else "-"
    return f"| {case.algorithm} | {library} | " + " | ".join(text) + " |"


def small(fold: Fold) -> Fold:
    return replace(fold, fit=fold.fit[:1000], users=fold.users[:900], relevant=fold.relevant[:900])


def load_fold(log: str | None, shape: str = "1m") -> Fold:
    n_users, n_items, n_events = SHAPES[shape]
    world = World(drift=0.0, repeat=0.0) if shape == "10m" else World()  # still: made in blocks
    data = generate(n_users, n_items, n_events, world=world, seed=42) if log is None else read(log)
    return random_holdout(data, validation=0.0, test=0.2, seed=0).fold("test")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", nargs="?")
    parser.add_argument("--shape", choices=SHAPES, default="1m")
    parser.add_argument("--only", default="")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    fold = load_fold(arguments.log, arguments.shape)
    only = {name for name in arguments.only.split(",") if name}
    (n_users, n_items), nnz = fold.fit.shape, fold.fit.nnz
    print(f"{n_users:,} users x {n_items:,} items, {nnz:,} interactions to fit on\n")
    print(
        "| algorithm | peer | fit s | peer s | ours/peer | users/s | peer users/s | peer/ours "
        "| NDCG@10 | peer NDCG@10 | limit |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for case in CASES:
        if only and case.algorithm not in only:
            continue
        seconds = get(case.algorithm).cost(n_users, n_items, nnz, **case.params).seconds
        if seconds > LONGEST:
            print(f"| {case.algorithm} | - | cost() says {seconds:,.0f} s |", flush=True)
            continue
        try:
            with_peer = case.big or arguments.shape != "10m"
            print(compare(case, fold, arguments.repeats, with_peer=with_peer), flush=True)
        except Exception as error:
            print(f"| {case.algorithm} | {case.peer.library} | failed: {error!r} |", flush=True)


if __name__ == "__main__":
    main()
