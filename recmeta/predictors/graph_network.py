"""GraphNetwork: directed graph convolutions on an architecture's graph (Wen et al. 2019)."""

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recmeta.predictors._batched_mlp import forward, glorot, import_torch, one_thread
from recmeta.predictors._descent import Adam, calibration_of, descend, left_out
from recmeta.predictors._features import FeaturePredictor
from recmeta.predictors._graph_layers import Graphs, embedded, graphs_of, start, unflattened

if TYPE_CHECKING:
    from torch import Tensor

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

BLOCK = 500  # graphs asked at a time: their activations fit into the cache
WEIGHT_DECAY = 3e-4


class GraphNetwork(FeaturePredictor):
    """A graph convolutional network that sees a graph along its edges and against them.

    Each layer: h <- (relu(S h W) + relu(T h W')) / 2, S = A + I, T = A^T + I, h the features of
    the vertices at first (``_graph_layers``). The mean of the last h over the vertices that are
    there, with curves, proxies and the task's meta-features beside it, goes through a layer of
    n_hidden to the prediction. Graphs that differ in the numbering of their vertices alone have
    one prediction.

    X must be the encoding "graph" of an ArchitectureSpace: v (v - 1) / 2 bits of the adjacency
    above the diagonal, row by row, then L numbers for each of the v vertices.

    The members, each from another start, learn from all rows but one fold; mean = their average,
    variance = theirs, calibrated by the rows that they left out (``_descent``). Minimised is the
    squared error, by Adam. Published: S and T of rows divided by their sums, one network of
    144 units, batches of 7, 300 epochs, a rate of 1e-4, and dropout of .1, which changes nothing
    here.

    Time is n_epochs * n * n_members * v (L + n_layers n_units) n_units.

    Parameters
    ----------
    n_vertices : int
        v.
    n_members : int
        Networks; even, 4 or more.
    n_layers, n_units, n_hidden : int
    n_epochs, batch_size : int
    learning_rate : float
        Of Adam, at the start.
    normal_scores : bool
        Learn the normal scores of y in place of y itself (``_targets``).
    random_state : int or None

    Attributes
    ----------
    weights_ : list of float32 array
        Of the convolutions, both ways side by side, (n_members, d_in, 2 n_units) each; then W and b
        of the two layers after the mean.
    calibration_ : Calibration

    References
    ----------
    Wen, Liu, Chen, Li, Bender and Kindermans (2019), Neural predictor for neural architecture
    search, arXiv:1912.00848.

    Examples
    --------
    >>> from recmeta.architectures import NasBench201
    >>> space, rng = NasBench201(), np.random.default_rng(0)
    >>> cells = [space.sample(rng) for _ in range(30)]
    >>> y = np.array([cell.count(3) for cell in cells])
    >>> model = GraphNetwork(n_epochs=5).fit(space.encode(cells, "graph"), y)
    >>> mean, std = model.predict(space.encode(cells[:4], "graph"))
    >>> mean.shape
    (4,)
    """

    encoding: ClassVar[str | None] = "graph"
    requires = "torch"
    tiny: ClassVar[dict[str, Any]] = {
        "n_vertices": 1,  # whose features are any numbers
        "n_members": 4,
        "n_layers": 2,
        "n_epochs": 60,
        "learning_rate": 0.01,
    }

    def __init__(
        self,
        *,
        n_vertices: int = 8,
        n_members: int = 8,
        n_layers: int = 4,
        n_units: int = 32,
        n_hidden: int = 64,
        n_epochs: int = 100,
        batch_size: int = 32,
        learning_rate: float = 0.005,
        normal_scores: bool = True,
        random_state: int | None = 0,
    ) -> None:
        self.n_vertices = n_vertices
        self.n_members = n_members
        self.n_layers = n_layers
        self.n_units = n_units
        self.n_hidden = n_hidden
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.normal_scores = normal_scores
        self.random_state = random_state

    def _learn(self, Z: F64, t: F64, groups: I64, rng: np.random.Generator) -> None:
        torch = import_torch(type(self).__name__)
        graphs, sides = self._inputs(torch, Z)
        out = left_out(groups, self.n_members, rng)
        n_labels, n_sides = graphs.features.shape[2], sides.shape[1]
        widths = [n_labels, *[self.n_units] * self.n_layers]
        adam = Adam(self.n_epochs, self.batch_size, self.learning_rate, WEIGHT_DECAY)
        with one_thread(torch):
            tensors = start(torch, self.n_members, widths, rng)
            head = [self.n_units + n_sides, self.n_hidden, 1]
            tensors += glorot(torch, self.n_members, head, rng)
            targets = torch.from_numpy(t.astype(np.float32))

            def losses(batch: "Tensor") -> "Tensor":
                outputs = self._outputs(torch, tensors, graphs[batch], sides[batch])
                return (outputs - targets[batch]).square()

            descend(torch, tensors, losses, (~out).astype(np.float32), adam, rng)
        self.weights_ = [tensor.numpy() for tensor in tensors]
        self.calibration_ = calibration_of(self._asked(Z), out, t)

    def _posterior(self, Z: F64) -> tuple[F64, F64]:
        members = self._asked(Z)
        return members.mean(axis=0), self.calibration_(members.var(axis=0, ddof=1))

    def _asked(self, Z: F64) -> F64:
        """What each network says of each row, (B, n)."""
        torch = import_torch(type(self).__name__)
        tensors = [torch.from_numpy(array) for array in self.weights_]
        with one_thread(torch), torch.inference_mode():
            parts = [
                self._outputs(torch, tensors, *self._inputs(torch, Z[at : at + BLOCK])).numpy()
                for at in range(0, len(Z), BLOCK)
            ]
        return np.concatenate(parts, axis=1).astype(np.float64)

    def _inputs(self, torch: Any, Z: F64) -> tuple[Graphs, "Tensor"]:
        width = self.widths_[0]
        graphs = graphs_of(torch, *unflattened(Z[:, :width], self.n_vertices))
        return graphs, torch.from_numpy(Z[:, width:].astype(np.float32))

    def _outputs(
        self,
        torch: Any,
        tensors: list["Tensor"],
        graphs: Graphs,
        sides: "Tensor",
    ) -> "Tensor":
        """Predictions of t, (B, n)."""
        layers, head = tensors[: self.n_layers], tensors[self.n_layers :]
        pooled = embedded(torch, layers, graphs)
        rows = torch.cat([pooled, sides.expand(self.n_members, -1, -1)], dim=2)
        return forward(torch, head, rows, torch.relu)[:, :, 0]
