"""Plans: the same configurations for every data set, stable under additions."""

from pathlib import Path

from recmeta.algorithms import get
from recmeta.execution.bundle import Bundle
from recmeta.experiments.configurations import configurations
from recmeta.experiments.plan import Limits, Plan
from recmeta.space import contains


def of(algorithm, found):
    return [one for one in found if one.algorithm == algorithm]


def test_the_default_comes_first_and_the_rest_lie_in_the_space():
    default, *sampled = configurations(["ease"], 5, seed=0)
    assert default.label == "default"
    assert get("EASE")(**default.params).get_params() == get("EASE")().get_params()
    assert [one.label for one in sampled] == ["s1", "s2", "s3", "s4", "s5"]
    assert all(contains(get("EASE").space, one.params) for one in sampled)
    assert {one.algorithm for one in sampled} == {"EASE"}


def test_no_configuration_is_there_twice():
    found = configurations(["PureSVD"], 30, seed=0)
    params = [tuple(sorted(one.params.items())) for one in found]
    assert len(params) == len(set(params))


def test_another_algorithm_or_more_samples_keep_the_draws():
    alone = configurations(["EASE"], 3, seed=4)
    assert of("EASE", configurations(["PureSVD", "EASE"], 3, seed=4)) == list(alone)
    assert configurations(["EASE"], 8, seed=4)[:4] == alone
    assert configurations(["EASE"], 3, seed=5) != alone


def test_the_seed_of_a_fit_is_no_parameter():
    for name in ("PureSVD", "EASE"):
        assert all("random_state" not in one.params for one in configurations([name], 2))


def test_every_data_set_gets_every_configuration_defaults_first():
    plan = Plan(configurations(["EASE", "PureSVD"], 2), seeds=(0, 1), limits=Limits(9.0, 100))
    bundles = [Bundle(Path(f"/{name}"), name, "random", name, ()) for name in ("a", "b")]
    a, b = (list(plan.tasks(bundle)) for bundle in bundles)
    assert len(a) == len(plan) == 2 * 3 * 2
    assert [(one.algorithm, one.params, one.seed) for one in a] == [
        (one.algorithm, one.params, one.seed) for one in b
    ]
    assert [one.algorithm for one in a[:2]] == ["EASE", "PureSVD"]
    assert len({one.id for one in [*a, *b]}) == 24
    assert {(one.time_limit_s, one.memory_bytes) for one in a} == {(9.0, 100)}
