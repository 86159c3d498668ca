"""UserKNNCBF against dense matrices of its formula; new users, and users without a history."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms.user_knn_cbf import UserKNNCBF

ALPHA, BETA = 0.4, 1.3
SIMILARITIES = {  # of the dot products d and the squared lengths n of u (rows) and v (columns)
    "cosine": lambda d, n_u, n_v: np.sqrt(n_u * n_v),
    "asymmetric": lambda d, n_u, n_v: n_u**ALPHA * n_v ** (1 - ALPHA),
    "jaccard": lambda d, n_u, n_v: n_u + n_v - d,
    "dice": lambda d, n_u, n_v: (n_u + n_v) / 2,
    "tversky": lambda d, n_u, n_v: d + ALPHA * (n_u - d) + BETA * (n_v - d),
}


def amounts(n_rows, n_columns, share, seed):
    """Amounts between 1 and 4: no two similarities of rows with several entries are equal."""
    rng = np.random.default_rng(seed)
    X = (rng.random((n_rows, n_columns)) < share).astype(np.float32)
    return X * rng.uniform(1, 4, X.shape).astype(np.float32)


def log():
    return amounts(50, 30, 0.25, seed=0)


def features():
    return amounts(50, 12, 0.6, seed=1)


def weighted(F, weighting):
    """Users are the documents, features the terms."""
    F = F.astype(np.float64)
    idf = np.log(1 + len(F) / np.maximum((F > 0).sum(axis=0), 1))
    length = F.sum(axis=1, keepdims=True) / F.sum() * len(F)
    return {
        "none": lambda: F,
        "tf-idf": lambda: np.sqrt(F) * idf,
        "bm25": lambda: idf * F * 2.2 / (F + 1.2 * (0.25 + 0.75 * length)),
    }[weighting]()


def dense_scores(X, F, k, shrink, similarity, weighting):
    """Sum over the k users v most similar to u in their features of similarity(u, v) x_v."""
    A = weighted(F, weighting)
    d = A @ A.T
    n = np.diag(d).copy()
    below = SIMILARITIES[similarity](d, n[:, None], n[None, :]) + shrink
    S = np.divide(d, below, out=np.zeros_like(d), where=(d > 0) & (below > 0))
    np.fill_diagonal(S, 0)
    for u in range(len(S)):
        S[u, np.argsort(-S[u], kind="stable")[k:]] = 0
    return S @ X


def fitted(X, F, *args, **params):
    return UserKNNCBF(*args, **params).fit(X, user_features=F)


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
    X, F = log(), features()
    model = fitted(X, F, k, shrink, similarity, weighting, ALPHA, BETA)
    expected = dense_scores(X, F, k, shrink, similarity, weighting)
    np.testing.assert_allclose(all_scores(model, X), expected, rtol=5e-5, atol=1e-6)


def test_a_new_user_has_no_features_and_gets_an_empty_list():
    X = log()
    model = fitted(X, features())
    items, scores = model.recommend(X[:3], 5, users=[-1, 4, -1])
    assert (items[[0, 2]] == -1).all()
    assert (scores[[0, 2]] == 0).all()
    # row 1 has the features of user 4 and leaves out the history that is given
    unmasked, _ = model.recommend(X[:3], 5, users=[-1, 4, -1], exclude_seen=False)
    np.testing.assert_array_equal(unmasked[1], model.recommend(X, 5, exclude_seen=False)[0][4])
    with pytest.raises(ValueError, match="pass users="):
        model.recommend(X[:3], 5)


def test_a_user_without_a_history_is_ranked_for_by_his_features():
    X = log()
    X[6] = 0
    assert (fitted(X, features()).recommend(X, 5)[0][6] >= 0).all()


def test_a_user_without_features_gets_an_empty_list_and_is_nobodys_neighbour():
    X, F = log(), features()
    F[6] = 0
    model = fitted(X, F)
    assert (model.recommend(X, 5)[0][6] == -1).all()
    assert not model.user_weights_.toarray()[:, 6].any()


def test_a_user_is_not_his_own_neighbour():
    assert not fitted(log(), features()).user_weights_.diagonal().any()


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
    before = all_scores(fitted(log(), features(), **base), log())
    after = all_scores(fitted(log(), features(), **base | change), log())
    assert not np.allclose(before, after)


@pytest.mark.parametrize("weighting", ["none", "tf-idf", "bm25"])
def test_features_and_histories_stay_as_they_were_given(weighting):
    X, F = csr_array(log()), csr_array(features())
    model = fitted(X, F, feature_weighting=weighting)
    model.recommend(X, 5)
    np.testing.assert_array_equal(X.toarray(), log())
    np.testing.assert_array_equal(F.toarray(), features())
    X.data[:] = 99
    np.testing.assert_array_equal(model.histories_.toarray(), log())


def test_negative_features_are_refused():
    with pytest.raises(ValueError, match="user_features must not be negative"):
        fitted(log(), -features())
