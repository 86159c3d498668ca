"""Peers of the neighbourhood models and of the linear item-item models."""

import contextlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from peers import Peer, Top, in_blocks

Params = Callable[[csr_matrix], dict[str, Any]]
ONE_THREAD = ("DenseSLIMRecommender", "EDLAERecommender", "TruncatedSVDRecommender")


def irspack(name: str, *, of_data: Params | None = None, **params: Any) -> Peer:
    """``of_data`` gives the parameters that depend on X."""

    def fit(X: csr_matrix) -> Top:
        import irspack as library

        given = params | ({} if of_data is None else of_data(X))
        if name not in ONE_THREAD:
            given["n_threads"] = 2
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            model = getattr(library, name)(X, **given).learn()  # without its progress bar
        return in_blocks(lambda start, stop: np.array(model.get_score_block(start, stop)))

    return Peer("irspack", fit, lambda X: csr_matrix(X, dtype=np.float64))


def irspack_slim(l1: float, l2: float) -> Peer:
    """1/2 ||x - X w||^2 + l1 ||w||_1 + l2 / 2 ||w||^2; irspack's alpha is (l1 + l2) / n_users."""
    return irspack(
        "SLIMRecommender",
        of_data=lambda X: {"alpha": (l1 + l2) / X.shape[0]},
        l1_ratio=l1 / (l1 + l2),
        top_k=None,
    )


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


def sparse_dot_topn_cosine(k: int, *, users: bool = False) -> Peer:
    def fit(X: csr_matrix) -> Top:
        from sparse_dot_topn import sp_matmul_topn

        rows = csr_matrix(X if users else X.T, dtype=np.float32)
        norms = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
        rows = csr_matrix(rows.multiply(1 / np.maximum(norms, 1e-9)[:, None]), dtype=np.float32)
        # one more: each is its own nearest
        similarity = sp_matmul_topn(rows, rows.T.tocsr(), top_n=k + 1, n_threads=2)
        similarity = csr_matrix(similarity)
        similarity.setdiag(0)
        similarity.eliminate_zeros()
        if users:
            return in_blocks(lambda start, stop: (similarity[start:stop] @ X).toarray())
        weights = csr_matrix(similarity.T)  # the cut is per target item: a row before transposing
        return in_blocks(lambda start, stop: (X[start:stop] @ weights).toarray())

    return Peer("sparse_dot_topn", fit)
