"""TransNAS-Bench-101, micro: cells of four nodes, four operations on each of six edges."""

import re
from typing import ClassVar

from recmeta.architectures._base import Architecture
from recmeta.architectures._four_node_cell import EDGES, FourNodeCell

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3")
PUBLISHED = re.compile(r"64-41414-([0-3])_([0-3])([0-3])_([0-3])([0-3])([0-3])")


class TransNasBench101Micro(FourNodeCell):
    """The 4,096 cells of the micro space of TransNAS-Bench-101.

    An architecture is the operation on each edge, in the order of the published names (0,1),
    (0,2), (1,2), (0,3), (1,3), (2,3), with the published numbers: 0 none, 1 skip_connect,
    2 nor_conv_1x1, 3 nor_conv_3x3. NASLib's op_indices of this space are the same.

    Three of the five modules halve the resolution on the edges from the input, so there a
    skip_connect is a strided 1x1 convolution; ``canonical`` counts it as an operation.

    References
    ----------
    Duan et al., "TransNAS-Bench-101", CVPR 2021, arXiv:2105.11871.

    Examples
    --------
    >>> space = TransNasBench101Micro()
    >>> space.from_string("64-41414-1_02_333")
    (1, 0, 2, 3, 3, 3)
    """

    operations: ClassVar[tuple[str, ...]] = OPERATIONS
    zero: ClassVar[int] = 0
    identity: ClassVar[int] = 1
    weighted: ClassVar[frozenset[int]] = frozenset((2, 3))
    n_values: ClassVar[tuple[int, ...]] = (4,) * 6
    vertex_labels: ClassVar[tuple[str, ...]] = ("input", *OPERATIONS, "output")

    def to_string(self, arch: Architecture) -> str:
        """The published name of the network."""
        self._require_valid(arch)
        return "64-41414-{}_{}{}_{}{}{}".format(*arch)

    def from_string(self, text: str) -> Architecture:
        """The architecture that a published name stands for.

        Raises
        ------
        ValueError
            If the name is not one of the micro space.
        """
        match = PUBLISHED.fullmatch(text.strip())
        if match is None:
            raise ValueError(
                f"not a network of TransNAS-Bench-101 micro: {text!r}; write 64-41414-a_bc_def "
                "with digits 0 ... 3"
            )
        return tuple(int(digit) for digit in match.groups())

    def _passes_on(self, edge: int, operation: int) -> bool:
        return operation == self.identity and EDGES[edge][0] != 0

    def _has_weights(self, edge: int, operation: int) -> bool:
        return operation in self.weighted or operation == self.identity
