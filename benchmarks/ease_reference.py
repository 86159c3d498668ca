"""EASE beside an independent float64 EASE (numpy.linalg.inv), same split, tuned on validation.

    python benchmarks/ease_reference.py LOG [LOG ...]

Prints NDCG@10 on test of both to 6 digits; they must agree to 4.
"""

import sys
from pathlib import Path

import numpy as np

from recmeta.algorithms import get
from recmeta.datasets import read
from recmeta.datasets.folds import Fold
from recmeta.datasets.splits import random_holdout
from recmeta.evaluation import evaluate

PENALTIES = (30.0, 100.0, 300.0, 1000.0, 3000.0)


def reference_ndcg(fold: Fold, l2: float) -> float:
    """The paper's closed form in float64, dense, and NDCG@10 by its definition."""
    X = fold.fit.toarray().astype(np.float64)
    inverse = np.linalg.inv(X.T @ X + l2 * np.eye(X.shape[1]))
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    scores = fold.history.toarray() @ weights
    scores[fold.exclude.toarray() > 0] = -np.inf
    top = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    relevant = fold.relevant.toarray() > 0
    hits = np.take_along_axis(relevant, top, axis=1)
    discounts = 1 / np.log2(np.arange(2, 12))
    ideal = np.cumsum(discounts)[np.minimum(relevant.sum(axis=1), 10) - 1]
    return float(((hits * discounts).sum(axis=1) / ideal).mean())


def main() -> None:
    EASE = get("EASE")
    print("| log | users | l2 | EASE NDCG@10 | numpy float64 NDCG@10 |\n|---|---|---|---|---|")
    for log in sys.argv[1:]:
        data = read(log)
        split = random_holdout(data, seed=0)
        validation, test = split.fold("validation"), split.fold("test")
        by_penalty = {
            l2: evaluate(EASE(l2=l2).fit(validation.fit), validation).values["ndcg@10"]
            for l2 in PENALTIES
        }
        l2 = max(by_penalty, key=lambda penalty: by_penalty[penalty])
        ours = evaluate(EASE(l2=l2).fit(test.fit), test)
        name = Path(log).parent.name if Path(log).stem == "interactions" else log
        print(
            f"| {name} | {ours.n_users:,} | {l2:g} | {ours.values['ndcg@10']:.6f} "
            f"| {reference_ndcg(test, l2):.6f} |"
        )


if __name__ == "__main__":
    main()
