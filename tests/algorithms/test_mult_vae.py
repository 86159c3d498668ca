"""MultVAE's ranking and loss against the paper's formulas in dense numpy."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from recmeta.algorithms.mult_vae import MultVAE
from recmeta.testing import log_matrix


def trained(X, **params):
    return MultVAE(6, 10, dropout=0.0, learning_rate=0.01, **params).fit(X)


def moments(weights, X):
    x = X / np.linalg.norm(X, axis=1, keepdims=True)
    hidden = np.tanh(x @ weights["encoder_0"] + weights["encoder_0_bias"])
    output = hidden @ weights["encoder_1"] + weights["encoder_1_bias"]
    return output[:, :6], output[:, 6:]


def decoded(weights, z):
    hidden = np.tanh(z @ weights["decoder_0"] + weights["decoder_0_bias"])
    return hidden @ weights["decoder_1"] + weights["decoder_1_bias"]


def learned(model):
    return {name: array.astype(np.float64) for name, array in model._learned().items()}


def test_ranking_is_by_the_decoded_mean_of_the_posterior():
    X = log_matrix()
    model = trained(X, n_epochs=5)
    weights = learned(model)
    expected = decoded(weights, moments(weights, X.toarray().astype(np.float64))[0])
    np.testing.assert_allclose(model._scores(X, np.arange(24)), expected, atol=1e-5)


@pytest.mark.parametrize(("n_epochs", "weight"), [(1, 0.075), (3, 0.225), (4, 0.3), (6, 0.3)])
def test_the_loss_is_the_annealed_bound(n_epochs, weight):
    X = log_matrix()
    model = trained(X, n_epochs=n_epochs, beta=0.3, anneal_epochs=4)
    torch.manual_seed(5)
    loss = model._loss(model._network(), X, np.arange(24), np.random.default_rng(0))
    torch.manual_seed(5)
    noise = torch.randn(24, 6).numpy()
    weights, history = learned(model), X.toarray().astype(np.float64)
    m, log_s2 = moments(weights, history)
    logits = decoded(weights, m + np.exp(log_s2 / 2) * noise)
    log_softmax = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    divergence = -0.5 * (1 + log_s2 - m**2 - np.exp(log_s2)).sum(axis=1)
    expected = (weight * divergence - (history * log_softmax).sum(axis=1)).mean()
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_values_other_than_0_count_as_1():
    X = log_matrix()
    weights = [trained(X * factor, n_epochs=2).weights_ for factor in (1, 5)]
    np.testing.assert_array_equal(*weights)


def test_a_history_is_ranked_for_whoever_has_it():
    X = log_matrix()
    model = trained(csr_array(X[:20]), n_epochs=20)
    known = model.recommend(X, users=np.r_[:20, [-1] * 4])
    strangers = model.recommend(X, users=np.full(24, -1))
    np.testing.assert_array_equal(known[0], strangers[0])


def test_training_lowers_the_loss():
    X = log_matrix()
    losses = []
    for n_epochs in (1, 30):
        model = trained(X, n_epochs=n_epochs, beta=0.01)
        torch.manual_seed(0)
        losses.append(model._loss(model._network(), X, np.arange(24), np.random.default_rng(0)))
    assert losses[1] < 0.9 * losses[0]
