"""Boosting: members that differ, columns that are missing, the square of half a quantile range."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from recmeta.predictors import Boosting


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.random((100, 4))
    return X, np.sin(6 * X[:, 0]) + X[:, 1] + 0.1 * rng.normal(size=100)


def test_members_differ(data):
    # deterministic boosters say a deviation of 6e-8, and Thompson sampling with them is greedy
    X, y = data
    model = Boosting().fit(X, y)
    members = np.array([booster.predict(X) for booster in model.boosters_])
    assert np.median(members.std(axis=0)) > 0.02
    assert (members.std(axis=0) > 1e-4).all()


def test_the_raw_deviation_is_larger_where_nothing_was_seen(data):
    X, y = data
    near = X[:, 0] < 0.6
    model = Boosting(quantiles=False).fit(X[near], y[near])
    _, std = model.predict(X)
    _, far = model._moments(X[~near], np.ones((12, (~near).sum()), dtype=bool))
    _, close = model._moments(X[near], np.ones((12, near.sum()), dtype=bool))
    assert far.mean() > close.mean()
    assert (std > 0).all()


def test_quantiles_see_noise_that_depends_on_the_row():
    rng = np.random.default_rng(1)
    X = rng.random((600, 1))
    y = rng.normal(size=600) * np.where(X[:, 0] > 0.5, 1.0, 0.1)
    model = Boosting(quantiles=True, n_leaves=4, min_leaf=20.0).fit(X, y)
    _, std = model.predict(np.array([[0.25], [0.75]]))
    assert std[1] > 3 * std[0]
    assert len(model.edges_) == 2 * len(model.boosters_)


def test_a_missing_value_is_information():
    rng = np.random.default_rng(2)
    proxies = rng.normal(size=(80, 1))
    failed = np.arange(80) % 3 == 0
    proxies[failed] = np.nan
    y = np.where(failed, -1.0, 1.0) + 0.01 * rng.normal(size=80)
    model = Boosting(normal_scores=False).fit(np.zeros((80, 1)), y, proxies=proxies)
    mean, _ = model.predict(np.zeros((2, 1)), proxies=np.array([[np.nan], [0.3]]))
    np.testing.assert_allclose(mean, [-1, 1], atol=0.1)


def test_random_thresholds_rank_better_where_many_columns_say_a_little():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=20)
    wins = 0
    for seed in range(5):
        X = rng.random((400, 20))
        y = X @ weights + 0.3 * rng.normal(size=400)
        ranks = [
            spearmanr(
                Boosting(random_thresholds=chosen, random_state=seed)
                .fit(X[:100], y[:100])
                .predict(X[100:])[0],
                y[100:],
            )[0]
            for chosen in (False, True)
        ]
        wins += ranks[1] > ranks[0]
    assert wins == 5
