"""The contract of a space of architectures.

============  ==============================================================  ==========
symbol        meaning                                                         shape
============  ==============================================================  ==========
arch          an architecture: the number of the value at each choice         (p,) ints
n_values      how many values each choice has                                 (p,)
canonical     a key: architectures that have the same one are the same        hashable
graph         adjacency (edge from row to column) and label of each vertex    (v, v), (v,)
sequence      a token for each choice, for models that read sequences         (p,) ints
encoding      what a predictor reads, by name; always one_hot (one bit for    (n, d)
              a choice of two), categorical (the numbers), path, sequence (the
              tokens) and graph (see ``flat_graphs``)
============  ==============================================================  ==========
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from recmeta import registry

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Architecture = tuple[int, ...]

MOST_DRAWS = 100_000  # a space that rejects this many draws in a row is wrongly specified


class ArchitectureSpace(ABC):
    """A finite space whose architectures are tuples of ints, one for each choice.

    A subclass declares ``n_values``, ``vertex_labels`` and says what is the same, what is valid
    and how an architecture is drawn as a graph. Architectures are values: no method changes one.

    Attributes
    ----------
    n_values : tuple of int
        Number of values of each choice; choice i takes 0 ... n_values[i] - 1.
    vertex_labels : tuple of str
        What the labels of ``graph`` stand for.
    """

    n_values: ClassVar[tuple[int, ...]]
    vertex_labels: ClassVar[tuple[str, ...]]

    @abstractmethod
    def canonical(self, arch: Architecture) -> Hashable:
        """A key that two architectures share only if they are the same network."""

    @abstractmethod
    def graph(self, arch: Architecture) -> tuple[F64, I64]:
        """The network as a directed acyclic graph.

        Returns
        -------
        adjacency : (v, v) float64, strictly upper triangular, 1 where an edge leads from row to
            column; v is the same for all architectures of a space
        labels : (v,) int64, numbers into ``vertex_labels``; a vertex that is not in use has no
            edges
        """

    @property
    def size(self) -> int:
        """Number of valid architectures, those that are the same counted each."""
        return int(np.prod(self.n_values, dtype=np.int64))

    @property
    def encodings(self) -> tuple[str, ...]:
        """Names that ``encode`` knows."""
        return tuple(self._all_encoders())

    @property
    def n_tokens(self) -> int:
        """Number of tokens that ``sequence`` uses: 0 ... n_tokens - 1."""
        return sum(self.n_values)

    def is_valid(self, arch: Architecture) -> bool:
        """Whether the tuple is an architecture of this space."""
        return (
            len(arch) == len(self.n_values)
            and all(0 <= value < n for value, n in zip(arch, self.n_values, strict=True))
            and self._is_buildable(arch)
        )

    def is_isomorphic(self, arch: Architecture, other: Architecture) -> bool:
        """Whether the two are the same network under other names."""
        return self.canonical(arch) == self.canonical(other)

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draw an architecture, uniform over the valid tuples (invalid draws are rejected)."""
        for _ in range(MOST_DRAWS):
            arch = tuple(int(value) for value in rng.integers(self.n_values))
            if self._is_buildable(arch):
                return arch
        raise RuntimeError(f"{type(self).__name__}: no valid architecture in {MOST_DRAWS} draws")

    def neighbours(self, arch: Architecture) -> list[Architecture]:
        """All valid architectures that differ in one choice; symmetric.

        A space in which many choices can be without effect leaves out those that are the same
        network as ``arch``.
        """
        self._require_valid(arch)
        changed = (
            (*arch[:choice], value, *arch[choice + 1 :])
            for choice, n in enumerate(self.n_values)
            for value in range(n)
            if value != arch[choice]
        )
        return list(filter(self._is_another(arch), changed))

    def mutate(
        self, arch: Architecture, rng: np.random.Generator, n_edits: int = 1
    ) -> Architecture:
        """Change ``n_edits`` different choices of ``arch``, each to another value, uniformly.

        The edits add up: the child differs from the parent given in exactly ``n_edits`` choices.
        Children that ``neighbours`` would leave out are drawn again.

        Raises
        ------
        ValueError
            If the architecture is not valid, or ``n_edits`` is not in 1 ... number of choices.
        """
        self._require_valid(arch)
        if not 1 <= n_edits <= len(self.n_values):
            raise ValueError(
                f"{type(self).__name__} has {len(self.n_values)} choices: got n_edits={n_edits}; "
                f"give one in 1 ... {len(self.n_values)}"
            )
        is_another = self._is_another(arch)
        for _ in range(MOST_DRAWS):
            child = self._mutated(arch, rng, n_edits)
            if is_another(child):
                return child
        raise RuntimeError(f"no valid mutation of {arch} in {MOST_DRAWS} draws")

    def encode(self, archs: Sequence[Architecture], name: str) -> F64:
        """Encodings of n architectures, (n, d), O(n d).

        Raises
        ------
        ValueError
            If a tuple has not the length or values of this space.
        registry.UnknownNameError
            If no encoding has that name; the message lists them.
        """
        encoder = registry.find(self._all_encoders(), name, f"encoding of {type(self).__name__}")
        return encoder(self._as_array(archs))

    def sequence(self, arch: Architecture) -> tuple[int, ...]:
        """A token for each choice; each choice has tokens of its own, so that none is ambiguous."""
        self._require_valid(arch)
        return tuple((np.array(arch) + self._first_tokens()).tolist())

    def _all_encoders(self) -> dict[str, Callable[[I64], F64]]:
        return {**self._encoders(), "sequence": self._sequences, "graph": self._flat_graphs}

    def _encoders(self) -> dict[str, Callable[[I64], F64]]:
        return {"one_hot": self._one_hot, "categorical": self._categorical}

    def _is_buildable(self, arch: Architecture) -> bool:
        """Whether values that are each in range make a network together."""
        return True

    def _is_another(self, arch: Architecture) -> Callable[[Architecture], bool]:
        """The test that neighbours and mutations of ``arch`` have to pass."""
        return self._is_buildable

    def _mutated(self, arch: Architecture, rng: np.random.Generator, n_edits: int) -> Architecture:
        child = list(arch)
        for choice in rng.choice(len(arch), size=n_edits, replace=False):
            # a step of 1 ... n - 1 around the circle of values: never the parent's own
            step = rng.integers(1, self.n_values[choice])
            child[choice] = int((arch[choice] + step) % self.n_values[choice])
        return tuple(child)

    def _one_hot(self, values: I64) -> F64:
        # one row of the identity a choice, side by side; one bit is enough for one of two values
        parts = [
            np.eye(n)[values[:, choice]] if n > 2 else values[:, choice, None].astype(np.float64)
            for choice, n in enumerate(self.n_values)
        ]
        return np.concatenate(parts, axis=1)

    def _categorical(self, values: I64) -> F64:
        return values.astype(np.float64)

    def _sequences(self, values: I64) -> F64:
        return (values + self._first_tokens()).astype(np.float64)

    def _first_tokens(self) -> I64:
        return np.cumsum((0, *self.n_values[:-1]))

    def _flat_graphs(self, values: I64) -> F64:
        if not len(values):
            return self._flat_graphs(np.array([self.sample(np.random.default_rng(0))]))[:0]
        return flat_graphs(*self._graphs(values), self.vertex_labels)

    def _graphs(self, values: I64) -> tuple[F64, I64]:
        """Adjacency and labels of each, (n, v, v) and (n, v)."""
        graphs = [self.graph(arch) for arch in map(tuple, values.tolist())]
        return np.array([graph[0] for graph in graphs]), np.array([graph[1] for graph in graphs])

    def _as_array(self, archs: Sequence[Architecture]) -> I64:
        p = len(self.n_values)
        if any(len(arch) != p for arch in archs):
            raise ValueError(f"an architecture of {type(self).__name__} is a tuple of {p} ints")
        values = np.array(archs, dtype=np.int64).reshape(-1, p)
        wrong = ((values < 0) | (values >= np.array(self.n_values))).any(axis=1)
        if wrong.any():
            raise ValueError(
                f"{type(self).__name__} has {self.n_values} values: got "
                f"{archs[int(np.argmax(wrong))]}; number each choice from 0"
            )
        return values

    def _require_valid(self, arch: Architecture) -> None:
        if not self.is_valid(arch):
            raise ValueError(
                f"{arch} is not valid in {type(self).__name__}: it takes {len(self.n_values)} ints "
                f"below {self.n_values} that make a network together"
            )


def flat_graphs(adjacency: F64, labels: I64, names: Sequence[str]) -> F64:
    """Graphs as rows of a table, (n, v (v - 1) / 2 + v L).

    First the adjacency above its diagonal, row by row, then for each vertex one bit for each of the
    L labels other than "unused": a vertex that is not there has none.
    """
    n, v = labels.shape
    bits = np.eye(len(names))[:, [name != "unused" for name in names]]
    return np.hstack([adjacency[:, *np.triu_indices(v, 1)], bits[labels].reshape(n, -1)])
