"""Each feature against a plain loop or another library."""

import math
from collections import Counter, defaultdict
from itertools import pairwise
from statistics import multimode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from scipy.sparse import csr_array

from recmeta.data import Interactions
from recmeta.datasets.synthetic import generate
from recmeta.metafeatures import basic, distribution, landmarkers, structure, temporal

LOG = generate(30, 20, 300, seed=3)
DAY = 86_400
values = arrays(
    np.float64, st.integers(1, 12), elements=st.sampled_from([-3.0, 0.0, 0.5, 1.0, 2.0, 9.0])
)


def log_of(events, **more):
    """Of pairs of user and item number."""
    users, items = np.array(events, dtype=np.int32).reshape(-1, 2).T
    n_users, n_items = users.max(initial=0) + 1, items.max(initial=0) + 1
    return Interactions(np.arange(n_users), np.arange(n_items), users, items, **more)


def extract(room, log):
    return room.extract(log.to_csr(), log)


@given(values)
def test_gini_is_the_mean_difference_over_twice_the_mean(v):
    shifted = v - min(v.min(), 0)
    differences = np.abs(shifted[:, None] - shifted[None, :]).mean()
    expected = differences / (2 * shifted.mean()) if shifted.any() else 0
    assert distribution.gini(v) == pytest.approx(expected, abs=1e-12)


def test_gini_of_one_who_has_all_goes_to_one():
    assert distribution.gini(np.eye(100)[0]) == pytest.approx(0.99)
    assert distribution.gini(np.full(100, 7.0)) == pytest.approx(0, abs=1e-12)


@given(values)
def test_entropy_is_that_of_scipy_over_its_largest(v):
    shares = np.abs(v)
    if len(v) == 1 or not shares.any():
        assert distribution.entropy(v) == 1
    else:
        expected = stats.entropy(shares) / math.log(len(v))
        assert distribution.entropy(v) == pytest.approx(expected, abs=1e-12)


@given(values)
def test_the_ten_statistics_are_those_of_numpy_and_scipy(v):
    found = distribution.statistics("x", v)
    assert len(found) == 10
    assert found["x.mode"] == min(multimode(v))
    central = v - v.mean()
    m2, m3, m4 = ((central**power).mean() for power in (2, 3, 4))
    assert found["x.std"] == pytest.approx(math.sqrt(m2))
    assert found["x.median"] == np.median(v)
    assert found["x.skewness"] == pytest.approx(m3 / m2**1.5 if m2 else 0, abs=1e-9)
    assert found["x.kurtosis"] == pytest.approx(m4 / m2**2 - 3 if m2 else 0, abs=1e-9)


def test_the_seven_distributions_are_those_of_a_loop():
    ratings = np.random.default_rng(0).integers(1, 6, LOG.n_events).astype(np.float32)
    log = Interactions(
        *(LOG.users, LOG.items, LOG.user_rows, LOG.item_columns),
        values=ratings,
        feedback="rating",
        threshold=3.0,
    )
    found = extract(distribution, log)
    assert len(found) == 70
    assert found["distribution.rating.mean"] == pytest.approx(ratings.mean())
    for side, places in (("user", log.user_rows), ("item", log.item_columns)):
        by_place = defaultdict(list)
        for place, rating in zip(places, ratings, strict=True):
            by_place[place].append(float(rating))
        for name, reduce in (("count", len), ("sum", sum), ("mean", np.mean)):
            expected = [reduce(one) for one in by_place.values()]
            prefix = f"distribution.{side}_{name}"
            assert found[f"{prefix}.mean"] == pytest.approx(np.mean(expected))
            assert found[f"{prefix}.std"] == pytest.approx(np.std(expected))
            assert found[f"{prefix}.skewness"] == pytest.approx(stats.skew(expected))
            assert found[f"{prefix}.kurtosis"] == pytest.approx(stats.kurtosis(expected))


def test_sizes_count_what_is_positive():
    ratings = np.array([5, 1, 4, 5], dtype=np.float32)
    events = [(0, 0), (1, 1), (2, 0), (2, 2)]
    found = extract(basic, log_of(events, values=ratings, feedback="rating", threshold=3.0))
    sizes = [found[f"basic.{name}"] for name in ("n_users", "n_items", "n_interactions")]
    assert sizes == [2, 2, 3]
    assert found["basic.density"] == found["basic.sparsity"] * 3 == 0.75
    assert found["basic.positive_share"] == 0.75
    assert (found["basic.explicit"], found["basic.weighted"]) == (1, 0)
    assert found["basic.log_mean_history"] == pytest.approx(math.log(2.5))


def test_concentration_cold_share_and_co_occurrence_are_those_of_a_loop():
    X = LOG.to_csr()
    found = structure.extract(X, LOG)
    dense = X.toarray()
    items = sorted((count for count in dense.sum(axis=0) if count), reverse=True)
    users = [count for count in dense.sum(axis=1) if count]
    for percent in (1, 10, 20):
        n = max(round(len(items) * percent / 100), 1)
        assert found[f"structure.top_items_{percent}"] == pytest.approx(sum(items[:n]) / sum(items))
    for side, counts in (("items", items), ("users", users)):
        for most in (1, 5):
            cold = np.mean([count <= most for count in counts])
            assert found[f"structure.cold_{side}_{most}"] == pytest.approx(cold)
    pairs = sum(dense[u, i] * dense[u, j] for u in range(30) for i in range(20) for j in range(20))
    expected = math.log1p(pairs / len(items))
    assert found["structure.log_co_occurrence"] == pytest.approx(expected)


def test_assortativity_is_the_correlation_of_logarithms_of_degrees():
    dense = LOG.to_csr().toarray()
    pairs = [(dense[u].sum(), dense[:, i].sum()) for u, i in zip(*np.nonzero(dense), strict=True)]
    expected = stats.pearsonr(*np.log(pairs).T).statistic
    assert extract(structure, LOG)["structure.assortativity"] == pytest.approx(expected)


def test_the_giant_component_has_the_share_of_its_interactions():
    # users 0, 1 share item 0; user 2 is alone with two items
    found = extract(structure, log_of([(0, 0), (1, 0), (1, 1), (2, 2), (2, 3)]))
    assert found["structure.giant_component"] == pytest.approx(3 / 5)
    assert extract(structure, log_of([(0, 0)]))["structure.giant_component"] == 1


def exact_spectrum(X):
    dense = X.toarray().astype(np.float64)
    users, items = (np.maximum(dense.sum(axis=axis), 1) for axis in (1, 0))
    normal = dense / np.sqrt(users[:, None] * items[None, :])
    squares = (np.linalg.svd(normal, compute_uv=False) ** 2)[: structure.N_SINGULAR]
    return squares[1] / squares[0], math.exp(stats.entropy(squares / squares.sum()))


def few_kinds(n_users, n_items, n_kinds):
    """Users of each kind have its items: as many large singular values as kinds."""
    return csr_array(
        (np.arange(n_users)[:, None] % n_kinds == np.arange(n_items)[None, :] % n_kinds) * 1.0
    ).astype(np.float32)


@pytest.mark.parametrize(
    "X",
    [
        LOG.to_csr(),
        generate(300, 250, 6000).to_csr(),
        *(few_kinds(600, 300, n_kinds) for n_kinds in (2, 3, 20)),
        few_kinds(250, 600, 7),
        few_kinds(20, 12, 4),
    ],
)
def test_the_spectrum_is_that_of_a_dense_decomposition(X):
    found = structure.extract(X, LOG)
    second, rank = exact_spectrum(X)
    assert found["structure.spectrum_second"] == pytest.approx(second, rel=1e-3)
    assert found["structure.effective_rank"] == pytest.approx(rank, rel=1e-2)


def test_one_user_has_a_spectrum_of_one():
    found = extract(structure, log_of([(0, 0), (0, 1)]))
    assert found["structure.effective_rank"] == pytest.approx(1)
    assert found["structure.spectrum_second"] == pytest.approx(0, abs=1e-9)


def test_times_are_those_of_a_loop():
    found = extract(temporal, LOG)
    events = sorted(zip(LOG.user_rows, LOG.timestamps, LOG.item_columns, strict=True))
    gaps = [b[1] - a[1] for a, b in pairwise(events) if a[0] == b[0]]
    assert found["temporal.log_gap"] == pytest.approx(math.log1p(np.median(gaps)))
    middle = np.median(LOG.timestamps)
    halves = [[event for event in events if (event[1] > middle) == late] for late in (False, True)]
    for name, at in (("users", 0), ("items", 2)):
        known = {event[at] for event in halves[0]}
        new = np.mean([event[at] not in known for event in halves[1]])
        assert found[f"temporal.new_{name}"] == pytest.approx(new)
    before, after = (Counter(event[2] for event in half) for half in halves)
    counts = np.array([(before[item], after[item]) for item in before | after])
    expected = 1 - stats.pearsonr(*np.log1p(counts).T).statistic
    assert found["temporal.drift"] == pytest.approx(expected)
    days = (LOG.timestamps.max() - LOG.timestamps.min()) / DAY
    assert found["temporal.log_days"] == pytest.approx(math.log1p(days))
    pairs = Counter(zip(LOG.user_rows, LOG.item_columns, strict=True))
    repeats = sum(n - 1 for n in pairs.values())
    assert found["temporal.repeat_rate"] == pytest.approx(repeats / LOG.n_events)


def test_without_times_only_repeats_are_known():
    events = [(0, 0), (0, 0), (0, 1), (1, 1)]
    found = extract(temporal, log_of(events))
    assert found.pop("temporal.repeat_rate") == 0.25
    assert set(found.values()) == {0}
    ordered = extract(temporal, log_of(events, order=np.arange(4)))
    assert (ordered["temporal.has_order"], ordered["temporal.has_times"]) == (1, 0)


def test_where_taste_counts_landmarkers_beat_popularity():
    X = np.kron(np.eye(4), np.ones((30, 20))) * (np.random.default_rng(0).random((120, 80)) < 0.6)
    log = log_of(np.argwhere(X))
    found = extract(landmarkers, log)
    assert found["landmark.item_knn.ndcg@10"] > 2 * found["landmark.top_popular.ndcg@10"]
    assert found["landmark.item_knn.relative"] == 1
    assert 0 < found["landmark.ease.standard_error"] < 0.1
    assert found["landmark.log_n_users"] == pytest.approx(math.log1p(120))


def test_landmarkers_see_a_sample_of_whole_users_and_of_the_most_popular_items(monkeypatch):
    monkeypatch.setattr(landmarkers, "N_EVENTS", 2000)
    monkeypatch.setattr(landmarkers, "N_ITEMS", 25)
    X = generate(400, 60, 8000, seed=0).to_csr()
    sample = landmarkers._sample(X, np.random.default_rng(0))
    rows = {tuple(row) for row in X.toarray().tolist()}
    assert all(tuple(row) in rows for row in sample.toarray().tolist())
    assert 1500 < sample.nnz < 2500
    kept = landmarkers._popular(sample)
    counts = np.sort(np.asarray(sample.sum(axis=0)))[::-1]
    np.testing.assert_array_equal(np.sort(np.asarray(kept.sum(axis=0)))[::-1], counts[:25])
    train, held = landmarkers._hold_out(kept, np.random.default_rng(0))
    np.testing.assert_array_equal((train + held).toarray(), kept.toarray())
    lengths, n_held = np.diff(kept.indptr), np.diff(held.indptr)
    np.testing.assert_array_equal(n_held[lengths < 2], 0)
    expected = np.maximum(np.rint(0.2 * lengths), 1)[lengths > 1]
    np.testing.assert_array_equal(n_held[lengths > 1], expected)
