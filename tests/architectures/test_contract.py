"""What holds for every space of architectures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recmeta import architectures
from recmeta.architectures import ArchitectureSpace
from recmeta.registry import UnknownNameError

SPACES = [space() for space in architectures.all_spaces().values()]
each_space = pytest.mark.parametrize("space", SPACES, ids=lambda space: type(space).__name__)
seeds = st.integers(0, 2**32 - 1)


def distance(arch: tuple[int, ...], other: tuple[int, ...]) -> int:
    return sum(a != b for a, b in zip(arch, other, strict=True))


def test_the_folder_is_the_list_of_spaces() -> None:
    assert list(architectures.all_spaces()) == [
        "AutoencoderSpace",
        "NasBench101",
        "NasBench201",
        "TransNasBench101Micro",
    ]
    assert architectures.get("nas-bench-201") is architectures.NasBench201
    with pytest.raises(KeyError, match="there are: AutoencoderSpace, NasBench101"):
        architectures.get("DARTS")


@each_space
@given(seed=seeds)
@settings(max_examples=15, deadline=None)
def test_samples_are_valid_and_a_seed_repeats_them(space: ArchitectureSpace, seed: int) -> None:
    arch = space.sample(np.random.default_rng(seed))
    assert space.is_valid(arch)
    assert all(type(value) is int for value in arch)
    assert arch == space.sample(np.random.default_rng(seed))


@each_space
@given(seed=seeds)
@settings(max_examples=8, deadline=None)
def test_neighbours_differ_in_one_choice_and_are_each_others(
    space: ArchitectureSpace, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    arch = space.sample(rng)
    neighbours = space.neighbours(arch)
    assert len(set(neighbours)) == len(neighbours)
    assert all(space.is_valid(other) and distance(arch, other) == 1 for other in neighbours)
    for index in rng.integers(len(neighbours), size=3):
        assert arch in space.neighbours(neighbours[index])


@each_space
@given(seed=seeds)
@settings(max_examples=15, deadline=None)
def test_a_mutation_of_one_choice_is_a_neighbour(space: ArchitectureSpace, seed: int) -> None:
    rng = np.random.default_rng(seed)
    arch = space.sample(rng)
    before = tuple(arch)
    child = space.mutate(arch, rng)
    assert arch == before
    assert space.is_valid(child)
    if distance(arch, child) == 1:  # NAS-Bench-101 changes one edge and one operation on average
        assert child in space.neighbours(arch)
    else:
        assert isinstance(space, architectures.NasBench101)


@pytest.mark.parametrize(
    "space",
    # NAS-Bench-101 edits at rates, tested in test_nas_bench_101.py
    [space for space in SPACES if not isinstance(space, architectures.NasBench101)],
    ids=lambda space: type(space).__name__,
)
def test_mutations_are_all_of_the_parent_that_was_given(space: ArchitectureSpace) -> None:
    # NASLib's loop went on from its last child: after some draws it is nowhere near the parent
    rng = np.random.default_rng(3)
    parent = space.sample(rng)
    for n_edits in (1, 2, 3):
        children = [space.mutate(parent, rng, n_edits) for _ in range(100)]
        assert {distance(parent, child) for child in children} == {n_edits}
        assert len(set(children)) > 5


@each_space
@pytest.mark.parametrize("n_edits", [0, -1, 99])
def test_refuses_numbers_of_edits_that_there_are_none_of(
    space: ArchitectureSpace, n_edits: int
) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=rf"got n_edits={n_edits}; give one in 1 \.\.\. "):
        space.mutate(space.sample(rng), rng, n_edits)


@each_space
def test_encodings_are_finite_and_each_row_is_that_of_its_architecture(
    space: ArchitectureSpace,
) -> None:
    rng = np.random.default_rng(1)
    archs = [space.sample(rng) for _ in range(40)]
    assert {"one_hot", "categorical", "path", "sequence", "graph"} <= set(space.encodings)
    for name in space.encodings:
        X = space.encode(archs, name)
        assert X.dtype == np.float64
        assert len(X) == 40
        assert np.isfinite(X).all()
        np.testing.assert_array_equal(X[7:8], space.encode(archs[7:8], name))
        assert space.encode([], name).shape == (0, X.shape[1])


@each_space
def test_what_has_no_name_or_does_not_fit_is_refused_with_the_reason(
    space: ArchitectureSpace,
) -> None:
    arch = space.sample(np.random.default_rng(0))
    with pytest.raises(UnknownNameError, match="there are: one_hot, categorical, path"):
        space.encode([arch], "two_hot")
    with pytest.raises(ValueError, match=f"is a tuple of {len(arch)} ints"):
        space.encode([arch[:-1]], "one_hot")
    with pytest.raises(ValueError, match="number each choice from 0"):
        space.encode([arch, (99, *arch[1:])], "one_hot")
    with pytest.raises(ValueError, match="is not valid in"):
        space.canonical((-1, *arch[1:]))
    assert not space.is_valid(arch[:-1])
    assert not space.is_valid((99, *arch[1:]))


@each_space
def test_graphs_are_of_one_size_with_edges_that_lead_forward(space: ArchitectureSpace) -> None:
    rng = np.random.default_rng(2)
    shapes = set()
    for _ in range(30):
        adjacency, labels = space.graph(space.sample(rng))
        shapes.add((adjacency.shape, labels.shape))
        assert adjacency.dtype == np.float64
        assert labels.dtype == np.int64
        assert set(np.unique(adjacency)) <= {0.0, 1.0}
        np.testing.assert_array_equal(adjacency, np.triu(adjacency, 1))
        assert labels.min() >= 0
        assert labels.max() < len(space.vertex_labels)
        unused = [space.vertex_labels[label] == "unused" for label in labels]
        assert not adjacency[unused].any()
        assert not adjacency[:, unused].any()
    assert len(shapes) == 1


@each_space
@given(seed=seeds)
@settings(max_examples=15, deadline=None)
def test_a_sequence_can_be_read_back(space: ArchitectureSpace, seed: int) -> None:
    arch = space.sample(np.random.default_rng(seed))
    tokens = space.sequence(arch)
    assert len(tokens) == len(space.n_values)
    assert set(tokens) <= set(range(space.n_tokens))
    starts = [sum(space.n_values[:choice]) for choice in range(len(arch))]
    assert tuple(t - s for t, s in zip(tokens, starts, strict=True)) == arch


@each_space
def test_equal_networks_have_equal_keys_whatever_else_was_asked_before(
    space: ArchitectureSpace,
) -> None:
    # duplicates among candidates are found by the key: it must be hashable and not depend on state
    rng = np.random.default_rng(5)
    archs = [space.sample(rng) for _ in range(50)]
    keys = [space.canonical(arch) for arch in archs]
    assert [type(space)().canonical(arch) for arch in reversed(archs)] == keys[::-1]
    assert 1 < len(set(keys)) <= 50


@each_space
@given(seed=seeds)
@settings(max_examples=15, deadline=None)
def test_the_graph_encoding_is_the_graph(space: ArchitectureSpace, seed: int) -> None:
    arch = space.sample(np.random.default_rng(seed))
    row = space.encode([space.sample(np.random.default_rng(seed + 1)), arch], "graph")[1]
    adjacency, labels = space.graph(arch)
    v = len(labels)
    names = [name for name in space.vertex_labels if name != "unused"]
    pairs = [(i, j) for i in range(v) for j in range(i + 1, v)]
    assert len(row) == len(pairs) + v * len(names)
    assert [adjacency[pair] for pair in pairs] == row[: len(pairs)].tolist()
    for bits, label in zip(row[len(pairs) :].reshape(v, -1), labels, strict=True):
        marked = [names[at] for at in np.flatnonzero(bits)]
        assert marked == [space.vertex_labels[label]] or (
            not marked and space.vertex_labels[label] == "unused"
        )


@each_space
@given(seed=seeds)
@settings(max_examples=15, deadline=None)
def test_the_sequence_encoding_is_the_sequence(space: ArchitectureSpace, seed: int) -> None:
    arch = space.sample(np.random.default_rng(seed))
    if isinstance(space, architectures.AutoencoderSpace):  # choices without effect are left out
        arch = tuple(space.canonical(arch))  # type: ignore[arg-type]
    np.testing.assert_array_equal(space.encode([arch], "sequence")[0], space.sequence(arch))
