"""NAS-Bench-101: cells of up to seven vertices and nine edges, three operations."""

from collections.abc import Callable, Hashable, Sequence
from itertools import combinations, pairwise
from typing import ClassVar

import numpy as np

from recmeta.architectures._base import F64, I64, Architecture, ArchitectureSpace
from recmeta.architectures._labelled_graph import (
    Edges,
    Graph,
    canonical_form,
    is_isomorphic,
    on_a_path,
    pruned,
    ying_hash,
)

OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
NASLIB_NAMES = ("input", "output", "maxpool3x3", "conv1x1-bn-relu", "conv3x3-bn-relu")
NASZILLA_VALUES = (0.5, 0.0, 1.0)  # of each of OPERATIONS
N_VERTICES = 7
MOST_EDGES = 9
PAIRS = tuple(combinations(range(N_VERTICES), 2))  # the upper triangle, row by row
INTERIOR = range(1, N_VERTICES - 1)
N_VALID_MATRICES = 1_538_083  # of 2^21, counted by the test


class NasBench101(ArchitectureSpace):
    """The cells of NAS-Bench-101, 423,624 networks.

    An architecture is 21 bits, the upper triangle of the adjacency matrix row by row, and the
    operations of vertices 1 ... 5: 0 conv3x3, 1 conv1x1, 2 maxpool. Vertices on no path from input
    to output are as if they weren't there; what is left must have a path and at most nine edges.

    Encodings: ``one_hot`` (21 + 15), ``categorical`` (26), ``path`` (364 bits, one for each word of
    operations along a path from input to output, the empty one first, then by length),
    ``path_truncated`` (its first 40, the words of up to three).

    References
    ----------
    Ying et al., "NAS-Bench-101", ICML 2019, arXiv:1902.09635.
    White et al., "BANANAS", AAAI 2021, arXiv:1910.11858 (path encoding, mutation).

    Examples
    --------
    >>> space = NasBench101()
    >>> arch = space.from_spec([[0, 1, 1], [0, 0, 1], [0, 0, 0]], ["input", "maxpool3x3", "output"])
    >>> space.encode([arch], "path_truncated").nonzero()[1].tolist()
    [0, 3]
    """

    n_values: ClassVar[tuple[int, ...]] = (2,) * len(PAIRS) + (3,) * len(INTERIOR)
    vertex_labels: ClassVar[tuple[str, ...]] = ("input", *OPERATIONS, "output", "unused")

    @property
    def size(self) -> int:
        """Valid tuples: the 1,538,083 valid matrices, each with all 3^5 operations."""
        return N_VALID_MATRICES * 3 ** len(INTERIOR)

    def canonical(self, arch: Architecture) -> Hashable:
        """Labels and edges of the pruned cell under its least numbering: equal iff isomorphic."""
        self._require_valid(arch)
        return canonical_form(*pruned(*_unpacked(arch)))

    def published_hash(self, arch: Architecture) -> str:
        """The key of the published table, MD5 by Ying's invariant."""
        self._require_valid(arch)
        edges, labels = pruned(*_unpacked(arch))
        return ying_hash(edges, (-1, *(label - 1 for label in labels[1:-1]), -2))

    def graph(self, arch: Architecture) -> tuple[F64, I64]:
        """The seven vertices; those on no path from input to output are ``unused``."""
        self._require_valid(arch)
        edges, labels = _unpacked(arch)
        kept = on_a_path(edges)
        adjacency = np.zeros((N_VERTICES, N_VERTICES))
        adjacency[np.ix_(kept, kept)] = np.array(edges)[np.ix_(kept, kept)]
        unused = len(self.vertex_labels) - 1
        used = [label if vertex in kept else unused for vertex, label in enumerate(labels)]
        return adjacency, np.array(used, dtype=np.int64)

    def to_spec(self, arch: Architecture) -> tuple[list[list[int]], list[str]]:
        """The pruned adjacency matrix and its operations by their published names."""
        self._require_valid(arch)
        edges, labels = pruned(*_unpacked(arch))
        return edges, [self.vertex_labels[label] for label in labels]

    def from_spec(self, matrix: Edges, operations: Sequence[str]) -> Architecture:
        """The architecture of a published matrix of 2 ... 7 vertices and their operations.

        A smaller cell is filled up with unused vertices before its output.

        Raises
        ------
        ValueError
            If the cell is not one of the space.
        """
        n = len(operations)
        known = all(name in OPERATIONS for name in operations[1:-1])
        square = len(matrix) == n and all(len(row) == n for row in matrix)
        triangular = all(j > i for i, row in enumerate(matrix) for j in np.flatnonzero(row))
        if not (2 <= n <= N_VERTICES and square and triangular and known):
            raise ValueError(
                f"not a cell of NAS-Bench-101: {len(matrix)} rows, operations {list(operations)}; "
                f"give an upper triangular matrix of 2 ... {N_VERTICES} vertices and operations of "
                f"{', '.join(OPERATIONS)} between input and output"
            )
        place = [*range(n - 1), N_VERTICES - 1]
        joined = {(place[i], place[j]) for i in range(n) for j in range(n) if matrix[i][j]}
        numbers = [OPERATIONS.index(name) for name in operations[1:-1]]
        blanks = [0] * (N_VERTICES - n)
        arch = (*(int(pair in joined) for pair in PAIRS), *numbers, *blanks)
        self._require_valid(arch)
        return arch

    def to_naslib(self, arch: Architecture) -> Architecture:
        """NASLib's tuple of the pruned cell: the whole matrix, then numbers of the operations."""
        matrix, operations = self.to_spec(arch)
        return (*(bit for row in matrix for bit in row), *map(NASLIB_NAMES.index, operations))

    def from_naslib(self, numbers: Architecture) -> Architecture:
        """The architecture of NASLib's tuple of v^2 + v numbers."""
        n = next((v for v in range(2, N_VERTICES + 1) if v * v + v == len(numbers)), 0)
        if not n or not all(0 <= number < len(NASLIB_NAMES) for number in numbers):
            raise ValueError(
                f"not NASLib's tuple of a cell: {len(numbers)} numbers; give v^2 + v, v in 2 ... 7"
            )
        matrix = [numbers[row * n : (row + 1) * n] for row in range(n)]
        return self.from_spec(matrix, [NASLIB_NAMES[number] for number in numbers[n * n :]])

    def to_naszilla(self, arch: Architecture) -> tuple[float, ...]:
        """naszilla's standard encoding: 21 bits, then operations as reals, last vertex first."""
        self._require_valid(arch)
        reals = [NASZILLA_VALUES[operation] for operation in reversed(arch[len(PAIRS) :])]
        return (*(float(bit) for bit in arch[: len(PAIRS)]), *reals)

    def from_naszilla(self, encoding: Sequence[float]) -> Architecture:
        """The architecture of naszilla's standard encoding."""
        reals = list(encoding[len(PAIRS) :])
        if len(encoding) != len(self.n_values) or not set(reals) <= set(NASZILLA_VALUES):
            raise ValueError(
                f"not naszilla's encoding of a cell: {list(encoding)}; give 21 bits and 5 of "
                f"{NASZILLA_VALUES}"
            )
        bits = (int(bit) for bit in encoding[: len(PAIRS)])
        arch = (*bits, *(NASZILLA_VALUES.index(real) for real in reversed(reals)))
        self._require_valid(arch)
        return arch

    def _mutated(self, arch: Architecture, rng: np.random.Generator, n_edits: int) -> Architecture:
        # White et al. 2021: n_edits edges flip and n_edits operations change, in expectation
        values, n_edges = np.array(arch), len(PAIRS)
        rates = np.repeat([n_edits / n_edges, n_edits / len(INTERIOR)], [n_edges, len(INTERIOR)])
        steps = rng.integers(1, self.n_values)
        changes = rng.random(len(arch)) < rates
        return tuple(((values + changes * steps) % self.n_values).tolist())

    def _is_buildable(self, arch: Architecture) -> bool:
        return _is_a_cell(pruned(*_unpacked(arch)))

    def _is_another(self, arch: Architecture) -> Callable[[Architecture], bool]:
        own = pruned(*_unpacked(arch))

        def is_another(other: Architecture) -> bool:
            cell = pruned(*_unpacked(other))
            return _is_a_cell(cell) and not is_isomorphic(own, cell)

        return is_another

    def _encoders(self) -> dict[str, Callable[[I64], F64]]:
        return {
            **super()._encoders(),
            "path": _path,
            "path_truncated": lambda values: _path(values, longest=3),
        }


def _unpacked(arch: Architecture) -> Graph:
    edges = [[0] * N_VERTICES for _ in range(N_VERTICES)]
    for bit, (i, j) in zip(arch, PAIRS, strict=False):
        edges[i][j] = bit
    labels = (0, *(1 + operation for operation in arch[len(PAIRS) :]), 1 + len(OPERATIONS))
    return edges, labels


def _is_a_cell(cell: Graph) -> bool:
    edges, _ = cell
    return bool(edges) and sum(map(sum, edges)) <= MOST_EDGES


def _path(values: I64, longest: int = len(INTERIOR)) -> F64:
    bits = np.zeros((len(values), (3 ** (longest + 1) - 1) // 2))
    edges = np.ascontiguousarray(values[:, : len(PAIRS)].T, dtype=bool)
    operations = values[:, len(PAIRS) :]
    for length in range(longest + 1):
        for inner in combinations(INTERIOR, length):
            steps = [PAIRS.index(pair) for pair in pairwise((0, *inner, N_VERTICES - 1))]
            there = np.flatnonzero(edges[steps].all(axis=0))
            # digits 1 ... 3 in base 3, the first operation the least significant
            digits = 1 + operations[there][:, [vertex - 1 for vertex in inner]]
            bits[there, digits @ 3 ** np.arange(length)] = 1.0
    return bits
