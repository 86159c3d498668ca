"""The choice of a rank against a fit and a ranking for each rank, one at a time."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms._rank import (
    LADDER,
    Lesson,
    Nested,
    best_rank,
    gains_of_ranks,
    hide,
    ladder_of,
)
from recmeta.algorithms.pure_svd import PureSVD
from recmeta.metrics.accuracy import ndcg


def tastes(n_kinds, seed=0, n_users=200, n_items=90):
    """Users and items of a few kinds; a user has a third of the items of his own and few others."""
    rng = np.random.default_rng(seed)
    same = rng.integers(0, n_kinds, n_users)[:, None] == rng.integers(0, n_kinds, n_items)
    return csr_array((rng.random(same.shape) < np.where(same, 0.4, 0.02)).astype(np.float32))


def gains_of(X, hidden, vectors, ranks):
    scores = Nested(lambda rows: rows @ vectors, vectors)
    return gains_of_ranks(Lesson(X, X, hidden), scores, ranks)[:, 0]


def test_gains_are_those_of_a_model_of_each_rank():
    left, hidden = hide(tastes(4), np.random.default_rng(1))
    _, _, vectors = np.linalg.svd(left.toarray().astype(float))
    ranks = [1, 2, 6, 12]
    found = gains_of(left, hidden, vectors[:12].T.astype(np.float32), ranks)
    for rank, gains in zip(ranks, found, strict=True):
        items = PureSVD(rank).fit(left).recommend(left, 10)[0]
        np.testing.assert_allclose(gains, ndcg(items, hidden, 10), atol=1e-12)


def test_gains_of_equal_scores_go_by_item_number_and_a_score_of_0_is_no_candidate():
    X = csr_array(np.eye(1, 30, dtype=np.float32))  # one item seen, thirteen equal, the others 0
    vectors = np.repeat([1.0, 0.0], [14, 16]).astype(np.float32)[:, None]
    hidden = csr_array((np.arange(30) % 4 == 3).astype(np.float32)[None])
    lists = np.arange(1, 11, dtype=np.int32)[None]
    found = gains_of(X, hidden, vectors, [1])
    np.testing.assert_allclose(found[0], ndcg(lists, hidden, 10), atol=1e-12)


def test_weights_are_of_the_part_beside_a_linear_one():
    rng = np.random.default_rng(0)
    left, hidden = hide(tastes(4), rng)
    along, across, linear = rng.random((90, 5)), rng.random((90, 5)), rng.random((90, 90))
    scores = Nested(
        lambda rows: np.asarray(rows @ along, dtype=np.float32),
        across.astype(np.float32),
        lambda rows: np.asarray(rows @ linear, dtype=np.float32),
    )
    found = gains_of_ranks(Lesson(left, left, hidden), scores, [2, 5], [0.3, 7.0])
    assert found.shape == (2, 2, 200)
    for rank, by_weight in zip([2, 5], found, strict=True):
        for weight, gains in zip([0.3, 7.0], by_weight, strict=True):
            dense = left.toarray()
            whole = dense @ linear + weight * dense @ along[:, :rank] @ across[:, :rank].T
            whole[dense > 0] = -np.inf
            lists = np.argsort(-whole, axis=1)[:, :10].astype(np.int32)
            np.testing.assert_allclose(gains, ndcg(lists, hidden, 10), atol=1e-12)


def test_a_hidden_item_below_0_counts_where_few_others_are_candidates():
    X, hidden = (csr_array([row], dtype=np.float32) for row in ([0, 0, 0, 0, 1], [1, 1, 0, 0, 0]))
    vectors = np.array([[0], [-0.5], [1], [2], [1]], dtype=np.float32)  # of the first no evidence
    found = gains_of(X, hidden, vectors, [1])
    expected = ndcg(np.array([[3, 2, 1]], dtype=np.int32), hidden, 10)
    np.testing.assert_allclose(found[0], expected, atol=1e-12)


def test_the_best_rank_is_the_one_that_a_fit_for_each_rank_finds():
    X = tastes(5)
    left, hidden = hide(X, np.random.default_rng(3))
    users = np.flatnonzero(np.diff(hidden.indptr))
    gains = [
        np.nanmean(ndcg(PureSVD(rank).fit(left).recommend(left[users])[0], hidden[users], 10))
        for rank in ladder_of(*X.shape)
    ]
    chosen = best_rank(X, np.random.default_rng(3))
    assert chosen == ladder_of(*X.shape)[int(np.argmax(gains))]


@pytest.mark.parametrize("n_kinds", [4, 8, 12])
def test_about_as_many_factors_are_chosen_as_there_are_kinds(n_kinds):
    chosen = PureSVD().fit(tastes(n_kinds, n_users=600, n_items=240)).n_factors_
    assert n_kinds / 2 <= chosen <= 2 * n_kinds


def test_the_fit_is_bit_for_bit_that_of_the_chosen_number():
    X = tastes(4)
    model = PureSVD(random_state=7).fit(X)
    again = PureSVD(model.n_factors_, random_state=7).fit(X)
    np.testing.assert_array_equal(model.item_factors_, again.item_factors_)
    assert again.n_factors_ == model.n_factors_


def test_a_fifth_of_each_row_is_hidden_and_the_rest_is_left():
    X = csr_array(np.arange(1, 61, dtype=np.float32).reshape(6, 10) * (np.eye(6, 10) == 0))
    left, hidden = hide(X, np.random.default_rng(0))
    np.testing.assert_array_equal((left + hidden).toarray(), X.toarray())
    np.testing.assert_array_equal(np.diff(hidden.indptr), [2] * 6)
    assert left.nnz + hidden.nnz == X.nnz


def test_every_entry_is_hidden_as_often_as_the_others():
    X, counts = csr_array(np.ones((1, 10), dtype=np.float32)), np.zeros(10)
    for seed in range(400):
        counts[hide(X, np.random.default_rng(seed))[1].indices] += 1
    assert np.abs(counts - 80).max() < 4 * np.sqrt(400 * 0.2 * 0.8)


def test_users_of_one_item_hide_none_and_without_others_the_rank_is_1():
    X = csr_array(np.eye(12, dtype=np.float32))
    left, hidden = hide(X, np.random.default_rng(0))
    assert (left.nnz, hidden.nnz) == (12, 0)
    assert PureSVD().fit(X).n_factors_ == 1


@pytest.mark.parametrize(("shape", "last"), [((1, 1), 1), ((5, 9), 4), ((300, 17), 16)])
def test_the_ladder_ends_below_the_smaller_side(shape, last):
    assert ladder_of(*shape)[-1] == last
    assert ladder_of(10**4, 10**4) == list(LADDER)
