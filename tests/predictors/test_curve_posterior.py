"""The ensemble sampler against known posteriors, and the posterior over curves."""

import numpy as np
import pytest
from scipy.stats import chisquare, multivariate_normal

from recmeta.predictors import PosteriorCurves
from recmeta.predictors._curve_families import FAMILIES
from recmeta.predictors._curve_posterior import CurvePosterior
from recmeta.predictors._ensemble_sampler import sample


def linear_gaussian():
    """Posterior of u = A theta + noise under theta ~ N(0, I), in closed form."""
    rng = np.random.default_rng(0)
    A, u = rng.normal(size=(8, 3)), rng.normal(size=8)
    covariance = np.linalg.inv(A.T @ A / 0.25 + np.eye(3))
    mean = covariance @ A.T @ u / 0.25

    def log_density(theta):
        return -2 * ((u - theta @ A.T) ** 2).sum(axis=2) - 0.5 * (theta**2).sum(axis=2)

    return log_density, mean, covariance


def test_a_linear_gaussian_posterior_has_its_mean_and_covariance():
    log_density, mean, covariance = linear_gaussian()
    rng = np.random.default_rng(1)
    chain = sample(log_density, rng.normal(size=(2, 20, 3)), 3000, rng, burn_in=200)
    for problem in range(2):
        flat = chain.samples[:, problem].reshape(-1, 3)
        # autocorrelation about 30 steps: 2,000 independent draws, 5 standard errors
        deviations = np.sqrt(np.diag(covariance))
        assert (np.abs(flat.mean(axis=0) - mean) < 5 * deviations / np.sqrt(2000)).all()
        np.testing.assert_allclose(np.cov(flat.T), covariance, atol=0.15 * deviations.max() ** 2)


def test_a_rejected_proposal_leaves_the_chain_and_samples_are_distinct_arrays():
    # NASLib's chain moved on rejection too, and all of its samples were one array
    seen = []

    def barrier(theta):
        seen.append(theta.copy())
        return np.where(np.abs(theta[:, :, 0]) < 1, -0.5 * (theta**2).sum(axis=2), -np.inf)

    rng = np.random.default_rng(2)
    start = rng.uniform(-0.9, 0.9, size=(1, 8, 2))
    kept = start.copy()
    chain = sample(barrier, start, 50, rng)
    assert np.abs(np.concatenate(seen[1:], axis=1)[..., 0]).max() > 1  # some were out of bounds
    assert np.abs(chain.samples[..., 0]).max() < 1
    np.testing.assert_array_equal(start, kept)
    moved = (chain.samples[1:] != chain.samples[:-1]).any(axis=3)
    assert 0.2 < moved.mean() < 0.95
    assert len(np.unique(chain.samples[..., 0])) > 100
    before = chain.samples[0].copy()
    chain.samples[1] = 7
    np.testing.assert_array_equal(chain.samples[0], before)


def test_where_everything_is_rejected_the_chain_stays():
    start = np.random.default_rng(0).normal(size=(1, 6, 2))
    allowed = start.copy()

    def only_the_start(theta):
        return np.where(np.isin(theta, allowed).all(axis=2), 0.0, -np.inf)

    chain = sample(only_the_start, start, 5, np.random.default_rng(1))
    np.testing.assert_array_equal(chain.samples, np.broadcast_to(start, (5, 1, 6, 2)))
    assert chain.acceptance[0] == 0


def test_problems_do_not_know_one_another():
    log_density, _, _ = linear_gaussian()
    start = np.random.default_rng(0).normal(size=(3, 10, 3))
    together = sample(log_density, start, 20, np.random.default_rng(5)).samples
    alone = sample(log_density, start[2:], 20, np.random.default_rng(5)).samples
    np.testing.assert_allclose(alone[:, 0], together[:, 2])


def test_a_bad_start_is_refused():
    log_density, _, _ = linear_gaussian()
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="6 or more, is needed: got 5"):
        sample(log_density, np.ones((1, 5, 3)), 1, rng)
    with pytest.raises(ValueError, match="density is 0"):
        sample(lambda theta: np.full(theta.shape[:2], -np.inf), np.ones((1, 6, 3)), 1, rng)


def test_the_density_is_likelihood_times_prior_within_the_constraints():
    x, u = np.arange(1.0, 7), np.linspace(0.2, 0.5, 6)
    posterior = CurvePosterior(("ilog2", "pow3"), u[None], 20.0)
    rng = np.random.default_rng(0)
    weights, log_noise = np.array([0.5, 1.5]), -2.0

    def at(ilog2, pow3, weights=weights, log_noise=log_noise):
        theta = np.array([*ilog2, *pow3, *weights, log_noise])
        return posterior(theta[None, None])[0, 0]

    def by_hand(ilog2, pow3):
        f = 0.25 * (ilog2[0] - ilog2[1] / np.log1p(x)) + 0.75 * (pow3[0] - pow3[1] * x ** -pow3[2])
        log_p = multivariate_normal(f, np.exp(2 * log_noise) * np.eye(6)).logpdf(u)
        return log_p + 3 * np.log(2 * np.pi) - weights.sum()

    for _ in range(5):
        ilog2, pow3 = rng.uniform(0.1, 0.9, 2), rng.uniform(0.1, 0.9, 3)
        assert at(ilog2, pow3) == pytest.approx(by_hand(ilog2, pow3))
    assert at((0.5, 0.5), (0.5, -0.9, 1.0), weights=(0.1, 2.0)) == -np.inf  # falls
    assert at((0.5, 0.5), (0.5, 0.9, 20.0)) == -np.inf  # out of bounds
    assert at((0.5, 0.5), (0.5, 0.9, 1.0), weights=(-0.1, 1.0)) == -np.inf


def test_ranks_of_the_truth_among_draws_are_uniform():
    # simulation-based calibration (Talts et al. 2018, arXiv:1804.06788), 100 curves of the prior
    rng = np.random.default_rng(3)
    family, x, at = FAMILIES["ilog2"], np.arange(1.0, 9), 30.0
    probe = CurvePosterior(("ilog2",), np.zeros((1, 8)), at)
    truths, noises = [], []
    while len(truths) < 100:
        theta = rng.uniform(family.lower, family.upper)
        if theta[1] >= 0:  # the constraint: it rises
            truths.append(theta)
            noises.append(np.exp(rng.uniform(np.log(1e-4), 0)))
    truths, noises = np.array(truths), np.array(noises)
    curves = family(x, truths) + noises[:, None] * rng.normal(size=(100, 8))
    posterior = CurvePosterior(("ilog2",), curves, at)
    chain = sample(posterior, posterior.start(16, rng), 600, rng, burn_in=300)
    drawn = chain.samples[::30].swapaxes(0, 1).reshape(100, -1, 4)
    ends = probe.values(drawn, np.array([at]))[:, :, 0]
    truth = family(np.array([at]), truths)[:, 0]
    for quantity, true in ((ends, truth), (drawn[:, :, 3], np.log(noises))):
        ranks = (quantity < true[:, None]).mean(axis=1)
        counts = np.histogram(ranks, bins=5, range=(0, 1))[0]
        assert chisquare(counts).pvalue > 0.005


def test_the_posterior_of_a_clear_curve_is_narrow_and_right():
    x = np.arange(1, 41)
    rng = np.random.default_rng(0)
    curves = 0.8 - 0.5 * x ** -np.array([[0.5], [0.8], [1.2]]) + 0.003 * rng.normal(size=(3, 40))
    X = np.zeros((3, 1))
    model = PosteriorCurves(families=("pow3", "hill3"), n_walkers=20, n_steps=200, burn_in=200)
    model.fit(X, curves[:, -1], curves=curves)
    mean, std = model.predict(X, curves=curves[:, :20])
    assert np.abs(mean - curves[:, -1]).max() < 0.04
    assert std.max() < 0.1
    short = model.predict(X, curves=curves[:, :5])[1]
    assert (short > std).all()


def test_the_nine_curves_are_sampled_within_their_constraints():
    x = np.arange(1, 21)
    curves = np.array([0.7 - 0.5 / x, 0.3 + 0.01 * (x % 2)])
    X = np.zeros((2, 1))
    model = PosteriorCurves(n_steps=30, burn_in=30).fit(X, curves[:, -1], curves=curves)
    draws = model.draws(curves[:, :8])
    assert draws.shape == (2, 500)
    assert np.isfinite(draws).all()
    assert len(np.unique(draws[0])) == 500
    with pytest.raises(ValueError, match="finite curves"):
        model.draws(np.full((2, 3), np.nan))
