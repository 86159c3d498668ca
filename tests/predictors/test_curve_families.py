"""The formulas against their published form, least squares against scipy, and the ensemble."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from recmeta.predictors import LastValue, ParametricCurves
from recmeta.predictors._curve_families import FAMILIES
from recmeta.predictors._curve_fit import explained_variance_at, fit_family

# Domhan et al. 2015, table 1, written with plain floats
PUBLISHED = {
    "vapor_pressure": lambda x, a, b, c: math.exp(a + b / x + c * math.log(x)),
    "ilog2": lambda x, c, a: c - a / math.log(x + 1),
    "pow3": lambda x, c, a, alpha: c - a * x**-alpha,
    "pow4": lambda x, c, a, b, alpha: c - (a * x + b) ** -alpha,
    "log_log_linear": lambda x, a, b: math.log(a * math.log(x) + b),
    "weibull": lambda x, al, be, k, d: al - (al - be) * math.exp(-((k * x) ** d)),
    "janoschek": lambda x, al, be, k, d: al - (al - be) * math.exp(-k * x**d),
    "mmf": lambda x, al, be, k, d: al - (al - be) / (1 + (k * x) ** d),
    "hill3": lambda x, th, eta, kappa: th * x**eta / (kappa**eta + x**eta),
    "log_power": lambda x, a, b, c: a / (1 + (x / math.exp(b)) ** c),
    "exp4": lambda x, c, a, b, alpha: c - math.exp(-a * x**alpha + b),
}
each_family = pytest.mark.parametrize("name", FAMILIES)


def within(family, rng, n):
    """Parameters in the middle of the bounds, where plain floats don't overflow."""
    starts = np.array(family.starts)[rng.integers(len(family.starts), size=n)]
    parameters = starts * rng.uniform(0.7, 1.4, size=starts.shape)
    return np.clip(parameters, family.lower, family.upper)


def saturating(n, t, seed=0, noise=0.01):
    rng = np.random.default_rng(seed)
    x = np.arange(1.0, t + 1)
    limit, rate = rng.uniform(0.3, 0.9, (n, 1)), rng.uniform(0.05, 0.8, (n, 1))
    curves = limit - (limit - 0.1) * np.exp(-((rate * x) ** rng.uniform(0.5, 1.2, (n, 1))))
    return x, curves + noise * rng.normal(size=(n, t))


def test_there_are_the_eleven_curves():
    assert set(FAMILIES) == set(PUBLISHED)
    assert len(FAMILIES) == 11


@each_family
def test_a_curve_is_its_published_formula(name):
    family, x = FAMILIES[name], np.array([1.0, 2.0, 7.0, 50.0])
    for parameters in within(family, np.random.default_rng(0), 20):
        expected = [PUBLISHED[name](step, *parameters) for step in x]
        np.testing.assert_allclose(family(x, parameters), expected, rtol=1e-10)


@each_family
def test_derivatives_are_those_of_complex_steps(name):
    family, x = FAMILIES[name], np.array([1.0, 2.0, 7.0, 50.0])
    parameters = within(family, np.random.default_rng(1), 10)
    derivatives = family.with_derivatives(x, parameters)[1]
    for number in range(parameters.shape[1]):
        shifted = parameters.astype(complex)
        shifted[:, number] += 1e-30j
        expected = family(x, shifted).imag / 1e-30
        np.testing.assert_allclose(derivatives[:, :, number], expected, rtol=1e-9, atol=1e-12)


@each_family
@given(where=st.lists(st.floats(0, 1), min_size=4, max_size=4))
@settings(max_examples=25, deadline=None)
def test_nothing_overflows_within_the_bounds(name, where):
    family = FAMILIES[name]
    lower, upper = np.array(family.lower), np.array(family.upper)
    parameters = (lower + np.array(where)[: len(lower)] * (upper - lower))[None, :]
    x = np.array([1.0, 2.0, 100.0, 10_000.0])
    values, derivatives = family.with_derivatives(x, parameters)
    assert np.isfinite(values).all()
    assert np.isfinite(derivatives).all()


@each_family
def test_least_squares_are_those_of_scipy(name):
    family, (x, curves) = FAMILIES[name], saturating(2, 20)
    quick = fit_family(family, x, curves)
    ours = fit_family(family, x, curves, max_steps=1000)
    for row, curve in enumerate(curves):
        errors = []
        for start in family.starts:
            theirs, _ = curve_fit(
                lambda x, *p: family(x, np.array(p)),
                x,
                curve,
                p0=start,
                bounds=(family.lower, family.upper),
                max_nfev=2_000,
            )
            errors.append(((family(x, theirs) - curve) ** 2).sum())
        assert ours.squared_errors[row] <= min(errors) * 1.001 + 1e-12
        # the default stops along the flattest valleys, of pow4 and exp4
        assert quick.squared_errors[row] <= min(errors) * 1.05 + 1e-12
        fitted = family(x, ours.parameters[row])
        assert ours.squared_errors[row] == pytest.approx(((fitted - curve) ** 2).sum())


@each_family
def test_its_own_noiseless_curves_are_continued(name):
    family, x = FAMILIES[name], np.arange(1.0, 31)
    parameters = within(family, np.random.default_rng(2), 8)
    fit = fit_family(family, x, family(x, parameters))
    ends = family(np.array([60.0]), fit.parameters)[:, 0]
    np.testing.assert_allclose(ends, family(np.array([60.0]), parameters)[:, 0], atol=5e-3)


def test_a_curve_is_fitted_alone_as_among_others():
    x, curves = saturating(20, 15)
    family = FAMILIES["mmf"]
    together = fit_family(family, x, curves).parameters
    np.testing.assert_allclose(fit_family(family, x, curves[3:4]).parameters[0], together[3])


def test_the_variance_of_a_linear_family_is_that_of_least_squares():
    x = np.arange(1.0, 13)
    design = np.column_stack([np.ones(12), -1 / np.log1p(x)])
    at = np.array([1.0, -1 / np.log1p(40.0)])
    expected = at @ np.linalg.inv(design.T @ design) @ at
    parameters = np.array([[0.7, 0.2]])
    found = explained_variance_at(FAMILIES["ilog2"], x, 40.0, parameters, np.ones(12))
    assert found[0] == pytest.approx(expected)


def test_the_ensemble_continues_curves_that_still_rise():
    _, curves = saturating(60, 40, noise=0.003)
    X = np.zeros((60, 1))
    errors = {}
    for kind in (ParametricCurves, LastValue):
        model = kind().fit(X[:30], curves[:30, -1], curves=curves[:30])
        mean, std = model.predict(X[30:], curves=curves[30:, :12])
        errors[kind] = np.abs(mean - curves[30:, -1]).mean()
        assert 0.4 < np.mean(np.abs(mean - curves[30:, -1]) <= std) < 0.9
    assert errors[ParametricCurves] < errors[LastValue] / 1.5


def test_losses_and_log_losses_are_scores_upside_down():
    _, curves = saturating(5, 30)
    X = np.zeros((5, 1))
    up = ParametricCurves().fit(X, curves[:, -1], curves=curves)
    mean, std = up.predict(X, curves=curves[:, :10])
    losses = -3 * curves - 7  # as log losses, negative
    down = ParametricCurves(larger_is_better=False).fit(X, losses[:, -1], curves=losses)
    turned, turned_std = down.predict(X, curves=losses[:, :10])
    np.testing.assert_allclose(turned, -3 * mean - 7, atol=1e-3)
    np.testing.assert_allclose(turned_std, 3 * std, atol=1e-3)


def test_noisy_flats_stay_flat():
    rng = np.random.default_rng(0)
    flat = 0.5 + 0.01 * rng.normal(size=(12, 50))
    _, rest = saturating(12, 50)
    curves, X = np.vstack([flat, rest]), np.zeros((24, 1))
    model = ParametricCurves().fit(X, curves[:, -1], curves=curves)
    mean, _ = model.predict(X[:12], curves=curves[:12, :15])
    assert np.abs(mean - 0.5).mean() < 0.02


def test_a_curve_that_reached_the_horizon_has_its_value():
    _, curves = saturating(10, 20)
    X = np.zeros((10, 1))
    model = ParametricCurves(horizon=15).fit(X, curves[:, 14], curves=curves)
    mean, _ = model.predict(X, curves=curves)
    np.testing.assert_array_equal(mean, curves[:, 14])


def test_too_short_a_curve_has_its_last_value():
    _, curves = saturating(10, 20)
    X = np.zeros((10, 1))
    mean, _ = (
        ParametricCurves().fit(X, curves[:, -1], curves=curves).predict(X, curves=curves[:, :2])
    )
    np.testing.assert_allclose(mean, curves[:, 1], atol=1e-12)


def test_what_is_no_family_lists_those_there_are():
    X, curves = np.zeros((3, 1)), saturating(3, 8)[1]
    with pytest.raises(ValueError, match=r"no curve is named 'pow5'; there are: .*pow3"):
        ParametricCurves(families=("pow5",)).fit(X, curves[:, -1], curves=curves)
    with pytest.raises(ValueError, match="recency=0"):
        ParametricCurves(recency=0).fit(X, curves[:, -1], curves=curves)
