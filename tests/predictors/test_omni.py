"""OMNI sees the families that it is told to, and starts from the last value."""

import numpy as np
import pytest

from recmeta.predictors import OMNI, BayesianLinear, Boosting
from recmeta.predictors._omni_features import curve_features, line


@pytest.fixture
def data():
    """y is a sum of three terms, each known to one family alone."""
    rng = np.random.default_rng(0)
    terms = rng.normal(size=(160, 3))
    y = terms.sum(axis=1) + 0.05 * rng.normal(size=160)
    curves = terms[:, [2]] - 1 / np.arange(1, 9)
    return terms[:, :1], y, terms[:, 1:2] * 1e6, curves


def error(data, families):
    X, y, proxies, curves = data
    model = OMNI(BayesianLinear(normal_scores=False), families=families)
    model.fit(X[:100], y[:100], proxies=proxies[:100], curves=curves[:100])
    mean, _ = model.predict(X[100:], proxies=proxies[100:], curves=curves[100:])
    return ((mean - y[100:]) ** 2).mean()


def test_each_family_adds_what_only_it_knows(data):
    # each term has variance 1
    assert error(data, ("encoding", "proxies", "curves")) < 0.3
    for families in (("encoding", "proxies"), ("encoding", "curves"), ("proxies", "curves")):
        assert 0.6 < error(data, families) < 1.8
    assert 1.2 < error(data, ("curves",)) < 3


def test_a_family_that_is_left_out_is_not_looked_at(data):
    X, y, proxies, curves = data
    model = OMNI(Boosting(n_members=3), families=("encoding", "curves"))
    model.fit(X, y, proxies=proxies, curves=curves)
    mean, _ = model.predict(X, proxies=-proxies, curves=curves)
    again, _ = model.predict(X, curves=curves)
    np.testing.assert_array_equal(mean, again)


def test_the_last_value_is_where_it_starts_from():
    rng = np.random.default_rng(1)
    last = rng.normal(size=60)
    curves, X = last[:, None] - 1 / np.arange(1, 6), rng.random((60, 3))
    y = 2 * last + 1
    model = OMNI(Boosting(n_members=4)).fit(X[:30], y[:30], curves=curves[:30])
    far = curves[30:] + 10  # trees cannot go where they have not been: the line can
    mean, _ = model.predict(X[30:], curves=far)
    np.testing.assert_allclose(mean, y[30:] + 20, atol=1e-6)


def test_a_line_is_not_moved_by_runs_that_failed():
    rng = np.random.default_rng(2)
    last = rng.normal(size=80)
    y = 3 * last - 1 + 0.1 * rng.normal(size=80)
    y[:8] -= 100
    np.testing.assert_allclose(line(last, y), [-1, 3], atol=0.2)


def test_features_of_a_curve():
    nan = np.nan
    curves = np.array(
        [[1.0, 2, 4, 8, 16], [1, nan, 3, nan, nan], [nan] * 5, [1, 2, 1e30, nan, nan]]
    )
    expected = [[16, 8, 5], [3, 2, 3], [nan, nan, 0], [2, 1, 2]]
    np.testing.assert_array_equal(curve_features(curves), expected)


def test_families_that_there_are_none_of_are_named(data):
    X, y, *_ = data
    with pytest.raises(ValueError, match="landmarks"):
        OMNI(families=("encoding", "landmarks")).fit(X, y)
    with pytest.raises(ValueError, match="nothing to learn from"):
        OMNI(families=("proxies",)).fit(X, y)
