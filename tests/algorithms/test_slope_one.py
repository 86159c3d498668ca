"""SlopeOne against the loops of the paper's formula."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms.slope_one import SlopeOne


def ratings(n_users=25, n_items=12, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.integers(1, 6, (n_users, n_items)) * (rng.random((n_users, n_items)) < 0.4)).astype(
        np.float32
    )


def predictions_by_loops(X, histories):
    """Weighted Slope One, from the definitions: NaN where no user rated both."""
    n_items = X.shape[1]
    predictions = np.full(histories.shape, np.nan)
    for row, history in enumerate(histories.astype(float)):
        for item in range(n_items):
            numerator, denominator = 0.0, 0
            for other in np.flatnonzero(history):
                both = [u for u in range(len(X)) if X[u, item] > 0 and X[u, other] > 0]
                if other == item or not both:
                    continue
                deviation = sum(float(X[u, item]) - float(X[u, other]) for u in both) / len(both)
                numerator += len(both) * (deviation + history[other])
                denominator += len(both)
            if denominator:
                predictions[row, item] = numerator / denominator
    return predictions


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_predictions_are_those_of_the_papers_formula(seed):
    X, new = ratings(seed=seed), ratings(6, 12, seed=seed + 10)
    scores = SlopeOne().fit(X)._scores(csr_array(new), np.full(6, -1))
    expected = predictions_by_loops(X, new)
    np.testing.assert_array_equal(scores == 0, np.isnan(expected))
    np.testing.assert_allclose(scores, np.nan_to_num(expected), atol=2e-5)


def test_the_papers_example_gives_the_papers_prediction():
    # sec. 3: A rated i 1 and j 1.5, B rated i 2: j is predicted as 2 + (1.5 - 1)
    X = np.array([[1, 1.5], [2, 0]])
    items, scores = SlopeOne().fit(X).recommend(X[[1]], 1)
    assert (items.item(), scores.item()) == (1, 2.5)


@pytest.mark.parametrize("value", [1, 4])
def test_equal_values_rank_by_co_occurrences(value):
    liked = (ratings() > 0).astype(np.float32)
    scores = SlopeOne().fit(liked * value)._scores(csr_array(liked), np.arange(25))
    together = liked.T @ liked
    np.fill_diagonal(together, 0)
    np.testing.assert_array_equal(scores, liked @ together)


def test_a_predicted_rating_of_zero_is_not_taken_for_no_evidence():
    X = np.array([[1, 2, 0], [1, 0, 0]])  # item 0 is 1 below item 1
    items, _ = SlopeOne().fit(X).recommend(np.array([[0, 1, 0]]), 3)
    assert items.tolist() == [[0, -1, -1]]


def test_an_item_that_no_one_rated_with_the_history_is_not_recommended():
    X = np.kron(np.eye(2), ratings(8, 4) + 1)
    items, _ = SlopeOne().fit(X).recommend(X * (np.arange(8) == 1), 8, exclude_seen=False)
    assert not np.isin(items[:8], [4, 5, 6, 7]).any()


def test_an_item_without_ratings_is_never_recommended():
    X = ratings()
    X[:, 3] = 0
    items, _ = SlopeOne().fit(X).recommend(X, k=12)
    assert not (items == 3).any()


def test_a_catalogue_that_would_fill_the_memory_is_seen_by_its_cost():
    assert SlopeOne.cost(10**6, 10**5, 10**7).bytes > 8e10
