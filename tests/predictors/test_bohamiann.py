"""SGHMC against posteriors that are known: a normal, and Bayesian linear regression."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from recmeta.predictors import BOHAMIANN  # noqa: E402
from recmeta.predictors._bayesian_mlp import NOISE_MEAN, NOISE_SPREAD, mixture  # noqa: E402
from recmeta.predictors._sghmc import Sampler  # noqa: E402


def test_chains_have_the_moments_of_a_normal_whatever_its_scales():
    means, deviations = torch.tensor([1.0, -2.0, 0.0]), torch.tensor([0.05, 1.0, 5.0])

    def misfit(tensors):
        return 0.5 * (((tensors[0] - means) / deviations) ** 2).sum()

    rng = np.random.default_rng(0)
    prior = [(0.5, 2.0)]
    sampler = Sampler(torch, [torch.zeros(300, 3)], misfit, prior, 0.1, 0.1, rng)
    sampler.run(500, adapt=True)
    draws = torch.cat([sampler.run(100)[0].clone() for _ in range(5)])  # (1500, 3)
    # the product of the two normals; the prior moves the last two
    precision = deviations**-2 + 2.0**-2
    expected = (means * deviations**-2 + 0.5 * 2.0**-2) / precision
    # standard errors: deviations / sqrt(1500) of the mean, 1 / sqrt(3000) of the deviation
    np.testing.assert_array_less((draws.mean(dim=0) - expected).abs() * precision.sqrt(), 0.1)
    np.testing.assert_allclose(draws.std(dim=0) * precision.sqrt(), 1, atol=0.08)


def test_each_tensor_has_its_own_prior():
    def misfit(tensors):
        return sum(0.0 * tensor.sum() for tensor in tensors)

    rng = np.random.default_rng(1)
    prior = [(2.0, 0.1), (-1.0, 3.0)]
    start = [torch.zeros(300, 2), torch.zeros(300, 1, 1)]
    sampler = Sampler(torch, start, misfit, prior, 0.1, 0.1, rng)
    sampler.run(500, adapt=True)
    for tensor, (mean, deviation) in zip(sampler.run(100), prior, strict=True):
        assert abs(float(tensor.mean()) - mean) < 0.2 * deviation
        assert abs(float(tensor.std()) / deviation - 1) < 0.15


def posterior_of_a_linear_model(Z, t, new):
    """Mean and variance of the prediction, by quadrature over the logarithm of the noise."""
    features, targets = np.column_stack([Z, np.ones(len(Z))]), np.column_stack([new, np.ones(9)])
    prior = np.diag(np.r_[np.full(Z.shape[1], 1 / Z.shape[1]), 1.0])
    logs = np.linspace(-8, 2, 400)
    weights, means, variances = [], [], []
    for log in logs:
        noise = np.exp(log)
        K = features @ prior @ features.T + noise * np.eye(len(Z))
        cross = targets @ prior @ features.T
        evidence = -0.5 * (t @ np.linalg.solve(K, t) + np.linalg.slogdet(K)[1])
        weights.append(evidence - 0.5 * ((log - NOISE_MEAN) / NOISE_SPREAD) ** 2)
        means.append(cross @ np.linalg.solve(K, t))
        explained = np.einsum("ij,ji->i", cross, np.linalg.solve(K, cross.T))
        variances.append(np.einsum("ij,jk,ik->i", targets, prior, targets) - explained + noise)
    weights = np.exp(np.array(weights) - max(weights))[:, None]
    weights /= weights.sum()
    mean = (weights * means).sum(axis=0)
    second = (weights * (np.array(variances) + np.array(means) ** 2)).sum(axis=0)
    return mean, second - mean**2


def test_without_hidden_layers_it_is_bayesian_linear_regression():
    rng = np.random.default_rng(1)
    X, new = rng.random((20, 3)), 2 * rng.random((9, 3))
    y = X @ np.array([1.0, -2.0, 0.5]) + 0.2 * rng.normal(size=20)
    model = BOHAMIANN(
        n_layers=0, n_chains=100, n_samples=600, n_burn_in=800, thinning=100, normal_scores=False
    ).fit(X, y)
    Z, new_Z = ((part - model.centre_) / model.spread_ for part in (X, new))
    mean, variance = posterior_of_a_linear_model(Z, (y - y.mean()) / y.std(), new_Z)
    samples = [torch.from_numpy(array) for array in model.samples_]
    ours, our_variance = mixture(torch, samples, model._rows(torch, new))
    np.testing.assert_allclose(ours, mean, atol=0.1 * np.sqrt(variance).max())
    np.testing.assert_allclose(np.sqrt(our_variance / variance), 1, atol=0.1)


def test_noise_that_depends_on_the_row_is_learned():
    rng = np.random.default_rng(2)
    X = rng.random((200, 1))
    y = rng.normal(size=200) * np.where(X[:, 0] > 0.5, 1.0, 0.1)
    model = BOHAMIANN(
        heteroscedastic=True, n_layers=1, n_units=10, n_burn_in=500, thinning=10,
        normal_scores=False,
    ).fit(X, y)  # fmt: skip
    _, std = model.predict(np.array([[0.1], [0.9]]))
    assert std[1] > 2 * std[0]


def test_samples_are_as_many_as_asked_for_and_differ():
    X = np.random.default_rng(3).random((15, 2))
    model = BOHAMIANN(n_layers=1, n_units=4, n_burn_in=50, thinning=5, n_samples=12).fit(X, X[:, 0])
    assert len(model.samples_[0]) == 12
    assert (model.samples_[0].std(axis=0) > 0).all()


def test_first_weights_have_their_prior_across_what_the_rows_span():
    rng = np.random.default_rng(4)
    X = rng.random((6, 20))
    model = BOHAMIANN(
        n_layers=1, n_units=5, n_chains=20, n_burn_in=300, thinning=20, n_samples=200
    ).fit(X, X[:, 0])
    rows = (X - model.centre_) / model.spread_
    _, _, directions = np.linalg.svd(rows)
    across = directions[5:] @ model.samples_[0]  # six centred rows span five directions
    assert across.shape == (200, 15, 5)
    # N(0, 1 / 20); 15,000 numbers, of which all are independent draws
    assert abs(across.mean()) < 0.01
    np.testing.assert_allclose(across.std() * np.sqrt(20), 1, atol=0.03)
    # a row that leaves the span is less certain than the one that it left from
    away = X[:1] + 5 * directions[-1]
    _, std = model.predict(np.vstack([X[:1], away]))
    assert std[1] > 1.5 * std[0]
