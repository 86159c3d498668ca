"""Exports that fail or are killed: the folder is the old export, the new one, or none."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from recmeta.execution.task import Result, Task
from recmeta.experiments import store_export
from recmeta.experiments.store import Store
from recmeta.experiments.store_export import TABLES
from recmeta.experiments.transfer import export, import_

METRICS = {part: {"ndcg@10": 0.25} for part in ("validation", "test")}
KILLED = """
    import os, signal
    from pathlib import Path
    from recmeta.experiments.store import Store
    from recmeta.experiments.transfer import export
    replace, moved = Path.replace, []
    def killed(self, to):
        if len(moved) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        moved.append(replace(self, to))
    Path.replace = killed
    with Store({store!r}) as store:
        export(store, {folder!r})
    """


def add(store, seed):
    task = Task("/b", "shop", "k", "random", "EASE", {}, seed)
    store.add(task, Result("ok", metrics=METRICS))


@pytest.fixture
def exported(tmp_path):
    """A store that has a run more than its export."""
    with Store(tmp_path / "s.sqlite") as store:
        add(store, 0)
        export(store, tmp_path / "out")
        add(store, 1)
        yield store, tmp_path / "out"


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_an_export_that_fails_leaves_the_one_before_it(exported, monkeypatch):
    store, folder = exported
    before = contents(folder)

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(store_export, "_write_environments", full)
    with pytest.raises(OSError, match="no space left"):
        export(store, folder)
    assert contents(folder) == before


def test_an_export_that_is_killed_on_the_way_is_none_and_the_next_is_whole(exported, tmp_path):
    store, folder = exported
    script = textwrap.dedent(KILLED.format(store=str(store.path), folder=str(folder)))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], env=env, check=False)
    assert done.returncode == -signal.SIGKILL
    with Store(tmp_path / "new.sqlite") as new:
        with pytest.raises(FileNotFoundError, match="no exported store"):
            import_(folder, new)
        export(store, folder)
        assert import_(folder, new) == 2
    assert {file.stem for file in folder.iterdir()} == set(TABLES)


@pytest.mark.parametrize("n_moved", range(len(TABLES)))
def test_wherever_it_is_stopped_no_mixture_passes_for_an_export(exported, monkeypatch, n_moved):
    store, folder = exported
    move, moved = Path.replace, []

    def stopped(self, to):
        if len(moved) == n_moved:
            raise KeyboardInterrupt
        moved.append(move(self, to))
        return moved[-1]

    monkeypatch.setattr(Path, "replace", stopped)
    with pytest.raises(KeyboardInterrupt):
        export(store, folder)
    assert len(moved) == n_moved
    assert not (folder / "runs.parquet").exists()


def test_what_else_is_in_the_folder_is_left(exported):
    store, folder = exported
    Path(folder / "LICENSE").write_text("as it was")
    export(store, folder)
    assert (folder / "LICENSE").read_text() == "as it was"
