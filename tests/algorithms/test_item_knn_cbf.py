"""ItemKNNCBF against dense matrices of its formula; items that nobody has; features as given."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms.item_knn_cbf import ItemKNNCBF

ALPHA, BETA = 0.4, 1.3
SIMILARITIES = {  # of the dot products d and the squared lengths n of j (rows) and i (columns)
    "cosine": lambda d, n_j, n_i: np.sqrt(n_j * n_i),
    "asymmetric": lambda d, n_j, n_i: n_j**ALPHA * n_i ** (1 - ALPHA),
    "jaccard": lambda d, n_j, n_i: n_j + n_i - d,
    "dice": lambda d, n_j, n_i: (n_j + n_i) / 2,
    "tversky": lambda d, n_j, n_i: d + ALPHA * (n_j - d) + BETA * (n_i - d),
}


def amounts(n_rows=45, n_features=12, seed=0):
    """Amounts between 1 and 4, the first feature held by most: no two similarities are equal."""
    rng = np.random.default_rng(seed)
    shares = 0.8 / np.sqrt(np.arange(1, n_features + 1))
    F = (rng.random((n_rows, n_features)) < shares).astype(np.float32)
    return F * rng.uniform(1, 4, F.shape).astype(np.float32)


def likes(n_users=30, n_items=45, seed=1):
    return (np.random.default_rng(seed).random((n_users, n_items)) < 0.2).astype(np.float32)


def weighted(F, weighting):
    """Items are the documents, features the terms."""
    F = F.astype(np.float64)
    idf = np.log(1 + len(F) / np.maximum((F > 0).sum(axis=0), 1))
    length = F.sum(axis=1, keepdims=True) / F.sum() * len(F)
    return {
        "none": lambda: F,
        "tf-idf": lambda: np.sqrt(F) * idf,
        "bm25": lambda: idf * F * 2.2 / (F + 1.2 * (0.25 + 0.75 * length)),
    }[weighting]()


def dense_weights(F, k, shrink, similarity, weighting="none"):
    """W_ij = similarity of j and i where i is among the k most similar of j, else 0."""
    A = weighted(F, weighting)
    d = A @ A.T
    n = np.diag(d).copy()
    below = SIMILARITIES[similarity](d, n[:, None], n[None, :]) + shrink
    S = np.divide(d, below, out=np.zeros_like(d), where=(d > 0) & (below > 0))
    np.fill_diagonal(S, 0)
    for j in range(len(S)):
        S[j, np.argsort(-S[j], kind="stable")[k:]] = 0
    return S.T


def fitted(X, F, *args, **params):
    return ItemKNNCBF(*args, **params).fit(X, item_features=F)


@pytest.mark.parametrize("weighting", ["none", "tf-idf", "bm25"])
@pytest.mark.parametrize("shrink", [0.0, 20.0])
@pytest.mark.parametrize("k", [4, 100])
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_weights_and_scores_are_those_of_the_dense_formula(similarity, k, shrink, weighting):
    X, F = likes(), amounts()
    W = dense_weights(F, k, shrink, similarity, weighting)
    model = fitted(X, F, k, shrink, similarity, weighting, ALPHA, BETA)
    np.testing.assert_allclose(model.item_weights_.toarray(), W, rtol=2e-5, atol=1e-7)
    items, scores = model.recommend(X, 45, exclude_seen=False)
    found = np.zeros(X.shape)
    rows, places = np.nonzero(items >= 0)
    found[rows, items[rows, places]] = scores[rows, places]
    np.testing.assert_allclose(found, X @ W, rtol=5e-5, atol=1e-6)


def test_items_that_nobody_has_are_recommended_by_their_features():
    # the even items have one feature, the odd ones another; nobody has items 20 to 29
    X = likes(n_items=30)
    X[:, 20:] = 0
    X[0], X[0, [2, 4]] = 0, 1
    kind = np.eye(2)[np.arange(30) % 2]
    items, scores = fitted(X, kind).recommend(X, 30)
    found = items[0][items[0] >= 0]
    assert {20, 22, 24, 26, 28} <= set(found)
    assert not (found % 2).any()
    assert np.ptp(scores[0][: len(found)]) < 1e-6  # cold and popular ones are scored alike


def test_interactions_do_not_enter_the_weights():
    one, other = (fitted(likes(seed=seed), amounts()).item_weights_ for seed in (1, 2))
    np.testing.assert_array_equal(one.toarray(), other.toarray())


def test_the_nearest_of_equals_are_those_with_the_lower_number():
    model = fitted(likes(n_items=6), np.ones((6, 1)), n_neighbours=2)
    kept = model.item_weights_.toarray() > 0
    assert [np.flatnonzero(column).tolist() for column in kept.T[:3]] == [[1, 2], [0, 2], [0, 1]]
    assert np.flatnonzero(kept[:, 5]).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("base", "change"),
    [
        ({}, {"n_neighbours": 5}),
        ({}, {"shrink": 1.0}),
        ({}, {"similarity": "jaccard"}),
        ({}, {"similarity": "tversky"}),
        ({}, {"feature_weighting": "bm25"}),
        ({}, {"feature_weighting": "none"}),
        ({"similarity": "tversky"}, {"alpha": 1.0}),
        ({"similarity": "tversky"}, {"beta": 1.0}),
        ({"similarity": "asymmetric"}, {"alpha": 1.0}),
    ],
)
def test_every_parameter_acts(base, change):
    before = fitted(likes(), amounts(), **base).item_weights_.toarray()
    after = fitted(likes(), amounts(), **base | change).item_weights_.toarray()
    assert not np.allclose(before, after)


@pytest.mark.parametrize("weighting", ["none", "tf-idf", "bm25"])
def test_features_and_interactions_stay_as_they_were_given(weighting):
    X, F = csr_array(likes()), csr_array(amounts())
    fitted(X, F, feature_weighting=weighting).recommend(X, 5)
    np.testing.assert_array_equal(F.toarray(), amounts())
    np.testing.assert_array_equal(X.toarray(), likes())


def test_items_without_features_have_no_neighbours():
    F = amounts()
    F[7] = 0
    weights = fitted(likes(), F).item_weights_.toarray()
    assert not weights[7].any()
    assert not weights[:, 7].any()
    nothing = fitted(likes(), np.zeros((45, 0)))
    assert (nothing.recommend(likes(), 3)[0] == -1).all()


def test_a_feature_that_many_have_takes_no_matrix_of_items():
    # 1.4 million pairs a genre, of which n_neighbours an item are kept
    rng = np.random.default_rng(0)
    F = csr_array((rng.random((3000, 6)) < 0.4).astype(np.float32))
    weights = fitted(np.eye(1, 3000), F, n_neighbours=10).item_weights_
    assert weights.nnz <= 30_000


def test_what_is_no_feature_is_refused():
    with pytest.raises(ValueError, match="item_features must not be negative: got -2"):
        fitted(likes(), amounts() * 0 - 2)
    with pytest.raises(ValueError, match="similarity must be one of"):
        fitted(likes(), amounts(), similarity="euclid")
    with pytest.raises(ValueError, match="feature_weighting must be one of"):
        fitted(likes(), amounts(), feature_weighting="BM25")
    with pytest.raises(ValueError, match="n_neighbours must be at least 1: got 0"):
        fitted(likes(), amounts(), n_neighbours=0)
