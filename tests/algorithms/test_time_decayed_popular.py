"""TimeDecayedPopular against a loop over its formula."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms import TopPopular
from recmeta.algorithms.time_decayed_popular import TimeDecayedPopular


def log(seed=0):
    rng = np.random.default_rng(seed)
    X = csr_array((rng.random((30, 12)) < 0.3) * rng.integers(1, 4, (30, 12)).astype(np.float32))
    times = rng.uniform(1.5e9, 1.6e9, X.nnz)
    return X, csr_array((times, X.indices, X.indptr), shape=X.shape)


@pytest.mark.parametrize(
    "params", [{}, {"half_life": 0.02}, {"half_life_days": 30.0}, {"half_life_days": 3000}]
)
def test_scores_are_those_of_a_loop_over_the_formula(params):
    X, times = log()
    last, first = times.data.max(), times.data.min()
    half_life = 86_400 * params.get("half_life_days", 0) or (last - first) * params.get(
        "half_life", TimeDecayedPopular().half_life
    )
    expected = np.zeros(X.shape[1])
    for item, x, when in zip(X.indices, X.data, times.data, strict=True):
        expected[item] += x * np.exp(-np.log(2) * (last - when) / half_life)
    model = TimeDecayedPopular(**params).fit(X, timestamps=times)
    assert np.allclose(model.popularity_, expected, rtol=1e-5)


def test_reversed_times_turn_the_order_round():
    X, times = np.ones((1, 3)), np.array([[1.0, 2, 3]])
    for sign, expected in ((1, [2, 1, 0]), (-1, [0, 1, 2])):
        model = TimeDecayedPopular().fit(X, timestamps=sign * times)
        assert model.recommend(np.zeros((1, 3)), 3, timestamps=X * 0)[0].tolist() == [expected]


def test_all_at_one_time_or_with_an_endless_half_life_is_popularity():
    X, times = log()
    popular = TopPopular().fit(X).popularity_
    for one in (0.0, 1.5e9):
        at_once = csr_array((np.full(X.nnz, one), X.indices, X.indptr), shape=X.shape)
        assert np.array_equal(TimeDecayedPopular().fit(X, timestamps=at_once).popularity_, popular)
    endless = TimeDecayedPopular(half_life=1e12).fit(X, timestamps=times)
    assert np.allclose(endless.popularity_, popular)


def test_a_share_of_the_span_is_the_same_in_any_unit():
    X, times = log()
    days = csr_array(((times.data - 1.5e9) / 86_400, X.indices, X.indptr), shape=X.shape)
    one, other = (TimeDecayedPopular().fit(X, timestamps=when) for when in (times, days))
    assert np.allclose(one.popularity_, other.popularity_, rtol=1e-5)


def test_an_item_of_long_ago_comes_last_but_comes():
    X, times = np.ones((1, 2)), np.array([[0.0, 1.0]])
    model = TimeDecayedPopular(half_life=1e-4).fit(X, timestamps=csr_array(times) + csr_array(X))
    found, scores = model.recommend(np.zeros((1, 2)), 2, timestamps=times * 0)
    assert found.tolist() == [[1, 0]]
    assert scores[0, 1] > 0


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"half_life": 0.0}, "half_life must be above 0: got 0"),
        ({"half_life_days": -1.0}, "half_life_days must be above 0: got -1"),
    ],
)
def test_a_half_life_of_0_is_refused(params, said):
    X, times = log()
    with pytest.raises(ValueError, match=said):
        TimeDecayedPopular(**params).fit(X, timestamps=times)
