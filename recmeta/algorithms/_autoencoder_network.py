"""The network of an autoencoder recommender, built from a design of ``AutoencoderSpace``.

======  ====================================================  =====================
symbol  meaning                                               shape
======  ====================================================  =====================
x       rows of the log, 1 where there is an interaction      (n_rows, n_items)
h_l     output of the encoder's layer l, h_0 what goes in     (n_rows, width of l)
z       the bottleneck: h_depth, or a sample of N(m, s^2)     (n_rows, bottleneck)
s       scores                                                (n_rows, n_items)
======  ====================================================  =====================

This file imports torch, so an algorithm's file imports it only where it builds a network.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn
from torch.nn import functional

from recmeta.algorithms._base import _check_counts

T = TypeVar("T")
SEEN_WEIGHT = 10.0  # of an interaction in weighted_mse, where that of all others is 1


class Tied(nn.Linear):
    """h W + b with the weights W of a linear layer x W' + c, which stay that layer's own."""

    def __init__(self, mirrored: nn.Linear) -> None:
        nn.Module.__init__(self)  # that of Linear would make weights
        self.in_features, self.out_features = mirrored.out_features, mirrored.in_features
        # in a tuple, or the weights would be listed here, too
        self._mirrored = (mirrored,)
        self.bias = nn.Parameter(torch.zeros(self.out_features))

    @property
    def weight(self) -> Tensor:  # type: ignore[override]
        """Of the mirrored layer: (in_features, out_features)."""
        return self._mirrored[0].weight

    def forward(self, inputs: Tensor) -> Tensor:
        return functional.linear(inputs, self.weight.T, self.bias)


class BatchNorm(nn.BatchNorm1d):
    """One row has no variance: then the running one is taken, as after training."""

    def forward(self, inputs: Tensor) -> Tensor:
        if len(inputs) > 1 or not self.training:
            return super().forward(inputs)
        running = self.running_mean, self.running_var
        return functional.batch_norm(inputs, *running, self.weight, self.bias, eps=self.eps)


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "linear": nn.Identity,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "swish": nn.SiLU,
}
NORMS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda width: nn.Identity(),
    "layer": nn.LayerNorm,
    "batch": BatchNorm,
}
INPUT_NORMS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda x: x,
    "l2": lambda x: functional.normalize(x, dim=1),
}


def multinomial(scores: Tensor, x: Tensor) -> Tensor:
    """-sum_i x_i log softmax(s)_i, mean over rows: as all losses here."""
    return -(x * scores.log_softmax(1)).sum(1).mean()


def bce(scores: Tensor, x: Tensor) -> Tensor:
    """-sum_i (x_i log sigmoid(s_i) + (1 - x_i) log(1 - sigmoid(s_i)))."""
    return functional.binary_cross_entropy_with_logits(scores, x, reduction="none").sum(1).mean()


def mse(scores: Tensor, x: Tensor) -> Tensor:
    """sum_i (s_i - x_i)^2."""
    return (scores - x).square().sum(1).mean()


def weighted_mse(scores: Tensor, x: Tensor) -> Tensor:
    """sum_i (1 + (SEEN_WEIGHT - 1) x_i) (s_i - x_i)^2."""
    return ((1 + (SEEN_WEIGHT - 1) * x) * (scores - x).square()).sum(1).mean()


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "multinomial": multinomial,
    "bce": bce,
    "mse": mse,
    "weighted_mse": weighted_mse,
}


class Autoencoder(nn.Module):
    """Scores of x by the network that ``design`` describes.

    Parameters
    ----------
    n_items : int
    design : mapping
        The choices of ``AutoencoderSpace`` by name; widths and rates may be others than its.

    Attributes
    ----------
    criterion : callable
        (s, x) -> what ``design["loss"]`` names.
    """

    def __init__(self, n_items: int, design: Mapping[str, Any]) -> None:
        super().__init__()
        sizes = (n_items, *_widths(design))
        self.criterion = _chosen(LOSSES, design, "loss")
        self.input_norm = _chosen(INPUT_NORMS, design, "input_norm")
        self.input_dropout = nn.Dropout(design["input_dropout"])
        encoders = [nn.Linear(*pair) for pair in pairwise(sizes)]
        *hidden, last = encoders
        self.encoder = nn.ModuleList([_layer(design, linear) for linear in hidden])
        self.variational, self.skip = design["variational"], design["skip"]
        if self.variational:
            self.bottleneck: nn.Module = last
            self.log_variance = nn.Linear(last.in_features, last.out_features)
        else:
            self.bottleneck = _layer({**design, "hidden_dropout": 0.0}, last)
        decoders = [
            Tied(linear) if design["tied"] else nn.Linear(linear.out_features, linear.in_features)
            for linear in reversed(encoders)
        ]
        self.decoder = nn.ModuleList([_layer(design, linear) for linear in decoders[:-1]])
        self.output = decoders[-1]

    def forward(self, x: Tensor) -> Tensor:
        """s, decoded from the mean where the bottleneck is variational."""
        outputs = self._encoded(x)
        return self._decoded(self.bottleneck(outputs[-1]), outputs)

    @staticmethod
    def rows(X: csr_array) -> Tensor:
        """x of rows of the log."""
        return torch.from_numpy((X.toarray() > 0).astype(np.float32))

    def loss(self, x: Tensor, weight: float) -> Tensor:
        """Mean over rows of the criterion, for one sample, and ``weight`` times the divergence."""
        scores, divergence = self.sampled(x)
        return self.criterion(scores, x) + weight * divergence.mean()

    def sampled(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """s, decoded from one sample, and KL(N(m, s^2) || N(0, I)) of each row, (n_rows,)."""
        outputs = self._encoded(x)
        if not self.variational:
            return self._decoded(self.bottleneck(outputs[-1]), outputs), torch.zeros(len(x))
        means, log_variances = self.bottleneck(outputs[-1]), self.log_variance(outputs[-1])
        z = means + torch.randn_like(means) * (log_variances / 2).exp()
        divergence = (means**2 + log_variances.exp() - 1 - log_variances).sum(1) / 2
        return self._decoded(z, outputs), divergence

    def _encoded(self, x: Tensor) -> list[Tensor]:
        """h_0 ... h_(depth - 1)."""
        outputs = [self.input_dropout(self.input_norm(x))]
        for layer in self.encoder:
            outputs.append(layer(outputs[-1]))
        return outputs

    def _decoded(self, z: Tensor, outputs: list[Tensor]) -> Tensor:
        for layer, mirrored in zip(self.decoder, reversed(outputs), strict=False):
            z = layer(z) + mirrored if self.skip else layer(z)
        scores: Tensor = self.output(z)
        return scores


def _widths(design: Mapping[str, Any]) -> list[int]:
    """Of the encoder's layers, from the items to the bottleneck."""
    if design["depth"] not in (1, 2, 3):
        raise ValueError(f"depth must be 1, 2 or 3: got {design['depth']}")
    names = (*("width_1", "width_2")[: design["depth"] - 1], "bottleneck")
    widths = {name: design[name] for name in names}
    _check_counts(**widths)
    return list(widths.values())


def _chosen(entries: Mapping[str, T], design: Mapping[str, Any], name: str) -> T:
    if design[name] not in entries:
        raise ValueError(f"{name} must be one of {', '.join(entries)}: got {design[name]!r}")
    return entries[design[name]]


def _layer(design: Mapping[str, Any], linear: nn.Linear) -> nn.Module:
    """dropout(activation(normalisation(linear)))."""
    return nn.Sequential(
        linear,
        _chosen(NORMS, design, "normalisation")(linear.out_features),
        _chosen(ACTIVATIONS, design, "activation")(),
        nn.Dropout(design["hidden_dropout"]),
    )
