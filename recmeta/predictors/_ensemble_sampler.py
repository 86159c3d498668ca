"""Affine-invariant ensemble sampler: the stretch move, vectorised over walkers and problems.

======  ===========================================================================  ===========
symbol  meaning                                                                      shape
======  ===========================================================================  ===========
n       posteriors sampled side by side
m       walkers of each, an even number of at least 2 d
x       positions of all walkers                                                     (n, m, d)
z       stretch, density ~ 1 / sqrt(z) on [1 / a, a]
======  ===========================================================================  ===========

A walker k of one half moves on the line through a walker j of the other half, which stays:
x' = x_j + z (x_k - x_j), accepted with probability min(1, z^(d-1) p(x') / p(x)). Otherwise the
walker stays, and where it stands is counted again.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recmeta.predictors._base import F64

STRETCH = 2.0  # a, that of Goodman and Weare and of emcee


@dataclass(frozen=True)
class Chain:
    """Samples, (n_steps, n, m, d), and the share of accepted moves of each problem, (n,)."""

    samples: F64
    acceptance: F64


def sample(
    log_density: Callable[[F64], F64],
    start: F64,
    n_steps: int,
    rng: np.random.Generator,
    *,
    burn_in: int = 0,
    thin: int = 1,
) -> Chain:
    """Samples of each problem's density, after ``burn_in`` steps that are dropped.

    Parameters
    ----------
    log_density : callable
        From positions (n, m', d) to log densities (n, m'), up to a constant; -inf where there is
        none.
    start : float64 array, (n, m, d)
        Of positive density, and no walkers of a problem in one hyperplane.
    n_steps, burn_in : int
        Moves of every walker.
    thin : int
        Keep each ``thin``-th step alone, n_steps // thin of them.
    rng : Generator
        Its draws are the same for all problems, so that none depends on which are beside it.

    Raises
    ------
    ValueError
        For an odd number of walkers or fewer than 2 d, and a start without density.

    Notes
    -----
    O((n_steps + burn_in) n m) densities.

    References
    ----------
    Goodman and Weare (2010), Ensemble samplers with affine invariance,
    doi:10.2140/camcos.2010.5.65. Foreman-Mackey, Hogg, Lang and Goodman (2013), emcee,
    arXiv:1202.3665: the two halves.
    """
    n, m, d = start.shape
    if m % 2 or m < 2 * d:
        raise ValueError(f"an even number of walkers, {2 * d} or more, is needed: got {m}")
    x, log_p = start.copy(), log_density(start)
    if not np.isfinite(log_p).all():
        raise ValueError("walkers start where the density is 0: begin within the bounds")
    samples, accepted = np.empty((n_steps // thin, n, m, d)), np.zeros(n)
    for step in range(burn_in + n_steps):
        order = rng.permutation(m)
        for movers, others in (
            (order[: m // 2], order[m // 2 :]),
            (order[m // 2 :], order[: m // 2]),
        ):
            z = (1 + (STRETCH - 1) * rng.random(m // 2)) ** 2 / STRETCH
            partners = x[:, rng.choice(others, m // 2)]
            proposals = partners + z[:, None] * (x[:, movers] - partners)
            proposed = log_density(proposals)
            threshold = np.log1p(-rng.random(m // 2))
            accept = threshold < (d - 1) * np.log(z) + proposed - log_p[:, movers]
            x[:, movers] = np.where(accept[:, :, None], proposals, x[:, movers])
            log_p[:, movers] = np.where(accept, proposed, log_p[:, movers])
            if step >= burn_in:
                accepted += accept.sum(axis=1)
        place, off = divmod(step - burn_in + 1, thin)
        if step >= burn_in and not off:
            samples[place - 1] = x  # a copy: the next moves leave it as it is
    return Chain(samples, accepted / max(n_steps * m, 1))
