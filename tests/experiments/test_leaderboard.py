"""Leaderboards against ranks and shares worked out by hand."""

import pytest

from recmeta.execution.task import Result, Task
from recmeta.experiments.leaderboard import leaderboard
from recmeta.experiments.store import Store

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
    assert board.table.set_index("algorithm")["mean_rank"].to_dict() == {
        "A": 1.25,
        "C": 2.25,
        "B": 2.5,
    }
