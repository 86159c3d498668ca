"""What both NeuRecs share: rows of a matrix through hidden layers, by the columns' factors.

======  ============================================  ====================
symbol  meaning                                       shape
======  ============================================  ====================
R       1 for each interaction, or its transpose      (n_rows, n_columns)
H       what the network makes of the rows of R       (n_rows, n_factors)
F       factors of the columns                        (n_columns, n_factors)
======  ============================================  ====================
"""

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, _check_counts
from recmeta.algorithms._histories import dense, encoder_input, layers, sparse_product
from recmeta.algorithms._neural import NeuralRecommender

if TYPE_CHECKING:
    from torch import Tensor, nn

START = 0.1  # standard deviation of the initial F


class NeuRec(NeuralRecommender):
    """A subclass has the parameters below, and says which side goes through the network."""

    n_factors: int
    n_neurons: int
    n_layers: int
    dropout: float
    n_epochs: int

    def _network_of(self, n_columns: int) -> "nn.Module":
        import torch

        _check_counts(n_factors=self.n_factors, n_neurons=self.n_neurons, n_layers=self.n_layers)
        sizes = [n_columns, *[self.n_neurons] * self.n_layers, self.n_factors]
        network = layers({f"layer_{number}": shape for number, shape in enumerate(pairwise(sizes))})
        network["factors"] = START * torch.randn(n_columns, self.n_factors)
        return network

    def _loss(
        self, network: Any, prepared: csr_array, batch: Any, rng: np.random.Generator
    ) -> "Tensor":
        R, F = prepared[batch], network["factors"]
        H = self._represented(network, encoder_input(R, self.dropout, rng))
        ones = csr_array((np.ones(R.nnz, dtype=np.float32), R.indices, R.indptr), shape=R.shape)
        # the sum of (R - H F')^2, without the n_rows x n_columns products
        error = R.nnz - 2 * (H * sparse_product(ones, F)).sum() + ((H.T @ H) * (F.T @ F)).sum()
        loss: Tensor = error / R.shape[0]
        return loss

    def _represented(self, network: Any, inputs: csr_array) -> "Tensor":
        """H: (n_rows, n_factors)."""
        H = dense(network, "layer_0", inputs)
        for number in range(1, self.n_layers + 1):
            H = dense(network, f"layer_{number}", H.tanh())
        return H

    def _cost(self, n_rows: int, n_columns: int, nnz: int) -> Cost:
        widths = self.n_neurons + self.n_factors
        weights = float(n_columns) * widths + self.n_neurons**2 * (self.n_layers - 1)
        steps = n_rows / self.batch_size + 1
        products = nnz * widths + n_rows * self.n_neurons * (
            self.n_neurons * (self.n_layers - 1.0) + self.n_factors
        )
        step = 3e-9 * weights + 1e-10 * n_columns * self.n_factors**2 + 5e-4
        return Cost(
            self.n_epochs * (5e-10 * products + steps * step),
            16 * weights + 40.0 * nnz + 8.0 * (n_rows + n_columns) * self.n_factors,
        )
