"""Peers of the factor models, on interactions."""

import warnings
from collections import OrderedDict
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from peers import Peer, Top, in_blocks, without_unseen
from peers.neighbours import irspack


def mean_weights(X: csr_matrix, unobserved_weight: float) -> tuple[float, float]:
    """m_u and m_i of a binary X."""
    n_users, n_items = X.shape
    return X.nnz / n_users + unobserved_weight * n_items, X.nnz / n_items + (
        unobserved_weight * n_users
    )


def irspack_ials(
    n_factors: int, l2: float, exponent: float, unobserved_weight: float, n_epochs: int, seed: int
) -> Peer:
    """Both minimise sum_seen (1 - p)^2 + a sum_all p^2 + the penalties (irspack: half of all).

    Ours are l2 m_u^(1 - e) r_u^e ||w_u||^2 and l2 m_i^(1 - e) r_i^e ||h_i||^2, irspack's
    reg r_u^nu ||w_u||^2 and reg r_i^nu ||h_i||^2. W t and H / t predict the same, so only the
    product of the two scales matters: nu = e and reg = l2 (m_u m_i)^((1 - e) / 2).
    """

    def of_data(X: csr_matrix) -> dict[str, Any]:
        of_user, of_item = mean_weights(X, unobserved_weight)
        return {"reg": l2 * (of_user * of_item) ** ((1 - exponent) / 2)}

    return irspack(
        "IALSRecommender",
        of_data=of_data,
        n_components=n_factors,
        alpha0=unobserved_weight,
        nu=exponent,
        train_epochs=n_epochs,
        random_seed=seed,
    )


def implicit_ials(
    n_factors: int, l2: float, unobserved_weight: float, n_epochs: int, seed: int
) -> Peer:
    """With c - 1 more weight on seen pairs: sum_seen c (1 - p)^2 + sum_unseen p^2 + reg (...).

    Ours with exponent 0, times (1 + a)^2 / a and for p' = (1 + a) p, has c = (1 + a) / a and
    reg = l2 sqrt(m_u m_i) (1 + a) / a.
    """

    def fit(X: csr_matrix) -> Top:
        import implicit.als

        of_user, of_item = mean_weights(X, unobserved_weight)
        seen = (1 + unobserved_weight) / unobserved_weight
        model = implicit.als.AlternatingLeastSquares(
            factors=n_factors, alpha=seen, regularization=l2 * np.sqrt(of_user * of_item) * seen,
            iterations=n_epochs, num_threads=2, random_state=seed,
        )  # fmt: skip
        model.fit(X, show_progress=False)
        return implicit_top(model)

    return Peer("implicit", fit)


def implicit_bpr(n_factors: int, learning_rate: float, l2: float, n_epochs: int, seed: int) -> Peer:
    """One l2 for the user's and both items' factors; starts at (uniform - 1/2) / n_factors."""

    def fit(X: csr_matrix) -> Top:
        import implicit.bpr

        model = implicit.bpr.BayesianPersonalizedRanking(
            factors=n_factors, learning_rate=learning_rate, regularization=l2, iterations=n_epochs,
            verify_negative_samples=True, num_threads=2, random_state=seed,
        )  # fmt: skip
        model.fit(X, show_progress=False)
        return implicit_top(model)

    return Peer("implicit", fit)


def implicit_logistic(
    n_factors: int, learning_rate: float, l2: float, negatives: int, n_epochs: int, seed: int
) -> Peer:
    """AdaGrad. At most n_factors + 2 zeros a row, by popularity, however large ``negatives`` is."""

    def fit(X: csr_matrix) -> Top:
        import implicit.lmf

        model = implicit.lmf.LogisticMatrixFactorization(
            factors=n_factors, learning_rate=learning_rate, regularization=l2, neg_prop=negatives,
            iterations=n_epochs, num_threads=2, random_state=seed,
        )  # fmt: skip
        model.fit(X, show_progress=False)
        return implicit_top(model)

    return Peer("implicit", fit)


def implicit_top(model: Any) -> Top:
    return lambda Y, n: model.recommend(
        np.arange(Y.shape[0]), csr_matrix(Y), N=n, filter_already_liked_items=True
    )[0]


def cornac_data(X: csr_matrix) -> Any:
    """Its data set with our numbers as ids, so that nothing has to be mapped back."""
    import cornac

    users = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    maps = [OrderedDict((number, number) for number in range(n)) for n in X.shape]
    triplets = users, X.indices.astype(np.int64), np.asarray(X.data, dtype=np.float64)
    return cornac.data.Dataset(*X.shape, *maps, triplets)


def cornac_bpr(n_factors: int, learning_rate: float, l2: float, n_epochs: int, seed: int) -> Peer:
    """Steps as ours, with two differences: it starts at (uniform - 1/2) / n_factors, and a step
    whose negative is in the history is lost, where we draw again."""

    def fit(data: Any) -> Top:
        import cornac

        model = cornac.models.BPR(
            k=n_factors, max_iter=n_epochs, learning_rate=learning_rate, lambda_reg=l2, seed=seed
        )
        model.fit(data)

        def score(start: int, stop: int) -> np.ndarray:
            return np.asarray(model.u_factors[start:stop] @ model.i_factors.T + model.i_biases)

        return without_unseen(score, data.matrix)

    return Peer("cornac", fit, cornac_data)


def sklearn_svd(n_factors: int) -> Peer:
    def fit(X: csr_matrix) -> Top:
        from sklearn.utils.extmath import randomized_svd

        _, _, right = randomized_svd(csr_matrix(X), n_factors, random_state=0)
        return in_blocks(lambda start, stop: (X[start:stop] @ right.T) @ right)

    return Peer("scikit-learn", fit)


def scipy_svd(n_factors: int) -> Peer:
    """Converged (ARPACK, float64): what the randomised one comes near to."""

    def fit(X: csr_matrix) -> Top:
        from scipy.sparse.linalg import svds

        _, _, right = svds(X, k=n_factors, random_state=0)
        return in_blocks(lambda start, stop: (X[start:stop] @ right.T) @ right)

    return Peer("scipy", fit, lambda X: csr_matrix(X, dtype=np.float64))


def sklearn_nmf(n_factors: int, l2: float, n_epochs: int) -> Peer:
    """alpha_W and alpha_H are per entry of the other side: l2 / n_items and l2 / n_users."""

    def fit(X: csr_matrix) -> Top:
        from sklearn.decomposition import NMF

        model = NMF(
            n_factors, init="nndsvda", max_iter=n_epochs, tol=0, random_state=0,
            alpha_W=l2 / X.shape[1], alpha_H=l2 / X.shape[0],
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it stops before it has converged
            users = model.fit_transform(X)
        return without_unseen(lambda start, stop: users[start:stop] @ model.components_, X)

    return Peer("scikit-learn", fit)
