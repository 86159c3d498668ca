"""docs/sweeps.md has the keys, defaults and kinds that a study has, and an example that is read."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from recmeta.experiments.configurations import KINDS
from recmeta.experiments.plan_file import LISTED, Study, read_study

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "sweeps.md").read_text()
IN_WORDS = {"all": [()], "all of `root`": [()], "none": [None, ()], "guessed": [None]}
IN_WORDS |= {"both": [("validation", "test")]}


def _rows(heading: str) -> list[list[str]]:
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _names(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def test_every_key_of_a_study_is_there_once():
    named = [name for row in _rows("The plan") for name in _names(row[0])]
    assert sorted(named) == sorted(one.name for one in fields(Study))


@pytest.mark.parametrize("row", _rows("The plan"), ids=lambda row: row[0].replace("`", ""))
def test_the_default_of_a_key_is_that_of_the_class(row):
    names, said = _names(row[0]), row[1].replace("`", "")
    defaults = [getattr(Study(), name) for name in names]
    if row[1] in IN_WORDS:
        assert all(default in IN_WORDS[row[1]] for default in defaults)
    else:
        assert json.loads(f"[{said}]") == json.loads(json.dumps(defaults))


def test_every_kind_of_configurations_is_there():
    kinds = [name for row in _rows("Kinds of configurations") for name in _names(row[0])]
    assert kinds == [*KINDS, LISTED]


def test_the_example_is_a_study(tmp_path):
    example = re.search(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert example is not None
    file = tmp_path / "study.toml"
    file.write_text(example[1])
    study = Study(**read_study(file) | {"datasets": (str(ROOT / "examples" / "shop.csv"),)})
    plan = study.plan()
    # EASE and BPR have a default and 8 points, TopPopular its default alone, and one is listed
    assert len(plan.configurations) == 9 + 9 + 1 + 1
    assert len(plan) == 2 * len(plan.configurations)
    assert plan.curve_by == "ndcg@10"
