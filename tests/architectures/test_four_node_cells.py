"""Cells of four nodes: NAS-Bench-201 and TransNAS-Bench-101 micro, against their tables."""

import ast
from collections import defaultdict
from functools import cache
from itertools import pairwise, permutations, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recmeta.architectures import Architecture, NasBench201, TransNasBench101Micro

TABLES = Path(__file__).parents[3] / "shared" / "nas"
needs_tables = pytest.mark.skipif(not TABLES.exists(), reason="the tables are not beside the code")
NB201, TNB101 = NasBench201(), TransNasBench101Micro()
BY_TARGET = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
cells = st.tuples(*[st.integers(0, 4)] * 6)


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(TABLES / name, dtype={"ops": str})


@cache
def keys_of_all() -> dict[Architecture, object]:
    return {arch: NB201.canonical(arch) for arch in product(range(5), repeat=6)}


def mirrored(arch: Architecture) -> Architecture:
    """Nodes 1 and 2 renamed into each other, which needs that no edge joins them."""
    swap = {0: 0, 1: 2, 2: 1, 3: 3}
    operation = dict(zip(BY_TARGET, arch, strict=True))
    return tuple(operation.get((swap[i], swap[j]), 0) for i, j in BY_TARGET)


def test_the_sizes_are_those_of_the_papers() -> None:
    assert NB201.size == 15_625
    assert TNB101.size == 4_096


@given(arch=cells)
def test_every_cell_has_24_neighbours(arch: Architecture) -> None:
    assert len(NB201.neighbours(arch)) == 24


@needs_tables
def test_strings_and_their_digits_agree_with_the_table() -> None:
    accuracy = table("nb201_accuracy.csv")
    archs = [NB201.from_string(text) for text in accuracy["arch"]]
    assert ["".join(map(str, arch)) for arch in archs] == accuracy["ops"].tolist()
    assert [NB201.to_string(arch) for arch in archs] == accuracy["arch"].tolist()
    assert len(set(archs)) == 15_625


@needs_tables
def test_the_published_classes_are_those_of_the_table() -> None:
    accuracy = table("nb201_accuracy.csv")
    ours = [NB201.published_class(NB201.from_string(text)) for text in accuracy["arch"]]
    pairs = set(zip(ours, accuracy["unique_class"], strict=True))
    assert len(pairs) == len(set(ours)) == accuracy["unique_class"].nunique() == 6_466


@needs_tables
@pytest.mark.parametrize("name", ["nb201_zc13_cifar10_9445.csv", "nb201_zc13_in16_9445.csv"])
def test_cells_without_dead_edges_are_the_9445_of_the_proxies(name: str) -> None:
    nets = {NB201.from_naslib(ast.literal_eval(net)) for net in table(name)["net"]}
    assert len(nets) == 9_445
    assert nets == {arch for arch in keys_of_all() if not NB201.has_dead_edge(arch)}


@needs_tables
def test_naslib_tuples_name_the_string_beside_them() -> None:
    proxies = table("nb201_zc13_cifar10_9445.csv")
    archs = [NB201.from_naslib(ast.literal_eval(net)) for net in proxies["net"]]
    assert archs == [NB201.from_string(text) for text in proxies["net_str"]]


@needs_tables
def test_isomorphic_cells_have_one_number_of_parameters_and_published_ones_do_not() -> None:
    # an outside witness: the parameters that the benchmark counted in the networks it built
    proxies = table("nb201_zc13_cifar10_9445.csv")
    archs = [NB201.from_string(text) for text in proxies["net_str"]]
    ours = pd.Series([repr(NB201.canonical(arch)) for arch in archs])
    published = pd.Series([NB201.published_class(arch) for arch in archs])
    assert (proxies["params"].groupby(ours).nunique() == 1).all()
    assert (proxies["params"].groupby(published).nunique() > 1).sum() == 430


def test_canonical_classes_of_all_cells() -> None:
    assert len(set(keys_of_all().values())) == 5_260


@given(arch=cells)
def test_renaming_nodes_does_not_change_the_key(arch: Architecture) -> None:
    unjoined = (*arch[:2], 0, *arch[3:])
    assert NB201.is_isomorphic(unjoined, mirrored(unjoined))


def outputs(arch: Architecture, weight_of_edge: tuple[float, ...], x: float) -> float:
    """The cell as a function of a number: what an operation does depends on its weight alone."""
    nodes = [x, 0.0, 0.0, 0.0]
    for edge, (source, target) in enumerate(BY_TARGET):
        h = nodes[source]
        if arch[edge] == 1:
            nodes[target] += h
        elif arch[edge] in (2, 3):
            kernel = 0.7 if arch[edge] == 2 else 1.3
            nodes[target] += np.sinh(kernel * weight_of_edge[edge] * h)
        elif arch[edge] == 4:
            nodes[target] += 0.37 * h**3
    return nodes[3]


def test_keys_are_equal_if_and_only_if_the_functions_are() -> None:
    # brute force: every cell is run with every assignment of six weights to its edges; two cells
    # are one network if the sets of functions that they can be are the same
    rng = np.random.default_rng(0)
    weights = tuple(rng.uniform(0.5, 1.0, size=3))
    some = [
        arch
        for arch in product((0, 1, 2, 4), repeat=6)
        if sum(operation == 2 for operation in arch) <= 3
    ]
    of_function = defaultdict(set)
    for index in rng.choice(len(some), size=500, replace=False):
        arch = some[index]
        convolutions = [edge for edge in range(6) if arch[edge] == 2]
        values = set()
        for order in permutations(weights, len(convolutions)):
            by_edge = dict(zip(convolutions, order, strict=True))
            weight_of_edge = tuple(by_edge.get(edge, 0.0) for edge in range(6))
            values.add(round(outputs(arch, weight_of_edge, 0.9), 9))
        of_function[frozenset(values)].add(NB201.canonical(arch))
    keys = [key for found in of_function.values() for key in found]
    assert all(len(found) == 1 for found in of_function.values())
    assert len(set(keys)) == len(keys)
    assert len(keys) < 500  # some of the cells were the same network


def test_one_convolution_used_twice_is_not_two_convolutions() -> None:
    shared, separate = (2, 0, 1, 0, 1, 1), (2, 2, 0, 0, 1, 1)
    assert NB201.published_class(shared) == NB201.published_class(separate)
    assert not NB201.is_isomorphic(shared, separate)


def test_pooling_has_no_weights_to_share() -> None:
    assert NB201.is_isomorphic((4, 0, 1, 0, 1, 1), (4, 4, 0, 0, 1, 1))


def paths_by_walking(arch: Architecture) -> set[tuple[int, ...]]:
    operation = dict(zip(BY_TARGET, arch, strict=True))
    routes = [(0, 3), (0, 1, 3), (0, 2, 3), (0, 1, 2, 3)]
    return {tuple(operation[step] for step in pairwise(route)) for route in routes}


@given(arch=cells)
def test_path_bits_are_the_words_along_the_routes(arch: Architecture) -> None:
    # NASLib read the string's positions from its own order of edges: (0,3) and (1,2) were swapped
    words = [word for length in (1, 2, 3) for word in product(range(5), repeat=length)]
    # within a length, the first operation changes fastest
    words.sort(key=lambda word: (len(word), word[::-1]))
    bits = NB201.encode([arch], "path")[0]
    assert len(bits) == len(words) == 155
    assert {words[bit] for bit in np.flatnonzero(bits)} == paths_by_walking(arch)
    np.testing.assert_array_equal(NB201.encode([arch], "path_truncated")[0], bits[:30])


def test_path_bits_of_a_cell_whose_two_orders_differ() -> None:
    # (0,3) is conv3x3 and (1,2) avg_pool: their numbers tell which edge was taken for which
    arch = NB201.from_string(
        "|skip_connect~0|+|none~0|avg_pool_3x3~1|+|nor_conv_3x3~0|nor_conv_1x1~1|skip_connect~2|"
    )
    assert NB201.to_naslib(arch) == (0, 1, 2, 4, 3, 0)
    bits = NB201.encode([arch], "path")[0]
    # 3; 5 + (1 + 2 * 5); 5 + (0 + 1 * 5); 30 + (1 + 4 * 5 + 1 * 25)
    assert np.flatnonzero(bits).tolist() == [3, 10, 16, 76]


@given(arch=cells)
def test_converters_lead_back(arch: Architecture) -> None:
    assert NB201.from_string(NB201.to_string(arch)) == arch
    assert NB201.from_naslib(NB201.to_naslib(arch)) == arch
    assert NB201.from_naszilla(NB201.to_naszilla(arch)) == arch


def test_the_published_orders_by_hand() -> None:
    text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|skip_connect~2|"
    arch = (3, 0, 1, 4, 2, 1)
    assert NB201.from_string(text) == arch
    # (0,1) (0,2) (0,3) (1,2) (1,3) (2,3) of skip none 3x3 1x1 avg
    assert NB201.to_naslib(arch) == (2, 1, 4, 0, 3, 0)
    # the string's order, of avg 1x1 3x3 none skip
    assert NB201.to_naszilla(arch) == (2, 3, 4, 0, 1, 4)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "|none~0|+|none~0|none~1|",
        "|max_pool~0|+|none~0|none~1|+|none~0|none~1|none~2|",
        "|none~1|+|none~0|none~1|+|none~0|none~1|none~2|",
    ],
)
def test_refuses_what_is_no_cell(text: str) -> None:
    with pytest.raises(ValueError, match="not a cell of NAS-Bench-201"):
        NB201.from_string(text)


def test_refuses_numbers_that_naslib_and_naszilla_do_not_have() -> None:
    for read in (NB201.from_naslib, NB201.from_naszilla):
        with pytest.raises(ValueError, match="number each choice from 0"):
            read((0, 0, 0, 0, 0, 5))


def test_nothing_flows_through_a_zero() -> None:
    adjacency, labels = NB201.graph((3, 0, 1, 4, 2, 1))
    names = [NB201.vertex_labels[label] for label in labels]
    assert names == [
        *("input", "nor_conv_3x3", "none", "skip_connect", "avg_pool_3x3", "nor_conv_1x1"),
        *("skip_connect", "output"),
    ]
    edges = {(int(i), int(j)) for i, j in np.argwhere(adjacency)}
    assert edges == {(0, 1), (0, 4), (1, 3), (1, 5), (3, 6), (4, 7), (5, 7), (6, 7)}


@needs_tables
def test_transnas_cells_of_one_key_have_one_number_of_parameters() -> None:
    # with NASLib's other order of edges, or a skip from the input as identity, they would not
    proxies = table("tnb101_micro_zc13_class_scene_2128.csv")
    archs = [ast.literal_eval(net) for net in proxies["net"]]
    keys = pd.Series([repr(TNB101.canonical(arch)) for arch in archs], index=proxies.index)
    assert (proxies["params"].groupby(keys).nunique() == 1).all()
    assert keys.nunique() < len(archs)
    live = {a for a in product(range(4), repeat=6) if not TNB101.has_dead_edge(a)}
    assert set(archs) == live


@needs_tables
def test_transnas_tables_list_every_cell_once() -> None:
    archs = [ast.literal_eval(arch) for arch in table("tnb101_micro.csv")["arch"]]
    assert set(archs) == set(product(range(4), repeat=6))
    assert all(TNB101.is_valid(arch) for arch in archs)


def test_transnas_names_lead_back_and_others_are_refused() -> None:
    assert TNB101.from_string("64-41414-1_02_333") == (1, 0, 2, 3, 3, 3)
    assert TNB101.to_string((1, 0, 2, 3, 3, 3)) == "64-41414-1_02_333"
    for wrong in ("64-1234-basic", "64-41414-4_02_333", "64-41414-1_02_3333"):
        with pytest.raises(ValueError, match="not a network of TransNAS-Bench-101 micro"):
            TNB101.from_string(wrong)
