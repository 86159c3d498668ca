"""Every algorithm beside its best peer, in one run: fit seconds, users/s of top-50, NDCG@10.

    python benchmarks/algorithms.py [LOG] [--only EASE,IALS] [--repeats 3]

Without LOG a synthetic log of MovieLens-1M's shape is made (6,040 x 3,706, 1,000,000 events). Ours
and the peer's runs alternate; figures are medians; threads: two each. NDCG@10 is over all users on
a random 20 % hold-out that no fit has seen.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import peers
from scipy.sparse import csr_matrix

from recmeta.algorithms import Recommender, get
from recmeta.datasets import read
from recmeta.datasets.splits import random_holdout
from recmeta.metrics.accuracy import ndcg


@dataclass(frozen=True)
class Case:
    algorithm: str
    params: dict[str, Any]
    peer: peers.Peer


CASES = (
    Case("Random", {}, peers.numpy_random()),
    Case("TopPopular", {}, peers.numpy_top_popular()),
    Case("GlobalEffects", {}, peers.surprise_baseline()),
    Case("ItemKNN", {"n_neighbours": 100, "shrink": 0}, peers.sparse_dot_topn_cosine(100)),
    Case(
        "ItemKNN",
        {"n_neighbours": 100, "shrink": 0},
        peers.implicit_neighbours("CosineRecommender", 101),
    ),
    Case(
        "UserKNN", {"n_neighbours": 100, "shrink": 0}, peers.sparse_dot_topn_cosine(100, users=True)
    ),
    Case(
        "UserKNN",
        {"n_neighbours": 100, "shrink": 0},
        peers.implicit_neighbours("CosineRecommender", 101, users=True),
    ),
    Case(
        "P3alpha",
        {"n_neighbours": 100, "alpha": 1.0},
        peers.irspack("P3alphaRecommender", alpha=1.0, top_k=100),
    ),
    Case(
        "RP3beta",
        {"n_neighbours": 100, "alpha": 1.0, "beta": 0.3},
        peers.irspack("RP3betaRecommender", alpha=1.0, beta=0.3, top_k=100),
    ),
    Case("EASE", {"l2": 500.0}, peers.irspack("DenseSLIMRecommender", reg=500.0)),
    Case(
        "SLIM",
        {"alpha": 50.0, "l1_ratio": 0.1},
        peers.irspack("SLIMRecommender", alpha=0.01, l1_ratio=0.1, top_k=None),
    ),
    Case("PureSVD", {"n_factors": 64}, peers.sklearn_svd(64)),
    Case(
        "IALS",
        {"n_factors": 64, "n_epochs": 16},
        peers.irspack("IALSRecommender", n_components=64, alpha0=0.1, reg=0.003, train_epochs=16),
    ),
    Case(
        "IALS",
        {"n_factors": 64, "n_epochs": 15},
        peers.implicit_factors(
            "AlternatingLeastSquares", factors=64, iterations=15, regularization=0.01
        ),
    ),
    Case("BPR", {"n_factors": 64, "n_epochs": 20}, peers.cornac_bpr(64, 20)),
    Case(
        "BPR",
        {"n_factors": 64, "n_epochs": 20},
        peers.implicit_factors(
            "BayesianPersonalizedRanking",
            factors=64,
            iterations=20,
            learning_rate=0.05,
            verify_negative_samples=True,
        ),
    ),
)


@dataclass(frozen=True)
class Run:
    fit_seconds: float
    users_per_second: float
    ndcg: float


def run_ours(cls: type[Recommender], params: dict[str, Any], fold: Any) -> Run:
    model = cls(**params)
    users = np.arange(fold.fit.shape[0])

    def fit() -> Callable[[int], np.ndarray]:
        model.fit(fold.fit)
        return lambda k: model.recommend(fold.fit, k, users=users)[0]

    return measure(fit, fold)


def run_peer(peer: peers.Peer, fold: Any) -> Run:
    X = csr_matrix(fold.fit)

    def fit() -> Callable[[int], np.ndarray]:
        top = peer.fit(X)
        return lambda k: top(X, k)

    return measure(fit, fold)


def measure(fit: Callable[[], Callable[[int], np.ndarray]], fold: Any) -> Run:
    start = time.perf_counter()
    top = fit()
    fitted = time.perf_counter()
    k = min(50, fold.fit.shape[1] - 1)
    start_top = time.perf_counter()
    lists = np.asarray(top(k), dtype=np.int32)
    seconds = time.perf_counter() - start_top
    value = float(np.nanmean(ndcg(lists[fold.users], fold.relevant, 10)))
    return Run(fitted - start, len(lists) / seconds, value)


def median(runs: list[Run], name: str) -> float:
    return statistics.median(getattr(run, name) for run in runs)


def compare(case: Case, fold: Any, repeats: int) -> str:
    cls = get(case.algorithm)
    run_ours(cls, case.params, fold)  # compiles
    ours, theirs = [], []
    for _ in range(repeats):
        ours.append(run_ours(cls, case.params, fold))
        theirs.append(run_peer(case.peer, fold))
    fit, peer_fit = median(ours, "fit_seconds"), median(theirs, "fit_seconds")
    top, peer_top = median(ours, "users_per_second"), median(theirs, "users_per_second")
    return (
        f"| {case.algorithm} | {case.peer.library} "
        f"| {fit:.3f} | {peer_fit:.3f} | {fit / peer_fit:.2f} "
        f"| {top:,.0f} | {peer_top:,.0f} | {peer_top / top:.2f} "
        f"| {median(ours, 'ndcg'):.4f} | {median(theirs, 'ndcg'):.4f} |"
    )


def load_fold(log: str | None, max_events: int) -> Any:
    if log is None:
        from recmeta.datasets.synthetic import generate

        data = generate(n_users=6040, n_items=3706, n_events=max_events, seed=42)
    else:
        data = read(log)
    return random_holdout(data, validation=0.0, test=0.2, seed=0).fold("test")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", nargs="?")
    parser.add_argument("--only", default="")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    fold = load_fold(arguments.log, 1_000_000)
    only = {name for name in arguments.only.split(",") if name}
    n_users, n_items = fold.fit.shape
    print(f"{n_users:,} users x {n_items:,} items, {fold.fit.nnz:,} interactions to fit on\n")
    print(
        "| algorithm | peer | fit s | peer s | ours/peer | users/s | peer users/s | peer/ours "
        "| NDCG@10 | peer NDCG@10 |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for case in CASES:
        if not only or case.algorithm in only:
            try:
                print(compare(case, fold, arguments.repeats), flush=True)
            except Exception as error:
                print(f"| {case.algorithm} | {case.peer.library} | failed: {error!r} |", flush=True)


if __name__ == "__main__":
    main()
