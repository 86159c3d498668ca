"""Peers of the neural models: plain torch, as their papers' code is set; irspack; RecBole."""

import contextlib
import io
from types import SimpleNamespace
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


def irspack_mult_vae(
    n_factors: int, n_hidden: int, dropout: float, beta: float, anneal_epochs: int,
    learning_rate: float, batch_size: int, n_epochs: int, seed: int,
) -> Peer:  # fmt: skip
    """Needs jax, optax and dm-haiku. Its weights start from one seed; ``seed`` is the batches'."""

    def fit(X: csr_matrix) -> Top:
        from irspack.recommenders.multvae import MultVAERecommender

        np.random.seed(seed)  # noqa: NPY002 - the library shuffles with it
        model = MultVAERecommender(
            X, dim_z=n_factors, enc_hidden_dims=n_hidden, dropout_p=dropout, kl_anneal_goal=beta,
            anneal_end_epoch=anneal_epochs, learning_rate=learning_rate,
            minibatch_size=batch_size, train_epochs=n_epochs,
        )  # fmt: skip
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            model.learn()
        return in_blocks(lambda start, stop: np.array(model.get_score_cold_user(X[start:stop])))

    return Peer("irspack", fit, lambda X: csr_matrix(X, dtype=np.float64))


def recbole_mult_vae(
    n_factors: int, n_hidden: int, dropout: float, beta: float, anneal_epochs: int,
    learning_rate: float, batch_size: int, n_epochs: int, seed: int,
) -> Peer:  # fmt: skip
    """RecBole's module in the loop of its trainer: Adam, users in random batches.

    Its latent_dimension counts means and log variances together, its noise has a standard
    deviation of 0.01 where the paper's has 1, and the KL weight rises by steps.
    """

    def fit(X: csr_matrix) -> Top:
        import torch
        from recbole.model.general_recommender import MultiVAE

        torch.manual_seed(seed)
        active = np.flatnonzero(np.diff(X.indptr))
        n_steps = anneal_epochs * -(-len(active) // batch_size)
        config = {
            "USER_ID_FIELD": "user", "ITEM_ID_FIELD": "item", "NEG_PREFIX": "neg_",
            "device": torch.device("cpu"), "mlp_hidden_size": [n_hidden],
            "latent_dimension": 2 * n_factors, "dropout_prob": dropout, "anneal_cap": beta,
            "total_anneal_steps": n_steps / beta,
        }  # fmt: skip
        model = MultiVAE(config, _recbole_data(X))
        optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate)
        for _ in range(n_epochs):
            for users in torch.from_numpy(active)[torch.randperm(len(active))].split(batch_size):
                optimiser.zero_grad()
                model.calculate_loss({"user": users}).backward()
                optimiser.step()
        model.eval()

        def score(start: int, stop: int) -> np.ndarray:
            with torch.no_grad():
                rows = model.full_sort_predict({"user": torch.arange(start, stop)})
                return np.asarray(rows.reshape(stop - start, -1)[:, 1:].numpy())

        return in_blocks(score)

    return Peer("recbole", fit, lambda X: csr_matrix(X, dtype=np.float32))


def _recbole_data(X: csr_matrix) -> Any:
    """What its autoencoders ask of a data set: counts and padded histories; item 0 is padding."""
    import torch

    lengths = np.diff(X.indptr)
    histories = np.zeros((X.shape[0], lengths.max()), dtype=np.int64)
    histories[np.arange(histories.shape[1]) < lengths[:, None]] = X.indices + 1
    values = torch.from_numpy((histories > 0).astype(np.float32))
    numbers = {"user": X.shape[0], "item": X.shape[1] + 1}
    history = torch.from_numpy(histories), values, torch.from_numpy(lengths)
    return SimpleNamespace(num=numbers.get, history_item_matrix=lambda: history)
