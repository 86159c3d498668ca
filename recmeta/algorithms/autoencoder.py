"""AutoencoderRecommender: any architecture of the space of autoencoders, trained on histories."""

from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost
from recmeta.algorithms._neural import NeuralRecommender
from recmeta.architectures.autoencoder import CHOICES, NAMES
from recmeta.space import Space

if TYPE_CHECKING:
    from torch import Tensor, nn

ANNEAL_EPOCHS = 20  # until the weight of the divergence is beta


class AutoencoderRecommender(NeuralRecommender):
    """An autoencoder of histories, of the architecture that its parameters describe.

    For a history x, with 1 for each of its items, training minimises

        loss(d(e(x)), x), and beta KL(N(m, s^2) || N(0, I)) where e is variational,

    the loss of s = d(e(x)) being -sum_i x_i log softmax(s)_i (multinomial), binary cross-entropy of
    sigmoid(s), sum_i (s_i - x_i)^2 (mse), or that with weight 10 where x_i = 1. Beta is reached
    linearly over 20 epochs. Ranking is by s, from the mean m, without dropout. ``AutoencoderSpace``
    has the layers of e and d: ``AutoencoderRecommender(**AutoencoderSpace().to_dict(arch))``; the
    defaults are near MultVAE. Time: n_epochs * n_users * n_weights, memory: 16 n_weights.

    Parameters
    ----------
    depth : int
        Layers of the encoder, 1 to 3, and of the decoder.
    width_1, width_2 : int
        Units of the layer next to the items, at depth 2 and 3, and of the second, at depth 3.
    bottleneck : int
        Units of the last layer of the encoder.
    activation : str
    input_dropout, hidden_dropout : float
        Share of the input and of each hidden layer but the bottleneck that is left out.
    input_norm : str
        "l2" for a history of length 1, or "none".
    normalisation : str
        Of hidden layers: "layer", "batch" or "none".
    skip, tied, variational : bool
    loss : str
    beta, learning_rate : float
        Weight of the divergence; Adam's.
    batch_size, n_epochs : int
    random_state : int or None

    Attributes
    ----------
    weights_ : float32 array, (n_weights,)

    References
    ----------
    Liang et al., Variational autoencoders for collaborative filtering, WWW 2018, arXiv:1802.05814.

    Examples
    --------
    >>> X = np.kron(np.eye(2), np.ones((5, 5))) - np.eye(10)
    >>> model = AutoencoderRecommender(width_1=16, bottleneck=4, learning_rate=0.01, n_epochs=200)
    >>> items, scores = model.fit(X).recommend(X, k=1)
    >>> items.ravel()
    array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], dtype=int32)
    """

    space: ClassVar[Space] = {
        **{name: CategoricalDistribution(values) for name, values in CHOICES.items()},
        "learning_rate": FloatDistribution(1e-4, 1e-2, log=True),
        "n_epochs": IntDistribution(10, 200, log=True),
    }
    tiny: ClassVar[dict[str, Any]] = {
        **dict.fromkeys(("width_1", "bottleneck"), 16),
        "learning_rate": 0.01,
        "n_epochs": 60,
    }

    def __init__(
        self,
        depth: int = 2,
        width_1: int = 512,
        width_2: int = 256,
        bottleneck: int = 128,
        activation: str = "tanh",
        input_dropout: float = 0.5,
        hidden_dropout: float = 0.0,
        input_norm: str = "l2",
        normalisation: str = "none",
        *,
        skip: bool = False,
        tied: bool = False,
        variational: bool = True,
        loss: str = "multinomial",
        beta: float = 0.2,
        learning_rate: float = 1e-3,
        batch_size: int = 100,
        n_epochs: int = 50,
        random_state: int | None = 0,
    ) -> None:
        self.depth = depth
        self.width_1 = width_1
        self.width_2 = width_2
        self.bottleneck = bottleneck
        self.activation = activation
        self.input_dropout = input_dropout
        self.hidden_dropout = hidden_dropout
        self.input_norm = input_norm
        self.normalisation = normalisation
        self.skip = skip
        self.tied = tied
        self.variational = variational
        self.loss = loss
        self.beta = beta
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.random_state = random_state

    def _build(self, n_users: int, n_items: int) -> "nn.Module":
        from recmeta.algorithms._autoencoder_network import Autoencoder

        return Autoencoder(n_items, {name: getattr(self, name) for name in NAMES})

    def _loss(
        self, network: Any, prepared: csr_array, batch: Any, rng: np.random.Generator
    ) -> "Tensor":
        weight = self.beta * min(1.0, self.n_epochs_ / ANNEAL_EPOCHS)
        return cast("Tensor", network.loss(network.rows(prepared[batch]), weight))

    def _predict(
        self, network: Any, X: csr_array, users: NDArray[np.int64], *args: Any, **side: Any
    ) -> "Tensor":
        return cast("Tensor", network(network.rows(X)))

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        model = cls(**params)
        sizes = (*(n_items, model.width_1, model.width_2)[: model.depth], model.bottleneck)
        weights = 2.0 * sum(a * b for a, b in pairwise(sizes))
        steps = n_users / model.batch_size + 1
        seconds = model.n_epochs * (1e-10 * n_users * weights + steps * (1e-3 + 4e-9 * weights))
        return Cost(seconds, 16 * weights + 24.0 * model.batch_size * n_items + 24 * nnz)
