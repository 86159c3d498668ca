"""RecVAE: a variational autoencoder of histories whose prior remembers the last encoder."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, _check_counts
from recmeta.algorithms._histories import dense, encoder_input, layers, log_likelihood, sampled
from recmeta.algorithms._neural import NeuralRecommender
from recmeta.algorithms._vae import deep_encoder, log_density, log_prior, posterior
from recmeta.space import Space

if TYPE_CHECKING:
    from torch import Tensor, nn

ENCODER_PASSES = 3  # over the users before the decoder's one


class RecVAE(NeuralRecommender):
    """A variational autoencoder with a prior that remembers (Shenbin et al. 2020).

    For a history x of n items, training minimises over decoder d and encoder e

        -sum_(i in x) log softmax(d(z))_i + gamma n sum_f (log q(z_f) - log p(z_f)),
        z ~ q = N(m, s^2),  (m, log s^2) = e(dropout(x / ||x||)),
        p = 3/20 N(0, 1) + 3/4 N(m', s'^2) + 1/10 N(0, exp(10)),  (m', log s'^2) = e'(x / ||x||),

    with e' the encoder of the epoch before. In an epoch the encoder learns for three passes over
    the users; then it becomes e', and the decoder learns for one pass, without dropout. d is
    linear; e has five densely connected layers of swish, each normalised. Ranking is by d(m).
    Time grows with n_epochs * (n_users * (n_factors * n_items + n_hidden^2) + n_hidden * nnz).

    Parameters
    ----------
    n_factors, n_hidden : int
        Of z; units of each layer of the encoder.
    dropout : float
        Share of the history that the encoder does not see while it learns.
    gamma : float
        Weight of the divergence, per item of the history.
    learning_rate : float
    batch_size, n_epochs : int
    random_state : int or None
        Seed of the initial weights, the order of the users, the dropout and z.

    Attributes
    ----------
    weights_, first_moments_, second_moments_ : float32 array, (n_weights,), (n_trained,)
        The network with the encoder of the epoch before, and Adam's moments.

    References
    ----------
    Shenbin et al., RecVAE: a new variational autoencoder for top-n recommendations with implicit
    feedback, WSDM 2020, arXiv:1912.11160.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.kron(np.eye(2), np.ones((5, 5))) - np.eye(10)
    >>> model = RecVAE(n_factors=4, n_hidden=16, learning_rate=0.01, n_epochs=50)
    >>> items, scores = model.fit(X).recommend(X, k=1)
    >>> items.ravel()
    array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_factors": IntDistribution(8, 512, log=True),
        "n_hidden": IntDistribution(32, 1024, log=True),
        "dropout": FloatDistribution(0.0, 0.8),
        "gamma": FloatDistribution(1e-3, 0.1, log=True),
        "learning_rate": FloatDistribution(1e-4, 1e-2, log=True),
        "batch_size": IntDistribution(32, 512, log=True),
        "n_epochs": IntDistribution(5, 100, log=True),
    }
    tiny: ClassVar[dict[str, Any]] = {"n_factors": 4, "n_hidden": 16, "learning_rate": 0.01}

    def __init__(
        self,
        n_factors: int = 100,
        n_hidden: int = 300,
        dropout: float = 0.7,
        gamma: float = 0.01,
        learning_rate: float = 5e-4,
        batch_size: int = 100,
        n_epochs: int = 20,
        random_state: int | None = 0,
    ) -> None:
        self.n_factors = n_factors
        self.n_hidden = n_hidden
        self.dropout = dropout
        self.gamma = gamma
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.random_state = random_state

    def _build(self, n_users: int, n_items: int) -> "nn.Module":
        from torch import nn

        _check_counts(n_factors=self.n_factors, n_hidden=self.n_hidden)
        network = nn.ModuleDict({"decoder": layers({"logits": (self.n_factors, n_items)})})
        for name in ("encoder", "last_encoder"):
            network[name] = deep_encoder(n_items, self.n_hidden, self.n_factors)
        network["last_encoder"].requires_grad_(False)
        return network

    def _losses(self, network: Any, prepared: Any, rng: np.random.Generator) -> Iterator["Tensor"]:
        network["decoder"].requires_grad_(False)
        for _ in range(ENCODER_PASSES):
            yield from super()._losses(network, prepared, rng)
        network["decoder"].requires_grad_(True)
        network["last_encoder"].load_state_dict(network["encoder"].state_dict())
        for X in (prepared[batch] for batch in self._batches(prepared, rng)):
            z = sampled(*posterior(network["encoder"], encoder_input(X))).detach()
            yield -log_likelihood(dense(network["decoder"], "logits", z), X).mean()

    def _loss(
        self, network: Any, prepared: csr_array, batch: Any, rng: np.random.Generator
    ) -> "Tensor":
        import torch

        X = prepared[batch]
        own = posterior(network["encoder"], encoder_input(X, self.dropout, rng))
        last, z = posterior(network["last_encoder"], encoder_input(X)), sampled(*own)
        divergence = (log_density(z, *own) - log_prior(z, *last)).sum(1)
        weights = torch.from_numpy(np.diff(X.indptr).astype(np.float32) * np.float32(self.gamma))
        logits = dense(network["decoder"], "logits", z)
        return (weights * divergence - log_likelihood(logits, X)).mean()

    def _predict(
        self, network: Any, X: csr_array, users: NDArray[np.int64], *args: Any, **side: Any
    ) -> "Tensor":
        means, _ = posterior(network["encoder"], encoder_input(X))
        return dense(network["decoder"], "logits", means)

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        model = cls(**params)
        width, latent = model.n_hidden, model.n_factors
        weights = n_items * (width + latent) + 4.0 * width**2
        products = n_users * (9.0 * n_items * latent + 50 * width**2) + 7 * nnz * width
        steps = 4 * (n_users / model.batch_size + 1)
        seconds = model.n_epochs * (4e-11 * products + 4e-9 * steps * weights)
        return Cost(seconds, 20 * weights + 12.0 * model.batch_size * n_items + 24 * nnz)
