"""Acquisition functions: what a candidate is worth trying, from what a predictor believes of it.

======  =============================================================  =====
symbol  meaning                                                        shape
======  =============================================================  =====
m, s    mean and standard deviation of a candidate's value             (n,)
best    the best value so far; larger is better                        ()
z       (m - best) / s
======  =============================================================  =====

Each takes (belief, rng) and gives one number a candidate: the largest are tried.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Belief:
    """What a predictor says of n candidates.

    Attributes
    ----------
    mean, std : float64 array, (n,)
    best : float
    draw : callable or None
        ``rng -> (n,)``: values of all candidates under one function of the posterior, where the
        predictor can give them.
    """

    mean: F64
    std: F64
    best: float
    draw: Callable[[np.random.Generator], F64] | None = None


Acquisition = Callable[[Belief, np.random.Generator], F64]


def independent_thompson(belief: Belief, rng: np.random.Generator) -> F64:
    """A draw from N(m, s^2) for each candidate on its own (ITS: White et al. 2021, 1910.11858)."""
    return np.asarray(rng.normal(belief.mean, belief.std))


def thompson(belief: Belief, rng: np.random.Generator) -> F64:
    """One function of the posterior for all candidates (Thompson 1933).

    Raises
    ------
    TypeError
        If the predictor has only means and deviations.
    """
    if belief.draw is None:
        raise TypeError(
            "Thompson sampling needs a predictor with draw(X, rng), such as a forest or a Gaussian "
            "process: use independent_thompson with this one"
        )
    return belief.draw(rng)


def expected_improvement(belief: Belief, rng: np.random.Generator) -> F64:
    """E max(value - best, 0) = s (z Phi(z) + phi(z)) (Jones et al. 1998)."""
    z = (belief.mean - belief.best) / belief.std
    return np.asarray(belief.std * (z * norm.cdf(z) + norm.pdf(z)))


def probability_of_improvement(belief: Belief, rng: np.random.Generator) -> F64:
    """P(value > best) = Phi(z) (Kushner 1964); as log Phi, which does not underflow to ties."""
    return np.asarray(norm.logcdf((belief.mean - belief.best) / belief.std))


def upper_confidence_bound(belief: Belief, rng: np.random.Generator) -> F64:
    """m + s / 2: the weight that BANANAS uses."""
    return np.asarray(belief.mean + 0.5 * belief.std)


def greedy(belief: Belief, rng: np.random.Generator) -> F64:
    """m: no exploration."""
    return np.asarray(belief.mean)


def uniform(belief: Belief, rng: np.random.Generator) -> F64:
    """Any candidate: what a search owes to its candidate optimiser alone, for ablation."""
    return np.asarray(rng.random(len(belief.mean)))


ACQUISITIONS: dict[str, Acquisition] = {
    "its": independent_thompson,
    "ts": thompson,
    "ei": expected_improvement,
    "pi": probability_of_improvement,
    "ucb": upper_confidence_bound,
    "mean": greedy,
    "uniform": uniform,
}
