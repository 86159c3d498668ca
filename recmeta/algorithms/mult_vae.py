"""MultVAE: a variational autoencoder of histories with a multinomial likelihood."""

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, _check_counts
from recmeta.algorithms._histories import dense, encoder_input, layers, log_likelihood, sampled
from recmeta.algorithms._neural import NeuralRecommender
from recmeta.space import Space

if TYPE_CHECKING:
    from torch import Tensor, nn


class MultVAE(NeuralRecommender):
    """A variational autoencoder of histories with a multinomial likelihood (Liang et al. 2018).

    For a history x, with 1 for each of its items, training minimises

        -sum_i x_i log softmax(d(z))_i + weight KL(N(m, s^2) || N(0, I)),    z ~ N(m, s^2),
        (m, log s^2) = e(dropout(x / ||x||)),

    where encoder e and decoder d have one hidden layer each, of tanh. The weight rises linearly
    from 0 to beta. Ranking is by d(m) without dropout. Time grows with n_epochs * n_hidden *
    (nnz + n_users * n_items), memory with 8 n_items n_hidden.

    Parameters
    ----------
    n_factors : int
        Of z.
    n_hidden : int
        Units of each hidden layer.
    dropout : float
        Share of the history that the encoder does not see.
    beta : float
        The weight of KL after annealing; 1 is the evidence's lower bound.
    anneal_epochs : int
        Until the weight is beta.
    learning_rate : float
        Of Adam.
    batch_size : int
        Users.
    n_epochs : int
    random_state : int or None
        Seed of the initial weights, the order of the users, the dropout and z.

    Attributes
    ----------
    weights_, first_moments_, second_moments_ : float32 array, (n_weights,)
        The network, and Adam's moments of it.

    References
    ----------
    Liang et al., Variational autoencoders for collaborative filtering, WWW 2018, arXiv:1802.05814.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.kron(np.eye(2), np.ones((5, 5))) - np.eye(10)
    >>> model = MultVAE(n_factors=4, n_hidden=16, learning_rate=0.01, n_epochs=200)
    >>> items, scores = model.fit(X).recommend(X, k=1)
    >>> items.ravel()
    array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_factors": IntDistribution(8, 512, log=True),
        "n_hidden": IntDistribution(32, 1024, log=True),
        "dropout": FloatDistribution(0.0, 0.8),
        "beta": FloatDistribution(0.01, 1.0, log=True),
        "anneal_epochs": IntDistribution(1, 200, log=True),
        "learning_rate": FloatDistribution(1e-4, 1e-2, log=True),
        "batch_size": IntDistribution(32, 512, log=True),
        "n_epochs": IntDistribution(10, 200, log=True),
    }
    tiny: ClassVar[dict[str, Any]] = {
        "n_factors": 4,
        "n_hidden": 16,
        "learning_rate": 0.01,
        "n_epochs": 100,
    }

    def __init__(
        self,
        n_factors: int = 100,
        n_hidden: int = 300,
        dropout: float = 0.7,
        beta: float = 0.2,
        anneal_epochs: int = 20,
        learning_rate: float = 1e-3,
        batch_size: int = 100,
        n_epochs: int = 50,
        random_state: int | None = 0,
    ) -> None:
        self.n_factors = n_factors
        self.n_hidden = n_hidden
        self.dropout = dropout
        self.beta = beta
        self.anneal_epochs = anneal_epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.random_state = random_state

    def _build(self, n_users: int, n_items: int) -> "nn.Module":
        _check_counts(n_factors=self.n_factors, n_hidden=self.n_hidden)
        shapes = {
            "encoder_0": (n_items, self.n_hidden),
            "encoder_1": (self.n_hidden, 2 * self.n_factors),
            "decoder_0": (self.n_factors, self.n_hidden),
            "decoder_1": (self.n_hidden, n_items),
        }
        return layers(shapes)

    def _loss(
        self, network: Any, prepared: csr_array, batch: Any, rng: np.random.Generator
    ) -> "Tensor":
        X = prepared[batch]
        means, log_variances = self._posterior(network, encoder_input(X, self.dropout, rng))
        logits = self._logits(network, sampled(means, log_variances))
        divergence = (means**2 + log_variances.exp() - 1 - log_variances).sum(1) / 2
        weight = self.beta * min(1.0, self.n_epochs_ / self.anneal_epochs)
        return (weight * divergence - log_likelihood(logits, X)).mean()

    def _posterior(self, network: Any, X: csr_array) -> tuple["Tensor", "Tensor"]:
        """m and log s^2: (n_rows, n_factors) each."""
        layer = dense(network, "encoder_1", dense(network, "encoder_0", X).tanh())
        return layer[:, : self.n_factors], layer[:, self.n_factors :]

    def _logits(self, network: Any, z: "Tensor") -> "Tensor":
        return dense(network, "decoder_1", dense(network, "decoder_0", z).tanh())

    def _predict(
        self, network: Any, X: csr_array, users: NDArray[np.int64], *args: Any, **side: Any
    ) -> "Tensor":
        return self._logits(network, self._posterior(network, encoder_input(X))[0])

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        model = cls(**params)
        weights = 2.0 * n_items * model.n_hidden
        products = model.n_hidden * (3.0 * n_users * n_items + 2 * nnz)
        steps = n_users / model.batch_size + 1
        seconds = model.n_epochs * (4e-11 * products + 4e-9 * steps * weights)
        return Cost(seconds, 16 * weights + 12.0 * model.batch_size * n_items + 24 * nnz)
