"""Targets: normal scores, there and back; moments against draws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm, rankdata

from recmeta.predictors._targets import Targets

values = arrays(np.float64, st.integers(2, 40), elements=st.floats(-100, 100, width=32))


@given(values, st.booleans())
@settings(deadline=None, max_examples=100)
def test_there_and_back_is_y(y, normal_scores):
    targets = Targets.learned(y, normal_scores)
    np.testing.assert_allclose(targets.performances(targets(y)), y, atol=1e-6 * (1 + np.ptp(y)))


@given(values)
@settings(deadline=None, max_examples=100)
def test_performances_never_fall_and_have_no_end(y):
    targets = Targets.learned(y, True)
    curve = targets.performances(np.linspace(-20, 20, 200))
    assert (np.diff(curve) >= 0).all()
    if np.ptp(y) > 1e-3:
        assert curve[0] < y.min()
        assert curve[-1] > y.max()


def test_scores_are_those_of_the_middle_ranks():
    y = np.array([3.0, 1.0, 2.0, 2.0, 10.0])
    expected = norm.ppf((rankdata(y) - 0.5) / 5)
    expected = (expected - expected.mean()) / expected.std()
    np.testing.assert_allclose(Targets.learned(y, True)(y), expected, atol=1e-9)


@pytest.mark.parametrize("normal_scores", [True, False])
def test_moments_are_those_of_draws(normal_scores):
    rng = np.random.default_rng(0)
    targets = Targets.learned(np.exp(rng.normal(size=50)), normal_scores)
    mean, std = targets.moments(np.array([0.5, -1.0]), np.array([0.3, 0.05]))
    draws = rng.normal([0.5, -1.0], np.sqrt([0.3, 0.05]), size=(400_000, 2))
    draws = targets.performances(draws)
    np.testing.assert_allclose(mean, draws.mean(axis=0), rtol=0.02)
    low, high = np.quantile(draws, [0.15866, 0.84134], axis=0)
    np.testing.assert_allclose(std, (high - low) / 2, rtol=0.02)


def test_equal_values_have_a_small_deviation():
    mean, std = Targets.learned(np.full(4, 7.0), True).moments(np.zeros(1), np.ones(1))
    assert mean[0] == 7.0
    assert 0 < std[0] < 1e-6
