"""Cells of four nodes with an operation on each of the six edges between them.

Node 0 is the input, node 3 the output; a node is the sum of what its edges bring. Edges are
ordered by their target: (0,1), (0,2), (1,2), (0,3), (1,3), (2,3), as published strings write them.
"""

from collections.abc import Callable, Hashable
from functools import lru_cache
from itertools import chain, permutations, product
from typing import ClassVar

import numpy as np

from recmeta.architectures._base import F64, I64, Architecture, ArchitectureSpace

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
# positions in EDGES of each path from node 0 to node 3, in order of length
PATHS = ((3,), (0, 4), (1, 5), (0, 2, 5))
# the same six edges, ordered by their source: the order of NASLib's op_indices
BY_SOURCE = (0, 1, 3, 2, 4, 5)
# from where to where vertices of a graph lead: the input, the six edges, the output
_VERTICES = ((-1, 0), *EDGES, (3, 4))
READS = np.array([[float(a[1] == b[0]) for b in _VERTICES] for a in _VERTICES])

Term = Hashable


class FourNodeCell(ArchitectureSpace):
    """What NAS-Bench-201 and TransNAS-Bench-101 (micro) share: six edges, an operation on each.

    Encodings: ``one_hot`` (6 m), ``categorical`` (6), ``path``: a bit for each word of operations
    along a path from input to output, m + m^2 + m^3 (White et al. 2021), ``path_truncated``:
    its first m + m^2, the paths over at most two edges.
    """

    operations: ClassVar[tuple[str, ...]]
    zero: ClassVar[int]
    identity: ClassVar[int]
    weighted: ClassVar[frozenset[int]]

    def canonical(self, arch: Architecture) -> Hashable:
        """The network that the cell is: two cells share a key if and only if they are isomorphic.

        The cell is written out from its output. Zeros and what leads nowhere vanish, an identity
        passes its node's terms on, and a sum does not depend on order, so names of nodes don't
        matter. One convolution used twice is not two convolutions: operations with weights that
        read the same are told apart by number, and the least of all numberings is the key.
        """
        self._require_valid(arch)
        return _key_of(type(self), arch)

    def _key(self, arch: Architecture) -> Hashable:
        live = self._live_edges(arch)
        arch = tuple(op if edge in live else self.zero for edge, op in enumerate(arch))
        output, term_of_edge = self._written_out(arch, {})
        alike: dict[Term, list[int]] = {}
        for edge, term in term_of_edge.items():
            if self._has_weights(edge, arch[edge]):
                alike.setdefault(term, []).append(edge)
        groups = [edges for edges in alike.values() if len(edges) > 1]
        if not groups:
            return output
        keys = [
            self._written_out(arch, dict(zip(chain(*groups), chain(*numbers), strict=True)))[0]
            for numbers in product(*(permutations(range(len(edges))) for edges in groups))
        ]
        return min(keys, key=repr)

    def graph(self, arch: Architecture) -> tuple[F64, I64]:
        """Input, the six operations, output; an edge where one operation reads from another.

        A zero operation stays as a vertex, but nothing leads to it or away from it.
        """
        self._require_valid(arch)
        adjacency, labels = self._graphs(np.array([arch]))
        return adjacency[0], labels[0]

    def _graphs(self, values: I64) -> tuple[F64, I64]:
        ends = np.full((len(values), 2), [0, 1 + len(self.operations)])
        labels = np.concatenate([ends[:, :1], 1 + values, ends[:, 1:]], axis=1)
        flows = labels != 1 + self.zero
        return READS * flows[:, :, None] * flows[:, None, :], labels

    def has_dead_edge(self, arch: Architecture) -> bool:
        """Whether an operation other than zero is on no path of such from input to output."""
        self._require_valid(arch)
        live = self._live_edges(arch)
        return any(op != self.zero and edge not in live for edge, op in enumerate(arch))

    def _live_edges(self, arch: Architecture) -> set[int]:
        flowing = (path for path in PATHS if all(arch[edge] != self.zero for edge in path))
        return set(chain.from_iterable(flowing))

    def _written_out(
        self, arch: Architecture, numbers: dict[int, int]
    ) -> tuple[tuple[Term, ...], dict[int, Term]]:
        """Terms of the output node, and the term of each edge that applies an operation."""
        nodes: list[tuple[Term, ...]] = [("input",), (), (), ()]
        term_of_edge: dict[int, Term] = {}
        for target in (1, 2, 3):
            terms: list[Term] = []
            for edge, (source, end) in enumerate(EDGES):
                if end != target or arch[edge] == self.zero:
                    continue
                if self._passes_on(edge, arch[edge]):
                    terms += nodes[source]
                else:
                    number = numbers.get(edge, 0)
                    term_of_edge[edge] = (self.operations[arch[edge]], number, nodes[source])
                    terms.append(term_of_edge[edge])
            nodes[target] = tuple(sorted(terms, key=repr))
        return nodes[3], term_of_edge

    def _passes_on(self, edge: int, operation: int) -> bool:
        return operation == self.identity

    def _has_weights(self, edge: int, operation: int) -> bool:
        return operation in self.weighted

    def _encoders(self) -> dict[str, Callable[[I64], F64]]:
        return {
            **super()._encoders(),
            "path": self._path,
            "path_truncated": lambda values: self._path(values, longest=2),
        }

    def _path(self, values: I64, longest: int = 3) -> F64:
        m = len(self.operations)
        offsets = (0, 0, m, m + m**2, m + m**2 + m**3)  # by length, and the number of words
        bits = np.zeros((len(values), offsets[longest + 1]))
        rows = np.arange(len(values))
        for path in PATHS:
            if len(path) <= longest:
                # the first operation of a path is the least significant digit
                word = values[:, path] @ m ** np.arange(len(path))
                bits[rows, offsets[len(path)] + word] = 1.0
        return bits


@lru_cache(maxsize=1 << 15)  # a search asks for the keys of all its trials at each step
def _key_of(kind: type[FourNodeCell], arch: Architecture) -> Hashable:
    return kind()._key(arch)
