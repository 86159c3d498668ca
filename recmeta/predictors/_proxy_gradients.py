"""Proxies from the weights and the gradient of the loss (see zero_cost for the symbols)."""

from typing import TYPE_CHECKING, Any

from recmeta.predictors._probe import Probe, layers, watching, weights

if TYPE_CHECKING:
    from torch import Tensor, nn


def _gradients(probe: Probe, network: "nn.Module", *, twice: bool = False) -> "list[Tensor]":
    """g_l of every layer; 0 for one that the loss does not reach."""
    import torch

    loss = probe.loss(network(probe.inputs), probe.targets)
    ws = weights(network)
    found = torch.autograd.grad(loss, ws, create_graph=twice, allow_unused=True)
    return [torch.zeros_like(w) if g is None else g for w, g in zip(ws, found, strict=True)]


def grad_norm(probe: Probe) -> float:
    """Sum over layers of ||g_l||_2."""
    return sum(float(g.norm()) for g in _gradients(probe, probe.fresh()))


def l2_norm(probe: Probe) -> float:
    """Sum over layers of ||W_l||_2."""
    return sum(float(w.detach().norm()) for w in weights(probe.network))


def plain(probe: Probe) -> float:
    """Sum of W_l g_l, with its sign."""
    network = probe.fresh()
    pairs = zip(weights(network), _gradients(probe, network), strict=True)
    return sum(float((w.detach() * g).sum()) for w, g in pairs)


def snip(probe: Probe) -> float:
    """Sum of |W_l g_l|: the gradient of a mask on each weight (Lee et al. 2019, 1810.02340)."""
    network = probe.fresh()
    pairs = zip(weights(network), _gradients(probe, network), strict=True)
    return sum(float((w.detach() * g).abs().sum()) for w, g in pairs)


def grasp(probe: Probe) -> float:
    """Sum of -W (H g): Wang et al. 2020, arXiv:2002.07376, at temperature 1."""
    import torch

    network = probe.fresh()
    gs = _gradients(probe, network, twice=True)
    product: Any = sum((g.detach() * g).sum() for g in gs)
    if not product.requires_grad:
        return 0.0  # the gradient does not depend on the weights
    ws = weights(network)
    second = torch.autograd.grad(product, ws, allow_unused=True)
    return sum(
        -float((w.detach() * hg).sum()) for w, hg in zip(ws, second, strict=True) if hg is not None
    )


def fisher(probe: Probe) -> float:
    """Sum over layers and channels of 1/2 mean over the batch of (sum over positions a dL/da)^2.

    a is a layer's output. Theis et al. 2018, arXiv:1801.05787; Turner et al. 2020, 1906.04113.
    """
    import torch

    network = probe.fresh()
    outputs: list[Tensor] = []
    with watching(layers(network), lambda part, inputs, output: outputs.append(output)):
        loss = probe.loss(network(probe.inputs), probe.targets)
    found = torch.autograd.grad(loss, outputs, allow_unused=True)
    total = 0.0
    for a, g in zip(outputs, found, strict=True):
        if g is not None:
            along = (a.detach() * g).flatten(2).sum(2) if a.ndim > 2 else a.detach() * g
            total += float(along.square().mean(0).sum() / 2)
    return total


def synflow(probe: Probe) -> float:
    """log(1 + sum |W dR/dW|), R the sum of the outputs of a net of |W| for an input of ones.

    In double precision, batch normalisation left out. Tanaka et al. 2020, arXiv:2006.05467.
    """
    import torch
    from torch import nn

    network = probe.fresh().double()
    for part in list(network.modules()):
        for name, child in part.named_children():
            if isinstance(child, nn.modules.batchnorm._NormBase):
                setattr(part, name, nn.Identity())
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    ws = weights(network)
    ones = torch.ones_like(probe.inputs[:1], dtype=torch.float64)
    found = torch.autograd.grad(network(ones).sum(), ws, allow_unused=True)
    total = sum(
        (w.detach() * g).abs().sum() for w, g in zip(ws, found, strict=True) if g is not None
    )
    return float(torch.log1p(torch.as_tensor(total)))
