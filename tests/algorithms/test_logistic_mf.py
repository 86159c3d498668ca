"""LogisticMF against the paper's objective over all pairs: dense gradients, and scipy's optimum."""

import numba
import numpy as np
import pytest
from implicit.lmf import LogisticMatrixFactorization
from scipy.optimize import check_grad, minimize
from scipy.sparse import csr_array, csr_matrix
from scipy.special import expit

from recmeta.algorithms._logistic_steps import Steps, climb, pull_of_zeros
from recmeta.algorithms.logistic_mf import LogisticMF
from recmeta.metrics.accuracy import ndcg

L2, ALPHA = 0.7, 4.0
ALL = 10**6  # so many negatives: every pair, once


def histories(n_users=30, n_items=20, seed=0, share=0.25):
    rng = np.random.default_rng(seed)
    log = (rng.random((n_users, n_items)) < share).astype(np.float32)
    log[np.arange(n_users), np.arange(n_users) % n_items] = 1  # nobody has nothing
    return log


def objective(X, users, items):
    """Johnson 2014, eq. 3 with r = X, by numpy; the columns that stay 1 bear no penalty."""
    s = users @ items.T
    fit = (ALPHA * X * s - (1 + ALPHA * X) * np.logaddexp(0, s)).sum()
    free = (users[:, :-1] ** 2).sum() + (items[:, :-2] ** 2).sum() + (items[:, -1] ** 2).sum()
    return fit - L2 / 2 * free


def gradient(X, rows, others, one):
    """Of the objective by the rows, which are those of X."""
    s = rows @ others.T
    change = (ALPHA * X - (1 + ALPHA * X) / (1 + np.exp(-s))) @ others - L2 * rows
    change[:, one] = 0
    return change


def test_the_reference_gradient_is_that_of_the_objective():
    X, rng = histories(5, 4), np.random.default_rng(0)
    users, items = rng.standard_normal((5, 6)), rng.standard_normal((4, 6))
    users[:, -1], items[:, -2] = 1, 1

    def of_users(flat):
        return objective(X, flat.reshape(5, 6), items)

    def slopes(flat):
        full = gradient(X, flat.reshape(5, 6), items, -1)
        full[:, -1] = 0
        return full.ravel()

    def moved(flat):  # the last column is held at 1
        free = flat.reshape(5, 6).copy()
        free[:, -1] = 1
        return free.ravel()

    error = check_grad(lambda f: of_users(moved(f)), lambda f: slopes(moved(f)), users.ravel())
    assert error < 1e-4


@pytest.mark.parametrize("counts", [False, True])
def test_an_epoch_is_a_step_of_adagrad_for_users_and_then_for_items(counts):
    X = histories() * (np.random.default_rng(1).integers(1, 6, (30, 20)) if counts else 1)
    model = LogisticMF(4, L2, ALPHA, 0.3, ALL, n_epochs=3).fit(X)
    users, items, sums = (
        model.user_factors_.astype(float),
        model.item_factors_.astype(float),
        [model.user_squares_.astype(float), model.item_squares_.astype(float)],
    )
    model.set_params(n_epochs=4)
    assert list(model.epochs(X, resume=True)) == [4]
    change = gradient(X, users, items, -1)
    users += 0.3 * change / np.sqrt(1e-6 + sums[0] + change**2)
    np.testing.assert_allclose(model.user_factors_, users, atol=1e-4)
    change = gradient(X.T, items, users, -2)
    items += 0.3 * change / np.sqrt(1e-6 + sums[1] + change**2)
    np.testing.assert_allclose(model.item_factors_, items, atol=1e-4)


def test_training_ends_where_scipy_finds_no_better_users_or_items():
    X = histories(12, 9)
    model = LogisticMF(2, L2, ALPHA, 0.3, ALL, n_epochs=2000).fit(X)
    users, items = model.user_factors_.astype(float), model.item_factors_.astype(float)
    for X_, rows, others, one in ((X, users, items, -1), (X.T, items, users, -2)):
        for row, found in zip(X_, rows, strict=True):

            def loss(free, row=row, found=found, others=others, one=one):
                vector = np.where(np.arange(4) == one % 4, found, free)
                s = others @ vector
                fit = (ALPHA * row * s - (1 + ALPHA * row) * np.logaddexp(0, s)).sum()
                slope = gradient(row[None], vector[None], others, one)[0]
                return L2 / 2 * (np.delete(vector, one) ** 2).sum() - fit, -slope

            best = minimize(loss, np.ones(4), jac=True, options={"gtol": 1e-8}).x
            best[one] = 1
            np.testing.assert_allclose(found, best, atol=2e-3)


def pulls(rows, others):
    """sum_h sigmoid(v h) h of each row v, by numpy."""
    return (1 / (1 + np.exp(-rows @ others.T))) @ others


def test_a_run_that_begins_anew_is_that_of_the_pool_twice_over():
    rng = np.random.default_rng(0)
    pool = rng.standard_normal((700, 5), dtype=np.float32)
    rows, twice = rng.standard_normal((3, 5), dtype=np.float32), np.concatenate([pool, pool])
    turned = np.ascontiguousarray(twice.T)
    for offset, size in ((0, 700), (650, 700), (699, 2), (300, 600)):
        found = pull_of_zeros(rows, pool, np.ascontiguousarray(pool.T), offset, size)
        assert np.array_equal(found, pull_of_zeros(rows, twice, turned, offset, size))


@pytest.mark.parametrize("n", [1, 511, 1300])
def test_the_pull_of_a_run_is_the_sum_of_its_sigmoids(n):
    rng = np.random.default_rng(n)
    rows, run = (3 * rng.standard_normal((size, 6)).astype(np.float32) for size in (9, n))
    found = pull_of_zeros(rows, run, np.ascontiguousarray(run.T), 0, len(run))
    expected = pulls(rows.astype(float), run.astype(float))
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6 * n)


def test_sigmoids_hold_from_one_end_of_float32_to_the_other():
    odds = np.array([-1e30, -80, -20, -1, 0, 1e-6, 3, 15, 80, 1e30], dtype=np.float32)
    one = np.ones((1, 1), dtype=np.float32)
    for value in odds:
        found = pull_of_zeros(value * one, one, one, 0, 1)[0, 0]
        assert found == pytest.approx(expit(float(value)), rel=1e-5, abs=1e-36)


@pytest.mark.parametrize("limit", [None, 5])
def test_the_sampled_gradient_is_on_average_that_of_all_pairs_or_of_as_many_as_asked(limit):
    rng = np.random.default_rng(0)
    X = csr_array(histories(300, 40, share=0.1))  # blocks of 128 rows, of nearly one length each
    items, users = (rng.standard_normal((n, 5)).astype(np.float32) for n in (40, 300))
    items[:, -2], users[:, -1] = 1, 1
    steps = []
    for _ in range(1000):
        rows, squares = users.copy(), np.full(users.shape, 1e12, np.float32)  # steps of 1 gradient
        climb(X, items, rows, squares, -1, Steps(2, limit, 1e6, L2, ALPHA), rng)
        steps.append(rows[:, :-1] - users[:, :-1])
    counts = np.diff(X.indptr)
    weight = np.ones(300) if limit is None else np.minimum(2 * counts, limit) / 40
    exact_users, exact_items, x = users.astype(float), items.astype(float), X.toarray()
    slope = ALPHA * x * (1 - expit(exact_users @ exact_items.T))
    expected = slope @ exact_items - L2 * exact_users
    expected -= weight[:, None] * pulls(exact_users, exact_items)
    spread = np.std(steps, axis=0)
    off = (np.mean(steps, axis=0) - expected[:, :-1])[spread > 1e-3]
    # squared, in standard errors: 1 on average, 0.7 to 2.3 here, since a block moves together
    assert (1000 * (off / spread[spread > 1e-3]) ** 2).mean() < 3


@pytest.mark.parametrize("max_negatives", [None, 10])
def test_it_ranks_no_worse_than_implicit_at_equal_hyperparameters(max_negatives):
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 6, 300)[:, None] == rng.integers(0, 6, 120)
    log = (rng.random(kinds.shape) < np.where(kinds, 0.4, 0.03)).astype(np.float32)
    held = (log * (rng.random(log.shape) < 0.2)).astype(np.float32)
    X, relevant = log - held, csr_array(held)
    theirs = LogisticMatrixFactorization(
        factors=8, learning_rate=0.3, regularization=1.0, iterations=30, neg_prop=30,
        num_threads=1, random_state=0,
    )  # fmt: skip
    theirs.fit(csr_matrix(X), show_progress=False)
    model = LogisticMF(8, 1.0, 1.0, 0.3, 30, 30, max_negatives).fit(X)
    ours = np.nanmean(ndcg(model.recommend(X)[0], relevant, 10))
    model.user_factors_, model.item_factors_ = theirs.user_factors, theirs.item_factors
    assert ours >= np.nanmean(ndcg(model.recommend(X)[0], relevant, 10))


def test_the_answer_is_the_same_with_any_number_of_threads():
    X = histories(300, 200, share=0.05)
    before = numba.get_num_threads()
    try:
        answers = []
        for n_threads in (1, min(2, before)):
            numba.set_num_threads(n_threads)
            answers.append(LogisticMF(8, n_negatives=3, n_epochs=3).fit(X).item_factors_)
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(*answers)


def test_who_has_no_interactions_has_zero_factors_and_no_part_in_any_list():
    X = histories()
    X[:, 3], X[5] = 0, 0
    model = LogisticMF(6, n_epochs=5).fit(X)
    assert not model.item_factors_[3].any()
    assert not model.user_factors_[5].any()
    items, _ = model.recommend(X, k=20)
    assert not (items == 3).any()
    assert (items[5] == -1).all()


def test_the_columns_of_the_biases_stay_beside_a_1():
    model = LogisticMF(6, n_epochs=5).fit(histories())
    assert (model.user_factors_[:, -1] == 1).all()
    assert (model.item_factors_[:, -2] == 1).all()


def test_implicit_draws_as_many_zeros_whatever_it_is_asked_for():
    X = csr_matrix(histories(40, 60, share=0.5))
    found = []
    for asked in (1, 3000):
        model = LogisticMatrixFactorization(
            factors=4, neg_prop=asked, iterations=3, num_threads=1, random_state=0
        )
        model.fit(X, show_progress=False)
        found.append(model.item_factors)
    np.testing.assert_array_equal(*found)  # n_factors + 2, which max_negatives says openly


def test_no_limit_of_negatives_below_one():
    with pytest.raises(ValueError, match="max_negatives must be at least 1: got 0"):
        LogisticMF(max_negatives=0).fit(histories())


def test_no_negatives_are_refused():
    with pytest.raises(ValueError, match="n_negatives must be at least 1: got 0"):
        LogisticMF(n_negatives=0).fit(histories())
