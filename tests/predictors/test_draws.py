"""Draws of functions from a posterior: their moments, and that rows belong together."""

import numpy as np
import pytest

from recmeta.predictors.gaussian_process import GaussianProcessRegression
from recmeta.predictors.random_forest import RandomForest


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 1, (40, 2))
    return X, np.sin(5 * X[:, 0]) + X[:, 1] + 0.05 * rng.standard_normal(40)


@pytest.mark.parametrize(
    "model",
    [GaussianProcessRegression(normal_scores=False), RandomForest(normal_scores=False)],
    ids=lambda model: type(model).__name__,
)
def test_the_mean_of_draws_is_the_mean(model: RandomForest) -> None:
    X, y = data()
    model.fit(X, y)
    new = np.random.default_rng(1).uniform(0, 1, (30, 2))
    rng = np.random.default_rng(2)
    draws = np.array([model.draw(new, rng) for _ in range(2000)])
    error = 5 * draws.std(axis=0) / np.sqrt(len(draws)) + 1e-9
    assert (abs(draws.mean(axis=0) - model.predict(new)[0]) < error).all()


def test_draws_of_a_process_have_its_covariance() -> None:
    X, y = data()
    model = GaussianProcessRegression(normal_scores=False).fit(X, y)
    new = np.array([[0.5, 0.5], [0.5, 0.5], [0.505, 0.5], [3.0, 3.0]])
    rng = np.random.default_rng(0)
    draws = np.array([model.draw(new, rng) for _ in range(4000)])
    assert abs(draws[:, 0] - draws[:, 1]).max() < 1e-5  # one function has one value at one point
    assert np.corrcoef(draws[:, 0], draws[:, 2])[0, 1] > 0.9
    process, Z = model.process_, model._columns(new)
    variance = (process(Z)[1] - process.noise) * model.targets_.spread**2
    np.testing.assert_allclose(draws.var(axis=0)[[0, 3]], variance[[0, 3]], rtol=0.12)


def test_a_draw_of_a_forest_is_one_of_its_trees() -> None:
    X, y = data()
    model = RandomForest(n_trees=7, normal_scores=False).fit(X, y)
    rng = np.random.default_rng(0)
    assert len({tuple(model.draw(X, rng)) for _ in range(200)}) == 7
