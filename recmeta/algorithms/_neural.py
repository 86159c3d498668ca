"""NeuralRecommender: networks of torch that keep the contract of an IterativeRecommender.

torch is an extra and slow to import, so nothing here or in a subclass's file imports it at the top:
``requires`` says so, and a class can be listed, with its space and its words, without it.
"""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import numba
import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._base import Lists, _check_counts
from recmeta.algorithms._iterative import IterativeRecommender
from recmeta.algorithms._sums import column_counts
from recmeta.registry import MissingExtraError

if TYPE_CHECKING:
    from torch import Tensor, nn

F32 = NDArray[np.float32]
MEAN_DECAY, SQUARE_DECAY, EPSILON = 0.9, 0.999, 1e-8  # Kingma and Ba 2015, arXiv:1412.6980

SMALL = 100_000  # weights: a smaller network waits for a second thread longer than it computes


class NeuralRecommender(IterativeRecommender):
    """A network of torch, trained by Adam on the CPU.

    A subclass has the parameters ``learning_rate`` and ``batch_size`` and those of an
    IterativeRecommender, and ``weight_decay`` where its paper has one. It writes

    - ``_build(n_users, n_items)``: a fresh network, whose random start is torch's global
      generator. All its weights and buffers are in its ``state_dict``, none of them twice;
      constants, such as the graph, belong in ``_prepared(X)``.
    - ``_loss(network, prepared, batch, rng)``: the mean loss of one batch. ``batch`` is what
      ``_batches`` gives: rows of X, shuffled, if it isn't overridden. Training in phases overrides
      ``_losses``, which gives the losses of a whole epoch one by one, with a step after each;
      weights whose ``requires_grad`` is False at that time stay as they are.
    - one of three ways to score: ``_predict(network, X, users)``, a tensor (n_rows, n_items), of
      which items without interactions and rows without a history (where the algorithm is not
      ``inductive``: users who were not there) become 0;
      or ``_finish(network, prepared)``, which learns ``user_factors_`` and ``item_factors_`` or
      ``item_weights_`` at the end of each epoch; or ``_scores`` in numpy on ``_learned()``.

    Draws from ``rng`` or from torch's global generator, which is seeded for the epoch and put back
    afterwards. The network is made anew on the arrays below whenever it is needed (without its
    random start, in well under a millisecond a layer), so that it can never be out of date. Two
    trainings at once in threads of one process share the generator: then no seed gives one answer.

    Attributes
    ----------
    weights_ : float32 array, (n_weights,)
        All weights and buffers, in the order of ``state_dict``.
    first_moments_, second_moments_ : float32 array, (n_trained,)
        Adam's running means of the gradient and of its square, of the weights that are trained.
    steps_ : int64 array, (n_tensors,)
        Adam's steps of each trained tensor.
    known_items_ : bool array, (n_items,)
        With interactions.
    """

    requires: ClassVar[str] = "torch"
    family: ClassVar[str] = "neural"

    learning_rate: float
    batch_size: int
    weight_decay: float = 0.0  # gradient of weight_decay / 2 ||weights||^2, added to the loss's

    @abstractmethod
    def _build(self, n_users: int, n_items: int) -> "nn.Module":
        """A fresh network; ``import torch`` belongs in here."""

    @abstractmethod
    def _loss(
        self, network: "nn.Module", prepared: Any, batch: Any, rng: np.random.Generator
    ) -> "Tensor":
        """The mean loss of a batch."""

    def _batches(self, prepared: Any, rng: np.random.Generator) -> Iterator[Any]:
        """The batches of one epoch: rows with a history, each once, in random order."""
        rows = rng.permutation(np.flatnonzero(np.diff(prepared.indptr)))
        for start in range(0, len(rows), self.batch_size):
            yield rows[start : start + self.batch_size]

    def _losses(
        self, network: "nn.Module", prepared: Any, rng: np.random.Generator
    ) -> Iterator["Tensor"]:
        for batch in self._batches(prepared, rng):
            yield self._loss(network, prepared, batch, rng)

    def _finish(self, network: "nn.Module", prepared: Any) -> None:
        """What is learned from the network after an epoch, besides its weights."""

    def _predict(
        self,
        network: "nn.Module",
        X: csr_array,
        users: NDArray[np.int64],
        *args: Any,
        **side: Any,
    ) -> "Tensor":
        """Scores of all items for each row: new, (n_rows, n_items); the base blanks the unknown."""
        raise NotImplementedError

    def _begin(self, X: csr_array, rng: np.random.Generator) -> None:
        _check_counts(batch_size=self.batch_size)
        with _seeded(self._torch(), rng):
            network = self._build(*X.shape)
        state = [tensor.numpy().ravel() for tensor in network.state_dict().values()]
        self.weights_ = np.concatenate(state).astype(np.float32, copy=False)
        sizes = [weight.numel() for weight in network.parameters() if weight.requires_grad]
        self.first_moments_ = np.zeros(sum(sizes), dtype=np.float32)
        self.second_moments_ = np.zeros(sum(sizes), dtype=np.float32)
        self.steps_ = np.zeros(len(sizes), dtype=np.int64)
        self.known_items_ = column_counts(X.indices, X.shape[1]) > 0

    def _epoch(self, prepared: Any, rng: np.random.Generator) -> None:
        torch, network = self._torch(), self._network()
        trained = [weight for weight in network.parameters() if weight.requires_grad]
        n_threads = numba.get_num_threads() if len(self.weights_) > SMALL else 1
        with _seeded(torch, rng), _threads(torch, n_threads):
            network.train()
            for loss in self._losses(network, prepared, rng):
                loss.backward()  # type: ignore[no-untyped-call]
                del loss  # and what its graph holds, which is as much as X for some
                self._step(trained)
            network.eval()
            if not np.isfinite(self.weights_).all():
                raise FloatingPointError(
                    f"{type(self).__name__} diverged in epoch {self.n_epochs_ + 1}: "
                    f"lower learning_rate={self.learning_rate}"
                )
            with torch.no_grad():
                self._finish(network, prepared)

    def _step(self, trained: list["nn.Parameter"]) -> None:
        """One step of Adam for the weights that have a gradient, which is then forgotten."""
        rates, start = (self.learning_rate, self.weight_decay), 0
        for number, weight in enumerate(trained):
            part = slice(start, start := start + weight.numel())
            if weight.grad is None:
                continue
            self.steps_[number] += 1
            gradient = np.ascontiguousarray(weight.grad.numpy()).ravel()
            moments = self.first_moments_[part], self.second_moments_[part]
            values = weight.detach().numpy().reshape(-1)
            _adam(values, gradient, *moments, self.steps_[number], *rates)
            weight.grad = None

    def _network(self) -> "nn.Module":
        """The network on the learned weights: a step on the one moves the other."""
        torch, start = self._torch(), 0
        for name in ("weights_", "first_moments_", "second_moments_", "steps_"):
            if not getattr(self, name).flags.writeable:  # as a memory map is
                setattr(self, name, getattr(self, name).copy())
        with torch.device("meta"):
            network: nn.Module = self._build(self.n_users_, self.n_features_in_)
        state = {}
        for name, tensor in network.state_dict().items():
            # each from numpy: were they views of one tensor, a buffer that changes between the
            # loss and its gradient (batch normalisation's) would count as a change of all weights
            part = self.weights_[start : start + tensor.numel()]
            state[name] = torch.from_numpy(part).view(tensor.shape)
            start += tensor.numel()
        network.load_state_dict(state, assign=True)
        return network.eval()

    def _learned(self) -> dict[str, F32]:
        """The weights by their name in the network, to score without torch's own products."""
        return {name: tensor.numpy() for name, tensor in self._network().state_dict().items()}

    def _scores(self, X: csr_array, users: NDArray[np.int64], *args: Any, **side: Any) -> F32:
        if type(self)._predict is NeuralRecommender._predict:
            return super()._scores(X, users)
        with self._torch().inference_mode():
            scores: F32 = self._predict(self._network(), X, users, **side).numpy()
        scores[:, ~self.known_items_] = 0
        scores[np.diff(X.indptr) == 0 if self.inductive else users < 0] = 0
        return scores

    def recommend(
        self,
        X: Any,
        k: int = 10,
        *,
        users: Any = None,
        exclude_seen: bool = True,
        exclude: Any = None,
        timestamps: Any = None,
    ) -> Lists:
        options = {"users": users, "exclude_seen": exclude_seen, "exclude": exclude}
        options["timestamps"] = timestamps
        if type(self)._predict is NeuralRecommender._predict:
            return super().recommend(X, k, **options)
        with _threads(self._torch(), 1):  # blocks of rows are in threads already
            return super().recommend(X, k, **options)

    def _torch(self) -> Any:
        try:
            import torch
        except ImportError as error:
            raise MissingExtraError(type(self).__name__, self.requires) from error
        return torch


@contextmanager
def _seeded(torch: Any, rng: np.random.Generator) -> Iterator[None]:
    """torch's global generator with a seed of ``rng``, and then as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**63)))
        yield


@contextmanager
def _threads(torch: Any, n_threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"})
def _adam(weights, gradient, means, squares, step, rate, decay):  # type: ignore[no-untyped-def]
    scale = np.float32(rate / (1 - MEAN_DECAY**step))
    correction = np.float32(1 / np.sqrt(1 - SQUARE_DECAY**step))
    keep_mean, keep_square = np.float32(MEAN_DECAY), np.float32(SQUARE_DECAY)
    l2, epsilon, one = np.float32(decay), np.float32(EPSILON), np.float32(1)
    for i in range(len(weights)):
        g = gradient[i] + l2 * weights[i]
        means[i] = keep_mean * means[i] + (one - keep_mean) * g
        squares[i] = keep_square * squares[i] + (one - keep_square) * g * g
        weights[i] -= scale * means[i] / (np.sqrt(squares[i]) * correction + epsilon)
