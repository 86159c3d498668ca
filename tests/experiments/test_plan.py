"""Plans: the same configurations for every data set, stable under additions."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from recmeta.algorithms import get
from recmeta.execution.bundle import Bundle
from recmeta.experiments.configurations import configurations
from recmeta.experiments.plan import Data, Limits, Plan
from recmeta.experiments.sources import Source
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


def a_whole_plan():
    data = Data((Source("x", Path("/x.csv"), {"scale": (1.0, 5.0)}),), ("random", "time"), 100, 3)
    return Plan(
        configurations(["EASE", "UserKNN"], 2),
        seeds=(0, 1),
        limits=Limits(9.0, 100),
        per_user=("ndcg@10",),
        fidelities=(0.5, 1.0),
        curve_by="ndcg@10",
        data=data,
    )


def test_a_plan_is_json_and_has_the_same_tasks_when_it_is_read():
    plan = a_whole_plan()
    again = Plan.from_json(plan.to_json())
    assert json.loads(again.to_json()) == json.loads(plan.to_json())
    assert again.id == plan.id
    bundle = Bundle(Path("/b"), "b", "random", "k", ())
    assert [task.to_json() for task in again.tasks(bundle)] == [
        task.to_json() for task in plan.tasks(bundle)
    ]
    assert again.data.sources[0].path == Path("/x.csv")
    assert again.data.splits == ("random", "time")


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": (0,)},
        {"limits": Limits(9.0, 200)},
        {"fidelities": (1.0,)},
        {"per_user": ()},
        {"stop_by": "ndcg@10"},
        {"data": None},
        {"configurations": configurations(["EASE"], 2)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_id_of_a_plan_is_of_all_that_it_has(change):
    assert replace(a_whole_plan(), **change).id != a_whole_plan().id


def test_the_first_draws_of_all_algorithms_come_before_the_second():
    plan = Plan(configurations(["EASE", "PureSVD"], 3))
    bundle = Bundle(Path("/a"), "a", "random", "a", ())
    names = [task.algorithm for task in plan.tasks(bundle)]
    assert names == ["EASE", "PureSVD"] * 4


def test_fidelities_are_tasks_of_their_own():
    plan = a_whole_plan()
    tasks = list(plan.tasks(Bundle(Path("/a"), "a", "random", "a", ())))
    assert len(tasks) == len(plan) == 6 * 2 * 2
    assert len({task.id for task in tasks}) == 24
    assert sorted({task.fidelity for task in tasks}) == [0.5, 1.0]
