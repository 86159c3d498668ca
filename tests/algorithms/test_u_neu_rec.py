"""UNeuRec's ranking and loss against the paper's formulas in dense numpy."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms.u_neu_rec import UNeuRec
from recmeta.testing import log_matrix


def trained(X, n_layers=2, n_epochs=5, **params):
    sizes = {"n_factors": 6, "n_neurons": 10, "n_layers": n_layers}
    return UNeuRec(**sizes, dropout=0.0, learning_rate=0.01, n_epochs=n_epochs, **params).fit(X)


def scores_of(model, X):
    """h f' for each user and item."""
    weights = {name: array.astype(np.float64) for name, array in model._learned().items()}
    x = X.toarray() > 0
    h = x / np.linalg.norm(x, axis=1, keepdims=True)
    for layer in range(model.n_layers + 1):
        h = (np.tanh(h) if layer else h) @ weights[f"layer_{layer}"] + weights[
            f"layer_{layer}_bias"
        ]
    return h @ weights["factors"].T


@pytest.mark.parametrize("n_layers", [1, 2, 4])
def test_ranking_is_by_what_the_network_makes_of_the_history(n_layers):
    X = log_matrix()
    model = trained(X, n_layers)
    np.testing.assert_allclose(model._scores(X, np.arange(24)), scores_of(model, X), atol=1e-5)


def test_the_loss_is_the_squared_error_of_all_pairs():
    X = log_matrix()
    model = trained(X)
    loss = model._loss(model._network(), X, np.arange(24), np.random.default_rng(0))
    expected = ((X.toarray() - scores_of(model, X)) ** 2).sum() / 24
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_values_other_than_0_count_as_1():
    X = log_matrix()
    np.testing.assert_array_equal(*(trained(X * factor).weights_ for factor in (1, 5)))


def test_a_history_is_ranked_for_whoever_has_it():
    X = log_matrix()
    model = trained(csr_array(X[:20]))
    known = model.recommend(X, users=np.r_[:20, [-1] * 4])
    strangers = model.recommend(X, users=np.full(24, -1))
    np.testing.assert_array_equal(known[0], strangers[0])


def test_training_lowers_the_loss_and_the_penalty_shrinks_the_weights():
    X = log_matrix()
    short, long = trained(X, n_epochs=1), trained(X, n_epochs=60)
    errors = [((X.toarray() - scores_of(model, X)) ** 2).sum() for model in (short, long)]
    assert errors[1] < 0.7 * errors[0]
    shrunk = trained(X, n_epochs=60, weight_decay=1.0)
    assert np.linalg.norm(shrunk.weights_) < 0.5 * np.linalg.norm(long.weights_)
