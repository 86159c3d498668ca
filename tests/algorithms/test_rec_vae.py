"""RecVAE's ranking and loss against the paper's formulas in dense numpy."""

import numpy as np
import pytest
import torch
from scipy.stats import norm

from recmeta.algorithms.rec_vae import RecVAE
from recmeta.testing import log_matrix


def trained(X, **params):
    return RecVAE(6, 10, dropout=0.0, learning_rate=0.01, **params).fit(X)


def moments(weights, X, encoder):
    hidden, before = X / np.linalg.norm(X, axis=1, keepdims=True), []
    for depth in range(5):
        layer = f"{encoder}.layers.{depth}"
        y = hidden @ weights[layer] + weights[f"{layer}_bias"] + sum(before)
        y = y / (1 + np.exp(-y))
        y = (y - y.mean(axis=1, keepdims=True)) / np.sqrt(y.var(axis=1, keepdims=True) + 0.1)
        hidden = y * weights[f"{encoder}.norms.{depth}.weight"]
        hidden += weights[f"{encoder}.norms.{depth}.bias"]
        before.append(hidden)
    output = hidden @ weights[f"{encoder}.layers.output"] + weights[f"{encoder}.layers.output_bias"]
    return output[:, :6], np.exp(output[:, 6:] / 2)


def learned(model):
    return {name: array.astype(np.float64) for name, array in model._learned().items()}


def logits(weights, z):
    return z @ weights["decoder.logits"] + weights["decoder.logits_bias"]


def test_ranking_is_by_the_decoded_mean_of_the_posterior():
    X = log_matrix()
    model = trained(X, n_epochs=5)
    weights = learned(model)
    expected = logits(weights, moments(weights, X.toarray().astype(float), "encoder")[0])
    np.testing.assert_allclose(model._scores(X, np.arange(24)), expected, atol=2e-5)


def test_the_loss_is_the_bound_with_the_composite_prior():
    X = log_matrix()
    model = trained(X, n_epochs=3, gamma=0.05)
    network = model._network()
    with torch.no_grad():  # a last encoder that differs from the encoder, as in training
        for weight in network["last_encoder"].parameters():
            weight *= 1.2
    torch.manual_seed(5)
    loss = model._loss(network, X, np.arange(24), np.random.default_rng(0))
    torch.manual_seed(5)
    noise = torch.randn(24, 6).numpy()
    weights, history = learned(model), X.toarray().astype(np.float64)
    mean, deviation = moments(weights, history, "encoder")
    old_mean, old_deviation = moments(weights, history, "last_encoder")
    z = mean + deviation * noise
    prior = 0.15 * norm.pdf(z) + 0.75 * norm.pdf(z, old_mean, old_deviation)
    prior += 0.1 * norm.pdf(z, 0, np.exp(5))
    divergence = (norm.logpdf(z, mean, deviation) - np.log(prior)).sum(axis=1)
    scores = logits(weights, z)
    log_softmax = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    likelihood = (history * log_softmax).sum(axis=1)
    expected = (0.05 * history.sum(axis=1) * divergence - likelihood).mean()
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def parts(model):
    state = model._learned()
    return {
        side: np.concatenate([a.ravel() for name, a in state.items() if name.startswith(side)])
        for side in ("encoder", "last_encoder", "decoder")
    }


def test_encoder_and_decoder_learn_in_turn_and_the_prior_then_has_the_encoder():
    X = log_matrix()
    model = RecVAE(6, 10, batch_size=8, n_epochs=1)
    for _ in model.epochs(X):
        pass
    before = parts(model)
    np.testing.assert_array_equal(before["encoder"], before["last_encoder"])
    network, trace = model._network().train(), []
    for loss in model._losses(network, X, np.random.default_rng(0)):
        loss.backward()
        learning = [name for name, w in network.named_parameters() if w.grad is not None]
        trace.append("".join(sorted({name.split(".")[0][0] for name in learning})))
        network.zero_grad()
    assert trace == ["e"] * 9 + ["d"] * 3


def test_the_encoder_alone_is_denoised():
    X, dropouts = log_matrix(), []
    model = RecVAE(6, 10, dropout=0.5, n_epochs=1).fit(X)

    class Counting:
        permutation = staticmethod(lambda rows: rows)

        def random(self, size, dtype):
            dropouts.append(size)
            return np.ones(size, dtype)

    for _ in model._losses(model._network(), X, Counting()):
        pass
    assert dropouts == [X.nnz] * 3


def test_values_other_than_0_count_as_1():
    X = log_matrix()
    weights = [trained(X * factor, n_epochs=2).weights_ for factor in (1, 5)]
    np.testing.assert_array_equal(*weights)
