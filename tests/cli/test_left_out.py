"""What is left out and why: a line for each need, not one for each log and algorithm."""

import json

import numpy as np
import pandas as pd
import pytest

from recmeta.cli.left_out import left_out_lines

NEEDS = {"MarkovChain": "needs timestamps", "SessionKNN": "needs timestamps"}


def test_logs_that_lack_the_same_are_one_line_with_the_first_names():
    lines = left_out_lines((name, NEEDS) for name in "abcde")
    assert lines == [
        "needs timestamps: MarkovChain, SessionKNN left out on 5 logs: a, b, c and 2 more"
    ]


def test_each_need_and_each_set_of_logs_is_a_line_of_its_own():
    both = NEEDS | {"ItemKNNCBF": "needs item features"}
    timed = {"ItemKNNCBF": "needs item features"}
    lines = left_out_lines([("a", both), ("b", timed), ("c", {})])
    assert lines == [
        "needs timestamps: MarkovChain, SessionKNN left out on 1 log: a",
        "needs item features: ItemKNNCBF left out on 2 logs: a, b",
    ]


def test_a_log_under_two_splits_is_one_log():
    assert left_out_lines([("a", NEEDS), ("a", NEEDS)]) == [
        "needs timestamps: MarkovChain, SessionKNN left out on 1 log: a"
    ]


def test_nothing_left_out_is_no_line():
    assert left_out_lines([("a", {}), ("b", {})]) == []


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in "abcd":
        users, items = np.nonzero(rng.random((50, 30)) < 0.3)
        pd.DataFrame({"user": users, "item": items}).to_csv(f"{name}.csv", index=False)
    (tmp_path / "bad.csv").write_text("this is no log")
    return tmp_path


SWEEP = ("sweep", "--algorithms", "TopPopular,MarkovChain,ItemKNNCBF", "--kind", "default")
LOGS = ("--datasets", "a.csv,b.csv,c.csv,d.csv")
SAID = [
    "needs timestamps: MarkovChain left out on 4 logs: a, b, c and 1 more",
    "needs item features: ItemKNNCBF left out on 4 logs: a, b, c and 1 more",
]


def test_a_dry_run_says_what_is_left_out_once_and_has_all_of_it_in_json(run, folder):
    _, out, _ = run(*SWEEP, *LOGS, "--dry-run")
    assert [line for line in out.splitlines() if "left out" in line] == SAID
    _, out, _ = run(*SWEEP, *LOGS, "--dry-run", "--json")
    problems = json.loads(out)["problems"]
    assert [list(one["left_out"]) for one in problems] == [["MarkovChain", "ItemKNNCBF"]] * 4


def test_a_sweep_says_what_is_left_out_once_at_its_end_and_counts_it_on_each_log(run, folder):
    _, _, err = run(*SWEEP, *LOGS)
    said = [line for line in err.splitlines() if "left out" in line]
    assert [line.partition(":")[0] for line in said[:4]] == ["a", "b", "c", "d"]
    assert all(line.endswith("; 2 algorithms left out") for line in said[:4])
    assert said[4:] == SAID


def test_a_data_set_that_cannot_be_read_is_said_once(run, folder, caplog):
    code, _, err = run(*SWEEP, "--datasets", "a.csv,bad.csv")
    assert code == 5
    assert len([line for line in err.splitlines() if "bad" in line]) == 1
    # what is logged as a warning comes on standard error where nobody has set logging up
    assert [one for one in caplog.records if one.levelname not in ("DEBUG", "INFO")] == []


def test_a_bug_in_reading_a_data_set_keeps_its_traceback(run, folder, monkeypatch, caplog):
    def broken(*_, **__):
        raise KeyError("a bug")

    monkeypatch.setattr("recmeta.experiments.sources.read", broken)
    code, _, err = run(*SWEEP, "--datasets", "a.csv")
    assert code == 5
    assert "a: left out, KeyError: 'a bug'" in err
    [warning] = [one for one in caplog.records if one.levelname == "WARNING"]
    assert warning.exc_info[0] is KeyError
