"""Acquisition functions against Monte Carlo and their limits."""

import numpy as np
import pytest

from recmeta.search.acquisition import (
    ACQUISITIONS,
    Belief,
    expected_improvement,
    independent_thompson,
    probability_of_improvement,
    thompson,
    upper_confidence_bound,
)

MEAN = np.array([0.0, 1.0, -2.0, 0.5])
STD = np.array([1.0, 0.1, 3.0, 0.5])
BELIEF = Belief(MEAN, STD, best=0.8)


def draws(n: int = 400_000) -> np.ndarray:
    return np.random.default_rng(0).normal(MEAN, STD, (n, 4))


def test_improvement_equals_monte_carlo() -> None:
    rng = np.random.default_rng(1)
    gain = np.maximum(draws() - BELIEF.best, 0)
    error = 5 * gain.std(axis=0) / np.sqrt(len(gain))
    assert (abs(expected_improvement(BELIEF, rng) - gain.mean(axis=0)) < error).all()
    share = (draws() > BELIEF.best).mean(axis=0)
    found = np.exp(probability_of_improvement(BELIEF, rng))
    np.testing.assert_allclose(found, share, atol=5 * 0.5 / np.sqrt(400_000))


def test_probability_far_below_the_best_still_orders() -> None:
    far = Belief(np.array([-50.0, -60.0]), np.ones(2), best=0.0)
    first, second = probability_of_improvement(far, np.random.default_rng(0))
    assert np.isfinite([first, second]).all()
    assert first > second


def test_independent_thompson_is_a_draw_for_each() -> None:
    rng = np.random.default_rng(2)
    many = np.array([independent_thompson(BELIEF, rng) for _ in range(20_000)])
    np.testing.assert_allclose(many.mean(axis=0), MEAN, atol=0.1)
    np.testing.assert_allclose(many.std(axis=0), STD, rtol=0.05)
    assert abs(np.corrcoef(many.T) - np.eye(4)).max() < 0.05


def test_thompson_asks_for_one_function_of_the_posterior() -> None:
    belief = Belief(MEAN, STD, 0.8, draw=lambda rng: MEAN + rng.standard_normal())
    drawn = thompson(belief, np.random.default_rng(0)) - MEAN
    assert np.ptp(drawn) < 1e-12
    with pytest.raises(TypeError, match="needs a predictor with draw"):
        thompson(BELIEF, np.random.default_rng(0))


def test_upper_confidence_bound_rewards_what_is_not_known() -> None:
    np.testing.assert_allclose(
        upper_confidence_bound(BELIEF, np.random.default_rng(0)), [0.5, 1.05, -0.5, 0.75]
    )


def test_all_give_a_number_a_candidate() -> None:
    belief = Belief(MEAN, STD, 0.8, draw=lambda rng: MEAN)
    for acquisition in ACQUISITIONS.values():
        assert acquisition(belief, np.random.default_rng(0)).shape == (4,)
