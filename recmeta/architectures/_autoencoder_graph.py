"""An autoencoder recommender as a graph of labelled vertices, from the items in to the loss."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from recmeta.architectures._base import F64, I64

MOST_VERTICES = 24  # three layers, batch norm, activation and dropout on each, variational


def vertex_labels(choices: Mapping[str, tuple[Any, ...]]) -> tuple[str, ...]:
    """The labels that the graphs of a space with these choices can have."""
    widths = sorted({*choices["width_1"], *choices["width_2"], *choices["bottleneck"]})
    rates = sorted({*choices["input_dropout"], *choices["hidden_dropout"]} - {0.0})
    return (
        "input",
        "l2 norm",
        "layer norm",
        "batch norm",
        "sample",
        "dense items",
        "tied items",
        *(f"dropout {rate}" for rate in rates),
        *(activation for activation in choices["activation"] if activation != "linear"),
        *(
            f"{kind} {width}"
            for kind in ("dense", "tied", "mean", "log variance")
            for width in widths
        ),
        *(f"loss {loss}" for loss in choices["loss"]),
        "unused",
    )


def drawn(design: Mapping[str, Any], labels: tuple[str, ...]) -> tuple[F64, I64]:
    """Adjacency (24, 24) and labels (24,) of a design as ``to_dict`` gives it."""
    drawing = _Drawing(design)
    drawing.draw()
    adjacency = np.zeros((MOST_VERTICES, MOST_VERTICES))
    for source, target in drawing.edges:
        adjacency[source, target] = 1.0
    numbers = np.full(MOST_VERTICES, labels.index("unused"), dtype=np.int64)
    numbers[: len(drawing.labels)] = [labels.index(label) for label in drawing.labels]
    return adjacency, numbers


class _Drawing:
    """Vertices are added in the order of computation; ``ends`` are what the next one reads."""

    def __init__(self, design: Mapping[str, Any]) -> None:
        self.design = design
        self.labels: list[str] = []
        self.edges: list[tuple[int, int]] = []
        self.ends: list[int] = []

    def draw(self) -> None:
        design = self.design
        widths = [design["width_1"], design["width_2"]][: design["depth"] - 1]
        decoder = "tied" if design["tied"] else "dense"
        self._add("input")
        if design["input_norm"] == "l2":
            self._add("l2 norm")
        self._add_dropout(design["input_dropout"])
        encoded = [self._add_hidden("dense", width) for width in widths]
        self._add_bottleneck(design["bottleneck"])
        for width, skipped in zip(reversed(widths), reversed(encoded), strict=True):
            self._add_hidden(decoder, width)
            if design["skip"]:
                self.ends.append(skipped)
        self._add(f"{decoder} items")
        self._add(f"loss {design['loss']}")

    def _add(self, label: str) -> int:
        vertex = len(self.labels)
        self.labels.append(label)
        self.edges += [(source, vertex) for source in self.ends]
        self.ends = [vertex]
        return vertex

    def _add_dropout(self, rate: float) -> None:
        if rate:
            self._add(f"dropout {rate}")

    def _add_layer(self, kind: str, width: int) -> None:
        self._add(f"{kind} {width}")
        if self.design["normalisation"] != "none":
            self._add(f"{self.design['normalisation']} norm")
        if self.design["activation"] != "linear":
            self._add(self.design["activation"])

    def _add_hidden(self, kind: str, width: int) -> int:
        self._add_layer(kind, width)
        self._add_dropout(self.design["hidden_dropout"])
        return self.ends[0]

    def _add_bottleneck(self, width: int) -> None:
        if not self.design["variational"]:
            self._add_layer("dense", width)
            return
        before = self.ends
        mean = self._add(f"mean {width}")
        self.ends = before
        log_variance = self._add(f"log variance {width}")
        self.ends = [mean, log_variance]
        self._add("sample")
