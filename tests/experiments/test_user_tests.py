"""Intervals and tests over users against scipy, from vectors that went through a store."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from recmeta.execution.task import Result, Task
from recmeta.experiments.leaderboard import leaderboard
from recmeta.experiments.store import Store
from recmeta.experiments.user_tests import compare_users


@pytest.fixture(scope="module")
def users():
    """ndcg of 200 users as float16 keeps it: A and B are near, C is worse."""
    rng = np.random.default_rng(0)
    taste = np.where(rng.random(200) < 0.5, rng.random(200), 0.0)
    noise = rng.normal(0, 0.05, (3, 200)) * (taste > 0)
    return {
        name: np.clip(taste * factor + row, 0, 1).astype(np.float16)
        for name, factor, row in zip("ABC", (1.0, 0.99, 0.8), noise, strict=True)
    }


def add(store, algorithm, vector, *, seed=0, keep=True, dataset="d"):
    metrics = {part: {"ndcg@10": float(vector.mean())} for part in ("validation", "test")}
    per_user = {"test": {"ndcg@10": vector}} if keep else {}
    task = Task("/b", dataset, "d", "random", algorithm, {}, seed=seed)
    store.add(task, Result("ok", metrics=metrics, per_user=per_user, fit_s=1.0, peak_mb=1.0))


def test_p_of_each_is_scipys_and_holm_is_over_those_against_the_best(users, tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        for name, vector in users.items():
            add(store, name, vector)
        table = leaderboard(store, dataset="d").table.set_index("algorithm")
    best = table.index[0]
    others = list(table.index[1:])
    wide = {name: users[name].astype(float) for name in users}
    expected = [stats.ttest_rel(wide[name], wide[best]).pvalue for name in others]
    assert table.loc[others, "p"].tolist() == pytest.approx(expected)
    assert table.loc["C", "p_holm"] == pytest.approx(2 * min(expected))
    assert table["apart"].tolist() == [None, False, True]
    assert np.isnan(table.loc[best, "p"])
    means = {name: wide[name].mean() for name in wide}
    difference = [means[name] - means[best] for name in others]
    assert table.loc[others, "difference"].tolist() == pytest.approx(difference)
    assert (table["low"] < table["score"]).all()
    assert (table["score"] < table["high"]).all()


def test_wilcoxon_can_be_asked_for(users):
    found = compare_users({name: users[name].astype(float) for name in users}, test="wilcoxon")
    d = users["C"].astype(float) - users["A"].astype(float)
    expected = stats.wilcoxon(d[d != 0], method="asymptotic").pvalue
    assert found.loc["C", "p"] == pytest.approx(expected)


def test_of_a_metric_that_should_be_low_the_lowest_is_the_best(users):
    values = {name: users[name].astype(float) for name in users}
    found = compare_users(values, higher_is_better=False)
    assert np.isnan(found.loc["C", "p"])
    assert (found.loc[["A", "B"], "difference"] > 0).all()


def test_who_has_no_vector_or_other_users_is_named(users, tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        add(store, "A", users["A"])
        add(store, "B", users["B"])
        add(store, "C", users["C"], keep=False)
        add(store, "D", users["A"][:150])
        board = leaderboard(store, dataset="d")
    assert board.notes == ["no ndcg@10 of the same users of: C, D"]
    table = board.table.set_index("algorithm")
    assert table.loc[["C", "D"], "p"].isna().all()
    assert table.loc[["A", "B"], "low"].notna().all()


def test_without_any_vector_there_are_scores_and_a_note(users, tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        for name, vector in users.items():
            add(store, name, vector, keep=False)
        board = leaderboard(store, dataset="d")
    assert [note.partition(";")[0] for note in board.notes] == [
        "no ndcg@10 of each user in the store: no intervals, no tests"
    ]
    assert "p" not in board.table
    assert len(board.table) == 3


def test_seeds_are_averaged_user_by_user(users, tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        add(store, "A", users["A"])
        add(store, "A", users["B"], seed=1)
        add(store, "C", users["C"])
        table = leaderboard(store, dataset="d").table.set_index("algorithm")
    mean = (users["A"].astype(float) + users["B"].astype(float)) / 2
    expected = stats.ttest_rel(users["C"].astype(float), mean).pvalue
    assert table.loc["C", "p"] == pytest.approx(expected)


def test_runs_of_the_same_log_under_another_name_are_not_averaged_in(users, tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        for seed in range(2):
            add(store, "A", users["A"], seed=seed)
            add(store, "C", users["C"], seed=seed)
        alone = leaderboard(store, dataset="d").table
        for seed in range(2):
            add(store, "A", users["C"], seed=seed, dataset="again")
            add(store, "C", users["A"], seed=seed, dataset="again")
        pd.testing.assert_frame_equal(leaderboard(store, dataset="d").table, alone)


@pytest.mark.parametrize("kept", [[0.5], [np.nan, np.nan]])
def test_of_less_than_two_users_nothing_is_told(kept):
    values = {"A": np.array(kept), "B": np.ones(len(kept))}
    found = compare_users(values)
    assert list(found.index) == ["A", "B"]
    assert found.drop(columns="apart").isna().to_numpy().all()
    assert [*found["apart"]] == [None, None]


def test_a_log_with_one_user_has_a_leaderboard(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        add(store, "A", np.array([0.5], dtype=np.float32))
        add(store, "B", np.array([1.0], dtype=np.float32))
        table = leaderboard(store, dataset="d").table
    assert list(table["algorithm"]) == ["B", "A"]
