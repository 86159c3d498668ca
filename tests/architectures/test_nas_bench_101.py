"""NAS-Bench-101 against brute force, networkx, and the published hash."""

from itertools import combinations, pairwise, permutations, product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recmeta.architectures import Architecture, NasBench101
from recmeta.architectures._labelled_graph import canonical_form

SPACE = NasBench101()
PAIRS = list(combinations(range(7), 2))
OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
seeds = st.integers(0, 2**32 - 1)


def cell(seed: int) -> Architecture:
    return SPACE.sample(np.random.default_rng(seed))


def as_networkx(arch: Architecture) -> nx.DiGraph:
    graph = nx.DiGraph([pair for pair, bit in zip(PAIRS, arch, strict=False) if bit])
    graph.add_nodes_from(range(7))
    nx.set_node_attributes(graph, dict(enumerate(("in", *arch[21:], "out"))), "label")
    return graph


def pruned_by_networkx(arch: Architecture) -> nx.DiGraph:
    graph = as_networkx(arch)
    kept = (nx.descendants(graph, 0) | {0}) & (nx.ancestors(graph, 6) | {6})
    return graph.subgraph(kept)


def renamed(arch: Architecture, rng: np.random.Generator) -> Architecture:
    """The same cell under another order of its interior vertices in which edges lead forward."""
    graph = as_networkx(arch)
    graph.remove_edges_from([edge for edge in graph.edges if edge[0] == 6 or edge[1] == 0])
    ranks = dict(zip(graph, rng.permutation(7), strict=True))
    ranks[0], ranks[6] = -1, 7
    # input first, output last: what doesn't lead to the output may not come after it
    interior = graph.subgraph(range(1, 6))
    order = [0, *nx.lexicographical_topological_sort(interior, key=ranks.__getitem__), 6]
    place = {vertex: position for position, vertex in enumerate(order)}
    edges = {(place[i], place[j]) for i, j in graph.edges}
    operations = [arch[21 + vertex - 1] for vertex in order[1:-1]]
    return (*(int(pair in edges) for pair in PAIRS), *operations)


@given(seed=seeds)
def test_valid_cells_have_a_path_and_at_most_nine_edges(seed: int) -> None:
    rng = np.random.default_rng(seed)
    arch = tuple(int(value) for value in rng.integers(SPACE.n_values))
    graph = pruned_by_networkx(arch)
    assert SPACE.is_valid(arch) == (6 in graph and graph.number_of_edges() <= 9)


@given(seed=seeds)
@settings(deadline=None)
def test_renaming_vertices_changes_neither_key_nor_hash_nor_paths(seed: int) -> None:
    arch = cell(seed)
    other = renamed(arch, np.random.default_rng(seed + 1))
    assert SPACE.canonical(arch) == SPACE.canonical(other)
    assert SPACE.published_hash(arch) == SPACE.published_hash(other)
    np.testing.assert_array_equal(*SPACE.encode([arch, other], "path"))


def test_keys_and_hashes_are_equal_if_and_only_if_networkx_finds_an_isomorphism() -> None:
    rng = np.random.default_rng(0)
    archs = [SPACE.sample(rng) for _ in range(30)]
    archs += [SPACE.mutate(arch, rng) for arch in archs[:15]]
    archs += [renamed(arch, rng) for arch in archs[:15]]
    graphs = [pruned_by_networkx(arch) for arch in archs]
    found = 0
    for one, other in combinations(range(len(archs)), 2):
        same = nx.is_isomorphic(
            graphs[one], graphs[other], node_match=lambda a, b: a["label"] == b["label"]
        )
        found += same
        assert (SPACE.canonical(archs[one]) == SPACE.canonical(archs[other])) == same
        assert (SPACE.published_hash(archs[one]) == SPACE.published_hash(archs[other])) == same
    assert found >= 15


def full_graphs(n: int) -> list[list[list[int]]]:
    """Upper triangular matrices of n vertices, each on a path, with at most nine edges."""
    pairs = list(combinations(range(n), 2))
    graphs = []
    for bits in product((0, 1), repeat=len(pairs)):
        edges = [[0] * n for _ in range(n)]
        for bit, (i, j) in zip(bits, pairs, strict=True):
            edges[i][j] = bit
        columns = list(zip(*edges, strict=True))
        if sum(bits) <= 9 and all(map(any, edges[:-1])) and all(map(any, columns[1:])):
            graphs.append(edges)
    return graphs


@pytest.mark.parametrize(("n", "n_cells"), [(2, 1), (3, 6), (4, 84), (5, 2441)])
def test_small_cells_are_as_many_as_brute_force_over_permutations_finds(
    n: int, n_cells: int
) -> None:
    ours, brute = set(), set()
    for edges in full_graphs(n):
        for operations in product(range(3), repeat=n - 2):
            labels = (-1, *operations, -2)
            ours.add(canonical_form(edges, labels))
            brute.add(
                min(
                    (
                        tuple(labels[i] for i in order),
                        tuple(edges[i][j] for i in order for j in order),
                    )
                    for inner in permutations(range(1, n - 1))
                    for order in [(0, *inner, n - 1)]
                )
            )
    assert len(ours) == len(brute) == n_cells


def test_size_counts_the_valid_tuples() -> None:
    bits = np.arange(2**21)
    edge = {pair: (bits >> position & 1).astype(bool) for position, pair in enumerate(PAIRS)}
    none, every = np.zeros(2**21, dtype=bool), np.ones(2**21, dtype=bool)
    reached, reaching = {0: every}, {6: every}
    for j in range(1, 7):
        reached[j] = sum((reached[i] & edge[i, j] for i in range(j)), none)
    for i in range(5, -1, -1):
        reaching[i] = sum((reaching[j] & edge[i, j] for j in range(i + 1, 7)), none)
    n_edges = sum((edge[i, j] & reached[i] & reaching[j]).astype(np.int8) for i, j in PAIRS)
    assert SPACE.size == np.sum(reached[6] & (n_edges <= 9)) * 3**5


def test_the_published_hash_of_two_cells() -> None:
    # values of hash_module of google-research/nasbench (nasbench/lib/graph_util.py): the
    # Inception-like cell of its example.py, and the cell without operations
    matrix = [
        [0, 1, 1, 1, 0, 1, 0],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 0],
    ]
    conv3x3, conv1x1, maxpool = OPERATIONS
    names = ["input", conv1x1, conv3x3, conv3x3, conv3x3, maxpool, "output"]
    inception = SPACE.from_spec(matrix, names)
    assert SPACE.published_hash(inception) == "28cfc7874f6d200472e1a9dcd8650aa0"
    straight = SPACE.from_spec([[0, 1], [0, 0]], ["input", "output"])
    assert SPACE.published_hash(straight) == "043721b9c7fe8c5fad811d47d83132ec"


@given(seed=seeds)
def test_path_bits_are_the_words_along_the_simple_paths(seed: int) -> None:
    arch = cell(seed)
    expected = {
        sum(3**position * (arch[20 + vertex] + 1) for position, vertex in enumerate(path[1:-1]))
        for path in nx.all_simple_paths(as_networkx(arch), 0, 6)
    }
    bits = SPACE.encode([arch], "path")[0]
    assert bits.shape == (364,)
    assert set(np.flatnonzero(bits).tolist()) == expected
    np.testing.assert_array_equal(SPACE.encode([arch], "path_truncated")[0], bits[:40])


def test_one_hot_is_21_bits_and_three_columns_a_vertex() -> None:
    arch = (*([0] * 5), 1, *([0] * 15), 0, 1, 2, 2, 1)
    row = SPACE.encode([arch], "one_hot")[0]
    expected = [0] * 5 + [1] + [0] * 15 + [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0]
    np.testing.assert_array_equal(row, expected)


def test_proposals_flip_one_edge_and_one_operation_on_average() -> None:
    # naszilla: 1/21 an edge, 1/5 an operation; NASLib had 1/7 and 1/3, and edits did not add up
    parent, rng, n = cell(1), np.random.default_rng(1), 4000
    for n_edits in (1, 2):
        children = np.array([SPACE._mutated(parent, rng, n_edits) for _ in range(n)])
        changed = children != np.array(parent)
        flips, changes = changed[:, :21].sum(axis=1), changed[:, 21:].sum(axis=1)
        for counts, p, trials in ((flips, n_edits / 21, 21), (changes, n_edits / 5, 5)):
            error = np.sqrt(trials * p * (1 - p) / n)
            assert abs(counts.mean() - n_edits) < 4 * error


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_mutations_and_neighbours_are_other_networks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    arch = SPACE.sample(rng)
    own = SPACE.canonical(arch)
    others = [*SPACE.neighbours(arch), SPACE.mutate(arch, rng), SPACE.mutate(arch, rng, 3)]
    assert all(SPACE.canonical(other) != own for other in others)


def test_mutations_stay_near_the_parent_however_many_are_drawn() -> None:
    # a loop that goes on from its last child would be about 10 edges away in the end
    parent, rng = cell(4), np.random.default_rng(4)
    children = np.array([SPACE.mutate(parent, rng) for _ in range(300)])
    distances = (children != np.array(parent)).sum(axis=1)
    assert np.mean(distances[-100:]) < 4
    assert distances.min() == 1


@given(seed=seeds)
def test_converters_lead_back_to_the_cell(seed: int) -> None:
    arch = cell(seed)
    assert SPACE.from_naszilla(SPACE.to_naszilla(arch)) == arch
    for again in (
        SPACE.from_naslib(SPACE.to_naslib(arch)),
        SPACE.from_spec(*SPACE.to_spec(arch)),
    ):
        assert SPACE.canonical(again) == SPACE.canonical(arch)


def test_the_published_orders_by_hand() -> None:
    conv3x3, conv1x1, maxpool = OPERATIONS
    chain = [[int(j == i + 1) for j in range(7)] for i in range(7)]
    arch = SPACE.from_spec(chain, ["input", conv3x3, conv1x1, maxpool, maxpool, conv3x3, "output"])
    steps = [int(pair in set(pairwise(range(7)))) for pair in PAIRS]
    assert arch == (*steps, 0, 1, 2, 2, 0)
    # the last vertex first; conv3x3 is .5, conv1x1 0, maxpool 1
    assert SPACE.to_naszilla(arch) == (*map(float, steps), 0.5, 1.0, 1.0, 0.0, 0.5)
    # input 0, output 1, maxpool 2, conv1x1 3, conv3x3 4
    flat = [bit for row in chain for bit in row]
    assert SPACE.to_naslib(arch) == (*flat, 0, 4, 3, 2, 2, 4, 1)


def test_a_small_cell_is_filled_up_and_pruned_again() -> None:
    matrix, names = [[0, 1, 1], [0, 0, 1], [0, 0, 0]], ["input", "maxpool3x3", "output"]
    arch = SPACE.from_spec(matrix, names)
    assert SPACE.to_spec(arch) == (matrix, names)
    adjacency, labels = SPACE.graph(arch)
    assert adjacency.sum() == 3
    assert [SPACE.vertex_labels[label] for label in labels].count("unused") == 4


@pytest.mark.parametrize(
    ("matrix", "names"),
    [
        ([[0, 1], [0, 0]], ["input", "maxpool3x3", "output"]),
        ([[0, 1], [1, 0]], ["input", "output"]),
        ([[0, 1], [0]], ["input", "output"]),
        ([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["input", "conv5x5", "output"]),
    ],
)
def test_refuses_what_is_no_cell(matrix: list[list[int]], names: list[str]) -> None:
    with pytest.raises(ValueError, match="not a cell of NAS-Bench-101"):
        SPACE.from_spec(matrix, names)


def test_refuses_cells_that_are_not_in_the_space() -> None:
    with pytest.raises(ValueError, match="make a network together"):  # no path
        SPACE.from_spec([[0, 0], [0, 0]], ["input", "output"])
    with pytest.raises(ValueError, match="make a network together"):  # 21 edges
        SPACE.canonical((*([1] * 21), 0, 0, 0, 0, 0))


def test_refuses_numbers_that_naslib_and_naszilla_do_not_have() -> None:
    with pytest.raises(ValueError, match="not NASLib's tuple of a cell: 5 numbers"):
        SPACE.from_naslib((0, 1, 0, 0, 1))
    with pytest.raises(ValueError, match="not naszilla's encoding of a cell"):
        SPACE.from_naszilla((*([0.0] * 21), 0.3, 0.0, 0.0, 0.0, 0.0))
