"""Spaces: samples lie inside, points of the unit cube are where they should be."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.stats import kstest

from recmeta.algorithms import all_algorithms
from recmeta.space import contains, encode, sample

finite = st.floats(-1e6, 1e6)
positive = st.floats(1e-6, 1e6)
seeds = st.integers(0, 2**32 - 1)
RANGES = st.one_of(
    st.tuples(finite, finite).map(lambda ends: FloatDistribution(min(ends), max(ends))),
    st.tuples(positive, positive).map(
        lambda ends: FloatDistribution(min(ends), max(ends), log=True)
    ),
    st.tuples(st.integers(-100, 100), st.integers(0, 20), st.sampled_from([0.1, 0.25, 3.0])).map(
        # rounded: 3 * 0.1 is no multiple of 0.1 to optuna
        lambda low: FloatDistribution(low[0], round(low[0] + low[1] * low[2], 6), step=low[2])
    ),
    st.tuples(st.integers(-1000, 1000), st.integers(0, 50), st.integers(1, 9)).map(
        lambda low: IntDistribution(low[0], low[0] + low[1] * low[2], step=low[2])
    ),
    st.tuples(st.integers(1, 100), st.integers(0, 10_000)).map(
        lambda low: IntDistribution(low[0], low[0] + low[1], log=True)
    ),
    st.lists(st.text(), min_size=1, unique=True).map(CategoricalDistribution),
)


@given(RANGES, seeds)
def test_samples_lie_in_the_range_and_their_points_in_the_unit_cube(range_, seed):
    space = {"x": range_}
    params = sample(space, np.random.default_rng(seed))
    assert contains(space, params)
    point = encode(space, params)
    assert ((point >= 0) & (point <= 1)).all()
    assert point.shape == (len(getattr(range_, "choices", "1")),)


@given(st.tuples(finite, finite), st.tuples(finite, finite))
def test_larger_values_lie_further_along_their_axis(ends, values):
    low, high = min(*ends, *values), max(*ends, *values)
    space = {"x": FloatDistribution(low, high)}
    near, far = (encode(space, {"x": value})[0] for value in sorted(values))
    assert near <= far


def test_values_of_a_log_range_are_uniform_in_their_logarithm():
    rng = np.random.default_rng(0)
    space = {"x": FloatDistribution(1e-4, 1e2, log=True)}
    points = [encode(space, sample(space, rng))[0] for _ in range(2000)]
    assert kstest(points, "uniform").pvalue > 0.01
    assert encode(space, {"x": 0.1})[0] == pytest.approx(0.5)


def test_values_of_a_plain_range_are_uniform():
    rng = np.random.default_rng(0)
    space = {"x": FloatDistribution(-3, 5)}
    assert kstest([(sample(space, rng)["x"] + 3) / 8 for _ in range(2000)], "uniform").pvalue > 0.01
    assert encode(space, {"x": 1})[0] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("range_", "values"),
    [
        (IntDistribution(2, 5), [2, 3, 4, 5]),
        (IntDistribution(0, 12, step=4), [0, 4, 8, 12]),
        (FloatDistribution(0.0, 1.0, step=0.25), [0, 0.25, 0.5, 0.75, 1]),
        (CategoricalDistribution(["a", None, True, 2.5]), ["a", None, True, 2.5]),
    ],
)
def test_every_value_of_a_small_range_comes(range_, values):
    rng = np.random.default_rng(0)
    drawn = [sample({"x": range_}, rng)["x"] for _ in range(400)]
    assert all(value in drawn for value in values)
    assert all(value in values for value in drawn)


def test_the_ends_of_an_integer_range_are_as_likely_as_its_middle():
    rng = np.random.default_rng(0)
    drawn = [sample({"x": IntDistribution(1, 4)}, rng)["x"] for _ in range(4000)]
    counts = np.bincount(drawn, minlength=5)[1:]
    assert (np.abs(counts - 1000) < 4 * math.sqrt(1000)).all()  # four standard deviations


def test_the_same_generator_state_draws_the_same_configuration():
    for cls in all_algorithms().values():
        one, other = (sample(cls.space, np.random.default_rng(7)) for _ in range(2))
        assert one == other
        assert contains(cls.space, one)
        cls(**one)


def test_a_choice_is_one_column_each():
    space = {
        "kind": CategoricalDistribution(["cosine", "dice", "jaccard"]),
        "k": IntDistribution(1, 11),
        "fixed": FloatDistribution(2.0, 2.0),
    }
    point = encode(space, {"kind": "dice", "k": 6, "fixed": 2.0})
    np.testing.assert_allclose(point, [0, 1, 0, 0.5, 0])


@pytest.mark.parametrize(
    ("value", "inside"),
    [(0, False), (1, True), (1.5, False), (10, True), (11, False), ("3 of them", False)],
)
def test_a_value_outside_an_integer_range_is_not_contained(value, inside):
    space = {"k": IntDistribution(1, 10)}
    assert contains(space, {"k": value}) is inside
    assert not contains(space, {"k": None})
    assert not contains(space, {"k": float("nan")})


def test_a_choice_that_is_none_and_a_parameter_that_lacks_are_not_contained():
    space = {"kind": CategoricalDistribution(["a", "b"]), "x": FloatDistribution(0, 1)}
    assert contains(space, {"kind": "a", "x": 0.5, "other": 3})
    assert not contains(space, {"kind": "c", "x": 0.5})
    assert not contains(space, {"kind": "a"})
    assert not contains(space, {"kind": "a", "x": -0.1})


def test_a_range_that_is_no_distribution_of_optuna_is_refused():
    with pytest.raises(TypeError, match="use Optuna's Int or Float distribution"):
        sample({"x": (0, 1)}, np.random.default_rng(0))
    with pytest.raises(TypeError, match="use Optuna's Int or Float distribution"):
        encode({"x": (0, 1)}, {"x": 0.5})
