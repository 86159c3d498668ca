"""SASRec: self-attention over the sequence of what a user had, to tell what comes next."""

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from recmeta.algorithms import _attention
from recmeta.algorithms._attention import I64, Pieces, SequenceRecommender
from recmeta.algorithms._base import Cost, _check_counts
from recmeta.space import Space

if TYPE_CHECKING:
    from torch import Tensor, nn


class SASRec(SequenceRecommender):
    """Self-attention over a sequence, to tell what comes next (Kang and McAuley 2018).

    x_t, the state after item i_t, is e_(i_t) + p_t, to which each of n_layers layers adds

        x <- x + attention(norm(x)),    x <- x + W relu(V norm(x) + b) + c,

    with attention only to places up to t, and dropout on the first x, on what relu gives and on
    what is added. Training minimises the mean of -log softmax(E norm(x_t)) at i_(t+1), among items
    outside the sequence or, where there are more than n_negatives, the distinct ones of as many
    draws, which stand for all: known to be far better than the paper's binary loss with one draw
    (Klenitskiy and Vasilev 2023; Petrov and Macdonald 2023).
    Ranking is by E norm(x) after the last item. Longer histories are cut into pieces of max_length;
    equal times come by item number; the values of X do not count. Time grows with n_epochs * nnz *
    n_factors * (n_negatives + 6 n_layers n_factors), memory with 28 n_items * n_factors bytes and
    a batch's 16 batch_size * max_length * n_negatives.

    Parameters
    ----------
    n_factors : int
        A multiple of n_heads.
    n_layers, n_heads : int
        Layers, and the parts of x that attend apart in each.
    max_length : int
        Items that are looked back at.
    dropout : float
        Share of numbers that training sets to 0, below 1.
    n_negatives : int
        Items of a batch's softmax besides the right one.
    learning_rate : float
        Of Adam.
    batch_size : int
        Users, or pieces of their histories.
    n_epochs : int
    random_state : int or None
        Seed of the initial weights, the order of the pieces, the dropout and the draws.

    Attributes
    ----------
    weights_, first_moments_, second_moments_ : float32 array, (n_weights,)
        The network, and Adam's moments of it.

    References
    ----------
    Kang, McAuley, Self-attentive sequential recommendation, ICDM 2018, arXiv:1808.09781.
    Klenitskiy, Vasilev, Turning dross into gold loss: is BERT4Rec really better than SASRec?,
    RecSys 2023, arXiv:2309.07602. Petrov, Macdonald, gSASRec: reducing overconfidence in sequential
    recommendation trained with negative sampling, RecSys 2023, arXiv:2308.07192.

    Examples
    --------
    >>> import numpy as np
    >>> times = np.array([[1, 2, 3, 0], [0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 0, 1]])
    >>> X = np.array(times > 0, dtype=float)
    >>> model = SASRec(n_factors=16, dropout=0, learning_rate=0.01)
    >>> items, scores = model.fit(X, timestamps=times).recommend(X, k=1, timestamps=times)
    >>> items.ravel()
    array([3, 0, 1, 2], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_factors": IntDistribution(16, 256, step=16),
        "n_layers": IntDistribution(1, 3),
        "n_heads": CategoricalDistribution([1, 2, 4]),
        "max_length": IntDistribution(10, 200, log=True),
        "dropout": FloatDistribution(0.0, 0.7),
        "n_negatives": IntDistribution(64, 4096, log=True),
        "learning_rate": FloatDistribution(3e-4, 1e-2, log=True),
        "batch_size": IntDistribution(32, 512, log=True),
        "n_epochs": IntDistribution(5, 100, log=True),
    }
    tiny: ClassVar[dict[str, Any]] = {
        "n_factors": 16, "n_layers": 1, "n_heads": 1, "max_length": 20, "dropout": 0.0,
        "learning_rate": 0.01, "batch_size": 8, "n_epochs": 10,
    }  # fmt: skip

    def __init__(
        self,
        n_factors: int = 64,
        n_layers: int = 1,
        n_heads: int = 1,
        max_length: int = 50,
        dropout: float = 0.2,
        n_negatives: int = 500,
        learning_rate: float = 5e-3,
        batch_size: int = 64,
        n_epochs: int = 24,
        random_state: int | None = 0,
    ) -> None:
        self.n_factors = n_factors
        self.n_layers = n_layers
        self.n_heads = n_heads
        self.max_length = max_length
        self.dropout = dropout
        self.n_negatives = n_negatives
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.random_state = random_state

    def _build(self, n_users: int, n_items: int) -> "nn.Module":
        _check_counts(n_layers=self.n_layers, n_heads=self.n_heads, n_negatives=self.n_negatives)
        return _attention.attention_network(
            n_items, self.n_factors, self.n_layers, self.n_heads, self.max_length
        )

    def _loss(
        self, network: Any, prepared: Pieces, batch: I64, rng: np.random.Generator
    ) -> "Tensor":
        first, last = prepared.first[batch], prepared.last[batch]
        events = _attention.padded(prepared.items, first, last + 1)
        states = self._states(network, events[:, :-1])
        return _attention.cross_entropy(
            network["embeddings"], states, events, self.n_negatives, rng
        )

    def _states(self, network: Any, items: "Tensor") -> "Tensor":
        return _attention.encoded(network, items, self.n_layers, self.n_heads, self.dropout)

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        model = cls(**params)
        width, n_drawn = model.n_factors, min(model.n_negatives, n_items)
        steps = max(n_users, nnz / model.max_length) / model.batch_size + 1
        event = width * (n_drawn + 6.0 * model.n_layers * width)
        seconds = model.n_epochs * (3e-10 * nnz * event + 3e-9 * steps * n_items * width)
        batch = model.batch_size * model.max_length * (n_drawn + 20 * width * model.n_layers)
        return Cost(seconds, 28.0 * n_items * width + 16.0 * batch + 40 * nnz)
