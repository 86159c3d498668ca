"""Paired tests, Holm and bootstrap intervals against scipy, brute force and simulation."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from recmeta.experiments.significance import (
    TESTS,
    bootstrap_intervals,
    holm,
    sign_flip_test,
    signed_rank_test,
    t_test,
)


def few_differences(draw_ties):
    """Columns of up to 12 differences; with ties and zeros if asked for."""
    numbers = st.integers(-4, 4) if draw_ties else st.floats(-1, 1, width=32)
    lists = st.integers(2, 12).flatmap(lambda n: st.lists(numbers, min_size=n, max_size=n))
    return lists.map(lambda values: np.array(values, dtype=float)[:, None])


def test_t_is_scipys_for_each_column():
    d = np.random.default_rng(0).normal(0.2, 1, (30, 4))
    assert t_test(d) == pytest.approx(stats.ttest_1samp(d, 0).pvalue, rel=1e-12)


@pytest.mark.parametrize("n", [6, 50, 51, 300])
def test_signed_rank_is_scipys_with_and_without_ties(n):
    rng = np.random.default_rng(n)
    smooth = rng.normal(0.1, 1, (n, 3))
    tied = np.round(rng.normal(0.3, 1, (n, 3)), 1)
    tied[:2] = 0
    d = np.hstack([smooth, tied])
    method = "exact" if n <= 50 else "asymptotic"
    expected = [stats.wilcoxon(column, method=method).pvalue for column in smooth.T]
    for column in tied.T:
        kept = column[column != 0]
        exact = len(kept) <= 50 and len(np.unique(np.abs(kept))) == len(kept)
        method = "exact" if exact else "asymptotic"
        expected.append(stats.wilcoxon(kept, method=method).pvalue)
    assert signed_rank_test(d) == pytest.approx(np.array(expected), rel=1e-10)


def all_signs(d, statistic):
    """Share of the 2^n signs under which the statistic is at least as far out as it is."""
    signs = np.array(list(itertools.product((-1, 1), repeat=len(d))))
    at = [statistic(row * np.abs(d)) for row in signs]
    return np.mean(np.array(at) >= statistic(d) - 1e-9)


@settings(max_examples=25, deadline=None)
@given(few_differences(draw_ties=True))
def test_permutation_of_few_cases_counts_all_signs(d):
    expected = all_signs(d[:, 0], lambda values: abs(values.sum()))
    assert sign_flip_test(d)[0] == pytest.approx(expected)


def test_exact_signed_rank_counts_all_signs():
    d = np.array([0.1, -0.2, 0.35, 0.4, 0.55, -0.05, 0.7, 0.8])
    ranks = stats.rankdata(np.abs(d))

    def far(values):
        return abs((np.sign(values) * ranks).sum())

    assert signed_rank_test(d[:, None])[0] == pytest.approx(all_signs(d, far))


def test_random_signs_come_near_to_scipys_permutation_test():
    d = np.random.default_rng(3).exponential(1, (60, 1)) - 0.8
    found = sign_flip_test(d, n_flips=20_000)[0]
    expected = stats.permutation_test(
        (d[:, 0],), np.mean, permutation_type="samples", n_resamples=20_000, rng=1
    ).pvalue
    assert found == pytest.approx(expected, abs=5 * np.sqrt(expected / 20_000))
    assert sign_flip_test(d, seed=1)[0] == sign_flip_test(d, seed=1)[0]


@pytest.mark.parametrize("name", TESTS)
def test_equal_columns_are_not_told_apart_and_far_ones_are(name):
    d = np.zeros((40, 2))
    d[:, 1] = np.random.default_rng(0).normal(5, 1, 40)
    equal, far = TESTS[name](d)
    assert equal == 1.0
    assert far < 0.001


@pytest.mark.parametrize("name", TESTS)
def test_false_alarms_are_as_many_as_alpha_says(name):
    """1,000 pairs without a difference: 50 +- 5 standard deviations may be under 0.05."""
    d = np.random.default_rng(7).normal(0, 1, (40, 1000))
    alarms = (TESTS[name](d) < 0.05).sum()
    assert abs(alarms - 50) < 5 * np.sqrt(1000 * 0.05 * 0.95)


def holm_by_steps(p, alpha):
    """The procedure in words: reject from the smallest on, at alpha / (m - i), until one fails."""
    rejected = np.zeros(len(p), dtype=bool)
    for i, place in enumerate(np.argsort(p, kind="stable")):
        if p[place] > alpha / (len(p) - i):
            break
        rejected[place] = True
    return rejected


@given(st.lists(st.floats(0, 1, width=16), min_size=1, max_size=12), st.floats(0.01, 0.5))
def test_holm_rejects_what_the_stepwise_procedure_does(p, alpha):
    p = np.array(p)
    adjusted = holm(p)
    if np.abs(adjusted - alpha).min() > 1e-9:
        assert ((adjusted <= alpha) == holm_by_steps(p, alpha)).all()


def test_holm_leaves_out_what_was_not_tested():
    adjusted = holm(np.array([0.04, np.nan, 0.01, 0.03]))
    assert adjusted == pytest.approx([0.06, np.nan, 0.03, 0.06], nan_ok=True)


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_intervals_are_those_of_scipy(method):
    """Two independent sets of resamples: the ends may differ by the noise of a quantile."""
    values = np.random.default_rng(0).exponential(1, (80, 2))
    low, high = bootstrap_intervals(values, method=method, n_resamples=20_000)
    other = stats.bootstrap(
        (values[:, 0],), np.mean, method=method, n_resamples=20_000, rng=1, vectorized=True
    ).confidence_interval
    noise = values[:, 0].std() / np.sqrt(80) * 0.06
    assert low[0] == pytest.approx(other.low, abs=noise)
    assert high[0] == pytest.approx(other.high, abs=noise)


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_intervals_hold_the_true_mean_as_often_as_they_say(method):
    """400 samples of 100 users, many zeros as in ndcg: 95 % of them, +- 4 standard deviations.

    The bootstrap is a little short at 100 skewed values, by 0.01 or so (Efron 1987): the lower
    bound allows for it.
    """
    rng = np.random.default_rng(5)
    n_samples, mean = 400, 0.4 * 0.5
    held = 0
    samples = np.where(rng.random((100, n_samples)) < 0.4, rng.random((100, n_samples)), 0.0)
    low, high = bootstrap_intervals(samples, method=method, n_resamples=1000)
    held = int(((low <= mean) & (mean <= high)).sum())
    noise = 4 * np.sqrt(n_samples * 0.95 * 0.05)
    assert n_samples * 0.94 - noise < held < n_samples * 0.95 + noise


def test_a_constant_column_has_an_interval_of_no_width():
    low, high = bootstrap_intervals(np.full((20, 1), 0.3), n_resamples=200)
    assert low == pytest.approx([0.3])
    assert high == pytest.approx([0.3])


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="'bca' or 'percentile', not 'basic'"):
        bootstrap_intervals(np.zeros((3, 1)), method="basic")
