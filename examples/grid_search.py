"""recmeta's algorithms are scikit-learn estimators: a GridSearchCV over three of them.

.venv/bin/python examples/grid_search.py

X has the histories, y the held-out items, both users in rows and items in columns, without users of
whom nothing is held out. Each candidate is fitted on all of X and scored by NDCG@10 on y, so there
is one fold, with all rows on both sides.
"""

from pathlib import Path

import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from recmeta.algorithms import EASE, ItemKNN, PureSVD
from recmeta.datasets import read
from recmeta.datasets.splits import default_split

SHOP = Path(__file__).parent / "shop.csv"
GRID = [
    {"model": [EASE()], "model__l2": [30.0, 100.0, 300.0, 1000.0]},
    {"model": [ItemKNN()], "model__n_neighbours": [30, 100], "model__shrink": [1.0, 10.0]},
    {"model": [PureSVD()], "model__n_factors": [8, 16, 32, 64]},
]


def main() -> None:
    split = default_split(read(SHOP))
    validation, test = split.fold("validation"), split.fold("test")
    X, y = validation.history, validation.relevant
    rows = np.arange(X.shape[0])
    search = GridSearchCV(Pipeline([("model", EASE())]), GRID, cv=[(rows, rows)])
    search.fit(X, y)

    results = search.cv_results_
    print("| algorithm | parameters | NDCG@10 | fit, s |")
    print("|---|---|---|---|")
    for place in np.argsort(results["rank_test_score"]):
        params = dict(results["params"][place])
        name = type(params.pop("model")).__name__
        given = ", ".join(f"{key.split('__')[1]}={value:g}" for key, value in params.items())
        score, seconds = results["mean_test_score"][place], results["mean_fit_time"][place]
        print(f"| {name} | {given} | {score:.4f} | {seconds:.2f} |")

    best = search.best_estimator_["model"].fit(test.fit)
    score = best.score(test.history, test.relevant)
    print(f"\n{best} on the {len(test.users):,} users of the test part: NDCG@10 {score:.4f}")


if __name__ == "__main__":
    main()
