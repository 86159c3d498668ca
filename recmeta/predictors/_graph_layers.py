"""Directed graph convolutions of many networks of one shape, in one computation.

======  ====================================================================  ==================
symbol  meaning                                                               shape
======  ====================================================================  ==================
B       networks
A       adjacency, 1 where an edge leads from row to column                   (n, v, v)
S, T    A + I and A^T + I                                                     (n, v, v)
V       features of the vertices; all 0: the vertex is not there              (n, v, L)
W_l     weights of layer l, for S and for T side by side                      (B, d_in, 2 d_out)
h       activations of the vertices                                           (B, n, v, d)
======  ====================================================================  ==================

Wen et al. divide each row of S and T by its sum. A mean over neighbours does not tell how many
there are, a sum does (Xu et al. 2019, arXiv:1810.00826), and ranks cells of NAS-Bench-201 better.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recmeta.predictors._batched_mlp import glorot

if TYPE_CHECKING:
    from torch import Tensor

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Graphs:
    """S, T, V and the share of each vertex in its graph's mean, (n, v), as tensors."""

    forward: "Tensor"
    backward: "Tensor"
    features: "Tensor"
    shares: "Tensor"

    def __getitem__(self, rows: Any) -> "Graphs":
        return Graphs(
            self.forward[rows], self.backward[rows], self.features[rows], self.shares[rows]
        )


def n_labels_of(width: int, n_vertices: int) -> int:
    """L of flat graphs of this width: v (v - 1) / 2 bits of A, then v L of V.

    Raises
    ------
    ValueError
        If no L fits.
    """
    n_pairs = n_vertices * (n_vertices - 1) // 2
    n_labels, rest = divmod(width - n_pairs, n_vertices)
    if n_labels < 1 or rest:
        raise ValueError(
            f"X is no table of graphs of {n_vertices} vertices: got {width} columns, needed "
            f'{n_pairs} + {n_vertices} L; encode with "graph" and give its n_vertices'
        )
    return n_labels


def unflattened(rows: F64, n_vertices: int) -> tuple[F64, F64]:
    """A and V of rows of ``flat_graphs``.

    Raises
    ------
    ValueError
        If the width does not fit, or something other than 0 and 1 is where A should be.
    """
    n, v = len(rows), n_vertices
    n_labels = n_labels_of(rows.shape[1], v)
    upper = np.triu_indices(v, 1)
    edges = rows[:, : len(upper[0])]
    if not np.isin(edges, (0, 1)).all():
        raise ValueError(
            f"X is no table of graphs of {v} vertices: its first {len(upper[0])} columns are not "
            'all 0 or 1; encode with "graph"'
        )
    adjacency = np.zeros((n, v, v))
    adjacency[:, *upper] = edges
    return adjacency, rows[:, len(upper[0]) :].reshape(n, v, n_labels)


def graphs_of(torch: Any, adjacency: F64, features: F64) -> Graphs:
    """The tensors of these graphs, float32."""
    loops = np.eye(adjacency.shape[1])
    there = features.any(axis=2)
    shares = there / np.maximum(there.sum(axis=1, keepdims=True), 1)
    arrays = [adjacency + loops, adjacency.transpose(0, 2, 1) + loops, features, shares]
    return Graphs(*(torch.from_numpy(array.astype(np.float32)) for array in arrays))


def start(
    torch: Any, n_networks: int, widths: list[int], rng: np.random.Generator
) -> list["Tensor"]:
    """W_1, W_2, ..., each way as Glorot and Bengio have it."""
    pairs = [
        [glorot(torch, n_networks, [d_in, d_out], rng)[0] for _ in range(2)]
        for d_in, d_out in pairwise(widths)
    ]
    return [torch.cat(pair, dim=2) for pair in pairs]


def embedded(torch: Any, weights: list["Tensor"], graphs: Graphs) -> "Tensor":
    """The mean over the vertices that are there of the last layer's h, (B, n, d).

    h <- (relu(S h W) + relu(T h W')) / 2.
    """
    n_networks = len(weights[0])
    n, v, _ = graphs.features.shape
    h = graphs.features.expand(n_networks, -1, -1, -1)
    for both in weights:
        product = torch.bmm(h.reshape(n_networks, n * v, -1), both).view(n_networks, n, v, -1)
        onwards, back = product.chunk(2, dim=3)
        h = (torch.relu(graphs.forward @ onwards) + torch.relu(graphs.backward @ back)) / 2
    return torch.einsum("bnvd,nv->bnd", h, graphs.shares)
