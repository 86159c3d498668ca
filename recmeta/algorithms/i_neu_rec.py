"""INeuRec: factorisation whose item factors a network makes of who had the item."""

from typing import TYPE_CHECKING, Any, ClassVar

from optuna.distributions import FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost
from recmeta.algorithms._histories import encoder_input
from recmeta.algorithms._neu_rec import NeuRec
from recmeta.algorithms._sums import column_counts
from recmeta.space import Space

if TYPE_CHECKING:
    from torch import nn


class INeuRec(NeuRec):
    """Factorisation whose item factors a network makes of who had the item (Zhang et al. 2018).

    Training minimises, over all users u and items i,

        sum (x_ui - f_u h_i)^2 + weight_decay / 2 ||weights||^2,
        h_i = W_L tanh(... tanh(W_0 x_i / ||x_i|| + b_0) ...) + b_L,

    with 1 for each user of x_i, the column of the item; the authors have five layers of sigmoids,
    of x_i itself. Time grows with n_epochs * (nnz * n_neurons + n_items *
    (n_neurons + n_users * n_factors / batch_size) * n_factors), for the squares of all pairs are
    those of (H' H) (F' F); memory with 16 n_users * (n_neurons + n_factors) bytes.

    Parameters
    ----------
    n_factors, n_neurons : int
        Of h and of each hidden layer.
    n_layers : int
        Hidden ones.
    dropout : float
        Share of the item's users that the network does not see.
    weight_decay : float
        Ridge penalty on all weights, in squared interactions of one item.
    learning_rate : float
        Of Adam.
    batch_size : int
        Items.
    n_epochs : int
    random_state : int or None
        Seed of the initial weights, the order of the items and the dropout.

    Attributes
    ----------
    user_factors_ : float32 array, (n_users, n_factors)
        f; 0 for users without history.
    item_factors_ : float32 array, (n_items, n_factors)
        h; 0 for items without interactions.
    weights_, first_moments_, second_moments_ : float32 array, (n_weights,)
        The network, and Adam's moments of it.

    References
    ----------
    Zhang, Yao, Sun, Wang, Long, Dong, NeuRec: on nonlinear transformation for personalized ranking,
    IJCAI 2018, arXiv:1805.03002.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.kron(np.eye(2), np.ones((5, 5))) - np.eye(10)
    >>> model = INeuRec(n_factors=4, n_neurons=16, learning_rate=0.02)
    >>> items, scores = model.fit(X).recommend(X, k=1)
    >>> items.ravel()
    array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_factors": IntDistribution(2, 200, log=True),
        "n_neurons": IntDistribution(16, 512, log=True),
        "n_layers": IntDistribution(1, 4),
        "dropout": FloatDistribution(0.0, 0.8),
        "weight_decay": FloatDistribution(1e-6, 1e-2, log=True),
        "learning_rate": FloatDistribution(1e-4, 1e-2, log=True),
        "batch_size": IntDistribution(32, 512, log=True),
        "n_epochs": IntDistribution(10, 200, log=True),
    }
    inductive = False
    tiny: ClassVar[dict[str, Any]] = {
        "n_factors": 4,
        "n_neurons": 16,
        "learning_rate": 0.02,
        "n_epochs": 60,
    }

    def __init__(
        self,
        n_factors: int = 50,
        n_neurons: int = 300,
        n_layers: int = 1,
        dropout: float = 0.5,
        weight_decay: float = 1e-4,
        learning_rate: float = 1e-3,
        batch_size: int = 128,
        n_epochs: int = 50,
        random_state: int | None = 0,
    ) -> None:
        self.n_factors = n_factors
        self.n_neurons = n_neurons
        self.n_layers = n_layers
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.random_state = random_state

    def _build(self, n_users: int, n_items: int) -> "nn.Module":
        return self._network_of(n_users)

    def _prepared(self, X: csr_array, *args: Any, **side: Any) -> csr_array:
        return csr_array(X.T)

    def _finish(self, network: Any, prepared: csr_array) -> None:
        known = column_counts(prepared.indices, self.n_users_) > 0
        made = self._represented(network, encoder_input(prepared)).numpy()
        self.user_factors_ = network["factors"].numpy() * known[:, None]
        self.item_factors_ = made * self.known_items_[:, None]

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        return cls(**params)._cost(n_items, n_users, nnz)
