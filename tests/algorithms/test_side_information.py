"""Features and times reach the algorithms that use them, and are refused where they don't fit."""

from typing import ClassVar

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms import EASE, IterativeRecommender, Recommender
from recmeta.metrics.accuracy import ndcg
from recmeta.testing import check_recommender, informed, log_matrix

X = log_matrix()


def times_of(matrix):
    return csr_array((np.arange(matrix.nnz) + 5.0, matrix.indices, matrix.indptr), matrix.shape)


class ByFeature(Recommender):
    """Items that share features with the history."""

    uses: ClassVar[frozenset[str]] = frozenset({"item_features"})

    def _fit(self, X: csr_array, item_features: csr_array) -> None:
        self.item_weights_ = csr_array(item_features @ item_features.T)


class LastItem(Recommender):
    """Items that followed the last one of the history."""

    uses: ClassVar[frozenset[str]] = frozenset({"timestamps"})

    def _fit(self, X: csr_array, timestamps: csr_array) -> None:
        self.follow_ = np.zeros((X.shape[1], X.shape[1]), dtype=np.float32)
        for row in range(X.shape[0]):
            self.follow_[sequence(timestamps, row)[:-1], sequence(timestamps, row)[1:]] += 1

    def _scores(self, X, users, timestamps):
        scores = np.zeros(X.shape, dtype=np.float32)
        for row in range(X.shape[0]):
            if len(items := sequence(timestamps, row)):
                scores[row] = self.follow_[items[-1]]
        return scores


class CountsEpochs(IterativeRecommender):
    """Popularity by what was done last, once an epoch."""

    uses: ClassVar[frozenset[str]] = frozenset({"timestamps"})
    personal = False

    def __init__(self, n_epochs: int = 2, random_state: int | None = None) -> None:
        self.n_epochs = n_epochs
        self.random_state = random_state

    def _begin(self, X, rng):
        self.counts_ = np.zeros(X.shape[1], dtype=np.float32)

    def _prepared(self, X, timestamps):
        return np.bincount(X.indices, 1 + timestamps.data, X.shape[1]).astype(np.float32)

    def _epoch(self, prepared, rng):
        self.counts_ = self.counts_ + prepared

    def _scores(self, X, users, timestamps):
        return np.tile(self.counts_, (X.shape[0], 1))


def sequence(timestamps, row):
    part = slice(timestamps.indptr[row], timestamps.indptr[row + 1])
    return timestamps.indices[part][np.argsort(timestamps.data[part], kind="stable")]


@pytest.mark.parametrize("algorithm", [ByFeature, CountsEpochs])
def test_the_contract_suite_makes_up_what_an_algorithm_uses(algorithm):
    check_recommender(algorithm)


def test_what_an_algorithm_does_not_use_is_not_looked_at():
    EASE().fit(X, item_features="nonsense", timestamps=object()).recommend(X, timestamps=3)
    assert informed(EASE) is EASE


@pytest.mark.parametrize(
    ("algorithm", "given", "said"),
    [
        (ByFeature, {}, "ByFeature needs item_features: got none; pass item_features=, a matrix "),
        (LastItem, {}, "LastItem needs timestamps: got none"),
        (ByFeature, {"item_features": np.ones((3, 2))}, r"a row for each of the 18 items: got \(3"),
        (ByFeature, {"item_features": np.full((18, 2), np.nan)}, "item_features must be finite"),
        (ByFeature, {"item_features": np.ones(18)}, r"a row for each of the 18 items: got \(18,"),
        (
            ByFeature,
            {"item_features": "items.csv"},
            "a matrix of numbers: got str; recmeta",
        ),
        (LastItem, {"timestamps": np.ones((2, 2))}, r"of X's shape \(24, 18\)"),
        (LastItem, {"timestamps": csr_array(X.shape)}, "are missing"),
        (LastItem, {"timestamps": X * np.nan}, "timestamps must be finite"),
    ],
)
def test_what_is_missing_or_does_not_fit_is_said(algorithm, given, said):
    with pytest.raises(ValueError, match=said):
        algorithm().fit(X, **given)


def test_times_given_twice_for_one_entry_are_refused():
    twice = csr_array((np.ones(2), np.array([0, 0]), np.array([0, 2])), shape=(1, 1))
    with pytest.raises(ValueError, match="one time for each entry"):
        LastItem().fit(np.ones((1, 1)), timestamps=twice)


def test_times_of_zero_and_of_more_entries_than_x_has_are_taken():
    more = csr_array((np.arange(4.0), ([0, 0, 1, 1], [0, 1, 0, 1])), shape=(2, 2))
    one = csr_array(np.array([[1, 1], [1, 0]], dtype=np.float32))
    assert LastItem().fit(one, timestamps=more).follow_.tolist() == [[0, 1], [0, 0]]


def test_each_block_of_rows_gets_its_own_times():
    shape = (600, 30)
    wide = csr_array((np.random.default_rng(0).random(shape) < 0.2).astype(np.float32))
    times = csr_array(
        (np.random.default_rng(1).permutation(wide.nnz) + 1.0, wide.indices, wide.indptr), shape
    )
    model = LastItem().fit(wide, timestamps=times)
    items, _ = model.recommend(wide, 3, timestamps=times)
    rows = np.array([599, 3, 270])
    some, _ = model.recommend(csr_array(wide[rows]), 3, timestamps=csr_array(times[rows]))
    assert np.array_equal(items[rows], some)
    with pytest.raises(ValueError, match="needs timestamps"):
        model.recommend(wide, 3)


def test_score_takes_times_too():
    model = LastItem().fit(X, timestamps=times_of(X))
    held_out = csr_array(np.eye(*X.shape, dtype=np.float32)[:, ::-1])
    reverse = csr_array((-times_of(X).data, X.indices, X.indptr), X.shape)
    scores = []
    for times in (times_of(X), reverse):
        items, _ = model.recommend(X, 10, timestamps=times)
        scores.append(model.score(X, held_out, timestamps=times))
        assert scores[-1] == pytest.approx(np.nanmean(ndcg(items, held_out, 10)))
    assert scores[0] != scores[1]
