"""Landmarkers: how small, quick models do on a sample; what they tell, no formula does.

A sample of whole users with about N_EVENTS positives, cut to the N_ITEMS most popular items, is
split at random within each user; each landmark is fitted and its NDCG@10 measured, with the
standard error of the mean over users. ``relative`` is the ratio to ItemKNN on the same sample.
The sample depends on the seed and on the numbering of users: an estimate, not an invariant.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms import get
from recmeta.data import Interactions
from recmeta.metrics.accuracy import ndcg

N_EVENTS = 30_000
N_ITEMS = 2_500  # EASE is cubic in it: 0.3 s on one core
K = 10
REFERENCE = "item_knn"
LANDMARKS: dict[str, tuple[str, dict[str, Any]]] = {
    "item_knn": ("ItemKNN", {"n_neighbours": 100, "shrink": 10.0}),
    "top_popular": ("TopPopular", {}),
    "user_knn": ("UserKNN", {"n_neighbours": 100, "shrink": 10.0}),
    "rp3beta": ("RP3beta", {"n_neighbours": 100, "alpha": 0.4, "beta": 0.2}),
    "pure_svd": ("PureSVD", {"n_factors": 32}),
    "ease": ("EASE", {"l2": 200.0}),
}


def extract(X: csr_array, log: Interactions, *, seed: int = 0) -> dict[str, float]:
    """NDCG@10, its standard error and its ratio to the reference, of each landmark."""
    rng = np.random.default_rng(seed)
    sample = _popular(_sample(X, rng))
    train, held = _hold_out(sample, rng)
    features: dict[str, float] = {"landmark.log_n_users": math.log1p(held.shape[0])}
    users = np.arange(train.shape[0])
    for name, (algorithm, params) in LANDMARKS.items():
        value, error = 0.0, 0.0
        if held.nnz:
            model = get(algorithm)(**params).fit(train)
            per_user = ndcg(model.recommend(train, K, users=users)[0], held, K)
            per_user = per_user[~np.isnan(per_user)]
            value, error = float(per_user.mean()), float(per_user.std() / math.sqrt(len(per_user)))
        features[f"landmark.{name}.ndcg@10"] = value
        features[f"landmark.{name}.standard_error"] = error
    reference = max(features[f"landmark.{REFERENCE}.ndcg@10"], 1e-6)
    for name in LANDMARKS:
        ratio = features[f"landmark.{name}.ndcg@10"] / reference
        features[f"landmark.{name}.relative"] = min(ratio, 10.0)
        features[f"landmark.{name}.log_ndcg@10"] = math.log(
            max(features[f"landmark.{name}.ndcg@10"], 1e-4)
        )
    return features


def _sample(X: csr_array, rng: np.random.Generator) -> csr_array:
    """Whole users until about N_EVENTS; those with one item say nothing here."""
    useful = np.flatnonzero(np.diff(X.indptr) > 1)
    n_events = int(np.diff(X.indptr)[useful].sum())
    if n_events > N_EVENTS:
        n_users = max(round(len(useful) * N_EVENTS / n_events), 100)
        useful = np.sort(rng.permutation(useful)[:n_users])
    return csr_array(X[useful])


def _popular(X: csr_array) -> csr_array:
    counts = np.bincount(X.indices, minlength=X.shape[1])
    n_items = min(int((counts > 0).sum()), N_ITEMS)
    kept = np.sort(np.argsort(-counts, kind="stable")[:n_items])
    return csr_array(X[:, kept]) if n_items else X


def _hold_out(X: csr_array, rng: np.random.Generator) -> tuple[csr_array, csr_array]:
    """One in five of each user's items, rounded, at least one where there are two."""
    lengths = np.diff(X.indptr)
    owner = np.repeat(np.arange(X.shape[0]), lengths)
    order = np.lexsort((rng.random(X.nnz), owner))
    rank = np.empty(X.nnz, dtype=np.int64)
    rank[order] = np.arange(X.nnz) - X.indptr[owner[order]]
    n_held = np.where(lengths > 1, np.maximum(np.rint(0.2 * lengths), 1), 0)
    held = rank < n_held[owner]
    return _part(X, owner, ~held), _part(X, owner, held)


def _part(X: csr_array, owner: NDArray[np.int64], mask: NDArray[np.bool_]) -> csr_array:
    part = csr_array((X.data[mask], (owner[mask], X.indices[mask])), shape=X.shape)
    part.sort_indices()
    return part
