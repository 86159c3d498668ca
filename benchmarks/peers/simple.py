"""Peers of what is the same for everyone."""

import numpy as np
from scipy.sparse import csr_matrix

from peers import Peer, Top, in_blocks
from peers.ratings import trainset_of


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


def surprise_item_bias(data, user_shrinkage: float, item_shrinkage: float) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Item biases of BaselineOnly, of a trainset with users and items swapped.

    One sweep of its least squares takes the mean's residuals to the biases of its items, shrunk by
    reg_i, then to those of its users, by reg_u: with the sides swapped that is b_u, then b_i, each
    in closed form as in GlobalEffects.
    """
    from surprise import BaselineOnly

    options = {"method": "als", "n_epochs": 1, "reg_i": user_shrinkage, "reg_u": item_shrinkage}
    model = BaselineOnly(bsl_options=options, verbose=False).fit(data)
    return np.asarray(model.bu)


def surprise_baseline(user_shrinkage: float = 10.0, item_shrinkage: float = 25.0) -> Peer:
    def fit(data) -> Top:  # type: ignore[no-untyped-def]
        bias = surprise_item_bias(data, user_shrinkage, item_shrinkage)
        bias[[item for item in range(data.n_users) if not data.ur[item]]] = -np.inf
        return in_blocks(lambda start, stop: np.tile(bias, (stop - start, 1)))

    return Peer("scikit-surprise", fit, lambda X: trainset_of(csr_matrix(X.T)))
