"""SpectralCF: convolutions in the spectrum of the graph of users and items."""

from typing import TYPE_CHECKING, Any, ClassVar

from optuna.distributions import FloatDistribution, IntDistribution

from recmeta.algorithms._base import Cost, _check_counts
from recmeta.algorithms._graph import (
    Graph,
    GraphRecommender,
    Pairs,
    pairwise_loss,
    penalty,
    smoothed,
    symmetric,
)
from recmeta.space import Space

if TYPE_CHECKING:
    from torch import Tensor, nn

START = 0.01, 0.02  # mean and standard deviation of all initial weights: the published code's


class SpectralCF(GraphRecommender):
    """Convolutions in the spectrum of the graph of users and items (Zheng et al. 2018).

    With A = [[0, X], [X', 0]], D its row sums and L = I - D^-1/2 A D^-1/2 = U diag(v) U',

        E_k+1 = sigmoid((U U' + U diag(v) U') E_k F_k),    e = (E_0, ..., E_n_layers) side by side,

    trained to minimise -ln sigmoid(e_u e_i - e_u e_j) + l2 / 2 (||e_u||^2 + ||e_i||^2 + ||e_j||^2),
    the mean over pairs of an item i of user u's history and one outside, j, drawn uniformly. U is
    orthogonal, so the filter is I + L: sparse, and nothing is decomposed. (The paper has
    L = I - D^-1 A, whose eigenvectors are not orthogonal, and calls them so.) Values other than 0
    count as 1. Time grows with n_epochs * nnz / batch_size steps of n_layers * nnz * n_factors,
    memory with (n_users + n_items) * n_factors * n_layers. GFCF and LightGCN rank better, GFCF
    without training.

    Parameters
    ----------
    n_factors : int
        Of each layer.
    n_layers : int
        Convolutions.
    l2 : float
        Ridge penalty on e of each pair.
    learning_rate : float
        Of Adam.
    batch_size : int
        Interactions.
    n_epochs : int
    random_state : int or None
        Seed of the initial weights, the order of the interactions and the items outside.

    Attributes
    ----------
    user_factors_ : float32 array, (n_users, (n_layers + 1) n_factors)
        e of the users; 0 for users without history.
    item_factors_ : float32 array, (n_items, (n_layers + 1) n_factors)
        e of the items; 0 for items without interactions.
    weights_, first_moments_, second_moments_ : float32 array, (n_weights,)
        E_0 and F, and Adam's moments of them.

    References
    ----------
    Zheng et al., Spectral collaborative filtering, RecSys 2018, doi:10.1145/3240323.3240343.
    Ferrari Dacrema et al., RecSys 2019, arXiv:1907.06902, could not reproduce its results.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.kron(np.eye(2), np.ones((5, 5))) - np.eye(10)
    >>> items, scores = SpectralCF(l2=1e-4, n_epochs=200).fit(X).recommend(X, k=1)
    >>> items.ravel()
    array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_factors": IntDistribution(4, 64, log=True),
        "n_layers": IntDistribution(1, 6),
        "l2": FloatDistribution(1e-5, 1e-1, log=True),
        "learning_rate": FloatDistribution(1e-4, 5e-2, log=True),
        "batch_size": IntDistribution(1024, 65536, log=True),
        "n_epochs": IntDistribution(10, 300, log=True),
    }
    tiny: ClassVar[dict[str, Any]] = {"l2": 1e-4, "n_epochs": 200}
    inductive = False

    def __init__(
        self,
        n_factors: int = 16,
        n_layers: int = 3,
        l2: float = 1e-3,
        learning_rate: float = 0.01,
        batch_size: int = 4096,
        n_epochs: int = 60,
        random_state: int | None = 0,
    ) -> None:
        self.n_factors = n_factors
        self.n_layers = n_layers
        self.l2 = l2
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.random_state = random_state

    def _build(self, n_users: int, n_items: int) -> "nn.Module":
        import torch

        _check_counts(n_factors=self.n_factors, n_layers=self.n_layers)
        shapes = {"embeddings": (n_users + n_items, self.n_factors)}
        shapes |= {f"filter_{k}": (self.n_factors, self.n_factors) for k in range(self.n_layers)}
        mean, deviation = START
        network = {name: mean + deviation * torch.randn(shape) for name, shape in shapes.items()}
        return torch.nn.ParameterDict(network)

    def _loss(self, network: Any, prepared: Graph, batch: Pairs, rng: Any) -> "Tensor":
        final = self._final(network, prepared)
        loss = pairwise_loss(final, batch, self.n_users_)
        return loss + self.l2 * penalty(final, batch, self.n_users_)

    def _final(self, network: Any, graph: Graph) -> "Tensor":
        import torch

        layers = [network["embeddings"]]
        for layer in range(self.n_layers):
            E = layers[-1]
            filtered = 2 * E - symmetric(lambda E: smoothed(graph, E), E)
            layers.append(torch.sigmoid(filtered @ network[f"filter_{layer}"]))
        return torch.cat(layers, dim=1)

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        model, n_nodes = cls(**params), n_users + n_items
        width = model.n_factors * (model.n_layers + 1)
        step = 3e-10 * (4 * nnz + 60 * n_nodes + 2 * n_nodes * model.n_factors) * width
        pairs_ = nnz * (2e-9 * width + 1e-7)
        seconds = model.n_epochs * (pairs_ + (nnz / model.batch_size + 1) * (step + 1e-3))
        return Cost(seconds, 40.0 * n_nodes * width + 60 * nnz + 40 * model.batch_size)
