"""The selection of the k best against a plain sort."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from recmeta.algorithms import _base, get
from recmeta.algorithms._base import Recommender
from recmeta.algorithms._topk import NO_SCORE, mask_seen, select_top_k


def selected(scores, k):
    items = np.full((len(scores), k), 99, dtype=np.int32)
    values = np.full((len(scores), k), 99, dtype=np.float32)
    select_top_k(scores, items, values)
    return items, values


def sorted_lists(scores, k):
    """Candidates by falling score, then by rising item number."""
    items = np.full((len(scores), k), -1, dtype=np.int32)
    values = np.zeros((len(scores), k), dtype=np.float32)
    for row, of_row in enumerate(scores):
        candidates = [i for i, s in enumerate(of_row) if s != 0 and s > NO_SCORE]
        best = sorted(candidates, key=lambda item: (-float(of_row[item]), item))[:k]
        items[row, : len(best)], values[row, : len(best)] = best, of_row[best]
    return items, values


def assert_sorted(scores, k):
    for found, expected in zip(selected(scores, k), sorted_lists(scores, k), strict=True):
        np.testing.assert_array_equal(found, expected)


LEVELS = [-np.inf, NO_SCORE, -2.5, -1, 0.0, -0.0, 1e-42, 0.5, 1, 1, 2.5, 3e38, np.inf, np.nan]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.data())
def test_lists_are_those_of_a_sort_whatever_the_ties(data):
    n_items, k = data.draw(st.integers(1, 300)), data.draw(st.integers(1, 60))
    levels = data.draw(st.lists(st.sampled_from(LEVELS), min_size=1, max_size=len(LEVELS)))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    assert_sorted(rng.choice(np.array(levels, dtype=np.float32), (3, n_items)), k)


@pytest.mark.parametrize("k", [1, 2, 50, 999, 1000, 1500])
@pytest.mark.parametrize("order", ["random", "rising", "falling", "equal", "two levels"])
def test_lists_are_those_of_a_sort_whatever_the_order(order, k):
    scores = np.random.default_rng(0).standard_normal((4, 1000)).astype(np.float32)
    scores = {
        "random": scores,
        "rising": np.sort(scores, axis=1),
        "falling": np.sort(scores, axis=1)[:, ::-1].copy(),
        "equal": np.full_like(scores, 2),
        "two levels": (scores > 1).astype(np.float32) + 1,
    }[order]
    assert_sorted(scores, k)


def test_equal_scores_come_in_the_order_of_the_item_number():
    items, _ = selected(np.ones((1, 9), dtype=np.float32), 4)
    np.testing.assert_array_equal(items, [[0, 1, 2, 3]])


def test_a_score_of_0_or_nan_fills_no_place():
    items, values = selected(np.array([[0, 3, np.nan, -1, 0]], dtype=np.float32), 4)
    np.testing.assert_array_equal(items, [[1, 3, -1, -1]])
    np.testing.assert_array_equal(values, [[3, -1, 0, 0]])


def test_masked_items_are_no_candidates_and_others_keep_their_score():
    scores = np.ones((2, 4), dtype=np.float32)
    seen = csr_array(np.array([[1, 0, 1, 0], [0, 0, 0, 0]]))
    mask_seen(scores, seen.indptr, seen.indices)
    np.testing.assert_array_equal(scores == NO_SCORE, seen.toarray() == 1)
    np.testing.assert_array_equal(selected(scores, 3)[0], [[1, 3, -1], [0, 1, 2]])


class Given(Recommender):
    """Recommends by the scores that it was given, one row a user."""

    def __init__(self, table=None):
        self.table = table

    def _fit(self, X):
        self.table_ = np.asarray(self.table, dtype=np.float32)

    def _scores(self, X, users):
        return self.table_[users].copy()


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(3)
    X = csr_array((rng.random((300, 120)) < 0.1).astype(np.float32))
    return X, rng.integers(-3, 9, (300, 120)).astype(np.float32)


@pytest.mark.parametrize("k", [1, 10, 200])
def test_recommend_sorts_what_is_neither_seen_nor_excluded(case, k):
    X, table = case
    exclude = csr_array((np.random.default_rng(4).random(X.shape) < 0.2).astype(np.float32))
    items, values = Given(table).fit(X).recommend(X, k, exclude=exclude)
    allowed = np.where((X.toarray() > 0) | (exclude.toarray() > 0), 0, table)
    expected_items, expected_values = sorted_lists(allowed, k)
    np.testing.assert_array_equal(items, expected_items)
    np.testing.assert_array_equal(values, expected_values)


def test_seen_items_come_only_when_asked_for(case):
    X, table = case
    model = Given(table).fit(X)
    items, _ = model.recommend(X, 120, exclude_seen=False)
    np.testing.assert_array_equal(items, sorted_lists(table, 120)[0])
    unseen, _ = model.recommend(X, 120)
    for row in range(len(unseen)):
        assert not set(unseen[row]) & set(X[[row]].indices)


@pytest.mark.parametrize("block_bytes", [1, 4 * 120 * 7, 2**24])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_neither_blocks_nor_threads_matter(case, block_bytes, n_threads, monkeypatch):
    X, table = case
    monkeypatch.setattr(_base, "BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(_base.numba, "get_num_threads", lambda: n_threads)
    items, _ = Given(table).fit(X).recommend(X, 10)
    expected = sorted_lists(np.where(X.toarray() > 0, 0, table), 10)[0]
    np.testing.assert_array_equal(items, expected)


def test_a_row_is_the_user_that_users_names(case):
    X, table = case
    rows = np.array([7, 3, 250])
    items, _ = Given(table).fit(X).recommend(X[rows], 5, users=rows)
    np.testing.assert_array_equal(items, Given(table).fit(X).recommend(X, 5)[0][rows])


def test_a_stored_zero_neither_hides_nor_excludes_an_item(case):
    X, table = case
    zeros = csr_array(X * 0)
    assert zeros.nnz > 0
    model = Given(table).fit(X)
    items, _ = model.recommend(zeros, 10, exclude=zeros)
    np.testing.assert_array_equal(items, model.recommend(X, 10, exclude_seen=False)[0])
    assert zeros.nnz > 0, "the argument was changed"


def test_what_cannot_be_ranked_is_refused(case):
    X, table = case
    model = Given(table).fit(X)
    with pytest.raises(ValueError, match="k must be at least 1: got 0"):
        model.recommend(X, 0)
    with pytest.raises(ValueError, match=r"exclude must have the shape of X: got \(1, 120\)"):
        model.recommend(X, 5, exclude=X[:1])
    with pytest.raises(ValueError, match=r"one entry a row of X: got \(2,\) for 300 rows"):
        model.recommend(X, 5, users=[0, 1])
    with pytest.raises(ValueError, match=r"users must lie in -1\.\.299: got 0\.\.300"):
        model.recommend(X[:2], 5, users=[0, 300])


@pytest.mark.parametrize("name", ["ItemKNN", "UserKNN", "P3alpha", "TopPopular", "GlobalEffects"])
def test_an_item_that_nobody_has_is_never_recommended(name, case):
    X = case[0].toarray()
    X[:, [0, 60]] = 0
    items, scores = get(name)().fit(X).recommend(X, 120)
    assert not np.isin(items, [0, 60]).any()
    assert (scores[items >= 0] > 0).all()
    assert (items == -1).any(), "a full list would hold items that the model knows nothing of"


def test_without_items_or_rows_lists_are_empty():
    assert_sorted(np.zeros((2, 0), dtype=np.float32), 3)
    assert_sorted(np.zeros((0, 5), dtype=np.float32), 3)
