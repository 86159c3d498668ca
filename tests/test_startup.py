"""What is not imported until it is used: start-up stays quick."""

import subprocess
import sys

import pytest

HEAVY = {"numpy", "pandas", "numba", "sklearn", "scipy", "pyarrow", "optuna", "typer", "rich"}
HELP = "import sys; sys.argv[1:] = ['{}', '--help']; from recmeta.cli import main; main()"


def imported_by(program: str) -> set[str]:
    """Which of the heavy packages a fresh interpreter has after this program."""
    wrapped = (
        f"import sys\ntry:\n    exec({program!r})\nexcept SystemExit:\n    pass\n"
        f"print('imported', *({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", wrapped], capture_output=True, text=True, check=True
    )
    last = done.stdout.splitlines()[-1].split()
    assert last[0] == "imported"
    return set(last[1:])


def test_import_recmeta_imports_nothing_heavy():
    assert imported_by("import recmeta; recmeta.__version__; dir(recmeta)") == set()


@pytest.mark.parametrize("command", ["-h", "fit", "sweep"])
def test_help_imports_what_prints_it_and_nothing_else(command):
    assert imported_by(HELP.format(command)) <= {"typer", "rich"}


def test_the_list_of_data_sets_does_not_wait_for_numba():
    program = (
        "import sys; sys.argv[1:] = ['datasets', 'list']; from recmeta.cli import main; main()"
    )
    assert "numba" not in imported_by(program)


def test_a_public_name_is_there_when_it_is_used():
    import recmeta

    for name in recmeta.__all__:
        assert getattr(recmeta, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'recomend'"):
        _ = recmeta.recomend
