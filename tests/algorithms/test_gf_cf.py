"""GFCF against the paper's dense formula, with numpy's singular vectors."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms._low_pass import WEIGHTS, best_filter, ranks_of
from recmeta.algorithms._rank import hide
from recmeta.algorithms.gf_cf import GFCF
from recmeta.metrics.accuracy import ndcg


def histories(n_users=70, n_items=40, seed=0):
    rng = np.random.default_rng(seed)
    X = (rng.random((n_users, n_items)) < np.linspace(0.4, 0.05, n_items)).astype(np.float32)
    X[np.arange(n_users), rng.integers(0, n_items, n_users)] = 1
    return X


def filtered(X, histories, n_factors, low_pass):
    """Scores by the paper's formula in float64: all users and items of X have interactions."""
    X = X.astype(np.float64)
    of_user, of_item = X.sum(axis=1), X.sum(axis=0)
    R = np.diag(of_user**-0.5) @ X @ np.diag(of_item**-0.5)
    U = np.linalg.svd(R)[2][:n_factors].T
    ideal = np.diag(of_item**-0.5) @ U @ U.T @ np.diag(of_item**0.5)
    return histories @ (R.T @ R + low_pass * ideal)


@pytest.mark.parametrize(("n_factors", "low_pass"), [(5, 0.3), (1, 2.0), (12, 0.0)])
@pytest.mark.parametrize("top", [1, 5])
def test_scores_are_those_of_the_papers_formula(n_factors, low_pass, top):
    X = histories() * np.random.default_rng(1).integers(1, top + 1, (70, 40)).astype(np.float32)
    new = histories(10, 40, seed=2)
    model = GFCF(n_factors=n_factors, low_pass=low_pass).fit(X)
    scores = model._scores(csr_array(new), np.full(10, -1))
    np.testing.assert_allclose(scores, filtered(X, new, n_factors, low_pass), atol=2e-4)


def test_short_histories_in_a_large_catalogue_are_stored_sparse_with_the_same_scores():
    rng = np.random.default_rng(0)
    X = np.zeros((150, 300), dtype=np.float32)
    X[np.arange(300) % 150, np.arange(300)] = 1
    X[np.arange(150), rng.integers(0, 300, 150)] = 1
    model = GFCF(n_factors=3, low_pass=1).fit(X)
    assert isinstance(model.item_weights_, csr_array)
    linear = GFCF(n_factors=3, low_pass=0).fit(X)
    scores = linear._scores(csr_array(X), np.arange(150))
    np.testing.assert_allclose(scores, filtered(X, X, 3, 0), atol=1e-5)


def test_what_only_rounding_tells_apart_is_not_recommended():
    X = np.kron(np.eye(3), np.ones((4, 4))).astype(np.float32)
    items, _ = GFCF(n_factors=3).fit(X).recommend(X, 3)
    assert (items == -1).all()


def test_an_item_without_interactions_is_never_recommended():
    X = histories()
    X[:, 3] = 0
    items, _ = GFCF(n_factors=4).fit(X).recommend(X, k=40)
    assert not (items == 3).any()


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match="low_pass must be at least 0 and finite: got -1"):
        GFCF(low_pass=-1).fit(histories())


def test_the_chosen_filter_is_the_one_that_a_fit_for_each_pair_finds():
    X = csr_array(tastes())
    left, hidden = hide(X, np.random.default_rng(3))
    users = np.flatnonzero(np.diff(hidden.indptr))
    pairs = [(rank, weight) for rank in (2, 5, 12) for weight in (0.1, 1.0, 10.0)]
    gains = []
    for rank, weight in pairs:
        items, _ = GFCF(rank, weight).fit(left).recommend(left[users])
        gains.append(np.nanmean(ndcg(items, hidden[users], 10)))
    assert len(set(gains)) > 5
    chosen = best_filter(X, (2, 5, 12), (0.1, 1.0, 10.0), np.random.default_rng(3))
    assert chosen == pairs[int(np.argmax(gains))]


def tastes(n_kinds=6, n_users=200, n_items=90):
    rng = np.random.default_rng(0)
    same = rng.integers(0, n_kinds, n_users)[:, None] == rng.integers(0, n_kinds, n_items)
    return (rng.random(same.shape) < np.where(same, 0.4, 0.02)).astype(np.float32)


def test_the_fit_is_bit_for_bit_that_of_the_chosen_filter():
    X = tastes()
    model = GFCF(random_state=7).fit(X)
    again = GFCF(model.n_factors_, model.low_pass_, random_state=7).fit(X)
    assert (model.n_factors_, model.low_pass_) in [(r, w) for r in (16, 64) for w in WEIGHTS]
    np.testing.assert_array_equal(model.item_factors_, again.item_factors_)
    np.testing.assert_array_equal(model.recommend(X)[1], again.recommend(X)[1])


def test_what_is_given_is_kept_where_the_other_is_chosen():
    X = tastes()
    assert GFCF(n_factors=5).fit(X).n_factors_ == 5
    assert GFCF(n_factors=5).fit(X).low_pass_ in WEIGHTS
    assert GFCF(low_pass=0.7).fit(X).low_pass_ == 0.7
    assert GFCF(low_pass=0.7).fit(X).n_factors_ in (16, 64)


def test_users_of_one_item_leave_the_middle_of_what_there_is_to_choose():
    model = GFCF().fit(np.eye(300, dtype=np.float32))
    assert (model.n_factors_, model.low_pass_) == (64, 1.0)


@pytest.mark.parametrize(
    ("shape", "ranks"),
    [((1, 1), [1]), ((9, 16), [9]), ((300, 65), [16, 64]), ((999, 999), [16, 64, 256])],
)
def test_ranks_are_below_the_smaller_side(shape, ranks):
    assert ranks_of(*shape) == ranks
