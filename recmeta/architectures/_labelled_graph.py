"""Small directed graphs with labelled vertices: pruning, an exact canonical form, Ying's hash.

======  ==================================================  ======
symbol  meaning                                             shape
======  ==================================================  ======
edges   edges[i][j] is 1 if an edge leads from i to j       (v, v)
labels  a number for each vertex; 0 is the input, v - 1     (v,)
        the output
======  ==================================================  ======
"""

import hashlib
from collections.abc import Sequence
from itertools import chain, permutations, product

Edges = Sequence[Sequence[int]]
Labels = tuple[int, ...]
Graph = tuple[list[list[int]], Labels]
Key = tuple[Labels, tuple[int, ...]]


def on_a_path(edges: Edges) -> list[int]:
    """Vertices on a path from the first to the last, in order; empty if there is no path.

    Edges must lead to higher numbers. O(v^2).
    """
    n = len(edges)
    from_input, to_output = {0}, {n - 1}
    for vertex in range(1, n):
        if any(edges[source][vertex] for source in from_input):
            from_input.add(vertex)
    for vertex in range(n - 2, -1, -1):
        if any(edges[vertex][target] for target in to_output):
            to_output.add(vertex)
    kept = sorted(from_input & to_output)
    return kept if n - 1 in from_input else []


def pruned(edges: Edges, labels: Labels) -> Graph:
    """The graph without the vertices that are on no path from input to output."""
    kept = on_a_path(edges)
    return [[edges[i][j] for j in kept] for i in kept], tuple(labels[i] for i in kept)


def canonical_form(edges: Edges, labels: Labels) -> Key:
    """Labels and edges (row by row) under the least numbering: equal iff isomorphic.

    Vertices are sorted by their colour after refinement (label, then colours of predecessors and
    successors, until no colour splits); the numberings that remain, those within a colour, are
    all tried. O(v^3) and the product of the factorials of the colours' sizes.
    """
    colours = _refined(edges, labels)
    classes = [
        [vertex for vertex in range(len(labels)) if colours[vertex] == colour]
        for colour in sorted(set(colours))
    ]
    orders = (tuple(chain.from_iterable(parts)) for parts in product(*(map(permutations, classes))))
    # within a class labels are equal, so only the edges differ between orders
    return min(
        (tuple(labels[i] for i in order), tuple(edges[i][j] for i in order for j in order))
        for order in orders
    )


def is_isomorphic(graph: Graph, other: Graph) -> bool:
    """Whether some numbering of the vertices makes the two graphs equal."""

    def counts(edges: Edges, labels: Labels) -> tuple[list[int], int]:
        return sorted(labels), sum(map(sum, edges))

    if graph == other:
        return True
    # most graphs that differ do so in their counts, which cost far less than a canonical form
    return counts(*graph) == counts(*other) and canonical_form(*graph) == canonical_form(*other)


def _refined(edges: Edges, labels: Labels) -> list[int]:
    vertices = range(len(labels))
    colours = list(labels)
    n_colours = 0
    while len(set(colours)) > n_colours:
        n_colours = len(set(colours))
        signatures = [
            (
                colours[v],
                sorted(colours[w] for w in vertices if edges[w][v]),
                sorted(colours[w] for w in vertices if edges[v][w]),
            )
            for v in vertices
        ]
        # the rank among the signatures is a name that no numbering of the vertices changes
        ranks = sorted(signatures)
        colours = [ranks.index(signature) for signature in signatures]
    return colours


def ying_hash(edges: Edges, labels: Labels) -> str:
    """The MD5 digest under which NAS-Bench-101's table lists a pruned cell.

    A vertex starts from its degrees and its label; v times over it takes up the sorted digests of
    its predecessors and of its successors; the cell is the digest of its vertices' sorted ones.
    Labels as published: -1 the input, -2 the output, the operations from 0.

    References
    ----------
    Ying, "Enumerating unique computational graphs via an iterative graph invariant", 2019,
    arXiv:1902.06192.
    """
    vertices = range(len(labels))
    digests = [
        _md5(str((sum(edges[v]), sum(edges[w][v] for w in vertices), labels[v]))) for v in vertices
    ]
    for _ in vertices:
        digests = [
            _md5(
                "|".join(
                    (
                        "".join(sorted(digests[w] for w in vertices if edges[w][v])),
                        "".join(sorted(digests[w] for w in vertices if edges[v][w])),
                        digests[v],
                    )
                )
            )
            for v in vertices
        ]
    return _md5(str(sorted(digests)))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
