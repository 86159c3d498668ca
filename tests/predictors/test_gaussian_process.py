"""Kernels and likelihood against scikit-learn's and finite differences; the posterior too."""

import numpy as np
import pytest
from scipy.optimize import check_grad
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel

from recmeta.predictors import GaussianProcessRegression
from recmeta.predictors._kernels import (
    KERNELS,
    LEAST_NOISE,
    NOISE_PRIOR,
    SCALE_SPREAD,
    SIGNAL_PRIOR,
    conditioned,
    loss,
    most_likely,
    prior_location,
    squared_distances,
)

THEIRS = {
    "rbf": lambda lengths: RBF(lengths),
    "matern32": lambda lengths: Matern(lengths, nu=1.5),
    "matern52": lambda lengths: Matern(lengths, nu=2.5),
}


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(25, 4))
    t = np.sin(Z[:, 0]) + 0.5 * Z[:, 1] + 0.1 * rng.normal(size=25)
    return Z, (t - t.mean()) / t.std()


GROUPS = np.array([0, 1, 1, 2])
THETA = np.array([0.3, 0.9, -0.2, 0.1, -1.5])


def theirs(name):
    kernel = ConstantKernel(np.exp(THETA[-2])) * THEIRS[name](np.exp(THETA[GROUPS]))
    kernel += WhiteKernel(np.exp(THETA[-1]) + LEAST_NOISE)
    return GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None)


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_is_that_of_scikit_learn(name, data):
    Z, _ = data
    lengths = np.exp(THETA[GROUPS])
    ours = KERNELS[name](squared_distances(Z, Z[:7], lengths))[0]
    np.testing.assert_allclose(ours, THEIRS[name](lengths)(Z, Z[:7]), atol=1e-7)


@pytest.mark.parametrize("name", KERNELS)
def test_likelihood_and_posterior_are_those_of_scikit_learn(name, data):
    Z, t = data
    model = theirs(name).fit(Z, t)
    away = (THETA - prior_location(GROUPS)) / np.r_[
        np.full(3, SCALE_SPREAD), SIGNAL_PRIOR[1], NOISE_PRIOR[1]
    ]
    value = loss(THETA, KERNELS[name], Z, t, GROUPS)[0] - 0.5 * away @ away
    constant = 0.5 * len(t) * np.log(2 * np.pi)
    assert -value - constant == pytest.approx(model.log_marginal_likelihood_value_, abs=1e-6)
    new = np.random.default_rng(1).normal(size=(9, 4))
    mean, variance = conditioned(KERNELS[name], Z, t, GROUPS, THETA)(new)
    expected = model.predict(new, return_std=True)
    np.testing.assert_allclose(mean, expected[0], atol=1e-6)
    np.testing.assert_allclose(np.sqrt(variance), expected[1], atol=1e-6)


@pytest.mark.parametrize("name", KERNELS)
def test_the_gradient_is_that_of_finite_differences(name, data):
    Z, t = data
    arguments = (KERNELS[name], Z, t, GROUPS)
    error = check_grad(
        lambda theta: loss(theta, *arguments)[0], lambda theta: loss(theta, *arguments)[1], THETA
    )
    assert error < 1e-4 * np.linalg.norm(loss(THETA, *arguments)[1])


def test_leaving_a_row_or_a_group_out_is_a_fit_without_it(data):
    Z, t = data
    process = conditioned(KERNELS["matern52"], Z, t, GROUPS, THETA)
    pairs = np.r_[np.arange(13), np.arange(12)]  # rows 12 and 13 further are of one group
    for row_groups in (np.arange(25), pairs):
        errors, variances = process.left_out(row_groups)
        for row in (0, 11, 12, 24):
            rest = row_groups != row_groups[row]
            without = conditioned(KERNELS["matern52"], Z[rest], t[rest], GROUPS, THETA)
            mean, variance = without(Z[[row]])
            assert t[row] - errors[row] == pytest.approx(mean[0])
            assert variances[row] == pytest.approx(variance[0])


def test_the_most_likely_scales_are_no_worse_than_any_around_them(data):
    Z, t = data
    rng = np.random.default_rng(2)
    process = most_likely(KERNELS["rbf"], Z, t, np.arange(4), 2, rng)
    best = np.log(np.r_[process.lengths, process.signal, process.noise - LEAST_NOISE])
    lowest, gradient = loss(best, KERNELS["rbf"], Z, t, np.arange(4))
    assert np.abs(gradient).max() < 0.05
    for _ in range(20):
        near = best + 0.3 * rng.normal(size=6)
        assert loss(near, KERNELS["rbf"], Z, t, np.arange(4))[0] > lowest


def test_a_column_that_says_nothing_gets_a_long_scale():
    rng = np.random.default_rng(3)
    X = rng.random((60, 3))
    model = GaussianProcessRegression(ard=True).fit(X, np.sin(6 * X[:, 1]))
    lengths = model.process_.lengths
    assert lengths[1] < 0.2 * min(lengths[0], lengths[2])


def test_a_kernel_that_there_is_none_of_is_named():
    with pytest.raises(ValueError, match="matern32"):
        GaussianProcessRegression(kernel="periodic").fit(np.eye(3), np.arange(3.0))
