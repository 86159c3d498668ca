"""``recmeta nas``: what it prints and what it refuses."""

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from recmeta.cli import app
from recmeta.experiments import nas_suite
from recmeta.registry import MissingExtraError


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["nas", "evaluate", "--tables", str(tmp_path)])
    assert isinstance(found.exception, FileNotFoundError)
    assert "no nb201_accuracy.csv in" in str(found.exception)


@pytest.mark.parametrize("wrong", [["--parts", "magic"], ["--parts", ","], ["--cut", "diagonal"]])
def test_unknown_parts_and_cuts_are_refused(tmp_path: Path, wrong: list[str]) -> None:
    found = CliRunner().invoke(app, ["nas", "evaluate", "--tables", str(tmp_path), *wrong])
    assert found.exit_code == 2
    assert "predictors, transfer, strategies, algorithms" in found.output.replace("│", "")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--sizes", "many"], "numbers from 2 to 9000"),
        (["--sizes", "100,1"], "got '100,1'"),
        (["--sizes", "99999"], "got '99999'"),
        (["--predictors", "LastValue"], "LastValue needs curves"),
    ],
)
def test_sizes_and_predictors_that_cannot_be_are_refused(
    tmp_path: Path, wrong: list[str], said: str
) -> None:
    (tmp_path / "nb201_accuracy.csv").touch()
    asked = ["nas", "evaluate", "--tables", str(tmp_path), *wrong]
    found = CliRunner().invoke(app, asked, env={"COLUMNS": "200"})
    assert found.exit_code == 2
    assert wrong[0] in found.output
    assert said in found.output


def test_an_extra_that_is_missing_has_its_own_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nas_suite, "lacking", lambda kind: "needs recmeta[torch]")
    with pytest.raises(MissingExtraError, match="NAO"):
        nas_suite.predictors(["NAO"])


def test_a_part_is_printed_as_a_table_and_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nb201_accuracy.csv").touch()
    table = pd.DataFrame({"task": ["jigsaw", "mean"], "alone": [0.25, float("nan")]})
    asked_for: list[tuple[Path, int]] = []

    def small(folder: Path, n_seeds: int) -> pd.DataFrame:
        asked_for.append((folder, n_seeds))
        return table

    monkeypatch.setattr(nas_suite, "transfer_table", small)
    asked = ["nas", "evaluate", "--tables", str(tmp_path), "--parts", "transfer", "--seeds", "3"]
    lines = CliRunner().invoke(app, asked).output.strip().splitlines()
    assert [line.split() for line in lines] == [
        ["transfer"], ["task", "alone"], ["jigsaw", "0.250"], ["mean", "nan"]
    ]  # fmt: skip
    rows = json.loads(CliRunner().invoke(app, [*asked, "--json"]).output)["transfer"]
    assert rows == [{"task": "jigsaw", "alone": 0.25}, {"task": "mean", "alone": None}]
    assert asked_for == [(tmp_path, 3)] * 2


def test_only_the_parts_that_read_tables_ask_for_their_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = pd.DataFrame({"predictor": ["Mean"], "spearman": [0.5]})
    monkeypatch.setattr(nas_suite, "algorithm_table", lambda chosen: table)
    asked = ["nas", "evaluate", "--parts", "algorithms", "--json"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["algorithms"] == [{"predictor": "Mean", "spearman": 0.5}]
    asked[3] = "transfer,algorithms"
    refused = CliRunner().invoke(app, asked, env={"COLUMNS": "200"})
    assert refused.exit_code == 2
    assert (
        "--parts transfer reads a folder of tables; --parts algorithms needs none" in refused.output
    )
