"""The convolutions against plain loops; what a graph's numbering and gradients must not do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

torch = pytest.importorskip("torch")

from recmeta.architectures import NasBench101, NasBench201  # noqa: E402
from recmeta.predictors import GraphNetwork  # noqa: E402
from recmeta.predictors._graph_layers import (  # noqa: E402
    embedded,
    graphs_of,
    n_labels_of,
    start,
    unflattened,
)

seeds = st.integers(0, 2**32 - 1)


def random_graphs(rng, n=3, v=5, n_labels=4):
    """Acyclic graphs with a label a vertex; the last vertex of the first is not there."""
    adjacency = np.triu(rng.random((n, v, v)) < 0.5, 1).astype(float)
    features = np.eye(n_labels)[rng.integers(n_labels, size=(n, v))]
    adjacency[0, :, -1] = 0
    features[0, -1] = 0
    return adjacency, features


def written_out(weights, adjacency, features):
    """The convolutions of one network on one graph, vertex by vertex."""
    v = len(adjacency)
    h = features.astype(float)
    for both in weights:
        d = both.shape[1] // 2
        new = np.zeros((v, d))
        for i in range(v):
            ahead = [i, *(j for j in range(v) if adjacency[i, j])]
            behind = [i, *(j for j in range(v) if adjacency[j, i])]
            onwards = sum(h[j] for j in ahead) @ both[:, :d]
            back = sum(h[j] for j in behind) @ both[:, d:]
            new[i] = (np.maximum(onwards, 0) + np.maximum(back, 0)) / 2
        h = new
    return h[[vertex for vertex in range(v) if features[vertex].any()]].mean(axis=0)


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_convolutions_are_sums_over_neighbours_both_ways(seed):
    rng = np.random.default_rng(seed)
    adjacency, features = random_graphs(rng)
    weights = start(torch, 2, [4, 6, 5], rng)
    together = embedded(torch, weights, graphs_of(torch, adjacency, features))
    assert together.shape == (2, 3, 5)
    for network in range(2):
        own = [layer[network].numpy().astype(float) for layer in weights]
        for graph in range(3):
            alone = written_out(own, adjacency[graph], features[graph])
            np.testing.assert_allclose(together[network, graph], alone, rtol=1e-4, atol=1e-6)


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_the_numbering_of_the_vertices_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    adjacency, features = random_graphs(rng)
    weights = start(torch, 2, [4, 6, 5], rng)
    order = rng.permutation(5)
    moved = graphs_of(torch, adjacency[:, order][:, :, order], features[:, order])
    torch.testing.assert_close(
        embedded(torch, weights, moved),
        embedded(torch, weights, graphs_of(torch, adjacency, features)),
    )


def test_gradients_are_those_of_differences():
    rng = np.random.default_rng(0)
    graphs = graphs_of(torch, *random_graphs(rng))
    graphs = type(graphs)(*(part.double() for part in vars(graphs).values()))
    weights = [layer.double().requires_grad_() for layer in start(torch, 2, [4, 3, 3], rng)]
    assert torch.autograd.gradcheck(lambda *layers: embedded(torch, layers, graphs), weights)


def test_which_way_edges_lead_matters():
    rng = np.random.default_rng(1)
    adjacency, features = random_graphs(rng)
    weights = start(torch, 1, [4, 6, 6], rng)
    there, back = (
        embedded(torch, weights, graphs_of(torch, way, features))
        for way in (adjacency, adjacency.transpose(0, 2, 1))
    )
    assert not torch.allclose(there, back)


@pytest.mark.parametrize("space", [NasBench101(), NasBench201()])
def test_the_encoding_is_read_back(space):
    rng = np.random.default_rng(2)
    archs = [space.sample(rng) for _ in range(10)]
    v = len(space.graph(archs[0])[1])
    adjacency, features = unflattened(space.encode(archs, "graph"), v)
    for row, arch in enumerate(archs):
        edges, labels = space.graph(arch)
        np.testing.assert_array_equal(adjacency[row], edges)
        for bits, label in zip(features[row], labels, strict=True):
            unused = space.vertex_labels[label] == "unused"
            assert bits.sum() == 1 - unused
            assert unused or bits[label] == 1


def test_what_is_no_table_of_graphs_is_refused():
    space, rng = NasBench201(), np.random.default_rng(3)
    cells = [space.sample(rng) for _ in range(6)]
    y = np.arange(6.0)
    with pytest.raises(ValueError, match=r"got 30 columns, needed 28 \+ 8 L"):
        GraphNetwork().fit(space.encode(cells, "one_hot"), y)
    with pytest.raises(ValueError, match="n_vertices"):
        GraphNetwork(n_vertices=5).fit(space.encode(cells, "graph"), y)
    with pytest.raises(ValueError, match="columns are not all 0 or 1"):
        GraphNetwork(n_vertices=3).fit(rng.random((6, 9)), y)
    with pytest.raises(ValueError, match="even and 4 or more: got 5"):
        GraphNetwork(n_members=5).fit(space.encode(cells, "graph"), y)
    assert n_labels_of(84, 8) == 7


def isomorphic_pairs(space, rng, n):
    """Cells whose two inner nodes can be swapped, and the swapped: no edge joins the nodes."""
    cells = [space.sample(rng) for _ in range(n)]
    pairs = [((a, b, 0, d, e, f), (b, a, 0, d, f, e)) for a, b, _, d, e, f in cells]
    assert all(space.is_isomorphic(*pair) for pair in pairs)
    return pairs


def test_isomorphic_cells_have_one_prediction_and_convolutions_are_counted():
    space, rng = NasBench201(), np.random.default_rng(4)
    cells = [space.sample(rng) for _ in range(60)]

    def truth(cell):
        return cell[3] * 0.2 + cell.count(3)

    model = GraphNetwork(n_members=4, n_layers=2, n_units=16, n_epochs=60)
    model.fit(space.encode(cells, "graph"), np.array([truth(cell) for cell in cells]))
    pairs = isomorphic_pairs(space, rng, 50)
    (one, _), (other, _) = (
        model.predict(space.encode([pair[side] for pair in pairs], "graph")) for side in (0, 1)
    )
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    fresh = [space.sample(rng) for _ in range(100)]
    mean, _ = model.predict(space.encode(fresh, "graph"))
    assert spearmanr(mean, [truth(cell) for cell in fresh])[0] > 0.8


def test_the_global_generator_and_threads_stay_as_they_are():
    torch.manual_seed(5)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    GraphNetwork(n_vertices=1, n_members=4, n_epochs=2).fit(np.eye(6), np.arange(6.0))
    assert torch.equal(state, torch.get_rng_state())
    assert torch.get_num_threads() == threads
