"""Friedman, Nemenyi and groups against Demšar's worked example, scipy and brute force."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from recmeta.experiments.rank_tests import (
    friedman,
    groups,
    letters,
    nemenyi_difference,
    pairwise_holm,
)

# Demšar 2006, table 6: ranks of C4.5, C4.5+m, C4.5+cf and C4.5+m+cf on 14 data sets, by AUC
DEMSAR = np.array(
    [
        [4, 3, 2, 1],
        [1, 2, 3, 4],
        [4, 1, 2, 3],
        [4, 1, 3, 2],
        [4, 2, 3, 1],
        [1, 2.5, 4, 2.5],
        [3, 2, 4, 1],
        [2.5, 2.5, 4, 1],
        [4, 3, 2, 1],
        [2.5, 2.5, 2.5, 2.5],
        [4, 2.5, 1, 2.5],
        [3, 2, 4, 1],
        [4, 1, 2, 3],
        [3, 1, 4, 2],
    ]
)


def test_demsars_example_has_the_numbers_of_the_paper():
    assert np.round(DEMSAR.mean(axis=0), 3).tolist() == [3.143, 2.0, 2.893, 1.964]
    found = friedman(DEMSAR, correct_ties=False)
    assert found.chi2 == pytest.approx(9.28, abs=0.005)
    assert found.f == pytest.approx(3.69, abs=0.005)
    assert found.p < 0.05  # the paper: the critical value of F(3, 39) is 2.85


def test_critical_differences_are_those_of_demsars_example():
    assert nemenyi_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    assert nemenyi_difference(4, 14, alpha=0.10) == pytest.approx(1.12, abs=0.005)


# Demšar 2006, table 5a: q at 0.05 and 0.10 for 2 to 10 algorithms
Q_05 = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]
Q_10 = [1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920]


@pytest.mark.parametrize(("alpha", "table"), [(0.05, Q_05), (0.10, Q_10)])
def test_the_studentised_range_is_that_of_demsars_table(alpha, table):
    for k, q in enumerate(table, start=2):
        n = k * (k + 1) / 6  # then the difference is q itself
        assert nemenyi_difference(k, n, alpha) == pytest.approx(q, abs=0.0012)


def test_groups_of_demsars_example_are_those_of_the_paper():
    """At 0.10, C4.5 is worse than +m and +m+cf; of +cf nothing can be said."""
    means = np.sort(DEMSAR.mean(axis=0))  # +m+cf, +m, +cf, plain
    apart = np.abs(means[:, None] - means) >= nemenyi_difference(4, 14, alpha=0.10)
    assert letters(groups(apart)) == ["a", "a", "ab", "b"]


@given(st.integers(2, 8), st.integers(3, 6), st.integers(0, 2**32 - 1))
def test_friedman_is_scipys_ties_included(n, k, seed):
    scores = np.random.default_rng(seed).integers(0, 4, (n, k))
    ranks = stats.rankdata(scores, axis=1)
    if np.ptp(ranks, axis=1).any():
        expected = stats.friedmanchisquare(*scores.T)
        found = friedman(ranks)
        assert found.chi2 == pytest.approx(expected.statistic, abs=1e-9)
        assert found.chi2_p == pytest.approx(expected.pvalue, abs=1e-9)
    else:
        assert friedman(ranks).p == 1.0


def test_iman_davenport_is_the_f_of_an_analysis_of_variance_of_the_ranks():
    """Two-way, without interaction: another road to the same number."""
    ranks = stats.rankdata(np.random.default_rng(2).normal([0, 0.3, 0.5, 1], 1, (20, 4)), axis=1)
    n, k = ranks.shape
    between = n * ((ranks.mean(axis=0) - ranks.mean()) ** 2).sum()
    rest = ((ranks - ranks.mean()) ** 2).sum() - between  # the rows have one mean
    assert friedman(ranks).f == pytest.approx((between / (k - 1)) / (rest / ((k - 1) * (n - 1))))


def test_the_same_order_everywhere_is_no_chance():
    found = friedman(np.tile([1.0, 2.0, 3.0], (5, 1)))
    assert found.f == np.inf
    assert found.p == 0.0


def test_friedman_refuses_one_case_or_one_algorithm():
    with pytest.raises(ValueError, match="2 cases and 2 algorithms: got 1 and 3"):
        friedman(np.array([[1.0, 2.0, 3.0]]))


def test_pairwise_holm_is_scipys_test_corrected_over_all_pairs():
    scores = np.random.default_rng(4).normal([0, 0.2, 0.9], 1, (20, 3))
    raw = {
        pair: stats.wilcoxon(scores[:, pair[0]], scores[:, pair[1]], method="exact").pvalue
        for pair in itertools.combinations(range(3), 2)
    }
    found = pairwise_holm(scores)
    worst = 0.0
    for left, (pair, p) in zip((3, 2, 1), sorted(raw.items(), key=lambda one: one[1]), strict=True):
        worst = max(worst, min(1.0, left * p))
        assert found[pair] == found[pair[::-1]] == pytest.approx(worst)
    assert (np.diag(found) == 1).all()


@given(st.integers(1, 7), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_groups_are_the_longest_runs_of_which_no_two_are_told_apart(k, seed, density):
    upper = np.triu(np.random.default_rng(seed).random((k, k)) < density, 1)
    apart = upper | upper.T
    alike = [
        (first, last)
        for first in range(k)
        for last in range(first, k)
        if not apart[first : last + 1, first : last + 1].any()
    ]
    longest = [
        (first, last)
        for first, last in alike
        if not any(a <= first and last <= b and (a, b) != (first, last) for a, b in alike)
    ]
    assert groups(apart) == longest


@given(st.lists(st.floats(1, 9), min_size=1, max_size=9), st.floats(0.1, 8))
def test_by_a_critical_difference_a_common_letter_means_not_told_apart(ranks, difference):
    means = np.sort(np.array(ranks))
    apart = np.abs(means[:, None] - means) >= difference
    names = letters(groups(apart))
    for i, j in itertools.combinations(range(len(means)), 2):
        assert bool(set(names[i]) & set(names[j])) == (not apart[i, j])
