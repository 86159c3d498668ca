"""A disk that is full: what is in the store stays, and the sweep goes on when there is room."""

import contextlib
import os
import subprocess
import sys
import tempfile

import pytest

from recmeta.execution.local import run
from recmeta.execution.task import Task
from recmeta.experiments.configurations import configurations
from recmeta.experiments.plan import Plan
from recmeta.experiments.sources import Preparation, find_sources, prepare
from recmeta.experiments.store import Store, StoreError
from recmeta.experiments.sweep import sweep

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a tmpfs"),
]


@pytest.fixture
def small_disk(tmp_path):
    """A folder of 2 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def grow(folder):
    subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)


def fill(folder):
    with open(folder / "ballast", "wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while True:
            ballast.write(b"\0" * 4096)


def test_a_store_on_a_full_disk_keeps_its_rows_and_goes_on_when_there_is_room(root, small_disk):
    sources, how = find_sources(["one"], root), Preparation("random", 0, None, root / "cache")
    plan = Plan(configurations(["EASE"], 30), per_user=("ndcg@10",))
    said = []

    def listen(event, progress):
        if event.kind == "run":
            said.append(event.task.id)
            if len(said) == 5:
                fill(small_disk)

    with Store(small_disk / "s.sqlite") as store, pytest.raises(StoreError, match="disk is full"):
        sweep(sources, plan, store, how, listen=listen)
    with Store(small_disk / "s.sqlite") as store:
        assert set(said) <= set(store.frame()["id"])
    n_before = len(said)
    assert 5 <= n_before < 31
    grow(small_disk)
    with Store(small_disk / "s.sqlite") as store:
        progress = sweep(sources, plan, store, how)
        frame = store.frame()
    assert progress.resumed >= n_before
    assert len(frame) == frame["id"].nunique() == 31
    assert set(frame["status"]) == {"ok"}


def test_results_that_cannot_be_written_are_done_again(root, small_disk, monkeypatch):
    (source,) = find_sources(["one"], root)
    bundle = prepare(source, Preparation("random", 0, None, root / "cache"))
    task = Task(str(bundle.path), bundle.dataset, bundle.key, bundle.split, "TopPopular")
    fill(small_disk)
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    ((_, failed),) = run([task])
    assert (failed.status, failed.tries) == ("error", 3)
    assert failed.error.startswith("infrastructure fault, tried 3 times: its result could not be")
    grow(small_disk)
    ((_, result),) = run([task])
    assert (result.status, result.tries) == ("ok", 1)
