"""ItemKNNCFCBF against dense matrices of its formula; ItemKNN and ItemKNNCBF as its ends."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms.item_knn import ItemKNN
from recmeta.algorithms.item_knn_cbf import ItemKNNCBF
from recmeta.algorithms.item_knn_cfcbf import ItemKNNCFCBF

ALPHA, BETA = 0.4, 1.3
SIMILARITIES = {  # of the dot products d and the squared lengths n of j (rows) and i (columns)
    "cosine": lambda d, n_j, n_i: np.sqrt(n_j * n_i),
    "asymmetric": lambda d, n_j, n_i: n_j**ALPHA * n_i ** (1 - ALPHA),
    "jaccard": lambda d, n_j, n_i: n_j + n_i - d,
    "dice": lambda d, n_j, n_i: (n_j + n_i) / 2,
    "tversky": lambda d, n_j, n_i: d + ALPHA * (n_j - d) + BETA * (n_i - d),
}


def amounts(n_rows, n_columns, seed):
    """Amounts between 1 and 4: no two similarities are equal."""
    rng = np.random.default_rng(seed)
    X = (rng.random((n_rows, n_columns)) < 0.25).astype(np.float32)
    return X * rng.uniform(1, 4, X.shape).astype(np.float32)


def log():
    return amounts(60, 40, seed=0)


def features():
    return amounts(40, 9, seed=1)


def weighted(rows, weighting):
    """Items are the documents; users, or features, the terms."""
    rows = rows.astype(np.float64)
    idf = np.log(1 + len(rows) / np.maximum((rows > 0).sum(axis=0), 1))
    length = rows.sum(axis=1, keepdims=True) / rows.sum() * len(rows)
    return {
        "none": lambda: rows,
        "tf-idf": lambda: np.sqrt(rows) * idf,
        "bm25": lambda: idf * rows * 2.2 / (rows + 1.2 * (0.25 + 0.75 * length)),
    }[weighting]()


def dense_weights(X, F, c, k, shrink, similarity, weighting):
    """W_ij = similarity of rows j and i of [X', c F] where i is among the k most similar of j."""
    A = np.hstack([weighted(X.T, weighting), c * weighted(F, weighting)])
    d = A @ A.T
    n = np.diag(d).copy()
    below = SIMILARITIES[similarity](d, n[:, None], n[None, :]) + shrink
    S = np.divide(d, below, out=np.zeros_like(d), where=(d > 0) & (below > 0))
    np.fill_diagonal(S, 0)
    for j in range(len(S)):
        S[j, np.argsort(-S[j], kind="stable")[k:]] = 0
    return S.T


def fitted(X, F, *args, **params):
    return ItemKNNCFCBF(*args, **params).fit(X, item_features=F)


@pytest.mark.parametrize("weighting", ["none", "tf-idf", "bm25"])
@pytest.mark.parametrize("c", [0.05, 1.0, 20.0])
@pytest.mark.parametrize(("k", "shrink"), [(4, 0.0), (4, 20.0), (100, 5.0)])
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_weights_and_scores_are_those_of_the_dense_formula(similarity, k, shrink, c, weighting):
    X, F = log(), features()
    W = dense_weights(X, F, c, k, shrink, similarity, weighting)
    model = fitted(X, F, k, shrink, similarity, weighting, c, ALPHA, BETA)
    np.testing.assert_allclose(model.item_weights_.toarray(), W, rtol=5e-5, atol=1e-7)
    items, scores = model.recommend(X, 40, exclude_seen=False)
    found = np.zeros(X.shape)
    rows, places = np.nonzero(items >= 0)
    found[rows, items[rows, places]] = scores[rows, places]
    np.testing.assert_allclose(found, X @ W, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("weighting", ["none", "tf-idf", "bm25"])
def test_without_content_it_is_item_knn_and_with_nothing_else_the_content_model(weighting):
    X, F = log(), features()
    alone = ItemKNN(5, 3.0, feature_weighting=weighting).fit(X)
    both = fitted(X, F, 5, 3.0, feature_weighting=weighting, content_weight=0)
    np.testing.assert_allclose(
        both.item_weights_.toarray(), alone.item_weights_.toarray(), rtol=1e-6
    )
    nobody = np.zeros_like(X)
    content = ItemKNNCBF(5, 3.0, feature_weighting=weighting).fit(nobody, item_features=F)
    both = fitted(nobody, F, 5, 3.0, feature_weighting=weighting, content_weight=1)
    np.testing.assert_allclose(
        both.item_weights_.toarray(), content.item_weights_.toarray(), rtol=1e-6
    )


def test_an_item_that_nobody_has_is_ranked_by_its_features():
    X, F = log(), features()
    X[:, 9] = 0
    F[[9, 10]], X[:, 10] = F[11], X[:, 12]
    items, _ = fitted(X, F).recommend(np.eye(40)[[11]], 40)
    assert 9 in items[0]
    assert 9 not in ItemKNN().fit(X).recommend(np.eye(40)[[11]], 40)[0]


def test_features_matter_less_for_items_that_many_have():
    # items 0, 1 and 2 share a feature with item 3, and 1, 5 and 50 users of their own have them
    X = np.zeros((60, 4), dtype=np.float32)
    X[0, 0], X[:5, 1], X[:50, 2], X[50:, 3] = 1, 1, 1, 1
    to_last = fitted(X, np.ones((4, 1)), shrink=0).item_weights_.toarray()[:3, 3]
    np.testing.assert_allclose(to_last, 1 / np.sqrt(11 * np.array([2, 6, 51])), rtol=1e-5)


@pytest.mark.parametrize(
    ("base", "change"),
    [
        ({}, {"n_neighbours": 5}),
        ({}, {"shrink": 1000.0}),
        ({}, {"similarity": "jaccard"}),
        ({}, {"feature_weighting": "bm25"}),
        ({}, {"feature_weighting": "tf-idf"}),
        ({}, {"content_weight": 3.0}),
        ({"feature_weighting": "bm25", "content_weight": 30.0}, {"content_weight": 90.0}),
        ({"similarity": "tversky"}, {"alpha": 1.0}),
        ({"similarity": "tversky"}, {"beta": 1.0}),
        ({"similarity": "asymmetric"}, {"alpha": 1.0}),
    ],
)
def test_every_parameter_acts(base, change):
    before = fitted(log(), features(), **base).item_weights_.toarray()
    after = fitted(log(), features(), **base | change).item_weights_.toarray()
    assert not np.allclose(before, after)


@pytest.mark.parametrize("weighting", ["none", "tf-idf", "bm25"])
def test_features_and_interactions_stay_as_they_were_given(weighting):
    X, F = csr_array(log()), csr_array(features())
    fitted(X, F, feature_weighting=weighting, content_weight=7).recommend(X, 5)
    np.testing.assert_array_equal(X.toarray(), log())
    np.testing.assert_array_equal(F.toarray(), features())


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="item_features must not be negative"):
        fitted(log(), -features())
    for wrong in (-1.0, np.inf):
        with pytest.raises(ValueError, match="content_weight must be at least 0 and finite"):
            fitted(log(), features(), content_weight=wrong)
