"""The space of autoencoder recommenders."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recmeta.architectures import Architecture, AutoencoderSpace
from recmeta.architectures.autoencoder import CHOICES

SPACE = AutoencoderSpace()
architectures = st.tuples(*[st.integers(0, len(values) - 1) for values in CHOICES.values()])
MULT_VAE = {
    "depth": 2,
    "width_1": 512,
    "width_2": 128,
    "bottleneck": 256,
    "activation": "tanh",
    "input_dropout": 0.5,
    "hidden_dropout": 0.0,
    "input_norm": "l2",
    "normalisation": "none",
    "skip": False,
    "tied": False,
    "variational": True,
    "loss": "multinomial",
}


def drawing(arch: Architecture) -> tuple[list[str], set[tuple[int, int]]]:
    adjacency, labels = SPACE.graph(arch)
    names = [SPACE.vertex_labels[label] for label in labels]
    edges = {(int(i), int(j)) for i, j in np.argwhere(adjacency)}
    return [name for name in names if name != "unused"], edges


def with_choices(**changes: object) -> Architecture:
    return SPACE.from_dict({**MULT_VAE, **changes})


@given(arch=architectures)
def test_json_leads_back(arch: Architecture) -> None:
    assert SPACE.from_dict(json.loads(json.dumps(SPACE.to_dict(arch)))) == arch


def test_size_is_the_product_of_the_choices() -> None:
    assert SPACE.size == 3 * 4 * 4 * 5 * 7 * 4 * 3 * 2 * 3 * 2 * 2 * 2 * 4


def test_draws_mult_vae() -> None:
    names, edges = drawing(SPACE.from_dict(MULT_VAE))
    assert names == [
        *("input", "l2 norm", "dropout 0.5", "dense 512", "tanh", "mean 256", "log variance 256"),
        *("sample", "dense 512", "tanh", "dense items", "loss multinomial"),
    ]
    assert edges == {
        *((0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (4, 6), (5, 7), (6, 7)),
        *((7, 8), (8, 9), (9, 10), (10, 11)),
    }


def test_draws_a_deep_one_with_skips_and_tied_weights() -> None:
    arch = with_choices(
        depth=3, skip=True, tied=True, variational=False, input_norm="none", input_dropout=0.0
    )
    names, edges = drawing(arch)
    assert names == [
        *("input", "dense 512", "tanh", "dense 128", "tanh", "dense 256", "tanh"),
        *("tied 128", "tanh", "tied 512", "tanh", "tied items", "loss multinomial"),
    ]
    chain = {(vertex, vertex + 1) for vertex in range(12)}
    # the layer of width 128 is added to its mirror image, and so is that of 512
    assert edges == chain | {(4, 9), (2, 11)}


def test_the_largest_drawing_fits() -> None:
    names, _ = drawing(
        with_choices(depth=3, variational=False, hidden_dropout=0.2, normalisation="batch")
    )
    assert len(names) == 24


@given(arch=architectures, other=architectures)
@settings(max_examples=60)
def test_what_is_one_network_has_one_key_one_drawing_and_one_encoding(
    arch: Architecture, other: Architecture
) -> None:
    # the other takes one value over, so that pairs without effect are common
    pairs = [(arch, other)]
    pairs += [(arch, (*arch[:i], value, *arch[i + 1 :])) for i, value in enumerate(other)]
    for one, two in pairs:
        same = SPACE.canonical(one) == SPACE.canonical(two)
        assert (drawing(one) == drawing(two)) == same
        for name in SPACE.encodings:
            first, second = SPACE.encode([one, two], name)
            assert np.array_equal(first, second) == same, name


@given(arch=architectures)
def test_the_key_is_itself_an_architecture_and_stays(arch: Architecture) -> None:
    key = SPACE.canonical(arch)
    assert SPACE.is_valid(key)
    assert SPACE.canonical(key) == key


@pytest.mark.parametrize(
    ("given_by", "without_effect"),
    [
        ({"depth": 1}, {"width_1": 1024, "width_2": 1024, "hidden_dropout": 0.5, "skip": True}),
        ({"depth": 1, "variational": True}, {"activation": "relu", "normalisation": "layer"}),
        ({"depth": 2}, {"width_2": 1024}),
    ],
)
def test_choices_without_effect_are_ignored(
    given_by: dict[str, object], without_effect: dict[str, object]
) -> None:
    plain = with_choices(**given_by)
    for name, value in without_effect.items():
        assert SPACE.canonical(with_choices(**given_by, **{name: value})) == SPACE.canonical(plain)


@given(arch=architectures)
def test_neighbours_are_all_choices_that_have_an_effect(arch: Architecture) -> None:
    design = SPACE.to_dict(arch)
    n_without = 0
    if design["depth"] == 1:
        n_without = (4 - 1) + (4 - 1) + (3 - 1) + (2 - 1)
        if design["variational"]:
            n_without += (7 - 1) + (3 - 1)
    elif design["depth"] == 2:
        n_without = 4 - 1
    n_changes = sum(len(values) - 1 for values in CHOICES.values())
    assert len(SPACE.neighbours(arch)) == n_changes - n_without


def test_path_bits_are_one_word_of_widths_and_those_that_skips_end() -> None:
    width = {128: 0, 256: 1, 512: 2, 1024: 3}
    for depth, skip, word, skipped in [
        (1, True, 0, []),
        (2, False, 1 + width[512], []),
        (2, True, 1 + width[512], [width[512]]),
        (3, True, 5 + 4 * width[512] + width[128], [width[512], 4 + 4 * width[512] + width[128]]),
    ]:
        bits = SPACE.encode([with_choices(depth=depth, skip=skip)], "path")[0]
        assert bits.shape == (149,)
        assert np.flatnonzero(bits[:105]).tolist() == [5 * word + 3]  # 256 is bottleneck 3 of 5
        assert np.flatnonzero(bits[105:125]).tolist() == skipped


def test_refuses_what_is_no_autoencoder() -> None:
    misspelt = {("lose" if name == "loss" else name): MULT_VAE[name] for name in MULT_VAE}
    with pytest.raises(ValueError, match=r"missing \['loss'\], unknown \['lose'\]"):
        SPACE.from_dict(misspelt)
    with pytest.raises(ValueError, match=r"depth has no value True; there are \(1, 2, 3\)"):
        SPACE.from_dict({**MULT_VAE, "depth": True})
    with pytest.raises(ValueError, match="activation has no value 'mish'; there are"):
        SPACE.from_dict({**MULT_VAE, "activation": "mish"})
