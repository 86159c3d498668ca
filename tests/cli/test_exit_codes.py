"""Exit codes: each expected error is one line and a number; a bug keeps its traceback."""

import json
import sys

import pytest
import typer

from recmeta import cli
from recmeta.algorithms import TopPopular
from recmeta.cli import options
from recmeta.datasets import repeats, times
from recmeta.datasets.synthetic import generate
from recmeta.model import Model


@pytest.fixture
def model(tmp_path):
    file = tmp_path / "m.recmeta"
    Model(TopPopular()).fit(generate(20, 10, 100)).save(file)
    return file


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "give one of --users, --all or --history"),
        (("--all", "--users", "a"), "give one of --users, --all or --history"),
        (("--all", "-k", "0"), "greater than or equal to 1"),
        (("--all", "--out", "no/such/folder/x.csv"), "there is no folder no/such/folder"),
        (("--all", "--out", "."), "is a folder"),
        (("--none",), "No such option"),
    ],
)
def test_predict_told_wrong_is_code_2(run, model, options, said):
    code, out, err = run("predict", model, *options)
    assert (code, out) == (2, "")
    assert said in " ".join(err.replace("│", " ").split())


def test_fit_looks_at_where_to_write_before_it_works(run, tmp_path):
    code, _, err = run("fit", tmp_path / "not-read.csv", "--out", tmp_path / "none" / "m")
    assert code == 2
    assert "there is no folder" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("algorithms", "show", "ESAE"), "no algorithm is named 'ESAE'; there are: "),
        (("sweep", "--algorithms", "ESAE"), "no algorithm is named 'ESAE'"),
        (("leaderboard", "none.sqlite"), "no store at none.sqlite"),
        (("meta", "build", "none.sqlite", "--out", "x"), "no store at none.sqlite"),
        (("meta", "evaluate", "--folder", "none"), "none is no meta-data set"),
        (("meta", "evaluate", "--metric", "ndgc@10"), "no metric is named 'ndgc'"),
        (("meta", "evaluate", "--metric", "ndcg"), "ndcg needs a cutoff: ndcg@10"),
        (("recommend", "x.csv", "--memory", "lots"), "lots"),
        (("datasets", "check", "x.csv", "--scale", "five"), "not a scale"),
    ],
)
def test_a_wrong_name_is_code_2_and_one_line(run, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(*arguments)
    assert code == 2
    assert said in " ".join(err.replace("│", " ").split())
    assert "Traceback" not in err


def test_bad_data_is_code_3_and_its_document_has_the_rows(run, tmp_path):
    (tmp_path / "log.csv").write_text("user,item,rating\na,x,1\nb,,2\nc,y,3\n")
    code, out, err = run("datasets", "check", tmp_path / "log.csv", "--json")
    assert code == 3
    error = json.loads(out)["error"]
    assert error["code"].startswith("E")
    assert error["rows"] == [3]
    assert err.startswith(f"error[{error['code']}]: ")
    assert len(err.splitlines()) == 1


def test_a_model_file_that_is_none_is_code_7(run, tmp_path):
    (tmp_path / "m").write_text("no zip")
    code, out, err = run("predict", tmp_path / "m", "--all", "--json")
    assert code == 7
    assert "is no model file" in json.loads(out)["error"]["message"]
    assert err.startswith("error: ")


def test_a_stop_by_hand_is_code_130(run, model, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Model, "recommend", stopped)
    assert run("predict", model, "--all")[0] == 130


def test_a_bug_keeps_its_traceback(model, monkeypatch):
    def broken(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(Model, "recommend", broken)
    monkeypatch.setattr(sys, "argv", ["recmeta", "predict", str(model), "--all"])
    with pytest.raises(RuntimeError, match="a bug"):
        cli.main()


def test_the_choices_of_the_command_line_are_those_of_the_readers():
    assert options.DUPLICATES == repeats.DUPLICATES
    assert tuple(times.UNITS) == options.TIME_UNITS


@pytest.mark.parametrize("wrong", [("--duplicates", "some"), ("--time-unit", "hours")])
def test_a_choice_that_there_is_none_of_is_a_usage_error(run, wrong):
    code, _, said = run("datasets", "check", "log.csv", *wrong)
    assert code == 2
    assert "not one of" in said


def test_a_missing_extra_is_code_6_with_the_line_that_installs_it(run, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["recmeta.cli.sweep"], "find_spec", lambda name: None)
    log = tmp_path / "log.csv"
    log.write_text("user,item\na,x\n")
    store = tmp_path / "store.sqlite"
    code, _, err = run("sweep", "--datasets", log, "--algorithms", "EASE,MultVAE", "--store", store)
    assert code == 6
    assert "MultVAE needs recmeta[torch]: pip install 'recmeta[torch]'" in err
    assert not store.exists()


def test_what_an_algorithm_needs_is_listed_with_or_without_the_extra(run, monkeypatch):
    code, out, _ = run("algorithms", "list", "--json")
    needs = {entry["name"]: entry["needs"] for entry in json.loads(out)}
    assert (code, needs["MultVAE"], needs["EASE"]) == (0, "recmeta[torch]", "")
    monkeypatch.setattr("recmeta.cli.algorithms.find_spec", lambda name: None)
    _, out, _ = run("algorithms", "list")
    assert "recmeta[torch] (not installed)" in out


def test_a_sweep_whose_algorithms_all_lack_something_is_code_2_and_says_what(run, tmp_path):
    log = tmp_path / "plain.csv"
    pairs = [(user, item) for user in range(30) for item in range(12) if (user * item) % 3]
    log.write_text("user,item\n" + "".join(f"u{user},i{item}\n" for user, item in pairs))
    store = tmp_path / "s.sqlite"
    named = "ItemKNNCBF,MarkovChain"
    code, _, err = run("sweep", "--datasets", log, "--algorithms", named, "--store", store)
    assert code == 2
    assert "needs item features: ItemKNNCBF left out on 1 log: plain" in err
    assert "needs timestamps: MarkovChain left out on 1 log: plain" in err
    assert "nothing to run" in err


@pytest.mark.parametrize(
    ("check", "decides"), [(options.to_write, "file"), (options.model_to_write, "folder")]
)
def test_a_model_is_written_where_its_folder_lets_it_and_a_table_where_its_file_does(
    check, decides, tmp_path, monkeypatch
):
    file = tmp_path / "there"
    file.touch()
    asked = []
    monkeypatch.setattr("os.access", lambda path, mode: asked.append(path) or True)
    assert check(file) == file
    assert asked == [file if decides == "file" else tmp_path]


@pytest.mark.parametrize(
    "check",
    [options.to_write, options.model_to_write, options.file_to_make, options.folder_to_make],
)
def test_what_may_not_be_written_is_refused_before_the_work(check, tmp_path, monkeypatch):
    assert check(tmp_path / "new") == tmp_path / "new"
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(typer.BadParameter, match="may not be written to: permission denied"):
        check(tmp_path / "new")
