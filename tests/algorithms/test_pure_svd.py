"""PureSVD against numpy's full singular value decomposition."""

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from recmeta.algorithms.pure_svd import PureSVD


def histories(n_users=70, n_items=40, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.random((n_users, n_items)) < 0.2).astype(np.float32)


@pytest.mark.parametrize("shape", [(70, 40), (30, 60), (120, 300)])
def test_scores_are_the_projection_on_numpys_leading_singular_vectors(shape):
    X = histories(*shape)
    model = PureSVD(n_factors=5).fit(X)
    _, values, vectors = np.linalg.svd(X.astype(np.float64))
    scores = (X @ model.item_factors_) @ model.item_factors_.T
    np.testing.assert_allclose(scores, X @ vectors[:5].T @ vectors[:5], atol=5e-3)
    np.testing.assert_allclose(model.singular_values_, values[:5], rtol=1e-4)


def test_more_factors_than_the_rank_give_X_back():
    X = histories()
    model = PureSVD(n_factors=200).fit(X)
    np.testing.assert_allclose((X @ model.item_factors_) @ model.item_factors_.T, X, atol=1e-4)


def test_the_largest_entry_of_each_vector_is_positive():
    factors = PureSVD(n_factors=6).fit(histories()).item_factors_
    assert (factors[np.abs(factors).argmax(axis=0), np.arange(6)] > 0).all()


def test_a_seed_gives_the_same_bits_and_any_seed_the_same_space():
    X = csr_array(random_array((300, 200), density=0.05, rng=np.random.default_rng(0)))
    first, again, other = (PureSVD(10, random_state=s).fit(X).item_factors_ for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(first @ first.T, other @ other.T, atol=5e-3)


def test_an_item_without_interactions_is_never_recommended():
    X = histories()
    X[:, 3] = 0
    items, _ = PureSVD(5).fit(X).recommend(X, k=40)
    assert not (items == 3).any()


@pytest.mark.parametrize("X", [np.ones((1, 1)), np.ones((1, 4)), np.ones((5, 1)), np.ones((4, 4))])
def test_the_smallest_inputs_give_their_one_singular_vector(X):
    model = PureSVD(n_factors=3).fit(X)
    np.testing.assert_allclose((X @ model.item_factors_) @ model.item_factors_.T, X, atol=1e-5)


@pytest.mark.parametrize("n_copies", [1, 40])
def test_a_krylov_space_that_ends_early_goes_on_from_new_vectors(n_copies):
    # as many equal singular values as there are patterns, of which a block finds 16 at a time;
    # with copies the rank is below n_factors
    X = csr_array(np.tile(np.eye(2000 // n_copies, 2000, dtype=np.float32), (n_copies, 1)))
    model = PureSVD(n_factors=100).fit(X)
    n_values = min(100, 2000 // n_copies)
    np.testing.assert_allclose(model.singular_values_[:n_values], np.sqrt(n_copies), rtol=1e-5)
    np.testing.assert_allclose(model.singular_values_[n_values:], 0, atol=1e-5)
    V = model.item_factors_[:, :n_values]
    np.testing.assert_allclose(V.T @ V, np.eye(n_values), atol=1e-5)


def test_few_users_of_many_items_have_numpys_singular_values():
    X = csr_array(random_array((300, 6000), density=0.01, rng=np.random.default_rng(0)))
    model = PureSVD(n_factors=250).fit(X)
    values = np.linalg.svd(X.toarray(), compute_uv=False)[:250]
    np.testing.assert_allclose(model.singular_values_, values, rtol=1e-5)
    V = model.item_factors_
    np.testing.assert_allclose(V.T @ V, np.eye(250), atol=1e-5)


def test_zero_factors_are_refused():
    with pytest.raises(ValueError, match="n_factors must be at least 1: got 0"):
        PureSVD(n_factors=0).fit(histories())


def test_what_only_rounding_tells_apart_is_not_recommended():
    X = csr_array(np.eye(6, dtype=np.float32) + np.eye(6, k=1, dtype=np.float32))
    items, scores = PureSVD(n_factors=6).fit(X).recommend(X, 3)
    assert (items == -1).all()
    assert (scores == 0).all()
