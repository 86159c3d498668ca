"""Writers that are killed, writers at one time, disks that are full: nothing is half there."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recmeta.execution.task import Result, Task
from recmeta.experiments.store import Store, StoreError
from recmeta.experiments.transfer import check

METRICS = {f"m@{i}": 0.5 for i in range(300)}
TASK = Task("/b", "shop", "k1", "random", "EASE")
RESULT = Result(
    "ok",
    metrics={"validation": METRICS, "test": METRICS},
    per_user={"test": {"m@10": np.full(400, 0.5, np.float16)}},
    n_users={"validation": 400, "test": 400},
)
WRITER = """
    from dataclasses import replace
    import numpy as np
    from recmeta.execution.task import Result, Task
    from recmeta.experiments.store import Store
    metrics = {{f"m@{{i}}": 0.5 for i in range(300)}}
    vectors = {{"test": {{"m@10": np.full(400, 0.5, np.float16)}}}}
    result = Result("ok", metrics={{"validation": metrics, "test": metrics}}, per_user=vectors,
                    n_users={{"validation": 400, "test": 400}})
    task = Task("/b", "shop", "k1", "random", "EASE")
    with Store({path!r}) as store:
        for seed in range({first}, {last}):
            store.add(replace(task, seed=seed), result)
            print(seed, flush=True)
    """


def start(path: Path, first: int, last: int) -> subprocess.Popen[str]:
    """A process that adds runs and says so after each."""
    script = textwrap.dedent(WRITER.format(path=str(path), first=first, last=last))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", script]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)


def test_no_acknowledged_run_is_lost_when_writers_are_killed_again_and_again(tmp_path):
    path = tmp_path / "s.sqlite"
    said: set[int] = set()
    killed = 0
    for attempt in range(3):
        with start(path, 100_000 * attempt, 100_000 * (attempt + 1)) as writer:
            for _ in range(20 + 7 * attempt):
                said.add(int(writer.stdout.readline()))
            writer.send_signal(signal.SIGKILL)
            said |= {int(line) for line in writer.stdout.read().splitlines() if line}
        killed += writer.returncode == -signal.SIGKILL
        with Store(path) as store:
            frame = store.frame(["m@10", "m@299"])
            assert check(store) == []
        assert killed == attempt + 1
        assert said <= set(frame["seed"])
        assert len(frame) == frame["id"].nunique() <= len(said) + killed
        assert (frame[["validation:m@10", "test:m@10", "test:m@299"]] == 0.5).all(axis=None)


def test_a_store_is_made_once_by_all_who_open_it_first(tmp_path):
    n = 8
    for round_ in range(25):
        path = tmp_path / f"{round_}.sqlite"
        barrier = threading.Barrier(n)

        def opened(path=path, barrier=barrier):
            barrier.wait()
            with Store(path) as store:
                return store.done_ids()

        with ThreadPoolExecutor(n) as pool:
            openings = [pool.submit(opened) for _ in range(n)]
        assert [one.result() for one in openings] == [set()] * n


def test_two_processes_add_at_one_time(tmp_path):
    path = tmp_path / "s.sqlite"
    writers = [start(path, first, first + 60) for first in (0, 40)]  # 20 of them both have
    for writer in writers:
        with writer:
            assert len(writer.stdout.read().splitlines()) == 60
        assert writer.returncode == 0
    with Store(path) as store:
        assert sorted(store.frame(["m@299"])["seed"]) == list(range(100))
        assert check(store) == []


def fill(store: Store) -> int:
    """Add until it fails; the number of runs that were added."""
    added = []

    def add_for_ever() -> None:
        while True:
            store.add(replace(TASK, seed=len(added)), RESULT)
            added.append(True)

    message = rf"{store.path} is as it was.*the disk is full\. Make room and start again"
    with pytest.raises(StoreError, match=message):
        add_for_ever()
    return len(added)


def goes_on_after(store: Store, n_added: int) -> None:
    assert store.frame(["m@299"])["seed"].tolist() == list(range(n_added))
    assert check(store) == []


def test_a_full_store_says_so_stays_sound_and_goes_on(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        (n_pages,) = store.connection.execute("PRAGMA page_count").fetchone()
        store.connection.execute(f"PRAGMA max_page_count = {n_pages + 200}")
        n_added = fill(store)
        assert n_added > 10
        goes_on_after(store, n_added)
        store.connection.execute("PRAGMA max_page_count = 1000000")
        store.add(replace(TASK, seed=n_added), RESULT)
        goes_on_after(store, n_added + 1)


def test_a_name_that_was_new_in_a_run_that_did_not_fit_is_not_remembered(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        (n_pages,) = store.connection.execute("PRAGMA page_count").fetchone()
        store.connection.execute(f"PRAGMA max_page_count = {n_pages + 1}")
        users = {"test": {"m@10": np.zeros(40_000, np.float16)}}
        with pytest.raises(StoreError, match="the disk is full"):
            store.add(TASK, replace(RESULT, per_user=users))
        assert store.metrics() == []
        store.connection.execute("PRAGMA max_page_count = 1000000")
        other = Task("/b", "mine", "k2", "time", "BPR")
        store.add(other, replace(RESULT, metrics={"test": {"other@10": 0.25}}, per_user={}))
        store.add(TASK, RESULT)
        assert store.frame(["m@7", "other@10"])["test:other@10"].tolist()[0] == 0.25
        assert check(store) == []


@pytest.fixture
def small_disk(tmp_path):
    """A disk of a few MB, where one can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no tmpfs can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_says_so_and_the_store_goes_on_when_there_is_room(small_disk):
    with Store(small_disk / "s.sqlite") as store:
        ballast = small_disk / "ballast"
        ballast.write_bytes(bytes(1 << 20))
        n_added = fill(store)
        assert n_added > 10
        goes_on_after(store, n_added)
        with Store(small_disk / "s.sqlite") as another:
            goes_on_after(another, n_added)
        ballast.unlink()
        store.add(replace(TASK, seed=n_added), RESULT)
        goes_on_after(store, n_added + 1)


def test_a_store_that_another_process_keeps_locked_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("recmeta.experiments.store_open.PATIENCE_S", 0)
    with Store(tmp_path / "s.sqlite") as store:
        other = sqlite3.connect(store.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process has had it locked for 0 s"):
            store.add(TASK, RESULT)
        other.execute("ROLLBACK")
        other.close()
        store.add(TASK, RESULT)
        assert store.done_ids() == {TASK.id}


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "s.sqlite").mkdir()
    with pytest.raises(StoreError, match=r"s\.sqlite is as it was, nothing was written: unable to"):
        Store(tmp_path / "s.sqlite")
