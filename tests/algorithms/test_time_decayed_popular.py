"""TimeDecayedPopular against a loop over its formula."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms import TopPopular
from recmeta.algorithms._half_life import HALF_LIVES, MIDDLE, best_half_life
from recmeta.algorithms._rank import hide
from recmeta.algorithms.time_decayed_popular import TimeDecayedPopular
from recmeta.metrics.accuracy import ndcg


def log(seed=0):
    rng = np.random.default_rng(seed)
    X = csr_array((rng.random((30, 12)) < 0.3) * rng.integers(1, 4, (30, 12)).astype(np.float32))
    times = rng.uniform(1.5e9, 1.6e9, X.nnz)
    return X, csr_array((times, X.indices, X.indptr), shape=X.shape)


@pytest.mark.parametrize(
    "params",
    [{"half_life": 0.2}, {"half_life": 0.02}, {"half_life_days": 30.0}, {"half_life_days": 3000}],
)
def test_scores_are_those_of_a_loop_over_the_formula(params):
    X, times = log()
    last, first = times.data.max(), times.data.min()
    half_life = 86_400 * params.get("half_life_days", 0) or (last - first) * params.get(
        "half_life", 0
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


def fashions(n_users=200, n_items=60, n_seasons=6, seed=0):
    """In each of the seasons a tenth of the items is had; users come once or several times."""
    rng = np.random.default_rng(seed)
    when = rng.random((n_users, n_items))
    in_season = rng.integers(0, n_seasons, n_items) == (when * n_seasons).astype(int)
    X = csr_array((rng.random((n_users, n_items)) < np.where(in_season, 0.3, 0.02)).astype("f4"))
    return X, csr_array((1.5e9 + 1e8 * when[X.nonzero()], X.indices, X.indptr), shape=X.shape)


def test_the_chosen_half_life_is_nearest_to_the_best_on_both_that_fits_and_rankings_find():
    X, times = fashions()
    shares = np.zeros(len(HALF_LIVES))
    left, hidden = hide(X, np.random.default_rng(3))
    left_times, _ = hide(times, np.random.default_rng(3))
    late = times.toarray() > np.quantile(times.data, 0.8)
    early = [csr_array(A.toarray() * ~late) for A in (X, times)]
    for past, when, sought in ((left, left_times, hidden), (*early, csr_array(X.toarray() * late))):
        users, gains = np.flatnonzero(np.diff(sought.indptr)), []
        for half_life in HALF_LIVES:
            model = TimeDecayedPopular(half_life).fit(past, timestamps=when)
            items, _ = model.recommend(past[users], 10, timestamps=when[users])
            gains.append(ndcg(items, sought[users], 10).mean())
        shares += np.array(gains) / max(gains)
    assert len(set(shares)) == len(HALF_LIVES)
    assert best_half_life(X, times.data, 3) == HALF_LIVES[int(np.argmax(shares))]


def test_fashions_get_a_short_half_life_and_what_never_changes_a_long_one():
    X, times = fashions(n_users=600)
    span = np.ptp(times.data)
    assert TimeDecayedPopular().fit(X, timestamps=times).half_life_ < 0.3 * span
    rng = np.random.default_rng(0)
    always = csr_array((rng.random((2000, 60)) < np.geomspace(0.5, 0.02, 60)).astype("f4"))
    when = csr_array((rng.random(always.nnz), always.indices, always.indptr), shape=always.shape)
    assert TimeDecayedPopular().fit(always, timestamps=when).half_life_ > 0.7


def test_the_fit_is_that_of_the_chosen_half_life():
    X, times = fashions()
    model = TimeDecayedPopular(random_state=5).fit(X, timestamps=times)
    again = TimeDecayedPopular(model.half_life_ / np.ptp(times.data)).fit(X, timestamps=times)
    np.testing.assert_allclose(model.popularity_, again.popularity_, rtol=1e-5)


def test_where_nothing_can_be_hidden_it_is_the_middle():
    X = np.eye(5)
    assert best_half_life(csr_array(X), np.full(5, 7.0), 0) == MIDDLE
    assert best_half_life(csr_array((3, 4)), np.empty(0), 0) == MIDDLE
