"""The graph of users and items: its products, and pairs of an item in a history and one outside.

======  =======================================================  ==========================
symbol  meaning                                                  shape
======  =======================================================  ==========================
A       [[0, X], [X', 0]], 1 for each interaction                (n_nodes, n_nodes)
D       row sums of A, diagonal                                  (n_nodes, n_nodes)
S       D^-1/2 A D^-1/2, symmetric                               (n_nodes, n_nodes)
E       embeddings of the nodes: first the users, then the items (n_nodes, n_factors)
======  =======================================================  ==========================
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._base import _in_threads
from recmeta.algorithms._gram import row_blocks
from recmeta.algorithms._neural import NeuralRecommender
from recmeta.algorithms._sampling import contains, draw_below
from recmeta.algorithms._sums import entry_blocks, rows_by_column

if TYPE_CHECKING:
    from torch import Tensor

F32 = NDArray[np.float32]
Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
BLOCK = 256  # rows of a product that a thread takes at once


class Graph(NamedTuple):
    """S as CSR, and what it was made of. Columns are unsigned: numba is quicker with them."""

    X: csr_array  # (n_users, n_items)
    indptr: NDArray[np.int32]  # (n_nodes + 1,)
    columns: NDArray[np.uint32]  # (2 nnz,)
    values: F32  # (2 nnz,)
    roots: F32  # (n_nodes,): of D; 1 where there is no neighbour


def graph_of(X: csr_array) -> Graph:
    """Of a canonical CSR matrix; its values other than 0 count as 1."""
    starts, users = rows_by_column(X.indptr, X.indices, X.shape[1])
    indptr = np.concatenate([X.indptr, X.nnz + starts[1:]]).astype(np.int32)
    columns, degrees = np.empty(2 * X.nnz, dtype=np.uint32), np.diff(indptr)
    np.add(X.indices, X.shape[0], out=columns[: X.nnz], casting="unsafe")
    columns[X.nnz :] = users
    del users
    roots = np.sqrt(np.maximum(degrees, 1)).astype(np.float32)
    values = np.empty(len(columns), dtype=np.float32)
    for rows in entry_blocks(indptr):
        part = slice(indptr[rows.start], indptr[rows.stop])
        values[part] = 1 / (np.repeat(roots[rows], degrees[rows]) * roots[columns[part]])
    return Graph(X, indptr, columns, values, roots)


def smoothed(graph: Graph, E: F32) -> F32:
    """S E, in time 2 nnz n_factors; the same bits with any number of threads."""
    E = np.ascontiguousarray(E)
    product, (_, indptr, columns, values, _) = np.empty_like(E), graph

    def one_block(block: slice) -> None:
        _product(block.start, indptr, columns, values, E, product[block])

    _in_threads(one_block, row_blocks(len(E), BLOCK))
    return product


def mean_of_layers(graph: Graph, E: F32, n_layers: int) -> F32:
    """(E + S E + ... + S^n_layers E) / (n_layers + 1)."""
    total = E.copy() if n_layers == 0 else E
    for _ in range(n_layers):
        total = smoothed(graph, total)
        total += E
    total /= np.float32(n_layers + 1)
    return total


def symmetric(operator: Callable[[F32], F32], E: "Tensor") -> "Tensor":
    """operator(E), where the operator is linear and symmetric: the gradient goes through it too."""
    result: Tensor = _functions()[0].apply(E, operator)
    return result


def pairs(X: csr_array, batch_size: int, rng: np.random.Generator) -> Iterator[Pairs]:
    """Users, an item of each one's history, and one outside it: all interactions once, shuffled.

    Users who have every item are left out.
    """
    counts = np.diff(X.indptr)
    # int32 halves what is there for the whole epoch; the order is the same
    order = np.arange(X.nnz, dtype=np.int32 if X.nnz < 2**31 else np.int64)
    if (counts == X.shape[1]).any():
        order = order[np.repeat(counts < X.shape[1], counts)]
    rng.shuffle(order)
    indptr = X.indptr.astype(np.int64)
    state = rng.integers(1, 2**63, size=1, dtype=np.uint64)
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        users = np.searchsorted(indptr, batch, side="right") - 1
        inside = X.indices[batch].astype(np.int64)
        outside = np.empty(len(batch), dtype=np.int64)
        _draw_outside(users, indptr, X.indices, X.shape[1], state, outside)
        yield users, inside, outside


def pairwise_loss(E: "Tensor", batch: Pairs, n_users: int) -> "Tensor":
    """-mean ln sigmoid(e_u e_i - e_u e_j) over pairs: of user u, item i of his and j not (BPR)."""
    loss: Tensor = _functions()[1].apply(E, batch, n_users)
    return loss


def penalty(E: "Tensor", batch: Pairs, n_users: int) -> "Tensor":
    """(||e_u||^2 + ||e_i||^2 + ||e_j||^2) / 2, the mean over pairs."""
    import torch

    users, inside, outside = batch
    nodes = np.concatenate([users, n_users + inside, n_users + outside])
    weights = (np.bincount(nodes, minlength=len(E)) / (2 * len(users))).astype(np.float32)
    total: Tensor = _functions()[2].apply(E, torch.from_numpy(weights))
    return total


class GraphRecommender(NeuralRecommender):
    """Embeddings of users and items that a graph makes, trained on pairs.

    A subclass writes ``_final(network, graph)``, embeddings of all nodes, (n_nodes, n_columns), of
    which ``_finish`` makes the factors, and ``_loss``, to which batches come from ``pairs``.
    """

    family = "graph"

    @abstractmethod
    def _final(self, network: Any, graph: Graph) -> "Tensor":
        """Embeddings of users and items by whose products they are ranked."""

    def _prepared(self, X: csr_array, *args: Any, **side: Any) -> Graph:
        return graph_of(X)

    def _batches(self, prepared: Graph, rng: np.random.Generator) -> Iterator[Pairs]:
        return pairs(prepared.X, self.batch_size, rng)

    def _finish(self, network: Any, prepared: Graph) -> None:
        final = self._final(network, prepared).numpy()
        final[np.diff(prepared.indptr) == 0] = 0  # moved by draws only: there is no evidence
        self.user_factors_, self.item_factors_ = final[: self.n_users_], final[self.n_users_ :]


@cache
def _functions() -> tuple[Any, Any, Any]:
    import torch

    class Symmetric(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, E: Any, operator: Callable[[F32], F32]) -> Any:
            ctx.operator = operator
            return torch.from_numpy(operator(E.detach().numpy()))

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
            return torch.from_numpy(ctx.operator(gradient.numpy())), None

    class Pairwise(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, E: Any, batch: Pairs, n_users: int) -> Any:
            embeddings = np.ascontiguousarray(E.detach().numpy())
            ctx.gradient = np.zeros_like(embeddings)
            loss = _pairwise(*batch, embeddings[:n_users], embeddings[n_users:],
                             ctx.gradient[:n_users], ctx.gradient[n_users:])  # fmt: skip
            return torch.tensor(loss, dtype=torch.float32)

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
            made, ctx.gradient = ctx.gradient, None  # as of torch's own, there is one way back
            made *= gradient.numpy()
            return torch.from_numpy(made), None, None

    class Squares(torch.autograd.Function):
        """The weighted sum of the squared lengths: torch's own makes its gradient twice."""

        @staticmethod
        def forward(ctx: Any, E: Any, weights: Any) -> Any:
            ctx.save_for_backward(E, weights)
            return (E * E).sum(1) @ weights

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
            E, weights = ctx.saved_tensors
            return E * (2 * gradient * weights)[:, None], None

    return Symmetric, Pairwise, Squares


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _pairwise(users, inside, outside, U, H, dU, dH):  # type: ignore[no-untyped-def]
    """The mean loss of pairs; adds its gradient by U and H to dU and dH."""
    loss, share = 0.0, np.float32(1 / max(len(users), 1))
    for n in range(len(users)):
        u, h, g = U[users[n]], H[inside[n]], H[outside[n]]
        du, dh, dg = dU[users[n]], dH[inside[n]], dH[outside[n]]
        margin = np.float32(0)
        for f in range(len(u)):
            margin += u[f] * (h[f] - g[f])
        small = np.exp(-abs(margin))
        loss += np.log1p(small) + max(-margin, np.float32(0))
        slope = share * (small if margin > 0 else np.float32(1)) / (np.float32(1) + small)
        for f in range(len(u)):
            du[f] -= slope * (h[f] - g[f])
            dh[f] -= slope * u[f]
            dg[f] += slope * u[f]
    return loss * share


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _product(first, indptr, columns, values, E, rows):  # type: ignore[no-untyped-def]
    """Rows of S E from ``first`` on, four neighbours at once."""
    for row in range(len(rows)):
        target, start, stop = rows[row], indptr[first + row], indptr[first + row + 1]
        target[:] = 0
        whole = start + (stop - start) // 4 * 4
        for n in range(start, whole, 4):
            a, b, c, d = values[n], values[n + 1], values[n + 2], values[n + 3]
            Ea, Eb, Ec, Ed = E[columns[n]], E[columns[n + 1]], E[columns[n + 2]], E[columns[n + 3]]
            for f in range(E.shape[1]):
                target[f] += (a * Ea[f] + b * Eb[f]) + (c * Ec[f] + d * Ed[f])
        for n in range(whole, stop):
            source = E[columns[n]]
            for f in range(E.shape[1]):
                target[f] += values[n] * source[f]


@njit(cache=True, nogil=True)
def _draw_outside(users, indptr, items, n_items, state, outside):  # type: ignore[no-untyped-def]
    for n in range(len(users)):
        first, last = indptr[users[n]], indptr[users[n] + 1]
        item = draw_below(n_items, state)
        while contains(items, first, last, item):
            item = draw_below(n_items, state)
        outside[n] = item
