"""What models with causal self-attention share: the network, rows of padded sequences.

======  ======================================================  =============================
symbol  meaning                                                 shape
======  ======================================================  =============================
items   items from first to last, -1 before shorter ones        (n_rows, length)
x       what is known at each place of a sequence               (n_rows, length, n_factors)
======  ======================================================  =============================
"""

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._base import _check_counts
from recmeta.algorithms._histories import dense, layers
from recmeta.algorithms._neural import NeuralRecommender
from recmeta.algorithms._sequences import Sequences, in_time_order

if TYPE_CHECKING:
    from torch import Tensor, nn

I64 = NDArray[np.int64]
START = 0.02  # standard deviation of the initial embeddings
NEVER = -1e9  # a logit; with infinity a row without others would have no gradient
PARTS = ("query", "key", "value", "inner", "outer")


def attention_network(
    n_items: int, n_factors: int, n_layers: int, n_heads: int, max_length: int
) -> "nn.ParameterDict":
    """``embeddings`` of items, ``positions`` (the last row: the last place), weights of layers."""
    import torch

    _check_counts(n_factors=n_factors, max_length=max_length)
    if n_factors % n_heads:
        raise ValueError(
            f"n_factors={n_factors} must be a multiple of n_heads={n_heads}, who share them alike"
        )
    names = [f"{part}_{layer}" for layer in range(n_layers) for part in PARTS]
    network = layers(dict.fromkeys(names, (n_factors, n_factors)))
    network["embeddings"] = START * torch.randn(n_items, n_factors)
    network["positions"] = START * torch.randn(max_length, n_factors)
    for norm in range(2 * n_layers + 1):
        network[f"norm_{norm}"] = torch.ones(n_factors)
        network[f"norm_{norm}_bias"] = torch.zeros(n_factors)
    return network


def encoded(network: Any, items: "Tensor", n_layers: int, n_heads: int, dropout: float) -> "Tensor":
    """x after all layers: of each place, from what stands there and before."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    def dropped(x: "Tensor") -> "Tensor":
        return torch.dropout(x, dropout, network.training)

    n_rows, length = items.shape
    square = torch.ones(length, length, dtype=torch.bool)
    # padding sees itself, lest its softmax be over nothing
    visible = (items >= 0)[:, None] & square.tril() | torch.eye(length, dtype=torch.bool)
    embeddings = torch.embedding(network["embeddings"], items.clamp(min=0))
    x = dropped(embeddings + network["positions"][-length:])
    for layer in range(n_layers):
        y = _normed(network, 2 * layer, x)
        query, key, value = (
            dense(network, f"{part}_{layer}", y).view(n_rows, length, n_heads, -1).transpose(1, 2)
            for part in PARTS[:3]
        )
        attended = scaled_dot_product_attention(query, key, value, attn_mask=visible[:, None])
        x = x + dropped(attended.transpose(1, 2).reshape(x.shape))
        y = dense(network, f"inner_{layer}", _normed(network, 2 * layer + 1, x)).relu()
        x = x + dropped(dense(network, f"outer_{layer}", dropped(y)))
    return _normed(network, 2 * n_layers, x)


class SequenceRecommender(NeuralRecommender):
    """A network that makes a state of each place of a sequence, and of it scores for the next item.

    A subclass has the parameter ``max_length`` besides those of a NeuralRecommender, and writes
    ``_build``, with ``embeddings`` of the items, ``_states`` and ``_loss``.
    """

    family: ClassVar[str] = "sequential"
    uses: ClassVar[frozenset[str]] = frozenset({"timestamps"})

    max_length: int

    @abstractmethod
    def _states(self, network: Any, items: "Tensor") -> "Tensor":
        """x of each place: (n_rows, length, n_factors)."""

    def _prepared(self, X: csr_array, timestamps: csr_array) -> "Pieces":
        return pieces(in_time_order(timestamps), self.max_length)

    def _batches(self, prepared: "Pieces", rng: np.random.Generator) -> Iterator[I64]:
        """Pieces of like length together, so that little is padded; in random order."""
        order = rng.permutation(len(prepared.first))
        lengths = (prepared.last - prepared.first)[order]
        order = order[np.argsort(lengths, kind="stable")]
        for start in rng.permutation(np.arange(0, len(order), self.batch_size)):
            yield order[start : start + self.batch_size]

    def _predict(self, network: Any, X: csr_array, users: I64, timestamps: csr_array) -> "Tensor":
        starts, items = in_time_order(timestamps)
        first = np.maximum(starts[:-1], starts[1:] - self.max_length)
        last_states = self._states(network, padded(items, first, starts[1:]))[:, -1]
        scores: Tensor = last_states @ network["embeddings"].T
        return scores


def cross_entropy(
    embeddings: "Tensor", states: "Tensor", events: "Tensor", n: int, rng: np.random.Generator
) -> "Tensor":
    """The mean of -log softmax of what comes next, among items outside the row and itself.

    Parameters
    ----------
    embeddings : tensor, (n_items, n_factors)
    states : tensor, (n_rows, length, n_factors)
        After each event but the last.
    events : tensor, (n_rows, length + 1)
        Items, -1 before shorter rows.
    n : int
        Draws of items, the distinct ones of which stand for all, where there are more items.
    rng : Generator
    """
    import torch

    n_items = len(embeddings)
    others = np.arange(n_items) if n >= n_items else np.unique(rng.integers(n_items, size=n))
    own = events.numpy()
    places = np.searchsorted(others, own).clip(max=len(others) - 1)
    rows, columns = np.nonzero(others[places] == own)
    inside = torch.zeros(len(events), len(others), dtype=torch.bool)
    inside[rows, places[rows, columns]] = True
    known = events[:, :-1] >= 0
    x, targets = states[known], events[:, 1:][known]
    logits = x @ torch.embedding(embeddings, torch.from_numpy(others)).T
    # each of the drawn ones stands for n_items / len(others) items of the whole sum
    logits = logits + float(np.log(n_items / len(others)))
    logits = logits.masked_fill(inside[known.nonzero()[:, 0]], NEVER)
    right = (x * torch.embedding(embeddings, targets)).sum(1)
    return (torch.logaddexp(right, logits.logsumexp(1)) - right).mean()


class Pieces(NamedTuple):
    """Parts of sequences, from event ``first`` to ``last``, both included."""

    items: NDArray[np.int32]
    first: I64
    last: I64


def pieces(sequences: Sequences, max_length: int) -> Pieces:
    """Sequences cut, from their ends, so that each event but the first is a target once.

    Pieces have 2 to max_length + 1 events, and neighbours share one.
    """
    counts = np.maximum(np.diff(sequences.starts) - 1, 0)
    n_pieces = -(-counts // max_length)
    row = np.repeat(np.arange(len(counts)), n_pieces)
    number = np.arange(len(row)) - np.repeat(np.cumsum(n_pieces) - n_pieces, n_pieces)
    last = sequences.starts[1:][row] - 1 - number * max_length
    first = np.maximum(last - max_length, sequences.starts[row])
    return Pieces(sequences.items, first, last)


def padded(items: NDArray[np.int32], first: I64, stop: I64) -> "Tensor":
    """items[first:stop] of each row, with -1 before the shorter ones: (n_rows, the longest)."""
    import torch

    longest = max(int((stop - first).max(initial=0)), 1)
    places = stop[:, None] - np.arange(longest, 0, -1)
    inside = places >= first[:, None]
    found = np.append(items, -1)[np.where(inside, places, -1)]
    return torch.from_numpy(found.astype(np.int64))


def _normed(network: Any, number: int, x: "Tensor") -> "Tensor":
    from torch.nn.functional import layer_norm

    return layer_norm(x, x.shape[-1:], network[f"norm_{number}"], network[f"norm_{number}_bias"])
