"""UserKNN against dense matrices of its formula, and against implicit's neighbours."""

import numpy as np
import pytest
from implicit.nearest_neighbours import CosineRecommender
from scipy.sparse import csr_array, csr_matrix

from recmeta.algorithms.user_knn import UserKNN

# implicit turns its own matrix over, and then warns of it
pytestmark = pytest.mark.filterwarnings("ignore:Method expects CSR input")
ALPHA, BETA = 0.4, 1.3
SIMILARITIES = {  # of the dot products d and the squared lengths n of u (rows) and v (columns)
    "cosine": lambda d, n_u, n_v: np.sqrt(n_u * n_v),
    "asymmetric": lambda d, n_u, n_v: n_u**ALPHA * n_v ** (1 - ALPHA),
    "jaccard": lambda d, n_u, n_v: n_u + n_v - d,
    "dice": lambda d, n_u, n_v: (n_u + n_v) / 2,
    "tversky": lambda d, n_u, n_v: d + ALPHA * (n_u - d) + BETA * (n_v - d),
}


def amounts(n_users=60, n_items=50, seed=0):
    """Amounts between 1 and 4: no two similarities are equal."""
    rng = np.random.default_rng(seed)
    X = (rng.random((n_users, n_items)) < 0.25).astype(np.float32)
    return X * rng.uniform(1, 4, X.shape).astype(np.float32)


def weighted(rows, known, weighting):
    """Users are the documents, items the terms; frequencies and lengths are those of ``known``."""
    rows, known = rows.astype(np.float64), known.astype(np.float64)
    idf = np.log(1 + len(known) / np.maximum((known > 0).sum(axis=0), 1))
    length = rows.sum(axis=1, keepdims=True) / known.sum() * len(known)
    return {
        "none": lambda: rows,
        "tf-idf": lambda: np.sqrt(rows) * idf,
        "bm25": lambda: idf * rows * 2.2 / (rows + 1.2 * (0.25 + 0.75 * length)),
    }[weighting]()


def dense_scores(histories, X, k, shrink, similarity, weighting="none", users=None):
    """Sum over the k most similar users v of similarity(u, v) x_v."""
    A, B = weighted(histories, X, weighting), weighted(X, X, weighting)
    d = A @ B.T
    n_u, n_v = (A**2).sum(axis=1), (B**2).sum(axis=1)
    below = SIMILARITIES[similarity](d, n_u[:, None], n_v[None, :]) + shrink
    S = np.divide(d, below, out=np.zeros_like(d), where=(d > 0) & (below > 0))
    for row in range(len(S)):
        if users is not None:
            S[row, users[row]] = 0
        S[row, np.argsort(-S[row], kind="stable")[k:]] = 0
    return S @ X


def all_scores(model, X, **options):
    items, values = model.recommend(X, X.shape[1], exclude_seen=False, **options)
    scores = np.zeros(X.shape)
    rows, places = np.nonzero(items >= 0)
    scores[rows, items[rows, places]] = values[rows, places]
    return scores


@pytest.mark.parametrize("weighting", ["none", "tf-idf", "bm25"])
@pytest.mark.parametrize("shrink", [0.0, 20.0])
@pytest.mark.parametrize("k", [4, 100])
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_scores_are_those_of_the_dense_formula(similarity, k, shrink, weighting):
    X = amounts()
    expected = dense_scores(X, X, k, shrink, similarity, weighting, users=np.arange(len(X)))
    model = UserKNN(k, shrink, similarity, weighting, ALPHA, BETA).fit(X)
    np.testing.assert_allclose(all_scores(model, X), expected, rtol=5e-5, atol=1e-6)


@pytest.mark.parametrize("weighting", ["none", "tf-idf", "bm25"])
@pytest.mark.parametrize("similarity", ["cosine", "asymmetric", "tversky"])
def test_strangers_are_ranked_by_the_same_formula(similarity, weighting):
    X, strangers = amounts(), amounts(25, seed=1)
    model = UserKNN(7, 3.0, similarity, weighting, ALPHA, BETA).fit(X)
    found = all_scores(model, strangers, users=np.full(25, -1))
    expected = dense_scores(strangers, X, 7, 3.0, similarity, weighting)
    np.testing.assert_allclose(found, expected, rtol=5e-5, atol=1e-6)


def test_a_known_user_is_not_his_own_neighbour_and_a_twin_is():
    X = np.array([[1, 1, 0, 0, 0], [1, 1, 0, 0, 0], [1, 0, 1, 0, 0], [0, 0, 0, 1, 1]])
    model = UserKNN(n_neighbours=1, shrink=0).fit(X)
    np.testing.assert_allclose(all_scores(model, X)[0], X[1], rtol=1e-6)
    alone = UserKNN(n_neighbours=4, shrink=0).fit(X[[0, 3]])
    assert (alone.recommend(X[[0, 3]], 3)[0] == -1).all()


@pytest.mark.parametrize("k", [3, 10, 59])
def test_scores_are_the_sum_over_implicits_neighbours(k):
    # implicit's item model of X turned over; it counts a user as his own neighbour
    X = amounts()
    theirs = CosineRecommender(K=k + 1, num_threads=1)
    theirs.fit(csr_matrix(X.T), show_progress=False)
    S = theirs.similarity.toarray()
    np.fill_diagonal(S, 0)
    model = UserKNN(k, shrink=0).fit(X)
    np.testing.assert_allclose(all_scores(model, X), S @ X, rtol=1e-5, atol=1e-6)


def test_the_weighted_mean_over_the_neighbours_has_the_same_order():
    # what is left out of the formula is one divisor a user
    X = amounts()
    items, scores = UserKNN(10, 0.0).fit(X).recommend(X, 5)
    one_item = np.hstack([X, np.ones((len(X), 1), np.float32)])
    assert (np.diff(scores, axis=1) <= 0).all()
    assert (items >= 0).all()
    assert all_scores(UserKNN(10, 0.0).fit(one_item), one_item)[:, -1].min() > 0


@pytest.mark.parametrize("weighting", ["none", "tf-idf", "bm25"])
def test_weighting_changes_neither_what_it_was_given_nor_what_is_summed(weighting):
    X = csr_array(amounts())
    before = X.toarray()
    model = UserKNN(feature_weighting=weighting).fit(X)
    model.recommend(X, 5)
    np.testing.assert_array_equal(X.toarray(), before)
    np.testing.assert_array_equal(model.histories_.toarray(), before)
    X.data[:] = 99
    np.testing.assert_array_equal(model.histories_.toarray(), before)


def test_the_batch_does_not_matter():
    X = amounts()
    model = UserKNN(5).fit(X)
    items, scores = model.recommend(X, 5)
    rows = np.array([41, 3, 3])
    some_items, some_scores = model.recommend(X[rows], 5, users=rows)
    np.testing.assert_array_equal(some_items, items[rows])
    np.testing.assert_array_equal(some_scores, scores[rows])


@pytest.mark.parametrize(
    ("base", "change"),
    [
        ({}, {"n_neighbours": 5}),
        ({}, {"shrink": 100.0}),
        ({}, {"similarity": "jaccard"}),
        ({}, {"feature_weighting": "bm25"}),
        ({}, {"feature_weighting": "tf-idf"}),
        ({"similarity": "tversky"}, {"alpha": 1.0}),
        ({"similarity": "tversky"}, {"beta": 1.0}),
        ({"similarity": "asymmetric"}, {"alpha": 1.0}),
    ],
)
def test_every_parameter_acts(base, change):
    X = amounts()
    before = all_scores(UserKNN(**base).fit(X), X)
    assert not np.allclose(before, all_scores(UserKNN(**base | change).fit(X), X))


def test_options_that_do_not_exist_are_refused_in_fit():
    X = amounts()
    with pytest.raises(ValueError, match="similarity must be one of"):
        UserKNN(similarity="euclid").fit(X)
    with pytest.raises(ValueError, match="feature_weighting must be one of"):
        UserKNN(feature_weighting="BM25").fit(X)
    with pytest.raises(ValueError, match="n_neighbours must be at least 1: got 0"):
        UserKNN(n_neighbours=0).fit(X)
