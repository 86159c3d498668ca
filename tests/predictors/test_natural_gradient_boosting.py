"""Natural gradients in closed form, against the Fisher information by draws; and the boosting."""

import numpy as np
from scipy.optimize import approx_fprime
from scipy.stats import norm

from recmeta.predictors import NaturalGradientBoosting
from recmeta.predictors._normal_score import log_score, natural_gradient


def test_the_score_is_that_of_a_normal():
    rng = np.random.default_rng(0)
    theta, t = rng.normal(size=(2, 9)), rng.normal(size=9)
    expected = -norm(theta[0], np.exp(theta[1])).logpdf(t) - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(log_score(theta, t), expected)


def test_the_natural_gradient_is_the_inverse_fisher_information_times_the_gradient():
    rng = np.random.default_rng(1)
    for _ in range(5):
        theta, t = rng.normal(size=2), rng.normal(size=1)

        def score(point, at):
            return log_score(point[:, None], at)[0]

        gradient = approx_fprime(theta, lambda point, at=t: score(point, at))
        # the information as the mean outer product of gradients, by quadrature over t
        nodes, weights = np.polynomial.hermite_e.hermegauss(20)
        draws = theta[0] + np.exp(theta[1]) * nodes
        slopes = np.array(
            [approx_fprime(theta, lambda point, at=at: score(point, np.array([at])))
             for at in draws]
        )  # fmt: skip
        information = np.einsum("k,ki,kj->ij", weights / weights.sum(), slopes, slopes)
        expected = np.linalg.solve(information, gradient)
        ours = natural_gradient(theta[:, None], t)[:, 0]
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


def test_mean_and_deviation_of_each_row_are_found():
    rng = np.random.default_rng(2)
    X = rng.random((400, 2))
    y = np.where(X[:, 0] > 0.5, 3.0, 0.0) + rng.normal(size=400) * np.where(X[:, 1] > 0.5, 1, 0.2)
    model = NaturalGradientBoosting(normal_scores=False, min_leaf=10, max_depth=2).fit(X, y)
    mean, std = model.predict(np.array([[0.2, 0.2], [0.8, 0.2], [0.2, 0.8]]))
    np.testing.assert_allclose(mean, [0, 3, 0], atol=0.3)
    np.testing.assert_allclose(std, [0.2, 0.2, 1.0], rtol=0.5)


def test_where_there_is_nothing_to_learn_few_rounds_are_left():
    rng = np.random.default_rng(3)
    model = NaturalGradientBoosting().fit(rng.random((100, 5)), rng.normal(size=100))
    assert len(model.rounds_) < 20
