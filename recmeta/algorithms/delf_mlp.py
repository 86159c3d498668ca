"""DELFMLP: two embeddings of each user and item, fused by a layer."""

from typing import TYPE_CHECKING, Any, ClassVar

from optuna.distributions import FloatDistribution, IntDistribution

from recmeta.algorithms._base import Cost
from recmeta.algorithms._delf import DELF
from recmeta.space import Space

if TYPE_CHECKING:
    from torch import Tensor


class DELFMLP(DELF):
    """Two embeddings of each user and item, fused by a layer (Cheng et al. 2018).

    Beside an embedding of his own, p_u, a user has m_u = sum_j s_j y_j over the items he had, with
    s = softmax(w relu(W y_j + b)), and an item has q_i and, of its users, n_i likewise.
    Training minimises the binary cross-entropy of

        g(t_pq, t_pn, t_mq, t_mn),
        t_xy = relu(W2 relu(W1 (x, y) + b1) + b2),

    where each t has weights of its own and g has one hidden layer.
    Pairs are the interactions and, for each, n_negatives items outside the history; m_u and n_i
    leave the pair's own interaction out, as they must in ranking. Time grows with n_epochs * nnz *
    n_negatives * n_neurons * (n_factors + n_neurons), and that of ranking with n_users * n_items *
    n_neurons^2; memory with 32 (n_users + n_items) * n_factors bytes.

    Parameters
    ----------
    n_factors : int
    n_neurons : int
        Of the first layer of each tower and of the attention; the next ones have half as many.
    n_negatives : int
        Pairs outside the history for each inside.
    weight_decay : float
        Ridge penalty on all weights.
    learning_rate : float
        Of Adam.
    batch_size : int
        Interactions.
    n_epochs : int
    random_state : int or None
        Seed of the initial weights, the order of the interactions and the items outside.

    Attributes
    ----------
    item_means_ : float32 array, (n_items, n_factors)
        n_i.
    item_counts_ : float32 array, (n_items,)
        Users of each item.
    weights_, first_moments_, second_moments_ : float32 array, (n_weights,)
        The network, and Adam's moments of it.

    References
    ----------
    Cheng, Shen, Zhu, Huang, DELF: a dual-embedding based deep latent factor model for
    recommendation, IJCAI 2018, doi:10.24963/ijcai.2018/462.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.kron(np.eye(2), np.ones((5, 5))) - np.eye(10)
    >>> model = DELFMLP(n_factors=8, n_neurons=16, learning_rate=0.01, batch_size=20)
    >>> items, scores = model.fit(X).recommend(X, k=1)
    >>> items.ravel()
    array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_factors": IntDistribution(8, 128, log=True),
        "n_neurons": IntDistribution(8, 128, log=True),
        "n_negatives": IntDistribution(1, 8),
        "weight_decay": FloatDistribution(1e-7, 1e-3, log=True),
        "learning_rate": FloatDistribution(1e-4, 1e-2, log=True),
        "batch_size": IntDistribution(64, 2048, log=True),
        "n_epochs": IntDistribution(5, 100, log=True),
    }
    tiny: ClassVar[dict[str, Any]] = {
        "n_factors": 8, "n_neurons": 16, "learning_rate": 0.01, "batch_size": 20, "n_epochs": 15,
    }  # fmt: skip

    def __init__(
        self,
        n_factors: int = 32,
        n_neurons: int = 32,
        n_negatives: int = 4,
        weight_decay: float = 1e-5,
        learning_rate: float = 5e-3,
        batch_size: int = 1024,
        n_epochs: int = 15,
        random_state: int | None = 0,
    ) -> None:
        self.n_factors = n_factors
        self.n_neurons = n_neurons
        self.n_negatives = n_negatives
        self.weight_decay = weight_decay
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.random_state = random_state

    def _fused(self, towers: list["Tensor"], counts: tuple["Tensor", "Tensor"]) -> "Tensor":
        import torch

        return torch.cat(towers, -1)

    def _fusion_inputs(self) -> int:
        return 4 * self._narrow()

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        return cls(**params)._cost(n_users, n_items, nnz)
