"""What a sweep finds in its store before it begins."""

from dataclasses import replace

import numpy as np
import pytest

from recmeta.experiments.store import Store

from .test_store import RESULT, TASK


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "s.sqlite") as one:
        yield one


@pytest.mark.parametrize(
    ("status", "limits", "done"),
    [
        ("ok", {"time_limit_s": 99.0, "memory_bytes": 999}, True),
        ("error", {"time_limit_s": 99.0, "memory_bytes": 999}, True),
        ("timeout", {"time_limit_s": 10.0, "memory_bytes": 999}, True),
        ("timeout", {"time_limit_s": 10.5, "memory_bytes": 100}, False),
        ("timeout", {"time_limit_s": None, "memory_bytes": 100}, False),
        ("oom", {"time_limit_s": 99.0, "memory_bytes": 100}, True),
        ("oom", {"time_limit_s": 10.0, "memory_bytes": 101}, False),
        ("oom", {"time_limit_s": 10.0, "memory_bytes": None}, False),
    ],
)
def test_a_fault_of_a_limit_is_tried_again_when_the_limit_is_raised(store, status, limits, done):
    store.add(TASK, replace(RESULT, status=status))
    assert store.done_ids(**limits) == ({TASK.id} if done else set())


def test_errors_are_found_by_how_they_begin(store):
    errors = ["infrastructure fault: kill -9", "ValueError: infrastructure fault", ""]
    for seed, error in enumerate(errors):
        store.add(replace(TASK, seed=seed), replace(RESULT, status="error", error=error))
    store.add(replace(TASK, seed=9), replace(RESULT, status="timeout", error=errors[0]))
    ids = [replace(TASK, seed=seed).id for seed in range(3)]
    assert store.error_ids() == set(ids)
    assert store.error_ids("infrastructure fault") == {ids[0]}
    assert store.error_ids("infra%") == set()


def test_gaps_are_the_vectors_and_curves_that_an_ok_run_lacks(store):
    vector = {"ndcg@10": np.ones(3, dtype=np.float16)}
    curve = {"epochs": [1.0], "values": [0.5], "seconds": [0.1]}
    kinds = {
        "whole": {"per_user": {"validation": vector, "test": vector}, "curve": curve},
        "one part": {"per_user": {"test": vector}, "curve": curve},
        "other metric": {"per_user": {"validation": {"mrr@10": vector["ndcg@10"]}}},
        "no curve": {"per_user": {"validation": vector, "test": vector}},
        "failed": {"status": "error"},
    }
    bare = replace(RESULT, per_user={}, curve={})
    ids = {}
    for seed, (kind, values) in enumerate(kinds.items()):
        task = replace(TASK, seed=seed)
        store.add(task, replace(bare, **values))
        ids[kind] = task.id

    def gaps(metrics=(), parts=("validation", "test"), curves_of=()):
        found = store.ids_with_gaps(metrics, parts, curves_of)
        return {kind for kind, id_ in ids.items() if id_ in found}

    assert gaps() == gaps(parts=()) == set()
    assert gaps(["ndcg@10"]) == {"one part", "other metric"}
    assert gaps(["ndcg@10", "ndcg@10"]) == {"one part", "other metric"}
    assert gaps(["ndcg@10"], ["test"]) == {"other metric"}
    assert gaps(["ndcg@10", "no such metric"]) == set(kinds) - {"failed"}
    assert gaps(curves_of=[TASK.algorithm, "Another"]) == {"no curve", "other metric"}
    assert gaps(curves_of=["Another"]) == set()
    assert gaps(["mrr@10"], ["validation"], [TASK.algorithm]) == set(kinds) - {"failed"}
    assert store.failed_ids() == {ids["failed"]}
