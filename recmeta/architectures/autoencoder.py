"""Autoencoder recommenders: from a user's row of the log to scores of all items."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recmeta.architectures._autoencoder_graph import drawn, vertex_labels
from recmeta.architectures._base import F64, I64, Architecture, ArchitectureSpace

WIDTHS = (128, 256, 512, 1024)
CHOICES: dict[str, tuple[Any, ...]] = {
    "depth": (1, 2, 3),
    "width_1": WIDTHS,
    "width_2": WIDTHS,
    "bottleneck": (32, 64, 128, 256, 512),
    "activation": ("linear", "sigmoid", "tanh", "relu", "selu", "gelu", "swish"),
    "input_dropout": (0.0, 0.2, 0.5, 0.8),
    "hidden_dropout": (0.0, 0.2, 0.5),
    "input_norm": ("none", "l2"),
    "normalisation": ("none", "layer", "batch"),
    "skip": (False, True),
    "tied": (False, True),
    "variational": (False, True),
    "loss": ("multinomial", "bce", "mse", "weighted_mse"),
}
NAMES = tuple(CHOICES)
COLUMN = {name: column for column, name in enumerate(NAMES)}
BESIDE_WIDTHS = NAMES[NAMES.index("activation") :]


class AutoencoderSpace(ArchitectureSpace):
    """Feed-forward autoencoders over items: x, a user's row, to a score of every item.

    x is normalised (``input_norm``), dropped out (``input_dropout``) and goes through ``depth``
    layers, the last of which is the bottleneck; the decoder mirrors them. A layer is
    dropout(activation(normalisation(W h + b))); ``width_1`` is that of the layer next to the items,
    ``width_2`` that of the second. The bottleneck has no dropout; a ``variational`` one is linear,
    a mean and a log variance of which one sample is decoded. ``skip`` adds the output of an
    encoder's layer to that of its mirror image; ``tied`` decoders use the transposed weights of
    the encoder (of the mean, where variational). ``loss`` compares scores with x: multinomial
    likelihood, binary cross-entropy, squared error, or squared error with a weight on what was
    seen.

    Without effect, and so ignored by ``canonical``, all encodings, neighbours and mutations: the
    width of a layer that is not there; ``hidden_dropout`` and ``skip`` at depth 1; ``activation``
    and ``normalisation`` of a variational one of depth 1.

    Encodings: ``one_hot`` and ``categorical`` of the canonical form; ``path`` (149): 105 bits for
    the widths from the items to the bottleneck as one word, 20 for the words of paths that a skip
    ends early, and the other choices one-hot, zero where without effect.

    References
    ----------
    Liang et al., "Variational autoencoders for collaborative filtering", WWW 2018,
    arXiv:1802.05814 (multinomial likelihood, l2 and dropout on the input).
    Sedhain et al., "AutoRec", WWW 2015, DOI 10.1145/2740908.2742726.
    Kuchaiev and Ginsburg, "Training deep autoencoders for collaborative filtering", 2017,
    arXiv:1708.01715 (depth, selu, dropout, tied weights).

    Examples
    --------
    >>> space = AutoencoderSpace()
    >>> arch = space.sample(np.random.default_rng(0))
    >>> space.from_dict(space.to_dict(arch)) == arch
    True
    >>> space.size
    3870720
    """

    n_values: ClassVar[tuple[int, ...]] = tuple(map(len, CHOICES.values()))
    vertex_labels: ClassVar[tuple[str, ...]] = vertex_labels(CHOICES)

    def canonical(self, arch: Architecture) -> Architecture:
        """The architecture with the first value at each choice that is without effect."""
        self._require_valid(arch)
        return tuple(_canonical(np.array([arch]))[0].tolist())

    def graph(self, arch: Architecture) -> tuple[F64, I64]:
        """Layers, normalisations, activations, dropouts and loss, in the order of computation."""
        return drawn(self.to_dict(arch), self.vertex_labels)

    def to_dict(self, arch: Architecture) -> dict[str, Any]:
        """Name of each choice to its value: numbers, texts and booleans, as JSON has them."""
        self._require_valid(arch)
        return {
            name: values[number]
            for (name, values), number in zip(CHOICES.items(), arch, strict=True)
        }

    def from_dict(self, design: Mapping[str, Any]) -> Architecture:
        """The architecture of a dict as ``to_dict`` gives it.

        Raises
        ------
        ValueError
            If a choice is missing, unknown, or has a value that there is none of.
        """
        if set(design) != set(NAMES):
            raise ValueError(
                f"an autoencoder is given by {', '.join(NAMES)}: missing "
                f"{sorted(set(NAMES) - set(design))}, unknown {sorted(set(design) - set(NAMES))}"
            )
        return tuple(_number(name, design[name]) for name in NAMES)

    def _is_another(self, arch: Architecture) -> Callable[[Architecture], bool]:
        own = self.canonical(arch)
        return lambda other: self.canonical(other) != own

    def _encoders(self) -> dict[str, Callable[[I64], F64]]:
        return {
            "one_hot": lambda values: self._one_hot(_canonical(values)),
            "categorical": lambda values: self._categorical(_canonical(values)),
            "path": self._path,
        }

    def _sequences(self, values: I64) -> F64:
        return super()._sequences(_canonical(values))

    def _path(self, values: I64) -> F64:
        rows = np.arange(len(values))
        depth, first, second = (values[:, COLUMN[c]] for c in ("depth", "width_1", "width_2"))
        # words of 0, 1 or 2 widths: 1 + 4 + 16, the first width the more significant digit
        n, pair = len(WIDTHS), first * len(WIDTHS) + second
        word = np.choose(depth, (np.zeros_like(first), 1 + first, 1 + n + pair))
        n_bottlenecks = len(CHOICES["bottleneck"])
        through = np.zeros((len(values), (1 + n + n**2) * n_bottlenecks))
        through[rows, word * n_bottlenecks + values[:, COLUMN["bottleneck"]]] = 1.0
        skipping = np.zeros((len(values), n + n**2))
        skips = values[:, COLUMN["skip"]] == 1
        skipping[rows, first] = skips & (depth >= 1)
        skipping[rows, n + pair] = skips & (depth == 2)
        beside = [_one_hot_of_effective(values, name) for name in BESIDE_WIDTHS if name != "skip"]
        return np.concatenate((through, skipping, *beside), axis=1)


def _number(name: str, value: Any) -> int:
    for number, known in enumerate(CHOICES[name]):
        # True == 1 in Python, but a depth of true is a mistake
        if known == value and isinstance(known, bool) == isinstance(value, bool):
            return number
    raise ValueError(f"{name} has no value {value!r}; there are {CHOICES[name]}")


def _without_effect(values: I64) -> NDArray[np.bool_]:
    """Where a choice changes nothing, (n, p)."""
    depth = values[:, COLUMN["depth"]]
    without = np.zeros(values.shape, dtype=bool)
    without[:, COLUMN["width_2"]] = depth < 2
    for name in ("width_1", "hidden_dropout", "skip"):
        without[:, COLUMN[name]] = depth < 1
    for name in ("activation", "normalisation"):
        without[:, COLUMN[name]] = (depth < 1) & (values[:, COLUMN["variational"]] == 1)
    return without


def _canonical(values: I64) -> I64:
    return np.where(_without_effect(values), 0, values)


def _one_hot_of_effective(values: I64, name: str) -> F64:
    column, n = COLUMN[name], len(CHOICES[name])
    numbers = values[:, column]
    bits = numbers[:, None].astype(np.float64) if n == 2 else np.eye(n)[numbers]
    bits[_without_effect(values)[:, column]] = 0.0
    return bits
