"""What predicts ratings, beside scikit-surprise and cornac: RMSE on held-out ratings, and NDCG@10.

    python benchmarks/quality_ratings.py [--logs ...] [--only FunkSVD] [--shared DIR]

The values of the random hold-out's test part, of users and items that the rest knows; predictions
are clipped to the scale. NDCG@10 of the highest predictions, without what was rated, against what
was liked: it is low for all, since how high is not whether. Means over 3 seeds where the start is
random. "holds": RMSE not worse by more than 0.5 %.

FunkSVD: same start (standard deviation 0.1), learning rate and penalty; surprise and cornac walk in
order, ours visits the users at random. SlopeOne: ours is the weighted form of the paper, surprise's
the plain one. CoClustering: ours averages again between users and items. GlobalEffects predicts no
rating: its item biases beside BaselineOnly's, which are to be equal.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from logs import logs_of, parser_of
from peers import best_of_scores, ratings, simple
from peers.factors import cornac_data
from peers.ratings import Score, trainset_of
from scipy.sparse import csr_array, csr_matrix

from recmeta.algorithms import get
from recmeta.data import Interactions
from recmeta.datasets.splits import random_holdout
from recmeta.metrics.accuracy import ndcg

LOGS = ("movielens-100k", "amazon-digital-music")
FUNK: dict[str, Any] = {"n_factors": 32, "learning_rate": 0.005, "n_epochs": 30}
CLUSTERS: dict[str, Any] = {"n_user_clusters": 3, "n_item_clusters": 3, "n_epochs": 20}


@dataclass(frozen=True)
class Case:
    algorithm: str
    params: dict[str, Any]
    library: str
    peer: Callable[[int], Callable[[Any], Score]]
    seeds: int = 3


FUNK_OURS = FUNK | {"user_l2": 0.02, "item_l2": 0.02, "negative_share": 0.0, "biases": True}
CASES = (
    Case(
        "FunkSVD", FUNK_OURS, "scikit-surprise",
        lambda seed: ratings.surprise_svd(**FUNK, l2=0.02, seed=seed),
    ),
    Case(
        "FunkSVD", FUNK_OURS, "cornac", lambda seed: ratings.cornac_mf(**FUNK, l2=0.02, seed=seed)
    ),
    Case(
        "CoClustering", CLUSTERS, "scikit-surprise",
        lambda seed: ratings.surprise_co_clustering(**CLUSTERS, seed=seed),
    ),
    Case(
        "SlopeOne", {}, "scikit-surprise", lambda seed: ratings.surprise_slope_one(), seeds=1
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Task:
    """``X`` ratings to learn from, ``held`` those to predict, ``liked`` what lists should find."""

    X: csr_matrix
    held: csr_matrix
    liked: csr_array

    def measured(self, predicted: np.ndarray) -> tuple[float, float]:
        """RMSE and NDCG@10 of predictions for all pairs."""
        low, high = self.X.data.min(), self.X.data.max()
        users, items = self.held.nonzero()
        error = np.clip(predicted[users, items], low, high) - self.held.data
        known = np.bincount(self.X.indices, minlength=self.X.shape[1]) > 0
        lists = best_of_scores(np.where(known, predicted, -np.inf), self.X, 10)
        found = float(np.nanmean(ndcg(lists.astype(np.int32), self.liked, 10)))
        return float(np.sqrt(np.mean(error**2))), found


def task_of(data: Interactions) -> Task:
    split = random_holdout(data, seed=0)
    assert data.values is not None
    shape = data.n_users, data.n_items

    def matrix(mask: np.ndarray) -> csr_matrix:
        entries = data.values[mask], (data.user_rows[mask], data.item_columns[mask])
        return csr_matrix(entries, shape=shape, dtype=np.float32)

    X, held = matrix(split.part < 2), matrix(split.part == 2).tocoo()
    known = (np.bincount(X.indices, minlength=shape[1]) > 0)[held.col]
    known &= (np.diff(X.indptr) > 0)[held.row]
    held = csr_matrix((held.data[known], (held.row[known], held.col[known])), shape=shape)
    liked = csr_array(matrix((split.part == 2) & data.positive) > 0, dtype=np.float32)
    return Task(X, held, liked)


def predictions(algorithm: str, params: dict[str, Any], X: csr_matrix) -> np.ndarray:
    """Ours of all pairs; where it has none, the mean rating."""
    model = get(algorithm)(**params).fit(X)
    items, scores = model.recommend(X, X.shape[1], exclude_seen=False)
    predicted = np.full((X.shape[0], X.shape[1] + 1), X.data.mean(), dtype=np.float32)
    np.put_along_axis(predicted, items % (X.shape[1] + 1), scores, axis=1)  # -1: the last column
    return predicted[:, :-1]


def row(name: str, case: Case, task: Task) -> str:
    prepared = (cornac_data if case.library == "cornac" else trainset_of)(task.X)
    ours, theirs = [], []
    for seed in range(case.seeds):
        drawn = {"random_state": seed} if case.seeds > 1 else {}
        ours.append(task.measured(predictions(case.algorithm, case.params | drawn, task.X)))
        theirs.append(task.measured(case.peer(seed)(prepared)(0, task.X.shape[0])))
    (our_error, our_found), (error, found) = np.mean(ours, axis=0), np.mean(theirs, axis=0)
    return (
        f"| {name} | {case.algorithm} | {case.library} | {our_error:.4f} | {error:.4f} "
        f"| {100 * (our_error / error - 1):+.2f} % | {our_found:.4f} | {found:.4f} "
        f"| {'yes' if our_error <= 1.005 * error else 'NO'} |"
    )


def biases(name: str, task: Task) -> str:
    model = get("GlobalEffects")().fit(task.X)
    ours = model.item_scores_
    known = ours > 0
    swapped = trainset_of(csr_matrix(task.X.T))
    theirs = simple.surprise_item_bias(swapped, model.user_shrinkage, model.item_shrinkage)
    theirs = 1 + theirs - theirs[known].min()
    apart = float(np.abs(ours - theirs)[known].max())
    return (
        f"{name}: item biases of GlobalEffects and of BaselineOnly differ by {apart:.1e} at most."
    )


def main() -> None:
    options = parser_of(__doc__, LOGS).parse_args()
    only = {name for name in options.only.split(",") if name}
    warnings.simplefilter("ignore")
    print("| log | algorithm | peer | RMSE | peer's | relative | NDCG@10 | peer's | holds |")
    print("|---|---|---|---|---|---|---|---|---|")
    lines = []
    for name, data in logs_of(options).items():
        if data.values is None:
            print(f"| {name} | has no ratings | | | | | | | |")
            continue
        task = task_of(data)
        for case in CASES:
            if not only or case.algorithm in only:
                print(row(name, case, task), flush=True)
        lines.append(biases(name, task))
    print("", *lines, sep="\n")


if __name__ == "__main__":
    main()
