"""Cells of four nodes with an operation on each of the six edges between them.

Node 0 is the input, node 3 the output; a node is the sum of what its edges bring. Edges are
ordered by their target: (0,1), (0,2), (1,2), (0,3), (1,3), (2,3), as published strings write them.
"""

from collections.abc import Callable, Hashable
from typing import ClassVar

import numpy as np

from recmeta.architectures._base import F64, I64, Architecture, ArchitectureSpace

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
# positions in EDGES of each path from node 0 to node 3, in order of length
PATHS = ((3,), (0, 4), (1, 5), (0, 2, 5))
# the same six edges, ordered by their source: the order of NASLib's op_indices
BY_SOURCE = (0, 1, 3, 2, 4, 5)

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

    def function_key(self, arch: Architecture) -> Hashable:
        """The function that the cell computes: a sum of operations applied to sums.

        Zeros vanish, identities pass their node's terms on, sums don't depend on order: two cells
        have one key if and only if these rules turn one into the other. Renaming nodes is among
        them, so is merging nodes that compute the same.
        """
        self._require_valid(arch)
        nodes: list[tuple[Term, ...]] = [("input",), (), (), ()]
        for target in (1, 2, 3):
            terms: list[Term] = []
            for (source, end), operation in zip(EDGES, arch, strict=True):
                if end == target:
                    terms += self._brought(nodes[source], source, operation)
            nodes[target] = tuple(sorted(terms, key=repr))
        return nodes[3]

    def graph(self, arch: Architecture) -> tuple[F64, I64]:
        """Input, the six operations, output; an edge where one operation reads from another.

        A zero operation stays as a vertex, but nothing leads to it or away from it.
        """
        self._require_valid(arch)
        flows = [operation != self.zero for operation in arch]
        adjacency = np.zeros((8, 8))
        for edge, (source, target) in enumerate(EDGES):
            adjacency[0, 1 + edge] = source == 0 and flows[edge]
            adjacency[1 + edge, 7] = target == 3 and flows[edge]
            for later, (start, _) in enumerate(EDGES):
                adjacency[1 + edge, 1 + later] = target == start and flows[edge] and flows[later]
        labels = [0, *(1 + operation for operation in arch), 1 + len(self.operations)]
        return adjacency, np.array(labels, dtype=np.int64)

    def has_dead_edge(self, arch: Architecture) -> bool:
        """Whether an operation other than zero is on no path of such from input to output."""
        self._require_valid(arch)
        live = {edge for path in PATHS if all(arch[e] != self.zero for e in path) for edge in path}
        return any(arch[edge] != self.zero and edge not in live for edge in range(6))

    def _brought(self, terms: tuple[Term, ...], source: int, operation: int) -> tuple[Term, ...]:
        if operation == self.zero or not terms:
            return ()
        if operation == self.identity and self._is_exact_identity(source):
            return terms
        return ((self.operations[operation], terms),)

    def _is_exact_identity(self, source: int) -> bool:
        return True

    def _encoders(self) -> dict[str, Callable[[I64], F64]]:
        return {
            **super()._encoders(),
            "path": self._path,
            "path_truncated": lambda values: self._path(values)[:, : self._n_short_paths],
        }

    @property
    def _n_short_paths(self) -> int:
        m = len(self.operations)
        return m + m**2

    def _path(self, values: I64) -> F64:
        m = len(self.operations)
        offsets = (0, m, m, m + m**2)
        bits = np.zeros((len(values), m + m**2 + m**3))
        rows = np.arange(len(values))
        for path, offset in zip(PATHS, offsets, strict=True):
            # the first operation of a path is the least significant digit
            bits[rows, offset + values[:, path] @ m ** np.arange(len(path))] = 1.0
        return bits
