"""Many small networks of one shape, trained and asked in one computation.

======  ====================================================================  ==================
symbol  meaning                                                               shape
======  ====================================================================  ==================
B       networks
W_l     weights of layer l of all networks                                    (B, d_in, d_out)
b_l     their biases                                                          (B, 1, d_out)
h       activations of the same rows in all networks                          (B, n, d_out)
======  ====================================================================  ==================

A network of twenty units computes for less time than it takes to call torch: five of them, or
thirty, cost hardly more than one when each layer is one ``baddbmm``.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recmeta.registry import MissingExtraError

if TYPE_CHECKING:
    from torch import Tensor

F64 = NDArray[np.float64]


def import_torch(who: str) -> Any:
    """torch, which is an extra and slow to import."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError(who, "torch") from error
    return torch


@contextmanager
def one_thread(torch: Any) -> Iterator[None]:
    """A second thread waits longer than it computes, and would change sums."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def glorot(
    torch: Any, n_networks: int, widths: list[int], rng: np.random.Generator
) -> list["Tensor"]:
    """W_1, b_1, W_2, ...: uniform within sqrt(6 / (d_in + d_out)) (Glorot and Bengio 2010), 0."""
    tensors = []
    for d_in, d_out in pairwise(widths):
        edge = np.sqrt(6 / (d_in + d_out))
        weights = rng.uniform(-edge, edge, size=(n_networks, d_in, d_out))
        tensors += [torch.from_numpy(weights.astype(np.float32))]
        tensors += [torch.zeros(n_networks, 1, d_out)]
    return tensors


def forward(
    torch: Any, tensors: list["Tensor"], rows: "Tensor", activation: Callable[["Tensor"], "Tensor"]
) -> "Tensor":
    """The outputs of all networks, (B, n, d_out); ``rows`` is (B, n, d), or (1, n, d) for all."""
    h = rows.expand(tensors[0].shape[0], -1, -1)
    last = len(tensors) - 2
    for at in range(0, len(tensors), 2):
        h = torch.baddbmm(tensors[at + 1], h, tensors[at])
        if at < last:
            h = activation(h)
    return h


def fold_masks(n: int, folds: list[NDArray[np.int64]], n_members: int) -> NDArray[np.float32]:
    """Which rows each network learns from, (B, n): n_members learn from all, then n_members from
    all but the first fold, and so on.
    """
    masks = np.ones((n_members * (1 + len(folds)), n), dtype=np.float32)
    for number, fold in enumerate(folds, start=1):
        masks[number * n_members : (number + 1) * n_members, fold] = 0
    return masks
