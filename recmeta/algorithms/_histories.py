"""What networks on histories share: sparse input, dense layers, the multinomial likelihood."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from torch import Tensor, nn


def dense_layers(shapes: Mapping[str, tuple[int, int]]) -> "nn.ParameterDict":
    """For each name, weights (n_in, n_out), drawn as Glorot and Bengio 2010, and ``name_bias``."""
    import torch

    network = torch.nn.ParameterDict()
    for name, shape in shapes.items():
        network[name] = torch.nn.init.xavier_uniform_(torch.empty(shape))
        network[f"{name}_bias"] = 1e-3 * torch.randn(shape[1])
    return network


def dense(network: Any, name: str, inputs: Any) -> "Tensor":
    """inputs @ weights + bias of that layer, for a tensor or a CSR matrix: (n_rows, n_out)."""
    weights, bias = network[name], network[f"{name}_bias"]
    sparse = isinstance(inputs, csr_array)
    product: Tensor = bias + (sparse_product(inputs, weights) if sparse else inputs @ weights)
    return product


def binary(X: csr_array) -> csr_array:
    """1 for each entry: not those of X, but its indices."""
    return csr_array((np.ones(X.nnz, dtype=np.float32), X.indices, X.indptr), shape=X.shape)


def unit_rows(X: csr_array) -> csr_array:
    """Rows of length 1, or without entries."""
    counts = np.diff(X.indptr)
    squares = np.bincount(np.repeat(np.arange(len(counts)), counts), X.data**2, len(counts))
    lengths = np.sqrt(squares).astype(np.float32)
    return csr_array((X.data / np.repeat(lengths, counts), X.indices, X.indptr), shape=X.shape)


def dropped(X: csr_array, dropout: float, rng: np.random.Generator) -> csr_array:
    """X without a random share of its entries, the others scaled up to the same mean."""
    keep = rng.random(X.nnz, dtype=np.float32) >= dropout
    return csr_array((X.data * keep / np.float32(1 - dropout), X.indices, X.indptr), shape=X.shape)


def known(X: csr_array, known_items: NDArray[np.bool_]) -> "Tensor":
    """1 where there is a history and an item with interactions, else 0: (n_rows, n_items)."""
    import torch

    rows = torch.from_numpy(np.diff(X.indptr) > 0)
    return (rows[:, None] & torch.from_numpy(known_items)).float()


def log_likelihood(logits: "Tensor", X: csr_array) -> "Tensor":
    """sum_i x_i log softmax(logits)_i of each row: (n_rows,)."""
    import torch

    entries = X.tocoo()
    rows, columns = (torch.from_numpy(index.astype(np.int64)) for index in entries.coords)
    log_probabilities = logits[rows, columns] - logits.logsumexp(1)[rows]
    weighted = torch.from_numpy(entries.data) * log_probabilities
    return torch.zeros(X.shape[0]).index_add(0, rows, weighted)


def sparse_product(X: csr_array, weights: "Tensor") -> "Tensor":
    """X @ weights, whose gradient is X' @ the product's: time nnz * n_columns, both ways."""
    product: Tensor = _product().apply(weights, X)  # type: ignore[attr-defined]
    return product


@cache
def _product() -> Callable[..., Any]:
    import torch

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, weights: Any, X: csr_array) -> Any:
            ctx.transposed = X.T
            return torch.from_numpy(X @ weights.detach().numpy())

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
            return torch.from_numpy(ctx.transposed @ gradient.contiguous().numpy()), None

    return Product
