"""NDCG@10 beside the best public implementation at equal hyperparameters, on real logs.

    python benchmarks/quality.py [--logs ...] [--only IALS,BPR] [--shared DIR]

Random hold-out, fitted on train and validation, ranked for the users of test; both leave out the
user's history. Algorithms that draw at random are fitted with 10 seeds each, fewer where cost()
says that this takes over 20 s, 3 at least, and NDCG is the mean. "difference": ours
less the peer's, paired over users, with its standard error, to which the seeds' is added. "holds":
ours is not worse by more than 0.5 %; "within error": it is, but by less than two standard errors.
"spread": standard deviation of the seeds' NDCG, ours and the peer's.
quality_cases.py has the parameters, peers/ the translations. What cost() says to take over a minute
is left out, and so are peers that are not installed: RecBole and irspack's MultVAE have needs that
contradict the others' (``pip install --no-deps recbole`` and what it then misses; ``pip install jax
optax dm-haiku``).
"""

import warnings
from typing import Any

import numpy as np
from logs import logs_of, parser_of
from peers import Peer
from quality_cases import CASES, Case
from scipy.sparse import csr_matrix

from recmeta.algorithms import get
from recmeta.datasets.folds import Fold
from recmeta.datasets.splits import random_holdout
from recmeta.metrics.accuracy import ndcg

K = 10
WORSE = 0.005  # share of the peer's NDCG
LONGEST = 60.0  # seconds of a fit, by cost()
SEEDS_SECONDS, MOST_SEEDS = 20.0, 10


def of_ours(algorithm: str, params: dict[str, Any], fold: Fold) -> np.ndarray:
    """NDCG@10 of each user of test."""
    model = get(algorithm)(**params).fit(fold.fit)
    return ndcg(model.recommend(fold.history, K, users=fold.users)[0], fold.relevant, K)


def of_peer(peer: Peer, fold: Fold) -> np.ndarray:
    X = csr_matrix(fold.fit)
    lists = np.asarray(peer.fit(peer.prepare(X))(X, K), dtype=np.int32)
    return ndcg(lists[fold.users], fold.relevant, K)


def row(name: str, case: Case, fold: Fold) -> str:
    n_seeds = case.seeds
    if n_seeds > 2:  # the spread over seeds is about 1 %: a few are too few to see 0.5 %
        seconds = cost_of(case, fold)
        n_seeds = int(np.clip(SEEDS_SECONDS / max(seconds, 1e-3), n_seeds, MOST_SEEDS))
    drawn = [{"random_state": seed} if n_seeds > 1 else {} for seed in range(n_seeds)]
    ours = np.array([of_ours(case.algorithm, case.params | seed, fold) for seed in drawn])
    peer = case.peer(0)
    theirs = np.array([of_peer(case.peer(seed), fold) for seed in range(n_seeds)])
    return line(name, case, peer.library, ours, theirs)


def cost_of(case: Case, fold: Fold) -> float:
    return get(case.algorithm).cost(*fold.fit.shape, fold.fit.nnz, **case.params).seconds


def line(name: str, case: Case, library: str, ours: np.ndarray, theirs: np.ndarray) -> str:
    """Of NDCG by seed and user."""
    difference = ours.mean(axis=0) - theirs.mean(axis=0)
    seeds = [values.mean(axis=1) for values in (ours, theirs)]
    variance = difference.var(ddof=1) / len(difference)
    if len(ours) > 1:
        variance += sum(values.var(ddof=1) / len(values) for values in seeds)
    error = np.sqrt(variance)
    relative = difference.mean() / max(theirs.mean(), 1e-12)
    spread = ", ".join(f"{v.std(ddof=1):.4f}" for v in seeds) if len(ours) > 1 else ""
    holds = "yes"
    if relative < -WORSE:
        holds = "within error" if difference.mean() > -2 * error else "NO"
    return (
        f"| {name} | {case.algorithm} | {library} | {ours.mean():.4f} | {theirs.mean():.4f} "
        f"| {difference.mean():+.4f} ± {error:.4f} | {100 * relative:+.2f} % | {spread} "
        f"| {holds} |"
    )


def main() -> None:
    options = parser_of(__doc__).parse_args()
    only = {name for name in options.only.split(",") if name}
    warnings.simplefilter("ignore")
    print(
        f"| log | algorithm | peer | NDCG@{K} | peer's | difference | relative | spread | holds |\n"
        "|---|---|---|---|---|---|---|---|---|"
    )
    for name, data in logs_of(options).items():
        fold = random_holdout(data, seed=0).fold("test")
        for case in CASES:
            seconds = cost_of(case, fold)
            if only and case.algorithm not in only:
                continue
            if seconds > LONGEST:
                print(f"| {name} | {case.algorithm} | | cost() says {seconds:.0f} s | | | | | |")
                continue
            try:
                print(row(name, case, fold), flush=True)
            except ModuleNotFoundError as error:
                print(f"| {name} | {case.algorithm} | {error} | | | | | | |", flush=True)


if __name__ == "__main__":
    main()
