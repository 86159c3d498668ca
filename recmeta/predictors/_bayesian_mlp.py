"""A network whose weights are random: their prior, and what a set of their samples predicts."""

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recmeta.predictors._batched_mlp import forward

if TYPE_CHECKING:
    from torch import Tensor

F64 = NDArray[np.float64]

NOISE_MEAN, NOISE_SPREAD = -3.0, 1.5  # prior of the logarithm of the noise variance; t has 1
Prior = list[tuple[float, float]]  # mean and deviation of all numbers of a tensor


def prior_draw(
    torch: Any, n_networks: int, widths: list[int], rng: np.random.Generator
) -> tuple[list["Tensor"], Prior]:
    """W_1, b_1, ..., each network's drawn from its prior, and the noise's logarithm; the priors."""
    prior: Prior = []
    tensors = []
    for d_in, d_out in pairwise(widths):
        for shape, deviation in (((d_in, d_out), max(d_in, 1) ** -0.5), ((1, d_out), 1.0)):
            draw = deviation * rng.normal(size=(n_networks, *shape))
            tensors.append(torch.from_numpy(draw.astype(np.float32)))
            prior.append((0.0, deviation))
    noise = np.full((n_networks, 1, 1), NOISE_MEAN + 2)  # a start that fits nothing yet
    tensors.append(torch.from_numpy(noise.astype(np.float32)))
    return tensors, [*prior, (NOISE_MEAN, NOISE_SPREAD)]


def mean_and_noise(
    torch: Any, tensors: list["Tensor"], rows: "Tensor"
) -> tuple["Tensor", "Tensor"]:
    """Mean and logarithm of the noise variance: (B, n), and (B, n) or (B, 1)."""
    outputs = forward(torch, tensors[:-1], rows[None], torch.tanh)
    log_noise = tensors[-1][:, :, 0]
    if outputs.shape[2] > 1:
        log_noise = log_noise + outputs[:, :, 1]
    return outputs[:, :, 0], log_noise


def mixture(torch: Any, samples: list["Tensor"], rows: "Tensor") -> tuple[F64, F64]:
    """Mean and variance of the mixture of the samples' normals, both (n,)."""
    with torch.inference_mode():
        means, log_noise = mean_and_noise(torch, samples, rows)
        noise = torch.exp(log_noise).expand_as(means).mean(dim=0)
        variance = means.var(dim=0, correction=0) + noise
        return means.mean(dim=0).numpy().astype(np.float64), variance.numpy().astype(np.float64)
