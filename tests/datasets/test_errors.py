"""Every code is explained, and the check on the command line says what Python says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from recmeta.data import DataError
from recmeta.datasets import read

ROOT = Path(__file__).parents[2]
EXPLAINED = ROOT / "docs" / "errors.md"
PROGRAM = [sys.executable, "-c", "from recmeta.cli import main; main()"]
SKIPPED_ROWS = re.compile(r'found\.refuse\(\s*"E(1\d\d)"')


def check(*arguments):
    command = [*PROGRAM, "datasets", "check", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


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


def test_bad_data_is_exit_code_3_with_the_message_that_python_raises(bad):
    with pytest.raises(DataError) as error:
        read(bad)
    done = check(bad)
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.strip() == f"error[E103]: {error.value.message} {error.value.hint}"


def test_bad_data_as_json_is_one_document(bad):
    done = check(bad, "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout) == {
        "error": {
            "code": "E103",
            "message": "1 rows have no user id (first: line 14).",
            "hint": "Use --drop-bad to skip them (7.69% of rows).",
            "rows": [14],
        }
    }


def test_a_log_that_can_be_used_is_summed_up_with_its_notices(bad):
    done = check(bad, "--drop-bad")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [*read(bad, drop_bad=True).summary(), "No error."]
    document = json.loads(check(bad, "--drop-bad", "--json").stdout)
    assert (document["events"], document["users"], document["items"]) == (12, 6, 12)
    assert document["columns"] == {"user": "user", "item": "item", "rating": "rating"}
    (notice,) = document["notices"]
    assert notice == {
        "code": "W103",
        "level": "warning",
        "message": "1 rows have no user id (first: line 14): skipped",
        "n_rows": 1,
        "hint": "",
    }
