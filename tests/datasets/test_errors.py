"""Every code is explained, and the check on the command line says what Python says."""

import json
import re
import sys
from pathlib import Path

import pytest

from recmeta.cli import main
from recmeta.data import DataError
from recmeta.datasets import read

ROOT = Path(__file__).parents[2]
EXPLAINED = ROOT / "docs" / "errors.md"
SKIPPED_ROWS = re.compile(r'found\.refuse\(\s*"E(1\d\d)"')


@pytest.fixture
def check(monkeypatch, capsys):
    """``recmeta datasets check`` in this process: exit code, standard output, standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["recmeta", "datasets", "check", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return run


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    path = tmp_path_factory.mktemp("bad") / "bad.csv"
    rows = "".join(f"u{k % 6},i{k},{1 + k % 5}\n" for k in range(12))
    path.write_text("user,item,rating\n" + rows + ",i1,3\n")
    return path


@pytest.mark.skipif(not EXPLAINED.exists(), reason="the documentation is not at hand")
def test_every_code_has_a_heading_in_the_documentation():
    source = "\n".join(path.read_text() for path in (ROOT / "recmeta").rglob("*.py"))
    codes = set(re.findall(r'"([ENW]1\d\d)"', source))
    codes |= {f"W{number}" for number in SKIPPED_ROWS.findall(source)}
    assert len(codes) > 25
    headings = "\n".join(re.findall(r"^## (.*):", EXPLAINED.read_text(), flags=re.MULTILINE))
    assert codes == set(re.findall(r"[ENW]1\d\d", headings))


def test_bad_data_is_exit_code_3_with_the_message_that_python_raises(bad, check):
    with pytest.raises(DataError) as error:
        read(bad)
    line = f"error[E103]: {error.value.message} {error.value.hint}\n"
    assert check(bad) == (3, "", line)


def test_bad_data_as_json_is_one_document(bad, check):
    code, out, _ = check(bad, "--json")
    assert code == 3
    assert json.loads(out) == {
        "error": {
            "code": "E103",
            "message": "1 rows have no user id (first: line 14).",
            "hint": "Use --drop-bad to skip them (7.69% of rows).",
            "rows": [14],
        }
    }


def test_a_log_that_can_be_used_is_summed_up_with_its_notices(bad, check):
    code, out, err = check(bad, "--drop-bad")
    assert (code, err) == (0, "")
    assert out.splitlines() == [*read(bad, drop_bad=True).summary(), "No error."]


def test_a_log_that_can_be_used_is_one_document_as_json(bad, check):
    code, out, _ = check(bad, "--drop-bad", "--json")
    document = json.loads(out)
    assert code == 0
    assert (document["events"], document["users"], document["items"]) == (12, 6, 12)
    assert document["columns"] == {"user": "user", "item": "item", "rating": "rating"}
    assert document["notices"] == [
        {
            "code": "W103",
            "level": "warning",
            "message": "1 rows have no user id (first: line 14): skipped",
            "n_rows": 1,
            "hint": "",
        }
    ]
