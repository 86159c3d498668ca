"""IALS beside irspack's, each tuned by itself with the same small budget.

    python benchmarks/quality_tuned.py [--logs ...] [--configurations 20] [--shared DIR]

Random configurations, from our space for ours and from irspack's own ranges for irspack (factors 4
to 300, cut at 128, alpha0 3e-3 to 1 and reg 1e-4 to 0.1, log; nu 0 to 1, which irspack would leave
at 1); 16 epochs on both sides. The best on validation (NDCG@10, one seed) is fitted on train and
validation with 3 seeds. "difference" as in quality.py.
"""

import warnings
from typing import Any

import numpy as np
from logs import logs_of, parser_of
from peers.neighbours import irspack
from quality import line, of_ours, of_peer
from quality_cases import Case, always

from recmeta.algorithms import get
from recmeta.datasets.folds import Fold
from recmeta.datasets.splits import random_holdout
from recmeta.space import sample

LOGS = ("movielens-100k", "amazon-digital-music", "foursquare-nyc")
MOST_FACTORS, N_EPOCHS, SEEDS = 128, 16, 3


def drawn_ours(rng: np.random.Generator) -> dict[str, Any]:
    params = dict(sample(get("IALS").space, rng))
    return params | {"n_factors": min(params["n_factors"], MOST_FACTORS), "n_epochs": N_EPOCHS}


def drawn_peer(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "n_components": min(round(np.exp(rng.uniform(np.log(4), np.log(300)))), MOST_FACTORS),
        "alpha0": float(np.exp(rng.uniform(np.log(3e-3), 0))),
        "reg": float(np.exp(rng.uniform(np.log(1e-4), np.log(0.1)))),
        "nu": float(rng.uniform()),
        "train_epochs": N_EPOCHS,
    }


def ours(params: dict[str, Any], seed: int, fold: Fold) -> np.ndarray:
    return of_ours("IALS", params | {"random_state": seed}, fold)


def theirs(params: dict[str, Any], seed: int, fold: Fold) -> np.ndarray:
    return of_peer(irspack("IALSRecommender", **params, random_seed=seed), fold)


def main() -> None:
    parser = parser_of(__doc__, LOGS)
    parser.add_argument("--configurations", type=int, default=20)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| log | algorithm | peer | NDCG@10 | peer's | difference | relative | spread | holds |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, data in logs_of(options).items():
        split = random_holdout(data, seed=0)
        validation, test = split.fold("validation"), split.fold("test")
        reached = []
        for draw, of in ((drawn_ours, ours), (drawn_peer, theirs)):
            rng = np.random.default_rng(0)
            tried = [draw(rng) for _ in range(options.configurations)]
            values = [float(np.nanmean(of(params, 0, validation))) for params in tried]
            best = tried[int(np.argmax(values))]
            reached.append(np.array([of(best, seed, test) for seed in range(SEEDS)]))
        case = Case("IALS, tuned", {}, always(irspack("IALSRecommender")), SEEDS)
        print(line(name, case, "irspack", *reached), flush=True)


if __name__ == "__main__":
    main()
