"""INeuRec's factors and loss against the paper's formulas in dense numpy, and UNeuRec's mirror."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms.i_neu_rec import INeuRec
from recmeta.algorithms.u_neu_rec import UNeuRec
from recmeta.testing import log_matrix

PARAMS = {"n_factors": 6, "n_neurons": 10, "n_layers": 2, "dropout": 0.0, "learning_rate": 0.01}


def log():
    """With an item that nobody has and a user without history."""
    X = log_matrix().toarray()
    X[:, 4], X[7] = 0, 0
    return csr_array(X)


def item_factors_of(weights, X):
    x = X.toarray().T > 0
    h = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1)
    for layer in range(3):
        h = (np.tanh(h) if layer else h) @ weights[f"layer_{layer}"] + weights[
            f"layer_{layer}_bias"
        ]
    return h


def learned(model):
    return {name: array.astype(np.float64) for name, array in model._learned().items()}


def test_item_factors_are_what_the_network_makes_of_their_users():
    X = log()
    model = INeuRec(**PARAMS, n_epochs=5).fit(X)
    expected = item_factors_of(learned(model), X) * (np.arange(18) != 4)[:, None]
    np.testing.assert_allclose(model.item_factors_, expected, atol=1e-5)
    expected = learned(model)["factors"] * (np.arange(24) != 7)[:, None]
    np.testing.assert_allclose(model.user_factors_, expected, atol=1e-6)


def test_the_loss_is_the_squared_error_of_all_pairs():
    X = log()
    model = INeuRec(**PARAMS, n_epochs=5).fit(X)
    items = np.delete(np.arange(18), 4)
    rows = model._prepared(X)
    loss = model._loss(model._network(), rows, items, np.random.default_rng(0))
    predicted = item_factors_of(learned(model), X) @ learned(model)["factors"].T
    expected = ((X.toarray().T - predicted)[items] ** 2).sum() / 17
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_it_is_uneurec_of_the_transposed_matrix():
    X = log_matrix()
    item_based = INeuRec(**PARAMS, n_epochs=5).fit(X)
    user_based = UNeuRec(**PARAMS, n_epochs=5).fit(csr_array(X.T))
    np.testing.assert_array_equal(item_based.weights_, user_based.weights_)
