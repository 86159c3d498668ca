"""Proxies that only count: no gradient, no draw."""

import math
from typing import Any

from recmeta.predictors._probe import Probe, watching


def params(probe: Probe) -> float:
    """Trained parameters in millions, a tied one once."""
    return sum(one.numel() for one in probe.network.parameters()) / 1e6


def flops(probe: Probe) -> float:
    """Multiply-adds of the linear and convolutional layers for one sample, in millions."""
    import torch
    from torch import nn
    from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

    counted: list[int] = []

    def see(part: Any, inputs: Any, output: Any) -> None:
        # each output takes, or each input of a transposed layer gives, a product with one filter
        many = inputs[0] if isinstance(part, _ConvTransposeNd) else output
        linear = isinstance(part, nn.Linear)  # whose weight is transposed where it is tied
        size = part.in_features if linear else math.prod(part.weight.shape[1:])
        counted.append(many[0].numel() * size)

    network = probe.fresh().eval()
    found = [part for part in network.modules() if isinstance(part, nn.Linear | _ConvNd)]
    with torch.no_grad(), watching(found, see):
        network(probe.inputs[:1])
    return sum(counted) / 1e6
