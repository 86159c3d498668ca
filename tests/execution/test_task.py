"""Task and Result as JSON, and what the id depends on."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recmeta.execution.task import Result, Task

TASK = Task("/data/x", "x", "abc", "random", "EASE", {"l2": 10.0, "b": 1}, parts=("test",))
values = st.integers(-9, 9) | st.floats(0, 1) | st.text(max_size=3) | st.booleans() | st.none()


@given(st.dictionaries(st.text(max_size=3), values), st.integers(0, 9))
def test_a_task_survives_json(params, seed):
    task = replace(TASK, params=params, seed=seed, time_limit_s=1.5, per_user=("ndcg@10",))
    again = Task.from_json(task.to_json())
    assert again == task
    assert again.id == task.id


def test_the_order_of_the_parameters_does_not_matter():
    assert replace(TASK, params={"b": 1, "l2": 10.0}).id == TASK.id


def test_numbers_of_numpy_are_the_numbers():
    assert replace(TASK, params={"l2": np.float64(10.0), "b": np.int64(1)}).id == TASK.id


@pytest.mark.parametrize(
    "change",
    [
        {"bundle": "/y"},
        {"time_limit_s": 1.0},
        {"memory_bytes": 9},
        {"save_to": "z"},
        {"per_user": ("ndcg@10",)},
        {"curve_by": "ndcg@10"},
    ],
    ids=str,
)
def test_paths_limits_and_what_is_kept_do_not_change_the_id(change):
    assert replace(TASK, **change).id == TASK.id


def test_the_id_is_the_hash_of_what_defines_the_result():
    # written out: stores that there are must go on to mean what they mean
    text = (
        '{"algorithm":"EASE","data_key":"abc","dataset":"x","fidelity":1.0,'
        '"params":{"b":1,"l2":10.0},"parts":["test"],"seed":0,"split":"random"}'
    )
    assert TASK.id == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "y"},
        {"data_key": "def"},
        {"split": "time"},
        {"algorithm": "SLIM"},
        {"params": {"l2": 11.0, "b": 1}},
        {"seed": 1},
        {"fidelity": 0.5},
        {"parts": ("validation",)},
    ],
    ids=str,
)
def test_what_defines_the_result_changes_the_id(change):
    assert replace(TASK, **change).id != TASK.id


def test_a_result_survives_json():
    vector = np.array([0.25, np.nan, 1.0], dtype=np.float16)
    result = Result(
        "timeout",
        metrics={"test": {"ndcg@10": 0.5, "recall@10": float("nan")}},
        per_user={"test": {"ndcg@10": vector}},
        n_users={"test": 3},
        fit_s=1.25,
    )
    again = Result.from_json(result.to_json())
    assert (again.status, again.fit_s, again.n_users) == ("timeout", 1.25, {"test": 3})
    assert again.metrics["test"]["ndcg@10"] == 0.5
    assert np.isnan(again.metrics["test"]["recall@10"])
    assert np.isnan(again.peak_mb)
    np.testing.assert_array_equal(again.per_user["test"]["ndcg@10"], vector)


def test_a_vector_takes_two_bytes_a_user():
    vector = np.random.default_rng(0).random(3000).astype(np.float16)
    packed = json.loads(Result("ok", per_user={"test": {"ndcg@10": vector}}).to_json())
    assert len(packed["per_user"]["test"]["ndcg@10"]) == 3000 * 2 * 4 / 3  # base64


def test_what_json_cannot_carry_is_named():
    with pytest.raises(TypeError, match="JSON cannot carry a set"):
        replace(TASK, params={"a": {1}}).to_json()
