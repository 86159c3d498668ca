"""Peers that predict ratings: scikit-surprise and cornac, on a matrix of values."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from peers import Peer, Top, without_unseen
from peers.factors import cornac_data

Score = Callable[[int, int], np.ndarray]


def trainset_of(X: csr_matrix) -> Any:
    """Surprise's training set with our numbers as ids, users in order."""
    from surprise import Trainset

    of_user, of_item = defaultdict(list), defaultdict(list)
    users = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr)).tolist()
    for user, item, value in zip(users, X.indices.tolist(), X.data.tolist(), strict=True):
        of_user[user].append((item, value))
        of_item[item].append((user, value))
    scale = float(X.data.min()), float(X.data.max())
    n_users, n_items = X.shape
    names = [{number: number for number in range(n)} for n in X.shape]
    return Trainset(of_user, of_item, n_users, n_items, X.nnz, scale, *names)


def surprise_svd(
    n_factors: int, learning_rate: float, l2: float, n_epochs: int, seed: int
) -> Callable[[Any], Score]:
    def fit(data: Any) -> Score:
        from surprise import SVD

        model = SVD(
            n_factors=n_factors, n_epochs=n_epochs, lr_all=learning_rate, reg_all=l2,
            init_std_dev=0.1, random_state=seed,
        )  # fmt: skip
        model.fit(data)
        mean = data.global_mean
        return lambda start, stop: (
            mean + model.bu[start:stop, None] + model.bi + model.pu[start:stop] @ model.qi.T
        )

    return fit


def cornac_mf(
    n_factors: int, learning_rate: float, l2: float, n_epochs: int, seed: int
) -> Callable[[Any], Score]:
    def fit(data: Any) -> Score:
        import cornac

        rng = np.random.default_rng(seed)
        start = {  # its own has a standard deviation of 0.01, ours and surprise's of 0.1
            "U": 0.1 * rng.standard_normal((data.num_users, n_factors), dtype=np.float32),
            "V": 0.1 * rng.standard_normal((data.num_items, n_factors), dtype=np.float32),
        }
        model = cornac.models.MF(
            k=n_factors, max_iter=n_epochs, learning_rate=learning_rate, lambda_reg=l2,
            use_bias=True, early_stop=False, num_threads=1, init_params=start, seed=seed,
        )  # fmt: skip
        model.fit(data)
        return lambda start, stop: (
            model.global_mean
            + model.u_biases[start:stop, None]
            + model.i_biases
            + model.u_factors[start:stop] @ model.i_factors.T
        )

    return fit


def surprise_co_clustering(
    n_user_clusters: int, n_item_clusters: int, n_epochs: int, seed: int
) -> Callable[[Any], Score]:
    def fit(data: Any) -> Score:
        from surprise import CoClustering

        model = CoClustering(n_user_clusters, n_item_clusters, n_epochs, random_state=seed)
        model.fit(data)

        def score(start: int, stop: int) -> np.ndarray:
            users = np.asarray(model.cltr_u[start:stop])
            of_users = np.asarray(model.user_mean)[start:stop] - model.avg_cltr_u[users]
            of_items = np.asarray(model.item_mean) - model.avg_cltr_i[model.cltr_i]
            pairs = np.asarray(model.avg_cocltr)[users][:, model.cltr_i]
            return np.asarray(pairs + of_users[:, None] + of_items)

        return score

    return fit


def surprise_slope_one() -> Callable[[Any], Score]:
    """The plain form: the mean over j of the user's own mean + d_ij, all j alike."""

    def fit(data: Any) -> Score:
        from surprise import SlopeOne

        model = SlopeOne().fit(data)
        together = np.asarray(model.freq) > 0  # (n_items, n_items)
        apart = np.where(together, model.dev, 0)  # NaN where nobody rated both

        def score(start: int, stop: int) -> np.ndarray:
            rows = []
            for user in range(start, stop):
                items = [item for item, _ in data.ur[user]]
                count = np.maximum(together[:, items].sum(axis=1), 1)
                moved = apart[:, items].sum(axis=1) / count
                rows.append((model.user_mean[user] if items else data.global_mean) + moved)
            return np.array(rows)

        return score

    return fit


def ranked(library: str, fit: Callable[[Any], Score]) -> Peer:
    """The predictor as a recommender: the items with the highest predictions."""
    prepare = cornac_data if library == "cornac" else trainset_of

    def both(X: csr_matrix) -> Any:
        return X, prepare(X)

    def fit_both(data: Any) -> Top:
        X, own = data
        return without_unseen(fit(own), X)

    return Peer(library, fit_both, both)
