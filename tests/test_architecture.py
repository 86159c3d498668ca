"""The rules of the house that import-linter cannot say."""

import ast
from pathlib import Path

import pytest

import recmeta

PACKAGE = Path(recmeta.__file__).parent
ALGORITHM_FILES = sorted((PACKAGE / "algorithms").glob("[!_]*.py"))
FORBIDDEN_ROOMS = {"utils", "util", "core", "config", "helpers", "managers", "common", "misc"}


def imported_modules(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("file", ALGORITHM_FILES, ids=lambda file: file.stem)
def test_an_algorithm_imports_no_other_algorithm(file: Path) -> None:
    others = {f"recmeta.algorithms.{other.stem}" for other in ALGORITHM_FILES if other != file}
    assert not imported_modules(file) & others


@pytest.mark.parametrize("file", ALGORITHM_FILES, ids=lambda file: file.stem)
def test_an_algorithm_is_one_class_in_under_150_lines(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    classes = [
        node.name
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    assert len(classes) == 1, f"{file.name} defines {classes}; one algorithm a file"
    assert len(source.splitlines()) < 150


def test_no_file_is_two_things() -> None:
    long = {
        str(file.relative_to(PACKAGE)): n_lines
        for file in PACKAGE.rglob("*.py")
        if (n_lines := len(file.read_text(encoding="utf-8").splitlines())) > 300
    }
    assert not long, f"over 300 lines, split them: {long}"


def test_no_room_is_a_lumber_room() -> None:
    names = {path.stem.lstrip("_") for path in PACKAGE.rglob("*") if path.suffix in {"", ".py"}}
    assert not names & FORBIDDEN_ROOMS


def test_the_library_never_unpickles() -> None:
    # the checks alone may: they hold a caller's own estimator to surviving a pickle in memory
    for file in set(PACKAGE.rglob("*.py")) - {PACKAGE / "testing" / "checks.py"}:
        assert not imported_modules(file) & {"pickle", "joblib", "dill", "cloudpickle"}, file
