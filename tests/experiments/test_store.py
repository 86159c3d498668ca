"""The store: nothing acknowledged is lost, nothing is there twice."""

import sqlite3
import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recmeta.execution.task import Result, Task
from recmeta.experiments.store import Store, StoreError
from recmeta.experiments.store_write import as_float32

TASK = Task("/b", "shop", "k1", "random", "EASE", {"l2": 10.0}, time_limit_s=10.0, memory_bytes=100)
RESULT = Result(
    "ok",
    metrics={"validation": {"ndcg@10": 0.25, "mrr@10": 0.5}, "test": {"ndcg@10": 0.125}},
    standard_errors={"test": {"ndcg@10": 0.01}},
    per_user={"test": {"ndcg@10": np.array([0.0, 0.25], dtype=np.float16)}},
    n_users={"validation": 3, "test": 2},
    fit_s=1.5,
    peak_mb=12.0,
    versions={"numpy": "9"},
)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "new folder" / "s.sqlite") as one:
        yield one


def test_a_run_is_read_as_it_was_written(store):
    store.add(TASK, RESULT)
    row = store.frame(["ndcg@10", "mrr@10"]).iloc[0]
    assert (row["id"], row["dataset"], row["params"]) == (TASK.id, "shop", '{"l2": 10.0}')
    assert (row["status"], row["n_users_test"]) == ("ok", 2)
    assert (row["fit_s"], row["peak_mb"]) == (1.5, 12.0)
    assert (row["validation:ndcg@10"], row["test:ndcg@10"]) == (0.25, 0.125)
    assert row["test:ndcg@10:se"] == 0.01
    assert row["validation:mrr@10"] == 0.5
    assert np.isnan(row["test:mrr@10"])
    blob = sqlite3.connect(store.path).execute("SELECT float16 FROM vector").fetchone()[0]
    np.testing.assert_array_equal(np.frombuffer(blob, "<f2"), [0.0, 0.25])


def test_a_second_run_of_a_task_replaces_the_first(store):
    store.add(TASK, RESULT)
    store.add(replace(TASK, seed=1), RESULT)
    store.add(TASK, replace(RESULT, status="timeout", metrics={}, per_user={}))
    frame = store.frame()
    assert sorted(frame["status"]) == ["ok", "timeout"]
    counts = {
        table: store.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("run", "measured", "score", "vector")
    }
    assert counts == {"run": 2, "measured": 2, "score": 2, "vector": 1}


def test_a_run_that_cannot_be_written_leaves_nothing_behind(store):
    with pytest.raises(KeyError, match="train"):
        store.add(TASK, replace(RESULT, metrics={"train": {"ndcg@10": 1.0}}))
    assert store.done_ids() == set()
    store.add(TASK, RESULT)
    assert store.done_ids() == {TASK.id}


def test_another_file_is_no_store(tmp_path):
    (tmp_path / "s.sqlite").write_text("user,item\n" * 500)
    with pytest.raises(StoreError, match="is no results store: file is not a database"):
        Store(tmp_path / "s.sqlite")


def test_nothing_is_written_into_somebodys_database(tmp_path):
    with sqlite3.connect(tmp_path / "mine.db") as mine:
        mine.execute("CREATE TABLE purchases (customer TEXT)")
    before = (tmp_path / "mine.db").read_bytes()
    with pytest.raises(StoreError, match="is no results store: it has purchases"):
        Store(tmp_path / "mine.db")
    assert (tmp_path / "mine.db").read_bytes() == before


def test_a_store_of_another_version_is_refused(store):
    store.connection.execute("PRAGMA user_version = 7")
    with pytest.raises(StoreError, match="is a store of version 7, this recmeta writes 2"):
        Store(store.path)


@pytest.fixture
def sweep(tmp_path):
    """Random runs with ties, faults, shares of the users and missing metrics; and their table."""
    rng = np.random.default_rng(0)
    with Store(tmp_path / "sweep.sqlite") as one:
        for _ in range(300):
            d, a, x, seed = rng.integers([3, 3, 4, 3]).tolist()
            split = ("random", "time")[int(rng.integers(2))]
            task = Task("/b", f"d{d}", f"key{d}{split}", split, f"A{a}", {"x": x}, seed)
            if rng.random() < 0.1:
                task = replace(task, fidelity=0.5)
            values = (rng.integers(1, 5, (2, 3)) / 7).tolist()  # few values: ties
            names = ("ndcg@10", "gini@10", "ndcg@5")
            parts = [dict(zip(names, row, strict=True)) for row in values]
            if rng.random() < 0.1:
                parts[1].pop(names[int(rng.integers(3))])
            result = Result(
                ("ok", "ok", "ok", "timeout")[int(rng.integers(4))],
                metrics={"validation": parts[0], "test": parts[1]},
                standard_errors={"test": {"ndcg@10": 0.25, "ndcg@5": 0.5}},
                fit_s=float(rng.random()),
            )
            one.add(task, result)
        yield one


@pytest.mark.parametrize("metric", ["ndcg@10", "gini@10", "ndcg@5"])
@pytest.mark.parametrize("dataset", [None, "d1"])
@pytest.mark.parametrize("higher_is_better", [True, False])
def test_the_best_are_those_of_the_whole_table(sweep, metric, dataset, higher_is_better):
    runs = sweep.frame([metric]).rename(
        columns={f"validation:{metric}": "validation", f"test:{metric}": "test"}
    )
    runs = runs[(runs["status"] == "ok") & (runs["fidelity"] == 1)]
    runs = runs[(runs["dataset"] == dataset) | (dataset is None)].dropna(
        subset=["validation", "test"]
    )
    expected = []
    for key, group in runs.groupby(["dataset", "split", "data_key", "algorithm"]):
        means = group.groupby("params")[["validation", "test"]].mean()
        sign = -1 if higher_is_better else 1
        params = min(means.index, key=lambda text: (sign * means.loc[text, "validation"], text))
        expected.append((*key, params, *means.loc[params]))
    found = sweep.best(metric, higher_is_better=higher_is_better, dataset=dataset)
    names = ["dataset", "split", "data_key", "algorithm", "params", "validation", "test"]
    want = pd.DataFrame(expected, columns=names)
    pd.testing.assert_frame_equal(found[names], want, rtol=1e-12)
    of_run = sweep.frame([metric]).set_index("id").loc[found["run_id"]].reset_index()
    for name in names[:5]:
        assert of_run[name].tolist() == found[name].tolist()
    assert (of_run["status"] == "ok").all()
    error = {"ndcg@10": 0.25, "ndcg@5": 0.5, "gini@10": np.nan}[metric]
    np.testing.assert_array_equal(found["test_se"], np.full(len(found), error))


def test_costs_and_seeds_of_the_best_are_those_of_its_runs(store):
    for seed, fit_s in ((2, 3.0), (1, 5.0)):
        store.add(replace(TASK, seed=seed), replace(RESULT, fit_s=fit_s))
    (row,) = store.best("ndcg@10", higher_is_better=True).to_dict("records")
    assert (row["n_seeds"], row["fit_s"], row["peak_mb"]) == (2, 4.0, 12.0)
    assert row["run_id"] == replace(TASK, seed=1).id


def test_nothing_is_best_of_a_metric_that_there_is_not(store):
    assert store.best("ndcg@10", higher_is_better=True).empty
    store.add(TASK, RESULT)
    for metric in ("gini@10", "gini@5"):
        assert store.best(metric, higher_is_better=True).empty
    assert store.frame(["gini@5", "gini@10"])["test:gini@5"].isna().all()


def test_counts_are_those_of_the_whole_table(sweep):
    runs = sweep.frame([])
    key = ["dataset", "split", "data_key", "algorithm", "status"]
    want = runs.groupby(key).size().rename("n").reset_index()
    found = sweep.counts()
    assert found.columns.tolist() == ["data_key", "dataset", "split", "algorithm", "status", "n"]
    pd.testing.assert_frame_equal(found[want.columns], want)
    on_all = runs[runs["fidelity"] == 1].groupby(key).size().rename("n").reset_index()
    pd.testing.assert_frame_equal(sweep.counts(whole=True)[want.columns], on_all)
    assert on_all["n"].sum() < want["n"].sum()


def test_another_cap_of_size_is_another_problem(store):
    for data_key in ("small", "large"):
        store.add(replace(TASK, data_key=data_key), RESULT)
    assert store.best("ndcg@10", higher_is_better=True)["data_key"].tolist() == ["large", "small"]


def test_a_metric_that_is_new_later_is_missing_in_what_came_before(store):
    store.add(TASK, RESULT)
    later = replace(TASK, seed=1)
    metrics = {part: {"new@5": 0.5, "new@10": 0.75} for part in ("validation", "test")}
    store.add(later, replace(RESULT, metrics=metrics))
    assert store.metrics() == ["ndcg@10", "mrr@10", "new@5", "new@10"]
    frame = store.frame(store.metrics()).set_index("id")
    assert frame["test:new@5"].tolist()[1:] == frame["validation:new@5"].tolist()[1:] == [0.5]
    assert np.isnan(frame["test:new@5"].iloc[0])
    assert frame["test:ndcg@10"].tolist()[0] == 0.125
    assert np.isnan(frame["test:ndcg@10"].iloc[1])


def test_the_metrics_of_a_run_that_failed_later_are_kept(store):
    metrics = {"validation": {"ndcg@10": 0.25, "ndcg@5": 0.5}}
    store.add(TASK, replace(RESULT, status="timeout", metrics=metrics))
    frame = store.frame(["ndcg@10", "ndcg@5"])
    assert frame["validation:ndcg@10"].tolist() == [0.25]
    assert frame["validation:ndcg@5"].tolist() == [0.5]
    assert frame["test:ndcg@10"].isna().all()
    assert store.best("ndcg@10", higher_is_better=True).empty


@given(
    arrays(
        np.float64,
        st.integers(1, 20),
        elements=st.floats(-1e30, 1e30) | st.floats(0, 1) | st.just(np.nan),
    )
)
def test_scores_are_float32_and_stay_what_they_are_through_it(values):
    found = as_float32(values)
    np.testing.assert_array_equal(found.astype(np.float32), values.astype(np.float32))
    again = as_float32(found.astype(np.float32).astype(np.float64))
    np.testing.assert_array_equal(again, found)


def test_a_score_of_few_digits_stays_as_it_was_written():
    values = np.array([0.2, 0.01, 0.123456, 1e-3, 17.25, 0.0])
    assert as_float32(values).tolist() == values.tolist()


def test_a_learning_curve_comes_out_as_it_went_in(store):
    curve = {"epochs": [1.0, 3.0], "values": [0.1, 0.2], "seconds": [0.5, 1.75]}
    store.add(TASK, replace(RESULT, curve=curve, n_epochs=3, tries=2))
    assert store.curve(TASK.id) == curve
    assert store.frame().loc[0, ["n_epochs", "tries"]].tolist() == [3, 2]
    store.add(TASK, RESULT)
    assert store.curve(TASK.id) == {}


def test_vectors_of_a_problem_are_by_run(store):
    other = replace(TASK, seed=1)
    elsewhere = replace(TASK, data_key="k2")
    for task in (TASK, other, elsewhere):
        store.add(task, RESULT)
    store.add(replace(TASK, seed=2), replace(RESULT, per_user={}))
    found = store.vectors("k1", "ndcg@10")
    assert found.keys() == {TASK.id, other.id}
    for vector in (found[TASK.id], store.vector(TASK.id, "ndcg@10")):
        assert vector.dtype == np.float32
        assert vector.tolist() == [0.0, 0.25]
    assert store.vectors("k1", "ndcg@10", "validation") == store.vectors("k1", "mrr@10") == {}
    with pytest.raises(KeyError, match=r"has no mrr@10 of each user of test for the run"):
        store.vector(TASK.id, "mrr@10")


def test_writers_at_one_time_wait_for_each_other(store):
    def write(first: int) -> None:
        with Store(store.path) as own:
            for seed in range(first, first + 25):
                own.add(replace(TASK, seed=seed), RESULT)

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.done_ids()) == 75
