"""Bayesian linear regression against scikit-learn's and against the evidence itself."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.linear_model import ARDRegression, BayesianRidge

from recmeta.predictors import BayesianLinear
from recmeta.predictors.bayesian_linear import _with_ones


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.random((60, 6))
    y = X @ np.array([3.0, -2.0, 0, 0, 1.0, 0]) + 0.3 * rng.normal(size=60)
    return X, y


def test_the_evidence_is_largest_at_the_precisions(data):
    X, y = data
    model = BayesianLinear(n_rounds=2000, normal_scores=False).fit(X, y)
    t = (y - y.mean()) / y.std()
    features = _with_ones(X)

    def evidence(alpha, ones, beta):
        prior = np.diag(np.r_[np.full(6, 1 / alpha), 1 / ones])
        K = features @ prior @ features.T + np.eye(60) / beta
        return multivariate_normal(cov=K).logpdf(t)

    best = model.alphas_[0], model.alphas_[-1], model.beta_
    for factor in (0.8, 1.25):
        for which in range(3):
            other = [value * (factor if at == which else 1) for at, value in enumerate(best)]
            assert evidence(*other) < evidence(*best)


def test_means_and_deviations_are_those_of_scikit_learn(data):
    X, y = data
    new = np.random.default_rng(1).random((9, 6))
    model = BayesianLinear(n_rounds=2000, normal_scores=False).fit(X, y)
    t = (y - y.mean()) / y.std()
    # theirs with the precisions that ours found, and no prior of their own
    theirs = BayesianRidge(
        alpha_init=model.beta_, lambda_init=model.alphas_[0], alpha_1=1e12, lambda_1=1e12,
        alpha_2=1e12 / model.beta_, lambda_2=1e12 / model.alphas_[0], fit_intercept=False,
    )  # fmt: skip
    centred = X - X.mean(axis=0)
    theirs.fit(centred, t)
    mean, std = theirs.predict(new - X.mean(axis=0), return_std=True)
    ours, variance = model._posterior(new)
    # they take the intercept as known, we as one more weight
    np.testing.assert_allclose(ours, mean, atol=0.01)
    raw = (variance - model.calibration_.offset) / model.calibration_.slope
    np.testing.assert_allclose(np.sqrt(raw), std, rtol=0.02)


def test_ard_finds_the_columns_that_matter(data):
    X, y = data
    model = BayesianLinear(ard=True, normal_scores=False).fit(X, y)
    theirs = ARDRegression().fit(X, (y - y.mean()) / y.std())
    np.testing.assert_allclose(model.weights_[:-1], theirs.coef_, atol=0.05)
    assert (np.abs(model.weights_[[2, 5]]) < 1e-4).all()
    assert np.abs(model.weights_[[0, 1, 4]]).min() > 0.5


def test_leaving_a_row_out_is_a_fit_without_it(data):
    X, y = data
    model = BayesianLinear(normal_scores=False).fit(X, y)
    features, t = _with_ones(X), (y - y.mean()) / y.std()
    leverage = model.beta_ * ((features @ model.covariance_) * features).sum(axis=1)
    rest = np.arange(60) != 7
    part = features[rest]
    S = np.linalg.inv(model.beta_ * part.T @ part + np.diag(model.alphas_))
    mean = features[7] @ (model.beta_ * S @ part.T @ t[rest])
    error = (t[7] - features[7] @ model.weights_) / (1 - leverage[7])
    assert t[7] - mean == pytest.approx(error)
    variance = features[7] @ S @ features[7] + 1 / model.beta_
    assert variance == pytest.approx(1 / (model.beta_ * (1 - leverage[7])))
