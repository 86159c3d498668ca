"""train(): learning curves, early stopping, and the state that is kept."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms import BPR, IALS, IterativeRecommender
from recmeta.datasets.splits import random_holdout
from recmeta.datasets.synthetic import generate
from recmeta.evaluation import evaluate, train


@pytest.fixture(scope="module")
def fold():
    data = generate(n_users=150, n_items=60, n_events=2500, seed=1)
    return random_holdout(data, seed=0).fold("validation")


class Planned(IterativeRecommender):
    """Reaches in epoch e what was planned: everybody gets the held-out item at rank[e]."""

    def __init__(self, n_epochs=6, random_state=0, ranks=(5, 3, 1, 4, 4, 4)):
        self.n_epochs = n_epochs
        self.random_state = random_state
        self.ranks = ranks

    def _begin(self, X, rng):
        self.rank_ = 0

    def _epoch(self, prepared, rng):
        self.rank_ = self.ranks[self.n_epochs_]

    def _scores(self, X, users):
        # the item that everybody holds out is the last one
        scores = np.tile(np.arange(X.shape[1], 0, -1, dtype=np.float32), (X.shape[0], 1))
        scores[:, -1] = X.shape[1] - self.rank_ + 1.5
        return scores


@pytest.fixture
def planned_fold(fold):
    n = 12
    histories = csr_array(np.eye(n, 20, 5, dtype=np.float32))
    wanted = np.zeros((n, 20), dtype=np.float32)
    wanted[:, -1] = 1
    return fold.__class__(
        fit=histories, users=np.arange(n), history=histories, relevant=csr_array(wanted),
        exclude=histories, rows=np.arange(n), n_cold=0, n_repeat=0,
    )  # fmt: skip


@pytest.mark.parametrize("model", [IALS(4, n_epochs=4), BPR(4, n_epochs=4)])
def test_each_value_is_what_a_fit_of_so_many_epochs_reaches(model, fold):
    curve = train(model, fold)
    assert curve.epochs == [1, 2, 3, 4]
    for epoch, value in zip(curve.epochs, curve.values, strict=True):
        alone = type(model)(4, n_epochs=epoch).fit(fold.fit)
        assert value == evaluate(alone, fold).values["ndcg@10"]
    assert np.all(np.diff(curve.seconds) >= 0)


def test_the_model_is_that_of_its_best_epoch(planned_fold):
    model = Planned()
    curve = train(model, planned_fold)
    assert curve.best_epoch == model.n_epochs_ == 3
    assert model.rank_ == 1
    assert evaluate(model, planned_fold).values["ndcg@10"] == max(curve.values)


def test_it_stops_after_so_many_measurements_that_were_not_better(planned_fold):
    assert train(Planned(), planned_fold, patience=2).epochs == [1, 2, 3, 4, 5]
    assert train(Planned(), planned_fold, patience=1).epochs == [1, 2, 3, 4]


def test_it_is_measured_every_so_often_and_after_the_last_epoch(planned_fold):
    assert train(Planned(5), planned_fold, every=2).epochs == [2, 4, 5]


def test_the_metric_that_is_asked_for_decides(planned_fold):
    # within ten places recall is 1 from the start; ndcg rises until the third epoch
    assert train(Planned(), planned_fold, metric="recall@10", patience=2).epochs == [1, 2, 3]
    assert train(Planned(), planned_fold, metric="mrr@10", patience=2).best_epoch == 3


def test_training_goes_on_after_an_early_stop(fold):
    stopped = IALS(4, n_epochs=2)
    first = train(stopped, fold)
    assert first.best_epoch == 2  # else there is no second epoch to go on from
    rest = train(stopped.set_params(n_epochs=4), fold, resume=True)
    assert first.values + rest.values == train(IALS(4, n_epochs=4), fold).values


def test_the_state_it_went_on_from_is_kept_if_nothing_better_comes(planned_fold):
    model = Planned(3)
    train(model, planned_fold)
    curve = train(model.set_params(n_epochs=6), planned_fold, resume=True)
    assert curve.epochs == [4, 5, 6]
    assert curve.best_epoch == model.n_epochs_ == 3
    assert model.rank_ == 1


def test_counts_below_one_are_refused(fold):
    with pytest.raises(ValueError, match="every and patience must be at least 1: got 0 and None"):
        train(IALS(), fold, every=0)


def test_another_matrix_is_refused_when_training_goes_on(fold):
    model = IALS(4, n_epochs=1).fit(fold.fit)
    with pytest.raises(ValueError, match="the matrix that it began with: got 3 users for 150"):
        model.epochs(fold.fit[:3], resume=True)
