"""Every command: its options, one JSON document with --json, and its exit codes."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

from recmeta import cli
from recmeta.algorithms import EASE, all_algorithms
from recmeta.datasets.catalogue import catalogue
from recmeta.datasets.synthetic import generate
from recmeta.model import Model

COLUMNS = {"--user-col", "--item-col", "--rating-col", "--time-col", "--sep", "--threshold"}
COLUMNS |= {"--item-features", "--user-features"}
OPTIONS = {
    "recommend": COLUMNS | {"--time", "--memory", "--seed", "--metric", "--json"},
    "fit": COLUMNS | {"--time", "--memory", "--seed", "--metric", "--out", "--json"},
    "predict": {"-k", "--users", "--all", "--history", "--out", "--json"},
    "sweep": {"--datasets", "--algorithms", "--store", "--time", "--memory", "--seed", "--json"},
    "leaderboard": {"--metric", "--dataset", "--split", "--format", "--plot", "--kind", "--json"},
    "meta evaluate": {"--metric", "--folder", "--time", "--memory", "--seed", "--json"},
    "meta build": {"--out", "--catalogue", "--json"},
    "algorithms list": {"--json"},
    "algorithms show": {"--json"},
    "datasets list": {"--json"},
    "datasets check": COLUMNS | {"--json"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three small logs and a model."""
    folder = tmp_path_factory.mktemp("cli")
    for seed in range(3):
        log = generate(60, 200, 900, seed=seed)
        table = {"user": log.users[log.user_rows], "item": log.items[log.item_columns]}
        pd.DataFrame(table | {"time": log.timestamps}).to_csv(folder / f"d{seed}.csv", index=False)
    Model(EASE()).fit(log).save(folder / "m.recmeta")
    return folder


@pytest.mark.parametrize("command", OPTIONS)
def test_help_says_what_it_does_and_lists_its_options(run, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = run(*command.split(), "--help")
    assert code == 0
    words = set(out.replace(",", " ").split())
    assert words >= OPTIONS[command]
    assert run(*command.split(), "-h")[0] == 0


def test_the_version_is_that_of_the_package(run):
    assert run("--version")[:2] == (0, "recmeta 0.1.0\n")


def test_no_command_is_a_usage_error_with_the_help(run):
    code, out, err = run()
    assert code == 2
    assert "recommend" in out + err


def test_algorithms_list_and_show_say_what_the_classes_say(run):
    code, out, _ = run("algorithms", "list", "--json")
    entries = json.loads(out)
    assert code == 0
    assert [entry["name"] for entry in entries] == list(all_algorithms())
    for entry in entries:
        cls = all_algorithms()[entry["name"]]
        assert entry["inductive"] is cls.inductive
        assert set(entry["space"]) == set(cls.space)
        shown = json.loads(run("algorithms", "show", entry["name"].lower(), "--json")[1])
        assert shown == entry
    text = run("algorithms", "list")[1]
    assert all(name in text for name in all_algorithms())
    assert "References" in run("algorithms", "show", "ease")[1]


@pytest.mark.parametrize("name", ["AutoencoderRecommender", "EASE", "TopPopular"])
def test_algorithms_show_has_every_parameter_with_its_default(run, name):
    text = run("algorithms", "show", name)[1]
    tables = "searched parameter" + text.partition("\nsearched parameter")[2]
    searched, _, others = tables.partition("\nNot searched: ")
    rows = [line.split()[:2] for line in searched.splitlines()[1:] if line]
    fixed = [entry.split("=") for entry in others.strip().split(", ") if entry]
    defaults = {key: repr(value) for key, value in all_algorithms()[name]().get_params().items()}
    assert dict(rows + fixed) == defaults


def test_datasets_list_is_the_catalogue(run):
    entries = json.loads(run("datasets", "list", "--json")[1])
    assert [entry["name"] for entry in entries] == [one.name for one in catalogue().values()]
    assert entries[0]["name"] in run("datasets", "list")[1]


def test_datasets_check_says_what_was_read(run, folder):
    code, out, _ = run("datasets", "check", folder / "d0.csv", "--json")
    assert code == 0
    found = json.loads(out)
    table = pd.read_csv(folder / "d0.csv")
    assert (found["users"], found["items"]) == (table["user"].nunique(), table["item"].nunique())
    assert found["columns"] == {"user": "user", "item": "item", "time": "time"}
    assert "No error." in run("datasets", "check", folder / "d0.csv")[1]


def test_the_options_of_a_log_are_those_it_is_read_with(run, tmp_path):
    (tmp_path / "log.txt").write_text("who|what|stars|at\na|x|5|1\na|y|1|2\nb|x|3|3\nb|y|4|4\n")
    arguments = ["--user-col", "what", "--item-col", "who", "--rating-col", "stars"]
    arguments += ["--time-col", "at", "--sep", "|", "--threshold", "3.5", "--json"]
    code, out, err = run("datasets", "check", tmp_path / "log.txt", *arguments)
    assert code == 0, err
    found = json.loads(out)
    assert found["columns"] == {"user": "what", "item": "who", "rating": "stars", "time": "at"}
    assert (found["threshold"], found["positive"]) == (3.5, 2)


def test_files_of_features_are_read_and_said(run, folder, tmp_path):
    items = pd.read_csv(folder / "d0.csv")["item"].unique()
    kinds = pd.DataFrame({"item": items, "kind": [f"k{i % 3}" for i in range(len(items))]})
    kinds.to_csv(tmp_path / "items.csv", index=False)
    arguments = ("datasets", "check", folder / "d0.csv", "--item-features", tmp_path / "items.csv")
    found = json.loads(run(*arguments, "--json")[1])
    assert (found["item_features"], found["user_features"]) == (3, 0)
    assert "  features 3 of the items, from 1 column: kind; 100% have some\n" in run(*arguments)[1]
    code, _, err = run(*arguments, "--user-features", tmp_path / "items.csv")
    assert code == 3
    assert err.startswith("error[E127]: no user of the log is in items")


def test_a_sweep_of_several_data_sets_has_no_file_of_features(run, folder, tmp_path):
    code, _, err = run(
        *("sweep", "--datasets", f"{folder / 'd0.csv'},{folder / 'd1.csv'}"),
        *("--item-features", "items.csv", "--store", tmp_path / "s.sqlite"),
    )
    assert code == 2
    assert "--item-features and --user-features are of one data set" in " ".join(err.split())


def test_recommend_as_json_is_one_document(run, folder):
    code, out, err = run("recommend", folder / "d0.csv", "--json", "--seed", "3", "--time", "1m")
    assert (code, err) == (0, "")
    assert json.loads(out)["choices"]
    again = run("recommend", folder / "d0.csv", "--json", "--seed", "3", "--time", "1m")[1]
    same = [[one["algorithm"] for one in json.loads(text)["choices"]] for text in (out, again)]
    assert same[0] == same[1]


def test_predict_answers_in_the_ids_of_the_log(run, folder):
    code, out, err = run(
        *("predict", folder / "m.recmeta", "--users", "customer-0002, nobody", "-k", "2", "--json")
    )
    assert (code, err) == (0, "")
    rows = json.loads(out)
    assert [row["user"] for row in rows] == ["customer-0002"] * 2 + ["nobody"] * 2
    assert [row["fallback"] for row in rows] == [False, False, True, True]
    assert rows[0]["score"] > 0
    assert rows[2]["score"] is None
    code, out, _ = run("predict", folder / "m.recmeta", "--users", "nobody", "-k", "1")
    assert code == 0
    assert out.split()[-3:] == [rows[2]["item"], "-", "yes"]


def test_predict_all_has_every_user_and_shows_the_first(run, folder):
    rows = json.loads(run("predict", folder / "m.recmeta", "--all", "-k", "1", "--json")[1])
    assert len({row["user"] for row in rows}) == 60
    out = run("predict", folder / "m.recmeta", "--all", "-k", "1")[1]
    assert "... and 10 more rows: --out FILE has them all" in out


def test_predict_history_takes_the_items_of_one_new_user(run, folder):
    history = "product-0001,product-0002"
    code, out, _ = run("predict", folder / "m.recmeta", "--history", history, "-k", "3", "--json")
    assert code == 0
    items = {row["item"] for row in json.loads(out)}
    assert len(items) == 3
    assert not items & set(history.split(","))


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("all.csv", pd.read_csv),
        ("all.tsv", lambda file: pd.read_csv(file, sep="\t")),
        ("all.csv.gz", pd.read_csv),
        ("all.jsonl", lambda file: pd.read_json(file, lines=True)),
        ("all.parquet", pd.read_parquet),
    ],
)
def test_predict_writes_the_kind_of_file_that_the_name_says(run, folder, tmp_path, name, read):
    file = tmp_path / name
    arguments = ("predict", folder / "m.recmeta", "--all", "-k", "2", "--out", file, "--json")
    code, out, err = run(*arguments)
    assert code == 0
    assert err.startswith("Wrote 120 rows to")
    expected = pd.DataFrame(json.loads(out))
    found = read(file)
    assert found["item"].tolist() == expected["item"].tolist()
    np.testing.assert_allclose(found["score"], expected["score"], rtol=1e-4)


@pytest.fixture(scope="module")
def swept(folder):
    """A sweep of two algorithms over the three logs and a file that is none: its lines and code."""
    (folder / "bad.csv").write_text("a\n1\n")
    files = ",".join(str(folder / f"{name}.csv") for name in ("d0", "d1", "d2", "bad"))
    arguments = ["--datasets", files, "--algorithms", "TopPopular,EASE", "--configs", "0"]
    patch = pytest.MonkeyPatch()
    lines = []
    with patch.context() as context:
        context.setattr("typer.echo", lambda text, **_: lines.append(json.loads(text)))
        store = ["--store", str(folder / "s.sqlite"), "--json"]
        context.setattr(sys, "argv", ["recmeta", "sweep", *arguments, *store])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    return ended.value.code, lines


def test_a_sweep_is_a_json_line_an_event_and_code_5_where_some_failed(swept):
    code, lines = swept
    assert code == 5
    assert [line["event"] for line in (lines[0], lines[-1])] == ["begin", "end"]
    runs = [line for line in lines if line["event"] == "run"]
    assert len(runs) == 6
    assert {line["status"] for line in runs} == {"ok"}
    assert list(lines[-1]["failed"]) == ["bad"]


def test_a_leaderboard_is_one_document_with_a_row_an_algorithm(run, swept, folder):
    code, out, _ = run("leaderboard", folder / "s.sqlite", "--metric", "recall@5", "--json")
    assert code == 0
    board = json.loads(out)
    assert board["datasets"] == ["d0", "d1", "d2"]
    assert {row["algorithm"] for row in board["rows"]} == {"EASE", "TopPopular"}
    assert "EASE" in run("leaderboard", folder / "s.sqlite", "--dataset", "d1")[1]


def test_a_meta_data_set_of_the_sweep_can_be_evaluated(run, swept, folder):
    code, out, _ = run("meta", "build", folder / "s.sqlite", "--out", folder / "meta", "--json")
    assert code == 0
    assert json.loads(out)["runs"] == 6
    code, out, _ = run("meta", "evaluate", "--folder", folder / "meta", "--json")
    assert code == 0
    found = json.loads(out)
    assert [row["family"] for row in found["families"]] == ["d0", "d1", "d2"]
    assert set(found["gain_over_sbs"]) == {"mean", "low", "high"}
    text = run("meta", "evaluate", "--folder", folder / "meta")[1]
    assert text.startswith("Leave one family out: 3 families")
