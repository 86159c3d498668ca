"""Peers of the neural models: plain torch, as their papers' code is set."""

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from peers import Peer, Top, in_blocks


def torch_mult_vae(
    n_factors: int, n_hidden: int, dropout: float, beta: float, anneal_epochs: int,
    learning_rate: float, batch_size: int, n_epochs: int, seed: int,
) -> Peer:  # fmt: skip
    """Liang et al. 2018: n_items - n_hidden - n_factors and back, tanh, Adam, annealed KL.

    The paper anneals by steps, here the weight rises once an epoch, as in ours.
    """

    def fit(X: csr_matrix) -> Top:
        import torch

        torch.manual_seed(seed)
        rng, n_items = np.random.default_rng(seed), X.shape[1]
        encoder = torch.nn.Sequential(
            torch.nn.Linear(n_items, n_hidden), torch.nn.Tanh(),
            torch.nn.Linear(n_hidden, 2 * n_factors),
        )  # fmt: skip
        decoder = torch.nn.Sequential(
            torch.nn.Linear(n_factors, n_hidden), torch.nn.Tanh(),
            torch.nn.Linear(n_hidden, n_items),
        )  # fmt: skip
        for layer in [*encoder, *decoder]:
            if isinstance(layer, torch.nn.Linear):
                torch.nn.init.xavier_uniform_(layer.weight)
                torch.nn.init.trunc_normal_(layer.bias, std=1e-3, a=-2e-3, b=2e-3)
        weights = [*encoder.parameters(), *decoder.parameters()]
        optimiser = torch.optim.Adam(weights, lr=learning_rate)

        def halves(rows: Any, share: float) -> Any:
            unit = torch.nn.functional.normalize(rows)
            return encoder(torch.nn.functional.dropout(unit, share, share > 0)).split(n_factors, 1)

        for epoch in range(n_epochs):
            weight = beta * min(1.0, epoch / anneal_epochs)
            order = rng.permutation(np.flatnonzero(np.diff(X.indptr)))
            for first in range(0, len(order), batch_size):
                rows = torch.from_numpy(X[order[first : first + batch_size]].toarray())
                means, log_variances = halves(rows, dropout)
                z = means + torch.randn_like(means) * (log_variances / 2).exp()
                likelihood = (torch.log_softmax(decoder(z), 1) * rows).sum(1)
                kl = (means**2 + log_variances.exp() - 1 - log_variances).sum(1) / 2
                optimiser.zero_grad()
                (weight * kl - likelihood).mean().backward()
                optimiser.step()

        def score(start: int, stop: int) -> np.ndarray:
            with torch.no_grad():
                rows = torch.from_numpy(X[start:stop].toarray())
                return np.asarray(decoder(halves(rows, 0.0)[0]).numpy())

        return in_blocks(score)

    return Peer("torch", fit, lambda X: csr_matrix(X, dtype=np.float32))
