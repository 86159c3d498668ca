"""The generated docs are those of the classes, and say what a reader looks for."""

import re
import runpy
from pathlib import Path

import pytest

from recmeta.algorithms import all_algorithms

DOCS = Path(__file__).parents[1] / "docs"
GENERATE = runpy.run_path(str(DOCS / "generate.py"))


def test_the_committed_docs_are_what_make_docs_writes():
    stale = [path.name for path, text in GENERATE["files"]().items() if path.read_text() != text]
    assert not stale, f"run `make docs`: {', '.join(stale)}"
    written = {path.stem for path in (DOCS / "algorithms").glob("*.md")}
    assert written == set(all_algorithms()), "run `make docs`"


@pytest.mark.parametrize("name", all_algorithms())
def test_a_page_has_formula_parameters_attributes_and_an_example(name):
    algorithm = all_algorithms()[name]
    page = GENERATE["page"](algorithm)
    parameters = algorithm().get_params()
    section = page.partition("## Parameters")[2].partition("\n## ")[0]
    entries = re.findall(r"^- \*\*(.+?)\*\* : ", section, re.MULTILINE)
    assert {name for entry in entries for name in entry.split(", ")} == set(parameters)
    for parameter in parameters:
        assert f"| {parameter} | " in page
    assert "## Attributes" in page
    assert "    >>> " in page


@pytest.mark.parametrize("name", all_algorithms())
def test_a_row_of_the_table_has_all_its_cells(name):
    row = GENERATE["row"](all_algorithms()[name])
    assert row.count(" | ") == 7
    assert name in row
