"""UserKNNCFCBF against dense matrices of its formula; UserKNN as one end; new users."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms.user_knn import UserKNN
from recmeta.algorithms.user_knn_cfcbf import UserKNNCFCBF

ALPHA, BETA = 0.4, 1.3
SIMILARITIES = {  # of the dot products d and the squared lengths n of u (rows) and v (columns)
    "cosine": lambda d, n_u, n_v: np.sqrt(n_u * n_v),
    "asymmetric": lambda d, n_u, n_v: n_u**ALPHA * n_v ** (1 - ALPHA),
    "jaccard": lambda d, n_u, n_v: n_u + n_v - d,
    "dice": lambda d, n_u, n_v: (n_u + n_v) / 2,
    "tversky": lambda d, n_u, n_v: d + ALPHA * (n_u - d) + BETA * (n_v - d),
}


def amounts(n_rows, n_columns, seed):
    """Amounts between 1 and 4: no two similarities are equal."""
    rng = np.random.default_rng(seed)
    X = (rng.random((n_rows, n_columns)) < 0.25).astype(np.float32)
    return X * rng.uniform(1, 4, X.shape).astype(np.float32)


def log():
    return amounts(50, 30, seed=0)


def features():
    return amounts(50, 9, seed=1)


def weighted(rows, known, weighting):
    """Users are the documents, items or features the terms; frequencies are those of ``known``."""
    rows, known = rows.astype(np.float64), known.astype(np.float64)
    idf = np.log(1 + len(known) / np.maximum((known > 0).sum(axis=0), 1))
    length = rows.sum(axis=1, keepdims=True) / known.sum() * len(known)
    return {
        "none": lambda: rows,
        "tf-idf": lambda: np.sqrt(rows) * idf,
        "bm25": lambda: idf * rows * 2.2 / (rows + 1.2 * (0.25 + 0.75 * length)),
    }[weighting]()


def dense_scores(histories, users, X, F, c, k, shrink, similarity, weighting):
    """Sum over the k most similar v of similarity(u, v) x_v, in [x, c f]; f of a new user is 0."""
    content = c * weighted(F, F, weighting)
    known = np.where(users[:, None] >= 0, content[users], 0)
    A = np.hstack([weighted(histories, X, weighting), known])
    B = np.hstack([weighted(X, X, weighting), content])
    d, n_u, n_v = A @ B.T, (A**2).sum(axis=1), (B**2).sum(axis=1)
    below = SIMILARITIES[similarity](d, n_u[:, None], n_v[None, :]) + shrink
    S = np.divide(d, below, out=np.zeros_like(d), where=(d > 0) & (below > 0))
    for row, user in enumerate(users):
        if user >= 0:
            S[row, user] = 0
        S[row, np.argsort(-S[row], kind="stable")[k:]] = 0
    return S @ X


def fitted(X, F, *args, **params):
    return UserKNNCFCBF(*args, **params).fit(X, user_features=F)


def all_scores(model, X, **options):
    items, values = model.recommend(X, X.shape[1], exclude_seen=False, **options)
    scores = np.zeros(X.shape)
    rows, places = np.nonzero(items >= 0)
    scores[rows, items[rows, places]] = values[rows, places]
    return scores


@pytest.mark.parametrize("weighting", ["none", "tf-idf", "bm25"])
@pytest.mark.parametrize("c", [0.05, 1.0, 20.0])
@pytest.mark.parametrize(("k", "shrink"), [(4, 0.0), (4, 20.0), (100, 5.0)])
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_scores_are_those_of_the_dense_formula(similarity, k, shrink, c, weighting):
    X, F, users = log(), features(), np.arange(50)
    model = fitted(X, F, k, shrink, similarity, weighting, c, ALPHA, BETA)
    expected = dense_scores(X, users, X, F, c, k, shrink, similarity, weighting)
    np.testing.assert_allclose(all_scores(model, X), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("weighting", ["none", "tf-idf", "bm25"])
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_new_users_are_ranked_by_the_same_formula_with_no_features(similarity, weighting):
    X, F, strangers = log(), features(), amounts(20, 30, seed=2)
    users = np.where(np.arange(20) % 2, np.arange(20), -1)
    model = fitted(X, F, 7, 3.0, similarity, weighting, 2.0, ALPHA, BETA)
    expected = dense_scores(strangers, users, X, F, 2.0, 7, 3.0, similarity, weighting)
    found = all_scores(model, strangers, users=users)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("weighting", ["none", "tf-idf", "bm25"])
def test_without_content_it_is_user_knn(weighting):
    X = log()
    alone = UserKNN(5, 3.0, feature_weighting=weighting).fit(X)
    both = fitted(X, features(), 5, 3.0, feature_weighting=weighting, content_weight=0)
    np.testing.assert_allclose(all_scores(both, X), all_scores(alone, X), rtol=1e-5)


def test_of_equally_near_users_a_new_one_gets_those_with_few_features_first():
    # users 0 and 1 both share item 0 with the stranger; user 0 has features besides
    X = np.array([[1, 1, 0], [1, 0, 1]])
    F = np.array([[1, 1], [0, 0]])
    model = fitted(X, F, shrink=0, feature_weighting="none")
    items, scores = model.recommend(np.eye(3)[:1], 2, users=[-1])
    assert items.tolist() == [[2, 1]]
    np.testing.assert_allclose(scores, [[1 / np.sqrt(2), 1 / np.sqrt(4)]], rtol=1e-6)


def test_a_known_user_without_a_history_is_ranked_for_by_his_features():
    X = log()
    X[6] = 0
    model = fitted(X, features())
    assert (model.recommend(X, 5)[0][6] >= 0).all()
    assert (model.recommend(X[[6]], 5, users=[-1])[0] == -1).all()


def test_binary_rows_are_read_once_and_amounts_entry_by_entry():
    X, F = log() > 0, features() > 0
    assert not fitted(log(), features()).even_
    model = fitted(X, F, 50, 2.0, feature_weighting="none")  # no cut, so that no tie decides
    assert model.even_
    expected = dense_scores(X, np.arange(50), X, F, 1.0, 50, 2.0, "cosine", "none")
    np.testing.assert_allclose(all_scores(model, X), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("base", "change"),
    [
        ({}, {"n_neighbours": 5}),
        ({}, {"shrink": 1000.0}),
        ({}, {"similarity": "jaccard"}),
        ({}, {"feature_weighting": "bm25"}),
        ({"feature_weighting": "none"}, {"feature_weighting": "tf-idf"}),
        ({}, {"content_weight": 3.0}),
        ({"feature_weighting": "bm25", "content_weight": 30.0}, {"content_weight": 90.0}),
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
    model = fitted(X, F, feature_weighting=weighting, content_weight=7)
    before = all_scores(model, log())
    np.testing.assert_array_equal(X.toarray(), log())
    np.testing.assert_array_equal(F.toarray(), features())
    X.data[:], F.data[:] = 99, 99
    np.testing.assert_array_equal(all_scores(model, log()), before)


def test_what_makes_no_sense_is_refused_in_fit():
    with pytest.raises(ValueError, match="user_features must not be negative"):
        fitted(log(), -features())
    with pytest.raises(ValueError, match="content_weight must be at least 0 and finite: got -1"):
        fitted(log(), features(), content_weight=-1)
    with pytest.raises(ValueError, match="similarity must be one of"):
        fitted(log(), features(), similarity="euclid")
    with pytest.raises(ValueError, match="n_neighbours must be at least 1: got 0"):
        fitted(log(), features(), n_neighbours=0)
