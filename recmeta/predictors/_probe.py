"""A network and the minibatch that it is probed with; copies of it for each proxy."""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Probe:
    """See ``zero_cost.zero_cost`` for the fields."""

    network: "nn.Module"
    inputs: "Tensor"
    targets: "Tensor"
    loss: "Callable[[Tensor, Tensor], Tensor]"
    labels: "Tensor | None" = None
    seed: int = 0

    def fresh(self) -> "nn.Module":
        """A copy that trains (batch normalisation reads the batch), with dropout off."""
        from torch import nn

        network = copy.deepcopy(self.network).train()
        for part in network.modules():
            if isinstance(part, nn.modules.dropout._DropoutNd):
                part.eval()
        network.requires_grad_(True)
        return network


def layers(network: "nn.Module") -> "list[nn.Module]":
    """The linear and convolutional layers, each weight once."""
    from torch import nn
    from torch.nn.modules.conv import _ConvNd

    found: list[nn.Module] = []
    seen = set()
    for part in network.modules():
        if isinstance(part, nn.Linear | _ConvNd) and id(part.weight) not in seen:
            seen.add(id(part.weight))
            found.append(part)
    return found


def weights(network: "nn.Module") -> "list[Tensor]":
    """W_l of every layer."""
    return [cast("Tensor", layer.weight) for layer in layers(network)]


@contextmanager
def watching(
    parts: "Sequence[nn.Module]", see: "Callable[[nn.Module, tuple[Any, ...], Any], Any]"
) -> Iterator[None]:
    """Call ``see(part, inputs, output)`` whenever one of the parts is run."""
    handles = [part.register_forward_hook(see) for part in parts]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
