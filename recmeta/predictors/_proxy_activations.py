"""Proxies from Jacobians and activations (see zero_cost for the symbols)."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recmeta.predictors._probe import Probe, watching, weights

if TYPE_CHECKING:
    from torch import Tensor, nn

SMALL = 1e-5  # what keeps logarithms and quotients finite in the published definitions
MANY_CLASSES = 100  # epe_nas averages beyond


def _correlations(jacobian: NDArray[np.float64]) -> NDArray[np.float64]:
    """Between the rows; a row without variance is an error, not a correlation."""
    if (jacobian.std(axis=1) == 0).any():
        raise ArithmeticError("a sample's output does not depend on its inputs")
    return np.atleast_2d(np.corrcoef(jacobian))


def _jacobian(probe: Probe) -> NDArray[np.float64]:
    """J_i, one row a sample."""
    import torch

    inputs = probe.inputs.detach().clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(probe.fresh()(inputs).sum(), inputs)
    return np.asarray(gradient.flatten(1).double().numpy())


def jacob_cov(probe: Probe) -> float:
    """-sum of log(v + k) + 1/(v + k) over the eigenvalues v of the correlations of J; k = 1e-5.

    Mellor et al. 2020, arXiv:2006.04647v1. The matrix is symmetric, so v is real.
    """
    values = np.maximum(np.linalg.eigvalsh(_correlations(_jacobian(probe))), 0.0)
    return float(-(np.log(values + SMALL) + 1 / (values + SMALL)).sum())


def epe_nas(probe: Probe) -> float:
    """How alike the Jacobians are within classes: Lopes et al. 2021, arXiv:2102.08099.

    s_c is the sum of log(|r| + k) over the correlations r within class c. Up to 100 classes: the
    sum of |s_c|; more: each s_c is divided by the size of its matrix, and the mean of |s_c - s_d|
    over pairs of classes is taken.
    """
    if probe.labels is None:
        return math.nan
    labels = probe.labels.numpy()
    jacobian = _jacobian(probe)
    classes = np.unique(labels)
    sums = []
    for one in classes:
        logs = np.log(np.abs(_correlations(jacobian[labels == one])) + SMALL)
        sums.append(logs.sum() if len(classes) <= MANY_CLASSES else logs.mean())
    if len(classes) <= MANY_CLASSES:
        return float(np.abs(sums).sum())
    distances = np.abs(np.subtract.outer(sums, sums))
    return float(distances[np.triu_indices(len(sums), 1)].mean())


def nwot(probe: Probe) -> float:
    """log |det K|, K = sum of x x' + (1 - x)(1 - x)', x which inputs of an activation are positive.

    Mellor et al. 2021, arXiv:2006.04647. Defined for ReLU; here for every activation module.
    """
    import torch

    network = probe.fresh()
    n = len(probe.inputs)
    kernel = np.zeros((n, n))

    def see(part: "nn.Module", inputs: "tuple[Tensor, ...]", output: Any) -> None:
        on = (inputs[0].detach().reshape(n, -1) > 0).double().numpy()
        kernel[:] += on @ on.T + (1 - on) @ (1 - on).T

    found = [part for part in network.modules() if _is_activation(part)]
    if not found:
        raise ValueError("the network has no activation module")
    with torch.no_grad(), watching(found, see):
        network(probe.inputs)
    sign, logarithm = np.linalg.slogdet(kernel)
    return float(logarithm) if sign != 0 else math.nan


def _is_activation(part: "nn.Module") -> bool:
    from torch import nn

    kinds = (
        nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU,
        nn.Mish, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.Hardswish, nn.Hardtanh,
    )  # fmt: skip
    return isinstance(part, kinds)


def zen(probe: Probe) -> float:
    """log E |f(x) - f(x + 0.01 e)| + sum over batch normalisations of log sqrt(mean variance).

    Weights, x and e are standard normal. Lin et al. 2021, arXiv:2102.01063; f there ends before
    the global pooling of an image network: give such a network without its head.
    """
    import torch

    network = probe.fresh()
    generator = torch.Generator().manual_seed(probe.seed)
    with torch.no_grad():
        for weight in weights(network):
            weight.normal_(generator=generator)
        x = torch.randn(probe.inputs.shape, generator=generator, dtype=probe.inputs.dtype)
        moved = x + 0.01 * torch.randn(x.shape, generator=generator, dtype=x.dtype)
        variances: list[float] = []

        def see(part: "nn.Module", inputs: "tuple[Tensor, ...]", output: Any) -> None:
            spread = inputs[0].transpose(0, 1).flatten(1).var(1, unbiased=False)
            variances.append(float(spread.mean()))

        norms = [part for part in network.modules() if _is_batch_norm(part)]
        with watching(norms, see):
            here = network(x)
        difference = (here - network(moved)).flatten(1).abs().sum(1).mean()
    scale = sum(0.5 * math.log(variance) for variance in variances)
    return math.log(float(difference)) + scale


def _is_batch_norm(part: "nn.Module") -> bool:
    from torch import nn

    return isinstance(part, nn.modules.batchnorm._BatchNorm)
