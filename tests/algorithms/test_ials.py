"""IALS against dense normal equations solved by numpy, row by row."""

import numba
import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms.ials import IALS


def histories(n_users=40, n_items=30, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.random((n_users, n_items)) < 0.2).astype(np.float32)


def solved_rows(X, fixed, unobserved_weight, l2, exponent):
    """argmin_w sum_i x_i (1 - w h_i)^2 + a sum_i (w h_i)^2 + l2 m (r / m)^exponent |w|^2."""
    H, solution = fixed.astype(np.float64), []
    mean = (X.sum(axis=1) + unobserved_weight * X.shape[1]).mean()
    for row in X.astype(np.float64):
        ridge = l2 * mean * ((row.sum() + unobserved_weight * len(row)) / mean) ** exponent
        matrix = (H.T * row) @ H + unobserved_weight * H.T @ H + ridge * np.eye(H.shape[1])
        solution.append(np.linalg.solve(matrix, H.T @ row))
    return np.array(solution)


@pytest.mark.parametrize(("l2", "exponent"), [(0.1, 1.0), (0.02, 0.0), (0.05, 0.5)])
@pytest.mark.parametrize("counts", [False, True])
def test_a_history_folds_in_to_the_solution_of_its_normal_equations(l2, exponent, counts):
    X = histories() * (np.random.default_rng(1).integers(1, 6, (40, 30)) if counts else 1)
    model = IALS(6, l2=l2, exponent=exponent, unobserved_weight=0.2).fit(X)
    users = solved_rows(X, model.item_factors_, 0.2, l2, exponent)
    scores = model._scores(csr_array(X, dtype=np.float32), np.arange(40))
    np.testing.assert_allclose(scores, users @ model.item_factors_.T, atol=1e-4)


def test_what_is_not_given_goes_by_size_and_density():
    """Weight and penalty by their formulas, dense in float64; what is given stays."""
    X = histories() * np.random.default_rng(1).integers(1, 4, (40, 30))
    model = IALS(6).fit(X)
    weight = 1.5 * X[X > 0].mean() * np.sqrt((X > 0).mean())
    noise = np.linalg.norm(X) * (1 / np.sqrt(40) + 1 / np.sqrt(30))
    means = X.sum(axis=1).mean() + weight * 30, X.sum(axis=0).mean() + weight * 40
    assert model.unobserved_weight_ == pytest.approx(weight)
    assert model.l2_ * np.sqrt(np.prod(means)) == pytest.approx(0.6 * noise, rel=1e-5)
    assert IALS(6, l2=0.25, unobserved_weight=0.5).fit(X).l2_ == 0.25
    assert IALS(6, unobserved_weight=0.5).fit(X).unobserved_weight_ == 0.5


def test_scales_multiply_what_is_given_or_chosen_and_the_ridge_of_a_row_keeps_its_size():
    X = histories()
    plain = IALS(6).fit(X)
    scaled = IALS(6, unobserved_scale=2.0, l2_scale=3.0).fit(X)
    assert scaled.unobserved_weight_ == pytest.approx(2 * plain.unobserved_weight_)
    # l2 is chosen for the larger weight, so that l2 times a mean row's and column's weight stays
    ridges = [
        model.l2_**2
        * np.prod([X.sum() / n + model.unobserved_weight_ * m for n, m in (X.shape, X.shape[::-1])])
        for model in (plain, scaled)
    ]
    assert ridges[1] == pytest.approx(9 * ridges[0])
    given = IALS(6, l2=0.2, unobserved_weight=0.3, l2_scale=0.5, unobserved_scale=2.0).fit(X)
    assert (given.l2_, given.unobserved_weight_) == (0.1, 0.6)


@pytest.mark.parametrize(
    "scales", [{"l2_scale": 0}, {"unobserved_scale": -1.0}, {"l2_scale": np.inf}]
)
def test_a_scale_that_is_not_positive_is_refused(scales):
    with pytest.raises(
        ValueError, match="unobserved_scale and l2_scale must be positive and finite"
    ):
        IALS(6, **scales).fit(np.eye(4))


def test_the_unit_of_the_weights_changes_no_ranking():
    X = histories(80, 50)
    items = [IALS(6).fit(X * unit).recommend(X * unit, k=5)[0] for unit in (1e-4, 1.0, 1000.0)]
    assert np.array_equal(items[0], items[1])
    assert np.array_equal(items[1], items[2])


def test_training_ends_where_neither_side_can_improve():
    X = histories()
    model = IALS(6, l2=0.1, exponent=1.0, unobserved_weight=0.2, n_epochs=1000).fit(X)
    users = solved_rows(X, model.item_factors_, 0.2, 0.1, 1.0)
    items = solved_rows(X.T, users, 0.2, 0.1, 1.0)
    np.testing.assert_allclose(model.item_factors_, items, atol=2e-3)


def test_the_answer_is_the_same_with_any_number_of_threads():
    X = histories(300, 200)
    before = numba.get_num_threads()
    try:
        answers = []
        for n_threads in (1, min(2, before)):
            numba.set_num_threads(n_threads)
            answers.append(IALS(8, n_epochs=3).fit(X).item_factors_)
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(*answers)


def test_an_item_without_interactions_has_zero_factors_and_is_never_recommended():
    X = histories()
    X[:, 3] = 0
    model = IALS(6).fit(X)
    assert not model.item_factors_[3].any()
    assert not (model.recommend(X, k=30)[0] == 3).any()


def test_a_user_without_history_gets_no_list():
    X = histories()
    X[5] = 0
    items, _ = IALS(6).fit(X).recommend(X)
    assert (items[5] == -1).all()


@pytest.mark.parametrize("X", [np.ones((1, 1)), np.ones((1, 4)), np.ones((5, 1)), np.ones((4, 4))])
def test_the_smallest_inputs_give_finite_factors(X):
    assert np.isfinite(IALS(6).fit(X).item_factors_).all()


def test_factors_that_shrink_to_nothing_end_in_zeros_and_not_in_denormal_numbers():
    X = histories()
    model = IALS(n_factors=4, l2=1.0, n_epochs=60).fit(X)
    for factors in (model.user_factors_, model.item_factors_):
        assert (np.abs(factors[factors != 0]) >= 1e-18).all()
    assert (model.item_factors_ == 0).all()
    assert (model.recommend(X)[0] == -1).all()
