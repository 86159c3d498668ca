"""SANSA against EASE by numpy.linalg.inv, and its factor against the least residual by lstsq."""

import numba
import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms import _sparse_inverse
from recmeta.algorithms._sparse_inverse import inverse_factor
from recmeta.algorithms.sansa import SANSA


def histories(n_users=120, n_items=40, seed=0, share=0.15):
    rng = np.random.default_rng(seed)
    popularity = rng.random(n_items) ** 2
    return (rng.random((n_users, n_items)) < 2 * share * popularity).astype(np.float32)


def ease(X, l2):
    """Steck 2019: B = I - P / diag(P)."""
    inverse = np.linalg.inv(X.T.astype(np.float64) @ X + l2 * np.eye(X.shape[1]))
    return np.eye(X.shape[1]) - inverse / np.diag(inverse)


def weights_of(model):
    return np.eye(model.n_features_in_) + model.encoder_.toarray() @ model.decoder_.toarray()


@pytest.mark.parametrize("counts", [False, True])
@pytest.mark.parametrize("l2", [0.5, 5.0, 200.0])
def test_with_all_neighbours_the_weights_are_those_of_ease(l2, counts):
    X = histories() * (np.random.default_rng(1).integers(1, 6, (120, 40)) if counts else 1)
    model = SANSA(l2=l2, n_neighbours=39).fit(X)
    np.testing.assert_allclose(weights_of(model), ease(X, l2), atol=1e-5)


def test_the_scores_are_the_history_times_the_weights():
    X, new = histories(), histories(30, seed=2)
    model = SANSA(l2=5.0, n_neighbours=39).fit(X)
    scores = model._scores(csr_array(new), np.full(30, -1))
    np.testing.assert_allclose(scores, new @ ease(X, 5.0), atol=1e-5)


def test_more_neighbours_come_nearer_to_ease():
    X = histories(400, 80)
    exact = ease(X, 5.0)
    errors = [
        np.linalg.norm(weights_of(SANSA(l2=5.0, n_neighbours=n).fit(X)) - exact)
        for n in (2, 8, 32, 79)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-4 < errors[-2]


def test_a_row_of_the_factor_is_the_least_squares_fit_to_the_inverse_of_cholesky():
    """min ||e_i - L' f|| over the f with the row's pattern, by numpy's lstsq, up to its scale."""
    X, l2 = histories(200, 30), 3.0
    factor = inverse_factor(csr_array(X), l2, 6).toarray()
    order = np.argsort(-(X**2).sum(axis=0), kind="stable")
    A = X.T.astype(np.float64) @ X + l2 * np.eye(30)
    L = np.linalg.cholesky(A[np.ix_(order, order)])
    for place, row in enumerate(factor[np.ix_(order, order)]):
        pattern = np.flatnonzero(row)
        assert pattern[-1] == place
        assert len(pattern) <= 7
        fit = np.linalg.lstsq(L[pattern].T, np.eye(30)[place])[0]
        np.testing.assert_allclose(row[pattern] / row[place], fit / fit[-1], atol=1e-4)
    np.testing.assert_allclose(np.diag(factor @ A @ factor.T), 1, atol=1e-5)


def test_the_neighbours_are_the_nearest_and_then_the_first_among_the_more_popular():
    X = histories(300, 30)
    factor = inverse_factor(csr_array(X), 3.0, 4).toarray() != 0
    squares = (X**2).sum(axis=0)
    order = np.argsort(-squares, kind="stable")
    shared = X.T @ X
    for place, item in enumerate(order):
        before = order[:place]
        near = shared[item, before] / np.sqrt(squares[before] + 3.0)
        expected = before[np.argsort(-near, kind="stable")[:4]]
        expected = {item, *expected.tolist()} if squares[item] else {item}
        assert set(np.flatnonzero(factor[item])) == expected


def tastes(n_users=400, n_items=150, seed=0):
    """Ten kinds of users, with ten kinds of items."""
    rng = np.random.default_rng(seed)
    same = rng.integers(0, 10, n_users)[:, None] == rng.integers(0, 10, n_items)
    return (rng.random(same.shape) < np.where(same, 0.4, 0.03)).astype(np.float32)


def test_what_is_left_out_of_the_gram_matrix_changes_little(monkeypatch):
    X = tastes()
    whole = weights_of(SANSA(l2=20.0, n_neighbours=8).fit(X))
    monkeypatch.setattr(_sparse_inverse, "LEAST_STORED", 0)  # 64 of up to 149 entries a row
    few = weights_of(SANSA(l2=20.0, n_neighbours=8).fit(X))
    assert not np.array_equal(few, whole)
    assert np.linalg.norm(few - whole) < 0.1 * np.linalg.norm(whole)


def test_a_gram_matrix_that_lost_its_definiteness_leaves_finite_weights(monkeypatch):
    monkeypatch.setattr(_sparse_inverse, "LEAST_STORED", 0)
    X = histories(500, 200, share=0.4)
    model = SANSA(l2=0.01, n_neighbours=2).fit(X)  # 16 of up to 199 entries a row are kept
    assert np.isfinite(weights_of(model)).all()


def test_the_answer_is_the_same_with_any_number_of_threads():
    X = histories(300, 200)
    before = numba.get_num_threads()
    try:
        answers = []
        for n_threads in (1, min(2, before)):
            numba.set_num_threads(n_threads)
            answers.append(SANSA(n_neighbours=20).fit(X).encoder_.toarray())
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(*answers)


def test_an_item_without_interactions_is_never_recommended():
    X = histories()
    X[:, 3] = 0
    items, _ = SANSA(l2=1.0).fit(X).recommend(X, k=40)
    assert not (items == 3).any()


def test_both_factors_have_at_most_a_row_of_neighbours_an_item():
    model = SANSA(n_neighbours=5).fit(histories(300, 200))
    assert np.diff(model.decoder_.indptr).max() == 6
    assert model.encoder_.nnz == model.decoder_.nnz
    assert model.encoder_.dtype == model.decoder_.dtype == np.float32


@pytest.mark.parametrize("l2", [0.0, -1.0, np.inf])
def test_a_penalty_that_is_not_positive_is_refused(l2):
    with pytest.raises(ValueError, match="l2 must be positive and finite: got"):
        SANSA(l2=l2).fit(histories())


@pytest.mark.parametrize("X", [np.ones((1, 1)), np.ones((1, 4)), np.ones((5, 1)), np.ones((4, 4))])
def test_the_smallest_inputs_give_finite_weights(X):
    assert np.isfinite(weights_of(SANSA().fit(X))).all()
