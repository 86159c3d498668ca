"""Leaderboards against ranks and shares worked out by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from recmeta.execution.task import Result, Task
from recmeta.experiments.leaderboard import leaderboard
from recmeta.experiments.over_datasets import compare_over_datasets
from recmeta.experiments.store import Store
from recmeta.experiments.store_schema import PARTS

# dataset, algorithm, parameter, validation, test
RUNS = [
    ("d1", "A", 1, 0.30, 0.40),
    ("d1", "A", 2, 0.35, 0.20),  # better on validation: this one counts, though worse on test
    ("d1", "B", 1, 0.10, 0.10),
    ("d1", "C", 1, 0.20, 0.20),
    ("d2", "A", 1, 0.50, 0.80),
    ("d2", "B", 1, 0.40, 0.60),
]


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "s.sqlite") as one:
        for dataset, algorithm, x, validation, test in RUNS:
            task = Task("/b", dataset, dataset, "random", algorithm, {"x": x})
            metrics = {"validation": {"ndcg@10": validation, "gini@10": 1 - validation}}
            metrics["test"] = {"ndcg@10": test, "gini@10": 1 - test}
            one.add(task, Result("ok", metrics=metrics, fit_s=1.0, peak_mb=1.0))
        one.add(Task("/b", "d2", "d2", "random", "C"), Result("oom", error="refused"))
        yield one


def test_it_is_said_that_ok_runs_lack_a_metric_which_an_export_of_the_best_leaves_out(tmp_path):
    task = Task("/b", "d1", "d1", "random", "A")
    some, whole = {"ndcg@10": 0.5}, {"ndcg@10": 0.25, "ndcg@5": 0.25}
    with Store(tmp_path / "s.sqlite") as one:
        for x, metrics in enumerate((whole, some, whole)):
            one.add(
                replace(task, params={"x": x}), Result("ok", metrics=dict.fromkeys(PARTS, metrics))
            )
        share = replace(task, params={"x": 9}, fidelity=0.5)
        one.add(share, Result("ok", metrics=dict.fromkeys(PARTS, some)))
        said = "1 of 3 ok runs have no ndcg@5 (a store exported with --keep best?): configurations"
        for dataset in (None, "d1"):
            notes = leaderboard(one, "ndcg@5", dataset=dataset).notes
            assert next(note for note in notes if "ok runs" in note).startswith(said)
            assert not any("ok runs" in note for note in leaderboard(one, dataset=dataset).notes)
        one.add(replace(task, params={"x": 1}), Result("ok", metrics=dict.fromkeys(PARTS, whole)))
        assert not any("ok runs" in note for note in leaderboard(one, "ndcg@5").notes)


def test_within_a_data_set_validation_chooses_and_test_ranks(store):
    table = leaderboard(store, dataset="d1").table
    assert table["algorithm"].tolist() == ["A", "C", "B"]
    assert table["score"].tolist() == [0.20, 0.20, 0.10]
    assert table["params"].tolist()[0] == '{"x": 2}'


def test_over_data_sets_ranks_shares_and_wins_are_those_of_the_definition(store):
    table = leaderboard(store).table.set_index("algorithm")
    # d1: A and C tie at 0.2 (rank 1.5), B is third; d2: A 1, B 2, C failed and is last
    assert table["mean_rank"].to_dict() == {"A": 1.25, "C": 2.25, "B": 2.5}
    expected = {"A": 1.0, "C": (1 + 0) / 2, "B": (0.5 + 0.75) / 2}
    assert table["mean_share"].to_dict() == pytest.approx(expected)
    assert table["wins"].to_dict() == {"A": 2, "C": 1, "B": 0}
    assert table["n_problems"].to_dict() == {"A": 2, "C": 1, "B": 2}
    assert table.loc["C", "oom"] == 1
    assert table.loc["A", "ok"] == 3


def test_an_unknown_metric_or_data_set_lists_those_there_are(store):
    with pytest.raises(KeyError, match=r"no metric 'ndcg@7'; it has: .*ndcg"):
        leaderboard(store, "ndcg@7")
    with pytest.raises(KeyError, match="no data set 'd3'; it has: d1, d2"):
        leaderboard(store, dataset="d3")


def test_what_has_not_run_yet_is_left_out_and_does_not_count_as_worst(store):
    task = Task("/b", "d3", "d3", "random", "B", {"x": 1})
    metrics = {part: {"ndcg@10": 0.9, "gini@10": 0.1} for part in ("validation", "test")}
    store.add(task, Result("ok", metrics=metrics, fit_s=1.0, peak_mb=1.0))
    board = leaderboard(store)
    assert board.datasets == ["d1", "d2"]
    assert board.n_left_out == 1
    assert board.notes[0] == "1 problem left out: not every algorithm ran there (d3)"
    assert board.table.set_index("algorithm")["mean_rank"].to_dict() == {
        "A": 1.25,
        "C": 2.25,
        "B": 2.5,
    }


def test_an_algorithm_that_ran_on_few_problems_is_left_out_and_named(store):
    for i in range(3, 9):
        add_scores(store, f"d{i}", {"A": 0.3, "B": 0.2, "C": 0.1})
    add_scores(store, "d8", {"D": 0.9})
    board = leaderboard(store)
    assert board.table["algorithm"].tolist() == ["A", "B", "C"]
    assert board.n_left_out == 0
    assert "left out, run on too few of the 8 problems: D (1)" in board.notes


def test_runs_on_a_share_of_the_users_are_no_failures(store):
    # a sweep of two fidelities that was stopped: on d3 the whole fits of B and C are to come
    add_scores(store, "d3", {"A": 0.3})
    for algorithm in ("B", "C"):
        task = Task("/b", "d3random", "d3", "random", algorithm, {"x": 1}, fidelity=0.25)
        metrics = {part: {"ndcg@10": 0.1, "gini@10": 0.1} for part in ("validation", "test")}
        store.add(task, Result("ok", metrics=metrics, fit_s=1.0, peak_mb=1.0))
    board = leaderboard(store)
    assert (board.datasets, board.n_left_out) == (["d1", "d2"], 1)
    assert board.table.set_index("algorithm").loc["B", "ok"] == 2
    of_it = leaderboard(store, dataset="d3random")
    assert (of_it.table["algorithm"].tolist(), of_it.notes[1:]) == (["A"], [])


def test_a_store_without_a_whole_fit_has_no_leaderboard(tmp_path):
    with Store(tmp_path / "s.sqlite") as small:
        task = Task("/b", "d1", "d1", "random", "A", {"x": 1}, fidelity=0.25)
        metrics = {part: {"ndcg@10": 0.1} for part in ("validation", "test")}
        small.add(task, Result("ok", metrics=metrics))
        for dataset in (None, "d1"):
            with pytest.raises(ValueError, match="no run was fitted on all users yet"):
                leaderboard(small, dataset=dataset)


def test_what_was_not_measured_did_not_fail(store):
    add_scores(store, "d3", {"A": 0.3, "C": 0.2})
    task = Task("/b", "d3random", "d3", "random", "B", {"x": 1}, parts=("validation",))
    store.add(task, Result("ok", metrics={"validation": {"ndcg@10": 0.1}}, fit_s=1.0, peak_mb=1.0))
    board = leaderboard(store)
    assert (board.datasets, board.n_left_out) == (["d1", "d2"], 1)
    assert board.table.set_index("algorithm").loc["B", "ok"] == 2


def test_a_store_of_one_part_has_no_leaderboard(tmp_path):
    with Store(tmp_path / "s.sqlite") as half:
        task = Task("/b", "d1", "d1", "random", "A", {"x": 1}, parts=("validation",))
        half.add(task, Result("ok", metrics={"validation": {"ndcg@10": 0.1}}))
        with pytest.raises(ValueError, match="no run has this metric on validation and test"):
            leaderboard(half)
        assert leaderboard(half, dataset="d1").notes == ["no run was ok and measured: A (ok)"]


def test_a_store_without_a_score_says_so(tmp_path):
    with Store(tmp_path / "s.sqlite") as failed:
        failed.add(Task("/b", "d1", "d1", "random", "A"), Result("error", error="no"))
        with pytest.raises(KeyError, match=r"no run with a score \(error 1\): .* to rank$"):
            leaderboard(failed)
        failed.add(Task("/b", "d1", "d1", "random", "B"), Result("oom", error="no"))
        failed.add(Task("/b", "d1", "d1", "random", "C"), Result("timeout", error="no"))
        with pytest.raises(KeyError, match=r"\(error 1, oom 1, timeout 1\): .*--time or --memory"):
            leaderboard(failed)


def test_a_metric_without_a_cutoff_says_how_to_write_it(store):
    with pytest.raises(KeyError, match=r"^ndcg needs a cutoff: ndcg@10$"):
        leaderboard(store, "ndcg")


def test_runs_are_counted_on_the_split_of_their_row(store):
    for split, n_runs in (("time", 2), ("users", 3)):
        for x in range(n_runs):
            task = Task("/b", "d1", f"d1{split}", split, "A", {"x": x})
            metrics = {part: {"ndcg@10": 0.3} for part in ("validation", "test")}
            store.add(task, Result("ok", metrics=metrics, fit_s=1.0, peak_mb=1.0))
    store.add(Task("/b", "d1", "d1time", "time", "A", {"x": 9}), Result("timeout", error="late"))
    board = leaderboard(store, dataset="d1")
    rows = board.table[board.table["algorithm"] == "A"].set_index("split")
    assert rows["ok"].to_dict() == {"random": 2, "time": 2, "users": 3}
    assert rows["timeout"].to_dict() == {"random": 0, "time": 1, "users": 0}
    warned = "scores of different splits cannot be compared: choose one of random, time, users"
    assert warned in board.notes
    assert warned not in leaderboard(store, dataset="d1", split="time").notes


def test_failures_are_counted_by_their_status(store):
    task = Task("/b", "d1", "d1", "random", "B", {"x": 1})
    store.add(task, Result("timeout", error="late"))  # the same run, in the place of the ok one
    said = "2 of 6 results missing, no run was ok (oom 1, timeout 1)"
    assert any(note.startswith(said) for note in leaderboard(store).notes)


def test_on_one_data_set_who_failed_is_named_and_no_table_is_no_error(store):
    assert "no run was ok and measured: C (oom)" in leaderboard(store, dataset="d2").notes
    store.add(Task("/b", "d3", "d3", "random", "A"), Result("timeout", error="late"))
    board = leaderboard(store, dataset="d3")
    assert board.table.empty
    assert board.notes == ["no run was ok and measured: A (timeout)"]


def test_where_no_two_ran_on_one_problem_there_is_the_one_that_ran_most(tmp_path):
    with Store(tmp_path / "other.sqlite") as other:
        add_scores(other, "d1", {"A": 0.3})
        for dataset in ("d2", "d3"):
            add_scores(other, dataset, {"B": 0.2})
        board = leaderboard(other)
    assert board.table["algorithm"].tolist() == ["B"]
    assert "left out, run on too few of the 3 problems: A (1)" in board.notes


def test_over_data_sets_the_tests_are_those_of_the_ranks(store):
    rng = np.random.default_rng(0)
    scores = {name: rng.random(12) * 0.2 + by for name, by in [("A", 0.4), ("B", 0.2), ("C", 0.1)]}
    for i in range(12):
        add_scores(store, f"d{i + 1}", {name: scores[name][i] for name in scores}, x=9)
    board = leaderboard(store, split="last")
    assert board.table["algorithm"].tolist() == ["A", "B", "C"]
    expected = stats.friedmanchisquare(*scores.values())
    assert board.over.friedman.chi2 == pytest.approx(expected.statistic)
    assert board.over.critical_difference == pytest.approx(2.343 * np.sqrt(12 / (6 * 12)), abs=1e-3)
    ranks = board.over.ranks.mean()
    apart = ranks["C"] - ranks["B"] >= board.over.critical_difference
    assert board.table["nemenyi"].tolist()[0] == "a"
    assert (board.table["nemenyi"].tolist()[1] != board.table["nemenyi"].tolist()[2]) == apart
    a_b = stats.wilcoxon(scores["A"] - scores["B"]).pvalue
    assert a_b < 0.05 / 3
    assert not set(board.table["wilcoxon"][0]) & set(board.table["wilcoxon"][1])


def test_where_nothing_can_be_told_apart_it_is_said(store):
    notes = leaderboard(store).notes
    assert any(note.startswith("2 problems are too few to tell any two of 3") for note in notes)
    board = leaderboard(store, test=None)
    assert board.over.friedman is None
    assert "nemenyi" not in board.table


def test_lower_is_better_turns_ranks_and_shares_around():
    names = pd.Index(["A", "B"], name="algorithm")
    scores = pd.DataFrame([[0.2, 0.1], [0.4, np.nan], [0.2, 0.1]], columns=names)
    over = compare_over_datasets(scores, higher_is_better=False)
    assert over.ranks["B"].tolist() == [1, 2, 1]
    assert over.shares["A"].tolist() == pytest.approx([0.5, 1, 0.5])
    assert over.shares["B"].tolist() == pytest.approx([1, 0, 1])


def test_a_split_that_is_not_there_lists_those_that_are(store):
    with pytest.raises(KeyError, match="no split 'time'; it has: random"):
        leaderboard(store, split="time")
    with pytest.raises(ValueError, match="test is one of t, wilcoxon, permutation or None"):
        leaderboard(store, test="sign")


def add_scores(store, dataset, scores, x=1):
    """One ok run an algorithm, under the split last if x is 9."""
    split = "last" if x == 9 else "random"
    for algorithm, score in scores.items():
        task = Task("/b", f"{dataset}{split}", dataset, split, algorithm, {"x": x})
        metrics = {part: {"ndcg@10": score, "gini@10": 0.1} for part in ("validation", "test")}
        store.add(task, Result("ok", metrics=metrics, fit_s=1.0, peak_mb=1.0))
