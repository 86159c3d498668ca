"""What both DELFs share: two embeddings of each user and item, and four towers on their pairs.

======  ==================================================================  ====================
symbol  meaning                                                             shape
======  ==================================================================  ====================
P, Q    own embeddings of users and items                                   (n, n_factors)
M, N    attentive means of the items of users and of the users of items     (n, n_factors)
towers  two layers on (P, Q), (P, N), (M, Q) and (M, N), in this order      (..., n_neurons / 2)
======  ==================================================================  ====================
"""

from abc import abstractmethod
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, _check_counts
from recmeta.algorithms._histories import dense, layers
from recmeta.algorithms._neural import NeuralRecommender
from recmeta.algorithms._sampling import contains
from recmeta.algorithms._sums import rows_by_column

if TYPE_CHECKING:
    from torch import Tensor, nn

I64 = NDArray[np.int64]
START = 0.1  # standard deviation of the initial embeddings
PAIRS = 2**18  # of users and items that are scored at once
ATTEMPTS = 20  # at draws outside a history; who has nearly all items gets fewer


class Histories(NamedTuple):
    """The columns of each row, ascending, without values: they count as 1."""

    starts: NDArray[Any]  # (n_rows + 1,)
    columns: NDArray[np.int32]  # (n_entries,)


class Log(NamedTuple):
    """Who had what, by users and by items."""

    users: Histories
    items: Histories


class DELF(NeuralRecommender):
    """A subclass has the parameters below, and writes ``_fused`` and ``_fusion_inputs``."""

    inductive: ClassVar[bool] = False

    n_factors: int
    n_neurons: int
    n_negatives: int
    n_epochs: int

    @abstractmethod
    def _fused(self, towers: list["Tensor"], counts: tuple["Tensor", "Tensor"]) -> "Tensor":
        """The towers as one; ``counts`` of each user's items and each item's users."""

    @abstractmethod
    def _fusion_inputs(self) -> int:
        """How many numbers ``_fused`` has for a pair."""

    def _build(self, n_users: int, n_items: int) -> "nn.Module":
        import torch

        _check_counts(
            n_factors=self.n_factors, n_neurons=self.n_neurons, n_negatives=self.n_negatives
        )
        width, narrow = self.n_neurons, self._narrow()
        shapes = {"fuse_0": (self._fusion_inputs(), narrow), "fuse_1": (narrow, 1)}
        for side in ("users", "items"):
            shapes |= {f"{side}_0": (self.n_factors, width), f"{side}_1": (width, 1)}
        for tower in range(4):
            shapes[f"tower_{tower}_0"] = (2 * self.n_factors, width)
            shapes[f"tower_{tower}_1"] = (width, narrow)
        network = layers(shapes)
        for side, n in (("users", n_users), ("items", n_items)):
            network[f"own_{side}"] = START * torch.randn(n, self.n_factors)
            network[f"attended_{side}"] = START * torch.randn(n, self.n_factors)
        return network

    def _narrow(self) -> int:
        return max(self.n_neurons // 2, 1)

    def _prepared(self, X: csr_array, *args: Any, **side: Any) -> Log:
        users = Histories(X.indptr, X.indices)
        return Log(users, Histories(*rows_by_column(X.indptr, X.indices, X.shape[1])))

    def _batches(self, prepared: Log, rng: np.random.Generator) -> Iterator[tuple[I64, I64, I64]]:
        """Users, items, and whether they met: each interaction once, and n_negatives outside."""
        n_items, (starts, columns) = len(prepared.items.starts) - 1, prepared.users
        # int32 halves what is there for the whole epoch; the order is the same
        order = np.arange(len(columns), dtype=np.int32 if len(columns) < 2**31 else np.int64)
        rng.shuffle(order)
        for start in range(0, len(order), self.batch_size):
            batch = order[start : start + self.batch_size]
            users = np.searchsorted(starts, batch, side="right") - 1
            items = columns[batch].astype(np.int64)
            others = np.repeat(users, self.n_negatives)
            drawn = rng.integers(n_items, size=len(others))
            for _ in range(ATTEMPTS):
                inside = np.flatnonzero(_met(starts, columns, others, drawn))
                drawn[inside] = rng.integers(n_items, size=len(inside))
            outside = ~_met(starts, columns, others, drawn)
            met = np.repeat([1, 0], [len(users), int(outside.sum())])
            yield np.r_[users, others[outside]], np.r_[items, drawn[outside]], met

    def _loss(self, network: Any, prepared: Log, batch: Any, rng: np.random.Generator) -> "Tensor":
        import torch

        users, items, met = batch
        M, n_of_users = self._others(network, "items", prepared.users, users, items, met)
        N, n_of_items = self._others(network, "users", prepared.items, items, users, met)
        P = torch.embedding(network["own_users"], torch.from_numpy(users))
        Q = torch.embedding(network["own_items"], torch.from_numpy(items))
        halves = self._halves(network, P, M, 0), self._halves(network, Q, N, 1)
        logits = self._logits(network, *halves, (n_of_users[:, None], n_of_items[:, None]))
        wanted = torch.from_numpy(met.astype(np.float32))
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted)

    def _others(
        self, network: Any, side: str, R: Histories, rows: I64, partners: I64, met: I64
    ) -> tuple["Tensor", "Tensor"]:
        """Attentive means of the rows, without the partner of each, and how many they are of."""
        import torch

        distinct, place = np.unique(rows, return_inverse=True)
        sums, weighted = self._sums(network, side, R, distinct)
        own = torch.embedding(weighted, torch.from_numpy(partners))
        left = sums[torch.from_numpy(place)] - own * torch.from_numpy(met[:, None].astype("f4"))
        counts = torch.from_numpy((np.diff(R.starts)[rows] - met).astype(np.float32))
        return _mean(left, counts), counts

    def _sums(self, network: Any, side: str, R: Histories, rows: I64) -> tuple["Tensor", "Tensor"]:
        """Of these rows, the sum of its columns' (exp(s) embedding, exp(s)); and these."""
        import torch

        table = network[f"attended_{side}"]
        scores = dense(network, f"{side}_1", dense(network, f"{side}_0", table).relu())
        weights = (scores - scores.max().detach()).exp()
        weighted = torch.cat([weights * table, weights], 1)
        return _row_sums().apply(weighted, R, rows), weighted  # type: ignore[attr-defined]

    def _halves(self, network: Any, own: "Tensor", mean: "Tensor", side: int) -> list["Tensor"]:
        """What the user (side 0) or the item (1) adds to the first layer of each tower."""
        part = slice(side * self.n_factors, (side + 1) * self.n_factors)
        inputs = (own, own, mean, mean) if side == 0 else (own, mean, own, mean)
        return [x @ network[f"tower_{tower}_0"][part] for tower, x in enumerate(inputs)]

    def _logits(
        self, network: Any, users: list["Tensor"], items: list["Tensor"], counts: Any
    ) -> "Tensor":
        towers = [
            dense(network, f"tower_{n}_1", (u + i + network[f"tower_{n}_0_bias"]).relu()).relu()
            for n, (u, i) in enumerate(zip(users, items, strict=True))
        ]
        hidden = dense(network, "fuse_0", self._fused(towers, counts)).relu()
        return dense(network, "fuse_1", hidden)[..., 0]

    def _finish(self, network: Any, prepared: Log) -> None:
        import torch

        counts = np.diff(prepared.items.starts)
        sums, _ = self._sums(network, "users", prepared.items, np.arange(len(counts)))
        self.item_counts_ = counts.astype(np.float32)
        self.item_means_ = _mean(sums, torch.from_numpy(self.item_counts_)).numpy()

    def _predict(self, network: Any, X: csr_array, users: I64, *args: Any, **side: Any) -> "Tensor":
        import torch

        n_of_users = torch.from_numpy(np.diff(X.indptr).astype(np.float32))
        histories = Histories(X.indptr, X.indices)
        M = _mean(self._sums(network, "items", histories, np.arange(len(users)))[0], n_of_users)
        P = network["own_users"][torch.from_numpy(np.maximum(users, 0))]
        N, n_of_items = torch.from_numpy(self.item_means_), torch.from_numpy(self.item_counts_)
        of_users = [half[:, None] for half in self._halves(network, P, M, 0)]
        of_items = self._halves(network, network["own_items"], N, 1)
        scores, step = torch.empty(X.shape), max(PAIRS // max(len(users), 1), 1)
        for start in range(0, X.shape[1], step):
            part = slice(start, start + step)
            counts = n_of_users[:, None, None], n_of_items[part, None]
            some = [half[part] for half in of_items]
            scores[:, part] = self._logits(network, of_users, some, counts)
        return scores

    def _cost(self, n_users: int, n_items: int, nnz: int) -> Cost:
        weights = 2.0 * (n_users + n_items) * self.n_factors
        steps = nnz / self.batch_size + 1
        pairs = nnz * (1.0 + self.n_negatives)
        pair = 4 * self.n_neurons * (2 * self.n_factors + self._narrow())
        step = (3e-9 + 2e-10 * self.n_neurons) * weights + 2e-3
        means = min(pairs, steps * (n_users + n_items)) * nnz / min(n_users, n_items)
        seconds = 4.5e-10 * pairs * pair + steps * step + 1e-9 * means * self.n_factors
        memory = (
            16 * weights + 40 * nnz + 60.0 * self.batch_size * (1 + self.n_negatives) * pair / 64
        )
        return Cost(self.n_epochs * seconds, memory)


@njit(cache=True, nogil=True)
def _met(starts, columns, rows, wanted):  # type: ignore[no-untyped-def]
    """Whether each row has its column."""
    met = np.empty(len(rows), dtype=np.bool_)
    for n in range(len(rows)):
        met[n] = contains(columns, starts[rows[n]], starts[rows[n] + 1], wanted[n])
    return met


@cache
def _row_sums() -> Any:
    import torch

    class RowSums(torch.autograd.Function):
        """Of some rows of histories, the sum of their columns' rows of a table."""

        @staticmethod
        def forward(ctx: Any, table: Any, R: Histories, rows: I64) -> Any:
            ctx.R, ctx.rows, ctx.shape = R, rows, table.shape
            sums = np.zeros((len(rows), table.shape[1]), dtype=np.float32)
            _gather(R.starts, R.columns, rows, table.detach().numpy(), sums)
            return torch.from_numpy(sums)

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
            spread = np.zeros(ctx.shape, dtype=np.float32)
            _scatter(ctx.R.starts, ctx.R.columns, ctx.rows, gradient.contiguous().numpy(), spread)
            return torch.from_numpy(spread), None, None

    return RowSums


@njit(cache=True, nogil=True)
def _gather(starts, columns, rows, table, sums):  # type: ignore[no-untyped-def]
    for n in range(len(rows)):
        total = sums[n]
        for place in range(starts[rows[n]], starts[rows[n] + 1]):
            one = table[columns[place]]
            for f in range(len(total)):
                total[f] += one[f]


@njit(cache=True, nogil=True)
def _scatter(starts, columns, rows, gradient, spread):  # type: ignore[no-untyped-def]
    for n in range(len(rows)):
        one = gradient[n]
        for place in range(starts[rows[n]], starts[rows[n] + 1]):
            total = spread[columns[place]]
            for f in range(len(one)):
                total[f] += one[f]


def _mean(sums: "Tensor", counts: "Tensor") -> "Tensor":
    """Sums over their weights, in the last column; 0 where there is nothing to average."""
    import torch

    some = (counts > 0)[:, None]
    mean: Tensor = torch.where(some, sums[:, :-1] / torch.where(some, sums[:, -1:], 1.0), 0.0)
    return mean
