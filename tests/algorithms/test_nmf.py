"""NMF against scikit-learn's, dense multiplicative updates written out, and scipy's nnls."""

import warnings

import numba
import numpy as np
import pytest
from scipy.optimize import nnls
from scipy.sparse import csr_array
from sklearn.decomposition import non_negative_factorization
from sklearn.exceptions import ConvergenceWarning

from recmeta.algorithms.nmf import NMF


def histories(n_users=40, n_items=30, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.random((n_users, n_items)) < 0.2).astype(np.float32)


def kullback_leibler(X, P):
    logs = np.where(X > 0, X * np.log(np.where(X > 0, X, 1) / P), 0)
    return float((logs - X + P).sum())


def brute_force(X, W, H, loss, n_epochs):
    """Lee & Seung 2001, theorems 1 and 2, dense in float64: what is left of the loss."""
    X, W, H = (A.astype(np.float64) for A in (X, W, H))
    for _ in range(n_epochs):
        if loss == "frobenius":
            W = W * (X @ H.T) / (W @ H @ H.T)
            H = H * (W.T @ X) / (W.T @ W @ H)
        else:
            W = W * ((X / (W @ H)) @ H.T) / H.sum(axis=1)
            H = H * (W.T @ (X / (W @ H))) / W.sum(axis=0)[:, None]
    return W, H


def left(model, X):
    P = (model.user_factors_ @ model.item_factors_.T).astype(np.float64)
    if model.loss == "frobenius":
        return float(((X - P) ** 2).sum())
    return kullback_leibler(X, np.maximum(P, 1e-12))


@pytest.mark.parametrize("loss", ["frobenius", "kullback-leibler"])
def test_multiplicative_updates_are_those_of_the_paper(loss):
    X = histories()
    model = NMF(5, loss, 0, "random", n_epochs=2, solver="mu").fit(X)
    W, H = brute_force(X, model.user_factors_, model.item_factors_.T, loss, 6)
    model.set_params(n_epochs=8)
    assert [*model.epochs(X, resume=True)] == [3, 4, 5, 6, 7, 8]
    np.testing.assert_allclose(model.user_factors_, W, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(model.item_factors_, H.T, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("solver", ["cd", "mu"])
@pytest.mark.parametrize("init", ["random", "nndsvda"])
def test_frobenius_comes_as_close_to_x_as_long_brute_force(solver, init):
    X = histories()
    model = NMF(5, l2=0, init=init, n_epochs=400, solver=solver).fit(X)
    rng = np.random.default_rng(0)
    goals = []
    for _ in range(3):
        W, H = brute_force(X, rng.random((40, 5)), rng.random((5, 30)), "frobenius", 400)
        goals.append(((X - W @ H) ** 2).sum())
    assert left(model, X) < 1.02 * np.mean(goals)


@pytest.mark.parametrize("n_epochs", [1, 2, 10])
def test_the_epochs_of_coordinate_descent_are_those_of_scikit_learn(n_epochs):
    X = histories(300, 200) * np.random.default_rng(1).integers(1, 4, (300, 200))
    model = NMF(12, l2=0.3, init="random", n_epochs=n_epochs).fit(X)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        users, items, _ = non_negative_factorization(
            csr_array(X, dtype=np.float32), n_components=12, init="random", solver="cd", tol=0,
            alpha_W=0.3 / 200, alpha_H=0.3 / 300, max_iter=n_epochs, random_state=model.seed_,
        )  # fmt: skip
    np.testing.assert_allclose(model.user_factors_, users, atol=1e-4)
    np.testing.assert_allclose(model.item_factors_, items.T, atol=1e-4)


def test_coordinate_descent_is_the_same_with_any_number_of_threads():
    X, before = histories(600, 300), numba.get_num_threads()
    try:
        answers = []
        for n_threads in (1, min(2, before)):
            numba.set_num_threads(n_threads)
            model = NMF(9, n_epochs=4).fit(X)
            answers.append(np.hstack([model.item_factors_.T, model.user_factors_.T]))
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize("l2", [0.0, 0.5])
def test_a_history_folds_in_to_its_non_negative_ridge_regression(l2):
    X = histories()
    model = NMF(5, l2=l2, n_epochs=30).fit(X)
    H = np.vstack([model.item_factors_, np.sqrt(l2) * np.eye(5)])
    expected = [nnls(H, np.append(row, np.zeros(5)))[0] for row in X]
    scores = model._scores(csr_array(X), np.arange(40))
    np.testing.assert_allclose(scores, expected @ model.item_factors_.T, atol=1e-3)


def test_training_ends_where_neither_side_can_improve():
    X = histories()
    model = NMF(5, l2=0.5, n_epochs=500).fit(X)
    for fixed, solved, Z in (
        (model.item_factors_, model.user_factors_, X),
        (model.user_factors_, model.item_factors_, X.T),
    ):
        H = np.vstack([fixed, np.sqrt(0.5) * np.eye(5)])
        expected = [nnls(H, np.append(row, np.zeros(5)))[0] for row in Z]
        np.testing.assert_allclose(solved, expected, atol=2e-3)


def test_a_history_folds_in_to_the_least_divergence():
    X = histories()
    model = NMF(5, "kullback-leibler", l2=0, n_epochs=30).fit(X)
    rng, H = np.random.default_rng(0), model.item_factors_.T.astype(np.float64)
    scores = np.maximum(model._scores(csr_array(X), np.arange(40)), 1e-12)
    W = rng.random((40, 5)) + 0.1
    for _ in range(2000):
        W = W * ((X / np.maximum(W @ H, 1e-12)) @ H.T) / H.sum(axis=1)
    best = kullback_leibler(X, np.maximum(W @ H, 1e-12))
    assert kullback_leibler(X, scores.astype(np.float64)) < 1.01 * best


@pytest.mark.parametrize("loss", ["frobenius", "kullback-leibler"])
def test_no_factor_is_negative_and_the_loss_falls_with_the_epochs(loss):
    X = histories()
    model = NMF(5, loss, l2=0, n_epochs=12)
    losses = [left(model, X) for _ in model.epochs(X)]
    assert (np.diff(losses) <= 1e-3).all()
    assert min(model.user_factors_.min(), model.item_factors_.min()) >= 0


@pytest.mark.parametrize("loss", ["frobenius", "kullback-leibler"])
def test_an_item_without_interactions_has_zero_factors_and_is_never_recommended(loss):
    X = histories()
    X[:, 3], X[4] = 0, 0
    model = NMF(5, loss, l2=0.1).fit(X)
    items, _ = model.recommend(X, k=30)
    assert not model.item_factors_[3].any()
    assert not (items == 3).any()
    assert (items[4] == -1).all()


def test_coordinate_descent_with_the_kullback_leibler_loss_is_refused():
    with pytest.raises(ValueError, match="kullback-leibler loss has the solvers mu: got 'cd'"):
        NMF(loss="kullback-leibler", solver="cd").fit(histories())


def test_a_negative_penalty_is_refused():
    with pytest.raises(ValueError, match="l2 must not be negative: got -1"):
        NMF(l2=-1).fit(histories())


@pytest.mark.parametrize("bad", [{"loss": "hinge"}, {"init": "nndsvd"}])
def test_unknown_losses_and_starts_are_refused(bad):
    with pytest.raises(ValueError, match="loss must be one of frobenius, kullback-leibler, and"):
        NMF(**bad).fit(histories())


@pytest.mark.parametrize("X", [np.ones((1, 1)), np.ones((1, 4)), np.ones((5, 1)), np.ones((4, 4))])
@pytest.mark.parametrize("loss", ["frobenius", "kullback-leibler"])
def test_the_smallest_inputs_give_finite_factors(X, loss):
    assert np.isfinite(NMF(6, loss=loss).fit(X).item_factors_).all()
