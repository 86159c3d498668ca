"""LightGCN: embeddings that are smoothed over the graph of users and items."""

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, _check_counts
from recmeta.algorithms._graph import (
    F32,
    Graph,
    GraphRecommender,
    Pairs,
    mean_of_layers,
    pairwise_loss,
    penalty,
    symmetric,
)
from recmeta.space import Space

if TYPE_CHECKING:
    from torch import Tensor, nn

START = 0.1  # standard deviation of the initial embeddings


class LightGCN(GraphRecommender):
    """Embeddings that are smoothed over the graph of users and items (He et al. 2020).

    With A = [[0, X], [X', 0]], D its row sums and S = D^-1/2 A D^-1/2, training minimises

        -ln sigmoid(e_u e_i - e_u e_j) + l2 / 2 (||a_u||^2 + ||a_i||^2 + ||a_j||^2),
        e = (a + S a + ... + S^n_layers a) / (n_layers + 1),

    the mean over pairs of an item i of user u's history and one outside, j, drawn uniformly; an
    epoch takes each interaction once. Ranking folds the user in: e_u of his history, without the
    a_u of his own, by which NDCG@10 is not lower and new users are ranked alike. Values other than
    0 count as 1. Time grows with n_epochs * nnz / batch_size steps of n_layers * nnz * n_factors,
    so batches are large; memory with 24 (n_users + n_items) * n_factors + 32 nnz bytes.

    Parameters
    ----------
    n_factors : int
    n_layers : int
        Steps along the graph.
    l2 : float
        Ridge penalty on the embeddings a of each pair.
    learning_rate : float
        Of Adam.
    batch_size : int
        Interactions.
    n_epochs : int
    random_state : int or None
        Seed of the initial embeddings, the order of the interactions and the items outside.

    Attributes
    ----------
    user_factors_ : float32 array, (n_users, n_factors)
        e of the users, with a_u; ranking does without. 0 for users without history.
    item_factors_ : float32 array, (n_items, n_factors)
        e of the items; 0 for items without interactions.
    item_messages_ : float32 array, (n_items, n_factors)
        What an item adds to the e_u of its users, but for the root of their history's length.
    weights_, first_moments_, second_moments_ : float32 array, (n_weights,)
        a, and Adam's moments of it.

    References
    ----------
    He et al., LightGCN: simplifying and powering graph convolution network for recommendation,
    SIGIR 2020, arXiv:2002.02126.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.kron(np.eye(2), np.ones((5, 5))) - np.eye(10)
    >>> items, scores = LightGCN(n_factors=8, n_layers=1, l2=0).fit(X).recommend(X, k=1)
    >>> items.ravel()
    array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_factors": IntDistribution(8, 256, log=True),
        "n_layers": IntDistribution(1, 4),
        "l2": FloatDistribution(1e-6, 1e-1, log=True),
        "learning_rate": FloatDistribution(1e-3, 5e-2, log=True),
        "batch_size": IntDistribution(1024, 65536, log=True),
        "n_epochs": IntDistribution(10, 300, log=True),
    }
    tiny: ClassVar[dict[str, Any]] = {"n_factors": 8, "n_layers": 1, "l2": 1e-4}

    def __init__(
        self,
        n_factors: int = 64,
        n_layers: int = 3,
        l2: float = 3e-3,
        learning_rate: float = 0.03,
        batch_size: int = 8192,
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
        start = START * torch.randn(n_users + n_items, self.n_factors)
        return torch.nn.ParameterDict({"embeddings": start})

    def _loss(
        self, network: Any, prepared: Graph, batch: Pairs, rng: np.random.Generator
    ) -> "Tensor":
        # first, so that its gradient is made last, when those of the layers have gone
        ridge = self.l2 * penalty(network["embeddings"], batch, self.n_users_)
        return pairwise_loss(self._final(network, prepared), batch, self.n_users_) + ridge

    def _final(self, network: Any, graph: Graph) -> "Tensor":
        layers = self.n_layers
        return symmetric(lambda E: mean_of_layers(graph, E, layers), network["embeddings"])

    def _finish(self, network: Any, prepared: Graph) -> None:
        super()._finish(network, prepared)
        start, roots = network["embeddings"].numpy(), prepared.roots[self.n_users_ :, None]
        layers = mean_of_layers(prepared, start, self.n_layers - 1)[self.n_users_ :]
        shares = self.n_layers / (self.n_layers + 1) / roots * self.known_items_[:, None]
        self.item_messages_ = np.asarray(layers * shares, dtype=np.float32)

    def _scores(self, X: csr_array, users: NDArray[np.int64], *args: Any, **side: Any) -> F32:
        counts = np.diff(X.indptr)
        weights = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts).astype(np.float32)
        history = csr_array((weights, X.indices, X.indptr), shape=X.shape)
        return np.asarray((history @ self.item_messages_) @ self.item_factors_.T)

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        model, n_nodes = cls(**params), n_users + n_items
        step = 3e-10 * (4 * nnz * model.n_layers + 20 * n_nodes) * model.n_factors
        pairs_ = nnz * (2e-9 * model.n_factors + 1e-7)
        seconds = model.n_epochs * (pairs_ + (nnz / model.batch_size + 1) * (step + 1e-3))
        return Cost(seconds, 40.0 * n_nodes * model.n_factors + 60 * nnz + 40 * model.batch_size)
