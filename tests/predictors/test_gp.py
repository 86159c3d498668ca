"""The Gaussian process against scikit-learn's, and its uncertainty against what happens."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF

from recmeta.predictors.gp import fit_gp


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    Y = np.column_stack([np.sin(X[:, 0]) + X[:, 1], X[:, 2] ** 2, rng.normal(size=40)])
    return X, Y + 0.05 * rng.normal(size=Y.shape)


def test_means_and_deviations_are_those_of_scikit_learn_at_the_same_hyperparameters(problem):
    X, Y = problem
    ours = fit_gp(X, Y)
    new = np.random.default_rng(1).normal(size=(7, 3))
    inputs, targets = (np.clip((Z - ours.centre) / ours.spread, -3, 3) for Z in (X, new))
    kernel = RBF(ours.scale * np.sqrt(3), "fixed")
    theirs = GaussianProcessRegressor(kernel, alpha=ours.noise, optimizer=None)
    for column in range(3):
        theirs.fit(inputs, Y[:, column] - Y[:, column].mean())
        mean, std = theirs.predict(targets, return_std=True)
        mean = mean + Y[:, column].mean()
        np.testing.assert_allclose(ours.mean(new)[:, column], mean, atol=1e-8)
        # theirs is of the function, ours of a new observation
        np.testing.assert_allclose(ours.spread_of(new), np.sqrt(std**2 + ours.noise), atol=1e-8)


def test_the_hyperparameters_have_the_largest_likelihood_of_the_grid(problem):
    X, Y = problem
    best = fit_gp(X, Y[:, :1])
    inputs = np.clip((X - best.centre) / best.spread, -3, 3)
    y = Y[:, 0] - Y[:, 0].mean()

    def likelihood(scale, noise):
        # s2 = y'K^-1 y / n, as the head of gp.py has it
        K = RBF(scale * np.sqrt(3))(inputs) + noise * np.eye(len(y))
        s2 = y @ np.linalg.solve(K, y) / len(y)
        return multivariate_normal(cov=K * s2).logpdf(y)

    chosen = likelihood(best.scale, best.noise)
    for scale in (0.5, 1.0, 2.0, 4.0):
        for noise in (0.1, 0.3, 1.0, 3.0, 10.0):
            assert likelihood(scale, noise) <= chosen + 1e-6


def test_a_function_of_the_inputs_is_learned_and_noise_is_not():
    rng = np.random.default_rng(2)
    X, new = rng.normal(size=(80, 2)), rng.normal(size=(200, 2))
    smooth = fit_gp(X, np.sin(X[:, :1]))
    assert np.abs(smooth.mean(new)[:, 0] - np.sin(new[:, 0])).mean() < 0.15
    noise = fit_gp(X, rng.normal(size=(80, 4)))
    assert np.abs(noise.mean(new) - noise.prior).mean() < 0.5


def test_eighty_percent_intervals_hold_about_eighty_percent():
    rng = np.random.default_rng(3)
    inside = []
    for _ in range(15):
        X, new = rng.normal(size=(50, 2)), rng.normal(size=(50, 2))
        noisy = [Z[:, 0] + rng.normal(size=50) for Z in (X, new)]
        mean, std = fit_gp(X, noisy[0][:, None]).predict(new)
        inside.append(np.abs(mean[:, 0] - noisy[1]) < 1.2816 * std[:, 0])
    # 750 draws, not independent: far looser than the binomial 1.5 %
    assert np.mean(inside) == pytest.approx(0.8, abs=0.06)


def test_rows_of_small_weight_count_less():
    X = np.array([[0.0], [0.0], [1.0]])
    Y = np.array([[0.0], [1.0], [0.5]])
    trusted = fit_gp(X, Y, np.array([1.0, 9.0, 5.0])).mean(np.array([[0.0]]))
    assert trusted[0, 0] > fit_gp(X, Y, np.array([9.0, 1.0, 5.0])).mean(np.array([[0.0]]))[0, 0]


def test_an_input_that_never_varies_does_no_harm():
    X = np.column_stack([np.arange(10.0), np.ones(10)])
    mean, std = fit_gp(X, X[:, :1]).predict(np.array([[3.0, 5.0]]))
    assert np.isfinite(mean).all()
    assert np.isfinite(std).all()
