"""Scripts say what they do when asked, and do nothing then."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = [
    "benchmarks/architecture_networks.py",
    "examples/architecture_search.py",
    "examples/make_shop.py",
]


def _run(script: str, *words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [script, *words])
    runpy.run_path(str(ROOT / script), run_name="__main__")


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_is_the_docstring_and_nothing_is_written(script, monkeypatch, capsys):
    def refuse(*args, **options):
        raise AssertionError("a file is written")

    monkeypatch.setattr("pandas.DataFrame.to_csv", refuse)
    with pytest.raises(SystemExit) as ended:
        _run(script, "--help", monkeypatch=monkeypatch)
    assert ended.value.code == 0
    first = (ROOT / script).read_text().splitlines()[0].removeprefix('"""')
    assert first in capsys.readouterr().out


def test_a_part_that_there_is_none_of_is_a_usage_error(monkeypatch, capsys):
    with pytest.raises(SystemExit) as ended:
        _run(SCRIPTS[0], "nowhere", "gcn", monkeypatch=monkeypatch)
    assert ended.value.code == 2
    assert "no part gcn; there are: forest" in capsys.readouterr().err


def test_the_bundled_log_is_what_its_script_writes(monkeypatch, tmp_path):
    out = tmp_path / "shop.csv"
    _run("examples/make_shop.py", "--out", str(out), monkeypatch=monkeypatch)
    assert out.read_bytes() == (ROOT / "examples" / "shop.csv").read_bytes()
