"""A network's outputs as a curve: an asymptote and five basis curves that fade away.

======  =====================================================================  ============
symbol  meaning                                                                shape
======  =====================================================================  ============
B       networks (samples of the weights)
x       steps 1, 2, ...                                                        (t,)
T       horizon
phi     1 and the basis curves, each 0 at infinity, of shapes r = exp(output)  (B, n, t, 6)
w       asymptote and weights of the basis curves                              (B, n, 6)
v       noise variance, of a candidate, the same at all steps                  (B, n)
======  =====================================================================  ============

The basis: x^-r, 1 / (1 + (10 x / T)^r), exp(-5 r x / T), ln 2 / ln(2 + r (x - 1)), 1 - exp(-r / x).
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from recmeta.predictors._base import F64

if TYPE_CHECKING:
    from torch import Tensor

N_BASIS = 5
N_OUTPUTS = 1 + 2 * N_BASIS + 1  # asymptote, weights, shapes, noise
WIDEST = 3.0  # of the logarithm of a shape


def design(torch: Any, outputs: "Tensor", x: "Tensor", horizon: float) -> "Tensor":
    """phi, (B, n, t, 6), from outputs (B, n, 12)."""
    shapes = outputs[..., 1 + N_BASIS : 1 + 2 * N_BASIS].clamp(-WIDEST, WIDEST)
    r = torch.exp(shapes)[:, :, None, :]
    steps = x[None, None, :]
    basis = (
        steps ** -r[..., 0],
        1 / (1 + (10 * steps / horizon) ** r[..., 1]),
        torch.exp(-5 * r[..., 2] * steps / horizon),
        float(np.log(2)) / torch.log(2 + r[..., 3] * (steps - 1)),
        1 - torch.exp(-r[..., 4] / steps),
    )
    return torch.stack([torch.ones_like(basis[0]), *basis], dim=-1)


def weights(outputs: "Tensor") -> "Tensor":
    """w, (B, n, 6)."""
    return outputs[..., : 1 + N_BASIS]


def conditioned(phi: F64, w: F64, noise: F64, spread: F64, seen: F64, end: F64) -> tuple[F64, F64]:
    """Mean and variance of an observation at the horizon, given the values seen: both (B, n).

    The candidate's own weights are w + d with d ~ N(0, diag(spread)), and seen ~ N(phi (w + d), v):
    Bayesian linear regression of what the network left over.

    Parameters
    ----------
    phi : float64 array, (B, n, s, 6), of the steps seen
    w : float64 array, (B, n, 6)
    noise : float64 array, (B, n)
    spread : float64 array, (B, 6)
    seen : float64 array, (n, s)
    end : float64 array, (B, n, 6), phi of the horizon
    """
    left = seen[None] - np.einsum("bnsk,bnk->bns", phi, w)
    precision = np.einsum("bnsk,bnsl->bnkl", phi, phi) / noise[..., None, None]
    precision[..., range(phi.shape[3]), range(phi.shape[3])] += 1 / spread[:, None, :]
    covariance = np.linalg.inv(precision)
    pulled = np.einsum("bnsk,bns->bnk", phi, left) / noise[..., None]
    own = w + np.einsum("bnkl,bnl->bnk", covariance, pulled)
    variance = np.einsum("bnk,bnkl,bnl->bn", end, covariance, end) + noise
    return np.einsum("bnk,bnk->bn", end, own), variance
