"""The greedy order against brute force."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recmeta.metalearning.portfolio import greedy_order

# far enough apart that no two gains are equal but for rounding
TABLES = st.tuples(st.integers(1, 8), st.integers(1, 6)).flatmap(
    lambda shape: st.tuples(
        arrays(np.float64, shape, elements=st.floats(0, 1)),
        arrays(np.float64, shape[0], elements=st.floats(0.125, 1)),
        st.integers(0, shape[1] - 1),
    )
)


def reached(scenarios, weights, columns):
    """Weighted mean of the best of these columns."""
    return weights @ scenarios[:, list(columns)].max(axis=1) / weights.sum()


@given(TABLES)
def test_each_next_one_raises_what_is_reached_the_most(table):
    scenarios, weights, first = table
    order = greedy_order(scenarios, weights, first, 99).tolist()
    assert order[0] == first
    assert sorted(order) == list(range(scenarios.shape[1]))
    for n in range(1, len(order)):
        now = reached(scenarios, weights, order[: n + 1])
        others = set(range(scenarios.shape[1])) - set(order[:n])
        best = max(reached(scenarios, weights, [*order[:n], other]) for other in others)
        assert now >= best - 2e-9  # a tie goes to the better mean, which counts for 1e-9


@given(TABLES, st.integers(1, 6))
def test_a_shorter_order_is_the_beginning_of_a_longer_one(table, n):
    scenarios, weights, first = table
    longer = greedy_order(scenarios, weights, first, 99)
    np.testing.assert_array_equal(greedy_order(scenarios, weights, first, n), longer[:n])


@given(TABLES)
def test_it_is_within_a_factor_of_the_best_set(table):
    """Nemhauser, Wolsey and Fisher: 1 - 1/e of what the best could add to the first."""
    scenarios, weights, first = table
    m = scenarios.shape[1]
    order = greedy_order(scenarios, weights, first, m)
    alone = reached(scenarios, weights, [first])
    for n in range(1, m):
        sets = combinations(set(range(m)) - {first}, n)
        most = max(reached(scenarios, weights, [first, *one]) for one in sets) - alone
        gained = reached(scenarios, weights, order[: n + 1]) - alone
        assert gained >= (1 - 1 / np.e) * most - 1e-8


def test_a_scenario_counts_by_its_weight():
    scenarios = np.array([[0.5, 1.0, 0.0], [0.5, 0.0, 1.0]])
    assert greedy_order(scenarios, np.array([1.0, 3.0]), 0, 2).tolist() == [0, 2]
    assert greedy_order(scenarios, np.array([3.0, 1.0]), 0, 2).tolist() == [0, 1]
    assert greedy_order(scenarios, np.array([30.0, 10.0]), 0, 2).tolist() == [0, 1]


def test_where_nothing_helps_any_more_the_best_mean_comes_next():
    scenarios = np.array([[1.0, 0.2, 0.8, 0.5]])
    assert greedy_order(scenarios, np.ones(1), 0, 4).tolist() == [0, 2, 3, 1]


def test_what_it_is_given_is_not_changed():
    scenarios, weights = np.random.default_rng(0).random((4, 3)), np.ones(4)
    before = scenarios.copy()
    greedy_order(scenarios, weights, 1, 3)
    np.testing.assert_array_equal(scenarios, before)
    assert weights.tolist() == pytest.approx([1] * 4)
