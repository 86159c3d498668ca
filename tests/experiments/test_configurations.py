"""Configurations of each kind: in the space, spread as promised, stable under additions."""

import json

import numpy as np
import pytest
from scipy.stats import qmc

from recmeta.algorithms import get
from recmeta.experiments.configurations import ATTEMPTS, configurations, listed, portfolio
from recmeta.metalearning.metadata import load
from recmeta.metalearning.performance import performance
from recmeta.space import contains, encode

KINDS = ["random", "sobol", "grid"]


def params(found):
    return [tuple(sorted(one.params.items())) for one in found]


@pytest.mark.parametrize("kind", KINDS)
def test_the_default_comes_first_and_the_rest_lie_in_the_space_once(kind):
    for name in ("EASE", "IALS", "TurboCF"):
        default, *rest = configurations([name], 3, kind=kind)
        assert (default.label, default.turn) == ("default", 0)
        assert get(name)(**default.params).get_params() == get(name)().get_params()
        assert rest
        assert all(contains(get(name).space, one.params) for one in rest)
        assert len(set(params([default, *rest]))) == len(rest) + 1
        assert [one.turn for one in rest] == list(range(1, len(rest) + 1))


@pytest.mark.parametrize("kind", ["random", "sobol"])
def test_another_algorithm_or_more_samples_keep_the_first(kind):
    alone = configurations(["IALS"], 5, kind=kind, seed=4)
    both = configurations(["PureSVD", "IALS"], 5, kind=kind, seed=4)
    assert tuple(one for one in both if one.algorithm == "IALS") == alone
    assert configurations(["IALS"], 11, kind=kind, seed=4)[:6] == alone
    assert configurations(["IALS"], 5, kind=kind, seed=5) != alone


def test_sobol_points_fill_the_space_more_evenly_than_random_ones():
    def discrepancy(kind, seed):
        found = configurations(["EDLAE"], 32, kind=kind, seed=seed)[1:]
        points = np.array([encode(get("EDLAE").space, one.params) for one in found])
        return qmc.discrepancy(np.clip(points, 0, 1))

    means = [
        np.mean([discrepancy(kind, seed) for seed in range(10)]) for kind in ("sobol", "random")
    ]
    assert means[0] < 0.5 * means[1]


def test_sobol_points_are_those_of_scipy():
    # the engine as it is, on the one continuous range of EASE
    import zlib

    rng = np.random.default_rng([0, zlib.crc32(b"EASE")])
    n_bits = int(np.ceil(np.log2(4 * ATTEMPTS)))
    z = qmc.Sobol(1, seed=rng).random_base2(n_bits)[:4, 0]
    l2 = get("EASE").space["l2"]
    expected = l2.low * (l2.high / l2.low) ** z
    found = [one.params["l2"] for one in configurations(["EASE"], 4, kind="sobol")[1:]]
    np.testing.assert_allclose(found, expected)


def test_a_grid_has_both_ends_of_each_range_and_every_choice():
    space = get("IALS").space
    found = configurations(["IALS"], 3, kind="grid")[1:]
    for name, range_ in space.items():
        values = {one.params[name] for one in found}
        assert {range_.low, range_.high} <= values
        assert len(values) == 3
    assert len(found) >= 3 ** len(space) - 1  # the default may be one of its points


def test_a_grid_that_is_too_large_says_how_large():
    with pytest.raises(ValueError, match=r"^UserKNN: a grid of 3 levels has 1,215 conf.*fewer"):
        configurations(["UserKNN"], 3, kind="grid")


def test_small_spaces_give_what_they_have():
    assert len(configurations(["TopPopular"], 9, kind="sobol")) == 1
    found = configurations(["PureSVD"], 300, kind="sobol")
    n_factors = get("PureSVD").space["n_factors"]
    assert len(found) <= n_factors.high - n_factors.low + 1


def test_only_defaults():
    found = configurations(["EASE", "IALS"], 7, kind="default")
    assert [(one.algorithm, one.label) for one in found] == [
        ("EASE", "default"),
        ("IALS", "default"),
    ]


def test_a_portfolio_covers_the_problems_better_than_its_own_best_alone():
    found = portfolio(5)
    assert [one.label for one in found] == ["p1", "p2", "p3", "p4", "p5"]
    known = load()
    scores = performance(known, "ndcg@10")
    table = known.configurations.iloc[scores.columns].reset_index(drop=True)
    columns = [
        next(
            i
            for i, row in enumerate(table.itertuples())
            if row.algorithm == one.algorithm and json.loads(row.params) == one.params
        )
        for one in found
    ]
    weights = known.family_weights / known.family_weights.sum()
    single = weights @ scores.filled
    assert columns[0] == np.argmax(single)
    # brute force: each next one is the best addition to those before
    for n in range(1, len(columns)):
        reached = scores.filled[:, columns[:n]].max(axis=1)
        gains = weights @ np.maximum(scores.filled, reached[:, None])
        assert gains[columns[n]] == pytest.approx(gains.max(), abs=1e-8)


def test_a_portfolio_is_of_the_algorithms_asked_for():
    found = configurations(["EASE", "slim"], 4, kind="portfolio")
    assert {one.algorithm for one in found} <= {"EASE", "SLIM"}
    assert len(found) == 4
    with pytest.raises(ValueError, match="no kind of configurations is named 'best'"):
        configurations(["EASE"], 4, kind="best")


def test_listed_configurations_have_defaults_for_the_rest():
    (one,) = listed([{"algorithm": "ials", "n_factors": 7}])
    assert (one.algorithm, one.params["n_factors"], one.label) == ("IALS", 7, "l1")
    assert set(one.params) == set(get("IALS")().get_params()) - {"random_state"}
    with pytest.raises(ValueError, match="EASE has no parameter 'l3'; it has: l2"):
        listed([{"algorithm": "EASE", "l3": 1.0}])
