"""FunkSVD against finite differences of the objective, and least squares on a planted structure."""

import numpy as np
import pytest

from recmeta.algorithms._squared_error import factor_step, factor_steps
from recmeta.algorithms.funk_svd import FunkSVD


def two_camps(n=20):
    """Users and items of two kinds; each likes most items of its own kind."""
    liked = np.kron(np.eye(2), np.ones((n, n))) * (
        np.random.default_rng(0).random((2 * n, 2 * n)) < 0.7
    )
    return liked.astype(np.float32)


def goal(w, h, target, user_l2, item_l2, mean, biases):
    """The objective of one pair, with w = (factors, 1, mean + b) and h = (factors, c, 1)."""
    w, h = w.copy(), h.copy()
    if not biases:
        return 0.5 * (target - w @ h) ** 2 + 0.5 * (user_l2 * w @ w + item_l2 * h @ h)
    error, bias = target - w @ h, w[-1] - mean
    sizes = w[:-2] @ w[:-2] + bias**2, h[:-1] @ h[:-1]
    return 0.5 * error**2 + 0.5 * (user_l2 * sizes[0] + item_l2 * sizes[1])


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("target", [0.0, 3.5])
def test_a_small_step_goes_down_the_gradient_of_the_objective(biases, target):
    rng = np.random.default_rng(0)
    w, h = rng.standard_normal((2, 5)).astype(np.float32)
    if biases:
        w[-2], h[-1] = 1, 1
    learned = np.ones((2, 5), dtype=bool)
    if biases:
        learned[0, -2] = learned[1, -1] = False
    rate, penalties, mean = 1e-4, (0.3, 0.2), 0.7
    start, expected = np.array([w, h], dtype=float), np.array([w, h], dtype=float)
    for place in zip(*np.nonzero(learned), strict=True):
        sides = []
        for shift in (1e-5, -1e-5):
            moved = start.copy()
            moved[place] += shift
            sides.append(goal(*moved, target, *penalties, mean, biases))
        expected[place] -= rate * (sides[0] - sides[1]) / 2e-5
    factor_step(np.float32(target), np.array([rate, *penalties, mean], np.float32), biases, w, h)
    np.testing.assert_allclose([w, h], expected, atol=2e-6)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.8])
def test_the_negative_share_is_that_of_steps_on_zeros_outside_the_history(share):
    n_users, n_items, n_entries = 50, 2000, 40
    rng = np.random.default_rng(0)
    items = np.concatenate([np.sort(rng.permutation(n_items)[:n_entries]) for _ in range(n_users)])
    indptr = np.arange(n_users + 1, dtype=np.int32) * n_entries
    W, H = np.zeros((n_users, 2), np.float32), np.zeros((n_items, 2), np.float32)
    counts = []
    for user in range(n_users):
        W[:], H[:] = [1, 0.5], [0, 1]
        rates = np.array([1e-6, 0, 0, 0], dtype=np.float32)
        state = np.array([user + 1], dtype=np.uint64)
        one, data = np.array([user], dtype=np.int32), np.ones(len(items), dtype=np.float32)
        zeros, items = int(share * 2**24), items.astype(np.int32)
        factor_steps(one, indptr, items, data, rates, zeros, True, state, W, H)
        # the prediction is 0.5: a step on a one moves c up by half the rate, one on a zero down
        counts.append([(H[:, 0] > 0).sum(), np.rint(-H[H[:, 0] < 0, 0] / 5e-7).sum()])
    ones, zeros = np.sum(counts, axis=0)
    assert ones == n_users * n_entries
    assert zeros / (ones + zeros) == pytest.approx(share, abs=0.02)


def test_ratings_of_a_known_form_are_recovered():
    rng = np.random.default_rng(0)
    truth = 3 + rng.standard_normal((40, 1)) * 0.5 + rng.standard_normal((1, 30)) * 0.5
    truth += rng.standard_normal((40, 2)) @ rng.standard_normal((2, 30)) * 0.3
    truth = truth.clip(0.1)
    held_out = rng.random(truth.shape) < 0.2
    X = np.where(held_out, 0, truth)
    model = FunkSVD(2, 0.05, 1e-4, 1e-4, negative_share=0, n_epochs=400, biases=True).fit(X)
    predicted = model.user_factors_ @ model.item_factors_.T
    error = np.sqrt(((predicted - truth)[held_out] ** 2).mean())
    assert error < 0.1  # against a spread of 0.8


def test_without_zeros_a_binary_log_teaches_one_for_every_pair():
    X = two_camps()
    model = FunkSVD(4, negative_share=0, n_epochs=100, biases=True).fit(X)
    np.testing.assert_allclose(model.user_factors_ @ model.item_factors_.T, 1, atol=0.15)


def test_values_of_a_thousand_do_not_diverge_at_the_largest_rate():
    X = two_camps() * np.random.default_rng(1).integers(1, 1000, (40, 40))
    for biases in (True, False):
        model = FunkSVD(8, learning_rate=1.0, n_epochs=30, biases=biases).fit(X)
        assert np.isfinite(model.user_factors_ @ model.item_factors_.T).all()


def test_a_seed_gives_the_same_bits_and_another_seed_others():
    X = two_camps()
    first, again, other = (
        FunkSVD(4, n_epochs=3, random_state=s).fit(X).item_factors_ for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("biases", [True, False])
def test_users_and_items_without_interactions_have_zero_factors(biases):
    X = two_camps()
    X[5], X[:, 3] = 0, 0
    model = FunkSVD(4, n_epochs=3, biases=biases).fit(X)
    assert not model.user_factors_[5].any()
    assert not model.item_factors_[3].any()
    assert not (model.recommend(X, k=40)[0] == 3).any()


@pytest.mark.parametrize("X", [np.ones((1, 1)), np.ones((1, 4)), np.ones((5, 1)), np.ones((4, 4))])
def test_users_who_have_every_item_get_no_zeros(X):
    assert np.isfinite(FunkSVD(4, n_epochs=2).fit(X).item_factors_).all()


def test_bad_parameters_are_refused():
    X = two_camps()
    with pytest.raises(ValueError, match=r"negative_share must lie in \[0, 1\): got 1.0"):
        FunkSVD(negative_share=1.0).fit(X)
    with pytest.raises(ValueError, match=r"learning_rate must be positive.*got -0.1, 0.2, 0.01"):
        FunkSVD(learning_rate=-0.1, user_l2=0.2, item_l2=0.01).fit(X)
