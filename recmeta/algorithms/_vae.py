"""The encoder of RecVAE (Shenbin et al. 2020), and the densities that its loss compares."""

import math
from typing import TYPE_CHECKING, Any

from scipy.sparse import csr_array

from recmeta.algorithms._histories import dense, layers

if TYPE_CHECKING:
    from torch import Tensor, nn

DEPTH, NORM_EPSILON = 5, 0.1  # these four as in the authors' code
SHARES = (3 / 20, 3 / 4, 1 / 10)  # of the parts of the prior
WIDE = 10.0  # log variance of its last part


def deep_encoder(n_items: int, n_hidden: int, n_factors: int) -> "nn.Module":
    """Weights of DEPTH layers of n_hidden units, with their norms, and of a linear one."""
    from torch import nn

    shapes = {str(depth): (n_hidden, n_hidden) for depth in range(DEPTH)}
    shapes |= {"0": (n_items, n_hidden), "output": (n_hidden, 2 * n_factors)}
    norms = nn.ModuleList([nn.LayerNorm(n_hidden, NORM_EPSILON) for _ in range(DEPTH)])
    return nn.ModuleDict({"layers": layers(shapes), "norms": norms})


def posterior(encoder: Any, X: csr_array) -> tuple["Tensor", "Tensor"]:
    """Means and log variances, (n_rows, n_factors) each: the halves of a linear layer on h_DEPTH.

    h_k = norm(swish(W_k h_(k-1) + b_k + sum_(0<j<k) h_j)), and h_0 = X.
    """
    hidden: Any = X
    total: Any = 0.0
    for depth, norm in enumerate(encoder["norms"]):
        mixed = dense(encoder["layers"], str(depth), hidden) + total
        hidden = norm(mixed * mixed.sigmoid())
        total = total + hidden
    means, log_variances = dense(encoder["layers"], "output", hidden).chunk(2, dim=1)
    return means, log_variances


def log_density(z: "Tensor", means: "Tensor", log_variances: "Tensor") -> "Tensor":
    """log N(z; m, s^2), entry by entry."""
    squares = (z - means) ** 2 / log_variances.exp()
    return -(math.log(2 * math.pi) + log_variances + squares) / 2


def log_prior(z: "Tensor", means: "Tensor", log_variances: "Tensor") -> "Tensor":
    """Of the mixture of a standard normal, the one given and a wide one, entry by entry."""
    import torch

    normals = [(0.0, 0.0), (means, log_variances), (0.0, WIDE)]
    parts = [log_density(z, *map(torch.as_tensor, normal)) for normal in normals]
    return (torch.stack(parts, dim=-1) + torch.tensor(SHARES).log()).logsumexp(-1)
