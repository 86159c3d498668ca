"""ItemKNN against dense matrices of its formula, and against implicit's item model."""

import numpy as np
import pytest
from implicit.nearest_neighbours import CosineRecommender
from scipy.sparse import csr_array, csr_matrix

from recmeta.algorithms.item_knn import ItemKNN

# implicit turns its own matrix over, and then warns of it
pytestmark = pytest.mark.filterwarnings("ignore:Method expects CSR input")
ALPHA, BETA = 0.4, 1.3
SIMILARITIES = {  # of the dot products d and the squared lengths n of j (rows) and i (columns)
    "cosine": lambda d, n_j, n_i: np.sqrt(n_j * n_i),
    "asymmetric": lambda d, n_j, n_i: n_j**ALPHA * n_i ** (1 - ALPHA),
    "jaccard": lambda d, n_j, n_i: n_j + n_i - d,
    "dice": lambda d, n_j, n_i: (n_j + n_i) / 2,
    "tversky": lambda d, n_j, n_i: d + ALPHA * (n_j - d) + BETA * (n_i - d),
}


def amounts(n_users=80, n_items=45, seed=0):
    """Amounts between 1 and 4, popular items more often: no two similarities are equal."""
    rng = np.random.default_rng(seed)
    X = (rng.random((n_users, n_items)) < 0.6 / np.sqrt(np.arange(1, n_items + 1))).astype("f4")
    return X * rng.uniform(1, 4, X.shape).astype(np.float32)


def weighted(X, weighting):
    """Items are the documents, users the terms."""
    items = X.T.astype(np.float64)
    idf = np.log(1 + len(items) / np.maximum((items > 0).sum(axis=0), 1))
    length = items.sum(axis=1, keepdims=True) / items.sum() * len(items)
    return {
        "none": lambda: items,
        "tf-idf": lambda: np.sqrt(items) * idf,
        "bm25": lambda: idf * items * 2.2 / (items + 1.2 * (0.25 + 0.75 * length)),
    }[weighting]()


def dense_weights(X, k, shrink, similarity, weighting="none"):
    """W_ij = similarity of j and i where i is among the k most similar of j, else 0."""
    A = weighted(X, weighting)
    d = A @ A.T
    n = np.diag(d).copy()
    below = SIMILARITIES[similarity](d, n[:, None], n[None, :]) + shrink
    S = np.divide(d, below, out=np.zeros_like(d), where=(d > 0) & (below > 0))
    np.fill_diagonal(S, 0)
    for j in range(len(S)):
        S[j, np.argsort(-S[j], kind="stable")[k:]] = 0
    return S.T


@pytest.mark.parametrize("weighting", ["none", "tf-idf", "bm25"])
@pytest.mark.parametrize("shrink", [0.0, 20.0])
@pytest.mark.parametrize("k", [4, 100])
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_weights_and_scores_are_those_of_the_dense_formula(similarity, k, shrink, weighting):
    X = amounts()
    W = dense_weights(X, k, shrink, similarity, weighting)
    model = ItemKNN(k, shrink, similarity, weighting, ALPHA, BETA).fit(X)
    np.testing.assert_allclose(model.item_weights_.toarray(), W, rtol=2e-5, atol=1e-7)
    items, scores = model.recommend(X, 45)
    expected = np.where(X > 0, 0, X @ W)
    found = np.zeros_like(expected)
    rows, places = np.nonzero(items >= 0)
    found[rows, items[rows, places]] = scores[rows, places]
    np.testing.assert_allclose(found, expected, rtol=5e-5, atol=1e-6)


def test_each_scored_item_keeps_its_own_neighbours():
    # the cut is per column: popular items are in many lists, but no column has more than k
    model = ItemKNN(n_neighbours=5, shrink=0).fit(amounts())
    per_scored = np.diff(model.item_weights_.tocsc().indptr)
    per_seen = np.diff(model.item_weights_.indptr)
    assert (per_scored <= 5).all()
    assert per_seen.max() > 5
    assert not model.item_weights_.diagonal().any()


@pytest.mark.parametrize("k", [3, 10, 44])
def test_neighbours_are_those_of_implicits_cosine(k):
    # implicit counts an item as its own neighbour, so it needs one more
    X = amounts()
    theirs = CosineRecommender(K=k + 1, num_threads=1)
    theirs.fit(csr_matrix(X), show_progress=False)
    S = theirs.similarity.toarray()
    np.fill_diagonal(S, 0)
    ours = ItemKNN(k, shrink=0).fit(X).item_weights_.toarray().T
    np.testing.assert_array_equal(ours > 0, S > 0)
    np.testing.assert_allclose(ours, S, rtol=1e-5)


def test_lists_and_scores_without_a_cut_are_those_of_implicit():
    # with a cut they differ: implicit keeps the neighbours of each item of the history
    X = amounts()
    theirs = CosineRecommender(K=45, num_threads=1)
    theirs.fit(csr_matrix(X), show_progress=False)
    items, scores = ItemKNN(45, shrink=0).fit(X).recommend(X, 10)
    their_items, their_scores = theirs.recommend(np.arange(len(X)), csr_matrix(X), N=10)
    np.testing.assert_array_equal(items, their_items)
    np.testing.assert_allclose(scores, their_scores, rtol=1e-5)


@pytest.mark.parametrize(
    ("base", "change"),
    [
        ({}, {"n_neighbours": 5}),
        ({}, {"shrink": 100.0}),
        ({}, {"similarity": "jaccard"}),
        ({}, {"similarity": "tversky"}),
        ({}, {"feature_weighting": "bm25"}),
        ({}, {"feature_weighting": "tf-idf"}),
        ({"similarity": "tversky"}, {"alpha": 1.0}),
        ({"similarity": "tversky"}, {"beta": 1.0}),
        ({"similarity": "asymmetric"}, {"alpha": 1.0}),
    ],
)
def test_every_parameter_acts(base, change):
    X = amounts()
    before = ItemKNN(**base).fit(X).item_weights_.toarray()
    after = ItemKNN(**base | change).fit(X).item_weights_.toarray()
    assert not np.allclose(before, after)


@pytest.mark.parametrize("weighting", ["tf-idf", "bm25"])
def test_weighting_changes_the_similarities_and_not_the_history(weighting):
    X = csr_array(amounts())
    before = X.toarray()
    model = ItemKNN(100, 0, feature_weighting=weighting).fit(X)
    np.testing.assert_array_equal(X.toarray(), before)
    items, scores = model.recommend(X, 1)
    by_hand = before @ model.item_weights_.toarray()
    np.testing.assert_allclose(scores[:, 0], by_hand[np.arange(len(items)), items[:, 0]], rtol=1e-5)


def test_more_shrinking_takes_more_from_what_few_users_share():
    # items 0 and 1 share 1 of 1 users, items 2 and 3 share 8 of 9
    X = np.zeros((10, 4))
    X[0, :2], X[1:9, 2:], X[9, 2] = 1, 1, 1
    free, shrunk = (ItemKNN(shrink=shrink).fit(X).item_weights_ for shrink in (0, 5))
    assert free[0, 1] == pytest.approx(1)
    assert free[2, 3] == pytest.approx(8 / np.sqrt(72))
    assert shrunk[0, 1] == pytest.approx(1 / 6)
    assert shrunk[2, 3] == pytest.approx(8 / (np.sqrt(72) + 5))


def test_options_that_do_not_exist_are_refused():
    X = amounts()
    with pytest.raises(ValueError, match="similarity must be one of"):
        ItemKNN(similarity="euclid").fit(X)
    with pytest.raises(ValueError, match="feature_weighting must be one of"):
        ItemKNN(feature_weighting="BM25").fit(X)
    with pytest.raises(ValueError, match="n_neighbours must be at least 1: got 0"):
        ItemKNN(n_neighbours=0).fit(X)
    with pytest.raises(ValueError, match="Negative values in data"):
        ItemKNN().fit(-X)
