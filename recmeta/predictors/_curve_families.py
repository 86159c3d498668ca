"""The eleven curves of Domhan et al. (2015): formulas, derivatives, ranges, starts.

All describe a score that rises towards a limit, for x = 1, 2, ... steps and values around [0, 1].
Each function gives the values, (n, t), and their derivative by each parameter, from x (t,) and
parameters that are (n, 1) each. Within the ranges nothing overflows for x up to 10,000 steps; the
ranges and starts are ours, the formulas those of the paper's table 1.

References
----------
Domhan, Springenberg and Hutter (2015), Speeding up automatic hyperparameter optimization of deep
neural networks by extrapolation of learning curves, IJCAI.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recmeta.predictors._base import F64

Values = tuple[F64, tuple[F64, ...]]


@dataclass(frozen=True)
class Family:
    """A curve with parameters.

    Attributes
    ----------
    parameters : tuple of str
    formula : callable
        (x, *parameters) to values and derivatives.
    lower, upper : tuple of float
    starts : tuple of tuple of float
        Where least squares begin; the ``linear`` ones are solved for first.
    linear : tuple of int
        Parameters in which the formula is linear while the others stay.
    """

    parameters: tuple[str, ...]
    formula: Callable[..., Values]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    starts: tuple[tuple[float, ...], ...]
    linear: tuple[int, ...] = ()

    def __call__(self, x: F64, parameters: F64) -> F64:
        """Values at the steps x (t,) for parameters (..., p): (..., t)."""
        return self.formula(x, *np.moveaxis(parameters, -1, 0)[..., None])[0]

    def with_derivatives(self, x: F64, parameters: F64) -> tuple[F64, F64]:
        """Values (n, t) and derivatives (n, t, p) for parameters (n, p)."""
        values, derivatives = self.formula(x, *parameters.T[:, :, None])
        shape = np.broadcast_shapes(values.shape, (len(parameters), len(x)))
        columns = [np.broadcast_to(column, shape) for column in derivatives]
        return np.broadcast_to(values, shape), np.stack(columns, axis=2)


def vapor_pressure(x: F64, a: F64, b: F64, c: F64) -> Values:
    """exp(a + b / x + c ln x)"""
    f = np.exp(a + b / x + c * np.log(x))
    return f, (f, f / x, f * np.log(x))


def ilog2(x: F64, c: F64, a: F64) -> Values:
    """c - a / ln(1 + x)"""
    inverse = 1 / np.log1p(x)
    return c - a * inverse, (np.ones_like(c), -inverse)


def pow3(x: F64, c: F64, a: F64, alpha: F64) -> Values:
    """c - a x^-alpha"""
    power = x**-alpha
    return c - a * power, (np.ones_like(c), -power, a * power * np.log(x))


def pow4(x: F64, c: F64, a: F64, b: F64, alpha: F64) -> Values:
    """c - (a x + b)^-alpha"""
    z = a * x + b
    power = z**-alpha
    slope = alpha * power / z
    return c - power, (np.ones_like(c), slope * x, slope, power * np.log(z))


def log_log_linear(x: F64, a: F64, b: F64) -> Values:
    """ln(a ln x + b)"""
    z = a * np.log(x) + b
    return np.log(z), (np.log(x) / z, 1 / z)


def weibull(x: F64, alpha: F64, beta: F64, kappa: F64, delta: F64) -> Values:
    """alpha - (alpha - beta) exp(-(kappa x)^delta)"""
    z = (kappa * x) ** delta
    left = np.exp(-z)
    slope = (alpha - beta) * left * z
    by_shape = (slope * delta / kappa, slope * np.log(kappa * x))
    return alpha - (alpha - beta) * left, (1 - left, left, *by_shape)


def janoschek(x: F64, alpha: F64, beta: F64, kappa: F64, delta: F64) -> Values:
    """alpha - (alpha - beta) exp(-kappa x^delta)"""
    z = kappa * x**delta
    left = np.exp(-z)
    slope = (alpha - beta) * left * z
    by_shape = (slope / kappa, slope * np.log(x))
    return alpha - (alpha - beta) * left, (1 - left, left, *by_shape)


def mmf(x: F64, alpha: F64, beta: F64, kappa: F64, delta: F64) -> Values:
    """alpha - (alpha - beta) / (1 + (kappa x)^delta)"""
    z = (kappa * x) ** delta
    left = 1 / (1 + z)
    slope = (alpha - beta) * left * left * z
    by_shape = (slope * delta / kappa, slope * np.log(kappa * x))
    return alpha - (alpha - beta) * left, (1 - left, left, *by_shape)


def hill3(x: F64, theta: F64, eta: F64, kappa: F64) -> Values:
    """theta x^eta / (kappa^eta + x^eta)"""
    z = (kappa / x) ** eta
    share = 1 / (1 + z)
    slope = -theta * share * share * z
    return theta * share, (share, slope * np.log(kappa / x), slope * eta / kappa)


def log_power(x: F64, a: F64, b: F64, c: F64) -> Values:
    """a / (1 + (x / e^b)^c)"""
    z = np.exp(c * (np.log(x) - b))
    share = 1 / (1 + z)
    slope = a * share * share * z
    return a * share, (share, slope * c, -slope * (np.log(x) - b))


def exp4(x: F64, c: F64, a: F64, b: F64, alpha: F64) -> Values:
    """c - exp(-a x^alpha + b)"""
    power = x**alpha
    left = np.exp(b - a * power)
    return c - left, (np.ones_like(c), left * power, -left, left * a * power * np.log(x))


SIGMOID_LOWER, SIGMOID_UPPER = (-2.0, -2.0, 1e-4, 1e-2), (2.0, 2.0, 1e2, 1e1)
SIGMOID_STARTS = ((1.0, 0.0, 0.3, 1.0), (1.0, 0.0, 0.05, 1.0), (1.0, 0.0, 1.0, 0.5))

FAMILIES: dict[str, Family] = {
    "vapor_pressure": Family(
        ("a", "b", "c"),
        vapor_pressure,
        (-10.0, -10.0, -2.0),
        (3.0, 10.0, 2.0),
        ((-0.5, -1.0, 0.05), (-1.5, 0.0, 0.1)),
    ),
    "ilog2": Family(("c", "a"), ilog2, (-2.0, -5.0), (3.0, 5.0), ((0.8, 0.4),), (0, 1)),
    "pow3": Family(
        ("c", "a", "alpha"),
        pow3,
        (-2.0, -5.0, 1e-2),
        (3.0, 5.0, 1e1),
        ((0.8, 0.5, 1.0), (0.8, 0.5, 0.1)),
        (0, 1),
    ),
    "pow4": Family(
        ("c", "a", "b", "alpha"),
        pow4,
        (-2.0, 1e-4, 1e-2, 1e-2),
        (3.0, 1e2, 1e2, 1e1),
        ((0.8, 1.0, 1.0, 1.0), (0.8, 0.1, 1.0, 5.0), (0.8, 10.0, 1.0, 0.2)),
        (0,),
    ),
    "log_log_linear": Family(
        ("a", "b"), log_log_linear, (0.0, 1e-2), (1e1, 1e1), ((0.3, 1.2), (0.05, 1.7))
    ),
    "weibull": Family(
        ("alpha", "beta", "kappa", "delta"),
        weibull,
        SIGMOID_LOWER,
        SIGMOID_UPPER,
        SIGMOID_STARTS,
        (0, 1),
    ),
    "janoschek": Family(
        ("alpha", "beta", "kappa", "delta"),
        janoschek,
        SIGMOID_LOWER,
        SIGMOID_UPPER,
        SIGMOID_STARTS,
        (0, 1),
    ),
    "mmf": Family(
        ("alpha", "beta", "kappa", "delta"),
        mmf,
        SIGMOID_LOWER,
        SIGMOID_UPPER,
        SIGMOID_STARTS,
        (0, 1),
    ),
    "hill3": Family(
        ("theta", "eta", "kappa"),
        hill3,
        (-2.0, 1e-2, 1e-3),
        (3.0, 1e1, 1e4),
        ((0.8, 1.0, 1.0), (0.8, 0.3, 0.1), (0.8, 2.0, 3.0)),
        (0,),
    ),
    "log_power": Family(
        ("a", "b", "c"),
        log_power,
        (-2.0, -1e1, -1e1),
        (3.0, 1e1, -1e-2),
        ((0.8, 0.0, -1.0), (0.8, -2.0, -0.5)),
        (0,),
    ),
    "exp4": Family(
        ("c", "a", "b", "alpha"),
        exp4,
        (-2.0, 1e-3, -1e1, 1e-2),
        (3.0, 1e1, 5.0, 3.0),
        ((0.8, 0.5, 0.0, 1.0), (0.8, 1.0, 0.5, 0.5)),
        (0,),
    ),
}
