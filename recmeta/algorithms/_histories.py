"""What networks on histories share: sparse input, dense layers, the multinomial likelihood."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from torch import Tensor, nn


def layers(shapes: Mapping[str, tuple[int, int]]) -> "nn.ParameterDict":
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


def encoder_input(
    X: csr_array, dropout: float = 0.0, rng: np.random.Generator | None = None
) -> csr_array:
    """Rows of length 1, alike on all items of the history, of which a random share is dropped.

    What remains is scaled up to the same mean.
    """
    counts = np.diff(X.indptr)
    data = np.repeat((1 / np.sqrt(np.maximum(counts, 1))).astype(np.float32), counts)
    if rng is not None:
        data *= (rng.random(X.nnz, dtype=np.float32) >= dropout) / np.float32(1 - dropout)
    return csr_array((data, X.indices, X.indptr), shape=X.shape)


def sampled(means: "Tensor", log_variances: "Tensor") -> "Tensor":
    """A draw of each normal distribution, through which gradients flow."""
    import torch

    return means + torch.randn_like(means) * (log_variances / 2).exp()


def log_likelihood(logits: "Tensor", X: csr_array) -> "Tensor":
    """The sum of log softmax(logits) over the items of each row's history: (n_rows,)."""
    import torch

    rows = torch.from_numpy(np.repeat(np.arange(X.shape[0]), np.diff(X.indptr)))
    columns = torch.from_numpy(X.indices.astype(np.int64))
    log_probabilities = logits[rows, columns] - logits.logsumexp(1)[rows]
    return torch.zeros(X.shape[0]).index_add(0, rows, log_probabilities)


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
