"""BPR against the gradient of the paper, taken by finite differences, and a planted structure."""

import numpy as np
import pytest

from recmeta.algorithms._sampling import draw_below, visits_of
from recmeta.algorithms.bpr import BPR, VISIT, _steps


def two_camps(n=20):
    """Users and items of two kinds; each likes most items of its own kind."""
    liked = np.kron(np.eye(2), np.ones((n, n))) * (
        np.random.default_rng(0).random((2 * n, 2 * n)) < 0.7
    )
    return liked.astype(np.float32)


def test_recommends_items_of_the_users_own_kind():
    X = two_camps()
    items, _ = BPR(n_factors=8, n_epochs=150, learning_rate=0.1).fit(X).recommend(X, k=3)
    own = (items >= 20) == (np.arange(40)[:, None] >= 20)
    assert own.mean() > 0.95


def test_one_step_goes_along_the_gradient_of_the_paper():
    rng = np.random.default_rng(0)
    W = np.ones((1, 4), dtype=np.float32)
    W[0, :3] = rng.standard_normal(3)
    H = rng.standard_normal((2, 4)).astype(np.float32)
    rate, penalties = 1e-3, (0.3, 0.2, 0.1)

    def goal(w, h, g):  # user 0 likes item 0 and not item 1
        margin = np.append(w, 1) @ (h - g)
        sizes = np.array([(w**2).sum(), (h**2).sum(), (g**2).sum()])
        return -np.log1p(np.exp(-margin)) - 0.5 * sizes @ penalties

    start = [W[0, :3].astype(float), H[0].astype(float), H[1].astype(float)]
    expected = []
    for which, vector in enumerate(start):
        gradient = np.empty_like(vector)
        for f in range(len(vector)):
            sides = []
            for shift in (1e-5, -1e-5):
                moved = [v.copy() for v in start]
                moved[which][f] += shift
                sides.append(goal(*moved))
            gradient[f] = (sides[0] - sides[1]) / 2e-5
        expected.append(vector + rate * gradient)
    zero, indptr = np.zeros(1, dtype=np.int32), np.array([0, 1], dtype=np.int32)
    rates = np.array([rate, *penalties], dtype=np.float32)
    visit = np.zeros(1, dtype=np.int32)  # of user 0, one step
    _steps(visit, zero, indptr, rates, np.ones(1, dtype=np.uint64), W, H)
    np.testing.assert_allclose(W[0], np.append(expected[0], 1), atol=1e-6)
    np.testing.assert_allclose(H, expected[1:], atol=1e-6)


@pytest.mark.parametrize(
    "lengths", [[0, 1, 0], [VISIT, 2 * VISIT, VISIT + 1, VISIT - 1, 0, 1], [5 * VISIT + 3]]
)
def test_every_user_has_as_many_steps_as_his_history_is_long(lengths):
    lengths = np.array(lengths, dtype=np.int32)
    visits = visits_of(lengths, VISIT)
    users, steps = visits // VISIT, visits % VISIT + 1
    np.testing.assert_array_equal(np.bincount(users, steps, len(lengths)), lengths)
    np.testing.assert_array_equal(np.bincount(users, minlength=len(lengths)), -(-lengths // VISIT))


def test_draws_are_uniform():
    state = np.array([42], dtype=np.uint64)
    counts = np.bincount([draw_below(10, state) for _ in range(20_000)], minlength=10)
    assert ((counts - 2000) ** 2 / 2000).sum() < 27.9  # chi-square, 9 degrees, 1 in 1000


def test_a_seed_gives_the_same_bits_and_another_seed_others():
    X = two_camps()
    first, again, other = (
        BPR(4, n_epochs=3, random_state=s).fit(X).item_factors_ for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_users_and_items_without_interactions_have_zero_factors():
    X = two_camps()
    X[5] = 0
    X[:, 3] = 0
    model = BPR(4, n_epochs=3).fit(X)
    assert not model.user_factors_[5].any()
    assert not model.item_factors_[3].any()


def test_users_are_known_by_their_training_row_only():
    X = two_camps()
    with pytest.raises(ValueError, match="knows users by their training row: got 2 rows for 40"):
        BPR(4, n_epochs=1).fit(X).recommend(X[:2])


@pytest.mark.parametrize("X", [np.ones((1, 1)), np.ones((1, 4)), np.ones((5, 1)), np.ones((4, 4))])
def test_users_who_have_every_item_are_left_out(X):
    assert np.isfinite(BPR(4, n_epochs=2).fit(X).item_factors_).all()
