"""DELFMLP's ranking, loss and draws against the paper's formulas in dense numpy, pair by pair."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms.delf_mlp import DELFMLP
from recmeta.testing import log_matrix


def log():
    """With an item that nobody has, and a user and an item of one interaction."""
    X = log_matrix().toarray()
    X[:, 4], X[7], X[:, 9] = 0, 0, 0
    X[7, 9] = 1
    return csr_array(X)


def trained(X, n_epochs=3):
    sizes = {"n_factors": 5, "n_neurons": 8, "n_negatives": 2}
    return DELFMLP(**sizes, learning_rate=0.01, batch_size=20, n_epochs=n_epochs).fit(X)


def learned(model):
    return {name: array.astype(np.float64) for name, array in model._learned().items()}


def layer(weights, name, x):
    return x @ weights[name] + weights[f"{name}_bias"]


def relu(x):
    return np.maximum(x, 0)


def attentive_mean(weights, side, members):
    if not len(members):
        return np.zeros(weights[f"attended_{side}"].shape[1])
    table = weights[f"attended_{side}"][members]
    scores = layer(weights, f"{side}_1", relu(layer(weights, f"{side}_0", table)))[:, 0]
    shares = np.exp(scores) / np.exp(scores).sum()
    return shares @ table


def logit(weights, X, user, item, fused):
    """Of a pair, whose own interaction is not looked at."""
    items = [j for j in np.flatnonzero(X[user]) if j != item]
    users = [v for v in np.flatnonzero(X[:, item]) if v != user]
    p, m = weights["own_users"][user], attentive_mean(weights, "items", items)
    q, n = weights["own_items"][item], attentive_mean(weights, "users", users)
    towers = [
        relu(layer(weights, f"tower_{t}_1", relu(layer(weights, f"tower_{t}_0", np.r_[x, y]))))
        for t, (x, y) in enumerate(((p, q), (p, n), (m, q), (m, n)))
    ]
    hidden = relu(layer(weights, "fuse_0", fused(towers, len(items), len(users))))
    return layer(weights, "fuse_1", hidden)[0]


def concatenated(towers, n_items, n_users):
    return np.concatenate(towers)


def test_ranking_of_what_a_user_lacks_is_by_the_formula():
    X = log()
    model = trained(X)
    scores, weights, dense = model._scores(X, np.arange(24)), learned(model), X.toarray()
    for user, item in zip(*np.nonzero(dense == 0), strict=True):
        if item != 4:
            expected = logit(weights, dense, user, item, concatenated)
            assert scores[user, item] == pytest.approx(expected, abs=1e-5)


def test_the_loss_is_the_cross_entropy_of_pairs_without_their_own_interaction():
    X = log()
    model = trained(X)
    log_ = model._prepared(X)
    batch = next(iter(model._batches(log_, np.random.default_rng(0))))
    loss = model._loss(model._network(), log_, batch, np.random.default_rng(0))
    weights, dense, losses = learned(model), X.toarray(), []
    for user, item, met in zip(*batch, strict=True):
        x = logit(weights, dense, user, item, concatenated)
        losses.append(np.log1p(np.exp(-x)) if met else np.log1p(np.exp(x)))
    assert loss.item() == pytest.approx(np.mean(losses), rel=1e-5)


def test_an_epoch_has_each_interaction_once_and_draws_outside_the_history():
    X = log().toarray()
    X[3] = 1  # has everything: no draws
    model = trained(csr_array(X), n_epochs=1)
    batches = list(model._batches(model._prepared(csr_array(X)), np.random.default_rng(0)))
    users, items, met = (np.concatenate(column) for column in zip(*batches, strict=True))
    inside = sorted(zip(users[met == 1], items[met == 1], strict=True))
    assert inside == sorted(zip(*np.nonzero(X), strict=True))
    assert not X[users[met == 0], items[met == 0]].any()
    assert (met == 0).sum() == 2 * ((met == 1).sum() - 18)


def test_values_other_than_0_count_as_1():
    X = log()
    np.testing.assert_array_equal(*(trained(X * factor).weights_ for factor in (1, 5)))
