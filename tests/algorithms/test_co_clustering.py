"""CoClustering against loops over the definitions of its means, its errors and its predictions."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms.co_clustering import CoClustering


def ratings(seed=0, top=5, n_users=24, n_items=16):
    rng = np.random.default_rng(seed)
    known = rng.random((n_users, n_items)) < 0.4
    known[np.arange(n_users), np.arange(n_users) % n_items] = True
    return (rng.integers(1, top + 1, known.shape) * known).astype(np.float32)


def started(X, n_user_clusters=4, n_item_clusters=3, n_epochs=1, seed=0):
    model = CoClustering(n_user_clusters, n_item_clusters, n_epochs, random_state=seed)
    model.n_features_in_, model.n_users_ = X.shape[1], X.shape[0]
    model._begin(csr_array(X), np.random.default_rng(seed))
    return model


def counted(X):
    """What counts as a rating: what is known, or everything where all values are equal."""
    values = X[X > 0]
    return X > 0 if values.min() < values.max() else np.ones_like(X, dtype=bool)


def mean_of(X, rows, columns, otherwise):
    cells = [float(X[row, column]) for row in rows for column in columns if counted(X)[row, column]]
    return np.mean(cells) if cells else otherwise


def means_by_loops(X, of_user, of_item, k, n):
    everyone, everything = range(len(X)), range(X.shape[1])
    mean = mean_of(X, everyone, everything, 0)
    users = [mean_of(X, np.flatnonzero(of_user == g), everything, mean) for g in range(k)]
    items = [mean_of(X, everyone, np.flatnonzero(of_item == h), mean) for h in range(n)]
    pairs = [
        [
            mean_of(
                X,
                np.flatnonzero(of_user == g),
                np.flatnonzero(of_item == h),
                users[g] + items[h] - mean,
            )
            for h in range(n)
        ]
        for g in range(k)
    ]
    return np.array(users), np.array(items), np.array(pairs)


def nearest_by_loops(X, of_user, of_item, k, n):
    """The squared errors of each user in each cluster, with the means as they are."""
    users, items, pairs = means_by_loops(X, of_user, of_item, k, n)
    known, errors = counted(X), np.zeros((len(X), k))
    for u in range(len(X)):
        own = mean_of(X, [u], range(X.shape[1]), 0)
        for g in range(k):
            for i in np.flatnonzero(known[u]):
                h, of_this = of_item[i], mean_of(X, range(len(X)), [i], 0)
                predicted = pairs[g, h] + (own - users[g]) + (of_this - items[h])
                errors[u, g] += (X[u, i] - predicted) ** 2
    return errors


@pytest.mark.parametrize("top", [5, 1])
def test_means_are_those_of_the_definitions_also_of_empty_clusters(top):
    X = ratings(top=top)
    model = started(X)
    model.user_clusters_[model.user_clusters_ == 2] = 1
    model._average(csr_array(X))
    users, items, pairs = means_by_loops(X, model.user_clusters_, model.item_clusters_, 4, 3)
    np.testing.assert_allclose(model.pair_effects_, pairs - users[:, None] - items, atol=1e-9)
    own = [mean_of(X, range(len(X)), [item], 0) for item in range(X.shape[1])]
    np.testing.assert_allclose(model.item_means_, own)


@pytest.mark.parametrize("top", [5, 1])
@pytest.mark.parametrize("seed", [0, 1])
def test_an_epoch_moves_everyone_to_the_cluster_of_the_least_squared_error(top, seed):
    X = ratings(seed, top)
    model = started(X, seed=seed)
    before = model.user_clusters_, model.item_clusters_
    model._epoch(csr_array(X), np.random.default_rng(0))
    errors = nearest_by_loops(X, *before, 4, 3)
    chosen = errors[np.arange(len(X)), model.user_clusters_]
    np.testing.assert_allclose(chosen, errors.min(axis=1), rtol=1e-5)
    errors = nearest_by_loops(X.T, before[1], model.user_clusters_, 3, 4)
    chosen = errors[np.arange(X.shape[1]), model.item_clusters_]
    np.testing.assert_allclose(chosen, errors.min(axis=1), rtol=1e-5)


@pytest.mark.parametrize("top", [5, 1])
def test_scores_are_those_of_the_papers_formula(top):
    X = ratings(top=top)
    model = CoClustering(4, 3, n_epochs=2).fit(X)
    own, of_item = model._nearest_users(csr_array(X)), model.item_clusters_
    users, items, pairs = means_by_loops(X, model.user_clusters_, of_item, 4, 3)
    scores = model._scores(csr_array(X), np.arange(len(X)))
    for u, i in [(0, 0), (3, 5), (20, 15), (11, 7)]:
        g, h = own[u], of_item[i]
        of_user, of_this = mean_of(X, [u], range(X.shape[1]), 0), mean_of(X, range(len(X)), [i], 0)
        expected = pairs[g, h] + (of_user - users[g]) + (of_this - items[h])
        assert scores[u, i] == pytest.approx(expected, abs=1e-5)


def test_ratings_of_planted_clusters_are_predicted():
    rng = np.random.default_rng(0)
    of_user, of_item = rng.integers(0, 3, 90), rng.integers(0, 3, 60)
    truth = np.array([[5, 1, 3], [1, 5, 2], [2, 3, 5]])[of_user][:, of_item]
    known = rng.random(truth.shape) < 0.5
    model = CoClustering(6, 6, n_epochs=20).fit((truth * known).astype(np.float32))
    scores = model._scores(csr_array((truth * known).astype(np.float32)), np.arange(90))
    assert np.abs(scores - truth)[~known].mean() < 0.5
    one = CoClustering(1, 1).fit((truth * known).astype(np.float32))
    scores = one._scores(csr_array((truth * known).astype(np.float32)), np.arange(90))
    assert np.abs(scores - truth)[~known].mean() > 1


def test_an_empty_history_gets_the_means_of_the_items():
    model = CoClustering(4, 3).fit(ratings())
    scores = model._scores(csr_array((1, 16), dtype=np.float32), np.array([-1]))
    np.testing.assert_allclose(scores[0], model.item_means_, rtol=1e-6)


def test_an_item_without_ratings_is_never_recommended():
    X = ratings()
    X[:, 3] = 0
    items, _ = CoClustering(4, 3).fit(X).recommend(X, k=16)
    assert not (items == 3).any()


def test_more_clusters_than_users_and_items_do_no_harm():
    X = ratings(n_users=5, n_items=4)
    _, scores = CoClustering(50, 40).fit(X).recommend(X, k=2)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("name", ["n_user_clusters", "n_item_clusters"])
def test_zero_clusters_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1: got 0"):
        CoClustering(**{name: 0}).fit(ratings())
