"""``recmeta leaderboard``: four formats of the same table, pictures, and what it says beside."""

import csv
import importlib
import io
import json

import numpy as np
import pytest

from recmeta.datasets.splits import SPLITS
from recmeta.datasets.synthetic import generate
from recmeta.execution.task import Result, Task
from recmeta.experiments import plots
from recmeta.experiments.significance import TESTS
from recmeta.experiments.store import Store

N_DATASETS = 8
command = importlib.import_module("recmeta.cli.leaderboard")  # the package has the function


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Three algorithms on eight data sets; C failed on one; users of d0 are kept."""
    path = tmp_path_factory.mktemp("board") / "s.sqlite"
    rng = np.random.default_rng(0)
    with Store(path) as results:
        for i in range(N_DATASETS):
            for name, level in (("A", 0.6), ("B", 0.5), ("C", 0.1)):
                users = np.clip(rng.normal(level, 0.1, 60), 0, 1).astype(np.float16)
                scores = {"ndcg@10": float(users.mean()), "recall@10": 0.5}
                task = Task("/b", f"d{i}", f"d{i}", "random_holdout", name, {"x": 1, "y": "p|q"})
                result = Result(
                    "ok",
                    metrics={"validation": scores, "test": scores},
                    per_user={"test": {"ndcg@10": users}} if i == 0 else {},
                    fit_s=1.0,
                    peak_mb=1.0,
                )
                failed = name == "C" and i == 3
                results.add(task, Result("timeout", error="late") if failed else result)
    return path


def test_the_head_has_the_tests_and_what_failed(run, store):
    code, out, _ = run("leaderboard", store)
    assert code == 0
    assert "ndcg@10 on test, 8 data sets" in out
    assert "Friedman chi2(2) = " in out
    assert "critical difference 1.17 (Nemenyi, level 0.05)" in out  # 2.343 sqrt(12 / (6 * 8))
    assert "1 of 24 results missing, no run was ok (timeout 1)" in out
    assert "Friedman" not in run("leaderboard", store, "--no-tests")[1]


def test_a_folder_of_an_export_is_ranked_as_the_store_that_it_came_from(run, store, tmp_path):
    folder = tmp_path / "published"
    assert run("store", "export", store, "--out", folder)[0] == 0
    before = sorted(tmp_path.rglob("*"))
    assert run("leaderboard", folder) == run("leaderboard", store)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_is_no_export_is_told_from_a_store(run, tmp_path):
    code, _, err = run("leaderboard", tmp_path)
    assert (code, len(err.splitlines())) == (2, 1)
    assert "is a folder, not a store" in err


def test_all_formats_have_the_same_rows(run, store):
    document = json.loads(run("leaderboard", store, "--format", "json")[1])
    rows = list(csv.DictReader(io.StringIO(run("leaderboard", store, "--format", "csv")[1])))
    markdown = run("leaderboard", store, "--format", "markdown")[1]
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    text = run("leaderboard", store, "--format", "text")[1]
    names = [row["algorithm"] for row in document["rows"]]
    assert names == [row["algorithm"] for row in rows] == ["A", "B", "C"]
    assert [line.split("|")[1].strip() for line in lines[2:]] == names
    assert [line.split()[0] for line in text.splitlines()[-3:]] == names
    for row, other in zip(document["rows"], rows, strict=True):
        assert float(other["mean_rank"]) == row["mean_rank"]
        assert other["nemenyi"] == row["nemenyi"]


def test_json_has_the_tests_of_the_whole_and_the_groups(run, store):
    document = json.loads(run("leaderboard", store, "--json")[1])
    assert document == json.loads(run("leaderboard", store, "--format", "json")[1])
    assert document["friedman"]["n_cases"] == N_DATASETS
    assert document["critical_difference"] == pytest.approx(1.1716, abs=1e-3)
    assert set(document["groups"]) == {"nemenyi", "wilcoxon"}
    assert document["groups"]["nemenyi"][0][0] == "A"
    assert document["notes"]


def test_one_data_set_has_intervals_and_tests_against_the_best(run, store):
    document = json.loads(run("leaderboard", store, "--dataset", "d0", "--json")[1])
    best, *_, worst = document["rows"]
    assert (best["apart"], worst["apart"]) == (None, True)
    assert best["low"] < best["score"] < best["high"]
    text = run("leaderboard", store, "--dataset", "d0", "--paired-test", "wilcoxon")[1]
    assert "95 % bootstrap interval over users; p: paired Wilcoxon" in text
    assert text.splitlines()[-1].split()[7] == "yes"


def test_where_no_users_are_kept_it_is_said(run, store):
    code, out, _ = run("leaderboard", store, "--dataset", "d1")
    assert code == 0
    assert "no ndcg@10 of each user in the store: no intervals, no tests" in out


def test_a_bar_in_parameters_does_not_break_the_markdown(run, store):
    out = run("leaderboard", store, "--dataset", "d1", "--format", "markdown")[1]
    table = [line.replace("\\|", "") for line in out.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1


@pytest.mark.parametrize("kind", command.KINDS)
def test_every_kind_is_drawn(run, store, tmp_path, kind):
    of = ("--dataset", "d0") if kind == "intervals" else ()
    path = tmp_path / "x.svg"
    code, _, err = run("leaderboard", store, *of, "--plot", path, "--kind", kind)
    assert code == 0
    assert f"drawn: {path}" in err.replace("\n", "")
    assert path.read_text().startswith("<?xml")


def test_what_cannot_be_drawn_is_a_wrong_use(run, store, tmp_path):
    code, _, err = run("leaderboard", store, "--plot", tmp_path / "x.gif")
    assert code == 2
    assert ".svg, .png, .pdf" in err
    arguments = ("--dataset", "d1", "--plot", tmp_path / "x.svg")
    code, _, err = run("leaderboard", store, *arguments)
    assert code == 2
    assert "no ndcg@10 of each user in the store" in " ".join(err.replace("│", " ").split())


def test_a_kind_without_a_picture_is_a_wrong_use(run, store):
    code, out, err = run("leaderboard", store, "--kind", "heat")
    assert (code, out) == (2, "")
    assert "name its file by --plot" in err


def test_a_split_that_is_not_there_is_code_2(run, store):
    code, _, err = run("leaderboard", store, "--split", "time")
    assert code == 2
    assert "no split 'global_time'; it has: random_holdout" in err


def test_the_names_of_splits_are_those_of_sweep():
    data = generate(n_users=60, n_items=30, n_events=900, seed=0)
    assert {"default", *command.SPLITS} == {*SPLITS}
    for short, name in command.SPLITS.items():
        assert SPLITS[short](data, seed=0).name == name


def test_a_split_has_the_name_that_sweep_takes_and_that_of_the_store(run, store):
    short = run("leaderboard", store, "--split", "random")
    assert short == run("leaderboard", store, "--split", "random_holdout")
    assert short[0] == 0


def test_the_choices_of_the_options_are_those_of_the_library():
    assert tuple(plots.PLOTS) == command.KINDS
    assert tuple(plots.METADATA) == command.SUFFIXES
    assert list(command.TESTS) == list(TESTS)
