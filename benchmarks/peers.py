"""The best public implementation of each algorithm, behind one face: fit(X), then top(X, k).

Which peer is the best one: measured, see the tables of the design notes and docs/benchmarks.md.
Each peer is given the parameters that make it the same model, as near as its formulation allows.
"""

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array, csr_matrix

Top = Callable[[csr_matrix, int], np.ndarray]


@dataclass(frozen=True)
class Peer:
    """``fit`` returns a function from (histories, k) to item columns, -1 padded or not."""

    library: str
    fit: Callable[[csr_matrix], Top]


def best_of_scores(scores: np.ndarray, X: csr_matrix, k: int) -> np.ndarray:
    """The usual numpy way: mask what was seen, argpartition, sort."""
    scores[X.nonzero()] = -np.inf
    top = np.argpartition(-scores, k, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1, kind="stable")
    return np.take_along_axis(top, order, axis=1)


def in_blocks(score: Callable[[int, int], np.ndarray], size: int = 1024) -> Top:
    """A top function over blocks of rows, so that no users x items array is made."""

    def top(X: csr_matrix, k: int) -> np.ndarray:
        blocks = []
        for start in range(0, X.shape[0], size):
            stop = min(start + size, X.shape[0])
            blocks.append(best_of_scores(np.asarray(score(start, stop)), X[start:stop], k))
        return np.vstack(blocks)

    return top


def irspack(name: str, n_threads: int = 2, **params: Any) -> Peer:
    def fit(X: csr_matrix) -> Top:
        import irspack as library

        cls = getattr(library, name)
        if name != "DenseSLIMRecommender" and not name.startswith(("TopPop", "Truncated")):
            params["n_threads"] = n_threads
        with contextlib.redirect_stdout(io.StringIO()):  # its progress bar
            model = cls(csr_matrix(X, dtype=np.float64), **params).learn()
        return in_blocks(lambda start, stop: np.array(model.get_score_block(start, stop)))

    return Peer("irspack", fit)


def implicit_neighbours(name: str, k: int, *, users: bool = False) -> Peer:
    def fit(X: csr_matrix) -> Top:
        from implicit import nearest_neighbours

        model = getattr(nearest_neighbours, name)(K=k, num_threads=2)
        if users:  # its models are item-item: users stand in for items
            model.fit(csr_matrix(X.T), show_progress=False)
            weights = csr_matrix(model.similarity)
            return in_blocks(lambda start, stop: (weights[start:stop] @ X).toarray())
        model.fit(csr_matrix(X), show_progress=False)
        return lambda Y, n: model.recommend(
            np.arange(Y.shape[0]), csr_matrix(Y), N=n, filter_already_liked_items=True
        )[0]

    return Peer("implicit", fit)


def implicit_factors(name: str, **params: Any) -> Peer:
    def fit(X: csr_matrix) -> Top:
        import implicit.als
        import implicit.bpr

        module = implicit.als if name.startswith("Alternating") else implicit.bpr
        model = getattr(module, name)(num_threads=2, random_state=0, **params)
        model.fit(csr_matrix(X), show_progress=False)
        return lambda Y, n: model.recommend(
            np.arange(Y.shape[0]), csr_matrix(Y), N=n, filter_already_liked_items=True
        )[0]

    return Peer("implicit", fit)


def sparse_dot_topn_cosine(k: int, *, users: bool = False) -> Peer:
    def fit(X: csr_matrix) -> Top:
        from sparse_dot_topn import sp_matmul_topn

        rows = csr_matrix(X if users else X.T, dtype=np.float32)
        norms = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
        rows = csr_matrix(rows.multiply(1 / np.maximum(norms, 1e-9)[:, None]), dtype=np.float32)
        similarity = sp_matmul_topn(rows, rows.T.tocsr(), top_n=k + 1, n_threads=2)
        similarity = csr_matrix(similarity)
        similarity.setdiag(0)
        similarity.eliminate_zeros()
        if users:
            return in_blocks(lambda start, stop: (similarity[start:stop] @ X).toarray())
        weights = csr_matrix(similarity.T)  # the cut is per target item: a row before transposing
        return in_blocks(lambda start, stop: (X[start:stop] @ weights).toarray())

    return Peer("sparse_dot_topn", fit)


def sklearn_svd(n_factors: int) -> Peer:
    def fit(X: csr_matrix) -> Top:
        from sklearn.utils.extmath import randomized_svd

        _, _, right = randomized_svd(csr_matrix(X), n_factors, random_state=0)
        return in_blocks(lambda start, stop: (X[start:stop] @ right.T) @ right)

    return Peer("scikit-learn", fit)


def cornac_bpr(n_factors: int, n_epochs: int) -> Peer:
    def fit(X: csr_matrix) -> Top:
        import cornac

        rows, columns = csr_array(X).nonzero()
        ones = np.ones(len(rows), dtype=np.float32)
        data = cornac.data.Dataset.build(
            [(str(u), str(i), float(r)) for u, i, r in zip(rows, columns, ones, strict=True)]
        )
        user_map = np.array([data.uid_map.get(str(u), 0) for u in range(X.shape[0])])
        item_map = np.array([data.iid_map.get(str(i), 0) for i in range(X.shape[1])])
        known = np.isin(np.arange(X.shape[1]), columns)
        model = cornac.models.BPR(
            k=n_factors, max_iter=n_epochs, learning_rate=0.05, lambda_reg=0.01, seed=0
        )
        model.fit(data)

        def score(start: int, stop: int) -> np.ndarray:
            scores = model.u_factors[user_map[start:stop]] @ model.i_factors[item_map].T
            scores = scores + model.i_biases[item_map]
            scores[:, ~known] = -np.inf
            return scores

        return in_blocks(score)

    return Peer("cornac", fit)


def numpy_top_popular() -> Peer:
    def fit(X: csr_matrix) -> Top:
        counts = np.asarray(X.sum(axis=0)).ravel().astype(np.float32)
        return in_blocks(lambda start, stop: np.tile(counts, (stop - start, 1)))

    return Peer("numpy", fit)


def numpy_random() -> Peer:
    def fit(X: csr_matrix) -> Top:
        rng = np.random.default_rng(0)
        return in_blocks(lambda start, stop: rng.random((stop - start, X.shape[1]), np.float32))

    return Peer("numpy", fit)


def surprise_baseline() -> Peer:
    def fit(X: csr_matrix) -> Top:
        import pandas as pd
        from surprise import BaselineOnly, Dataset, Reader

        rows, columns = csr_array(X).nonzero()
        frame = pd.DataFrame({"user": rows, "item": columns, "rating": np.asarray(X.data)})
        reader = Reader(rating_scale=(float(X.data.min()), float(X.data.max())))
        data = Dataset.load_from_df(frame, reader).build_full_trainset()
        model = BaselineOnly(verbose=False).fit(data)
        bias = np.full(X.shape[1], -np.inf)
        for inner in data.all_items():
            bias[int(data.to_raw_iid(inner))] = model.bi[inner]
        return in_blocks(lambda start, stop: np.tile(bias, (stop - start, 1)))

    return Peer("scikit-surprise", fit)
