"""Stores where nothing may be written: they are read as ever, and nothing of them changes."""

import os
import shutil
import sqlite3
import subprocess

import pytest
from typer.testing import CliRunner

from recmeta.cli import app
from recmeta.execution.task import Result, Task
from recmeta.experiments.store import Store, StoreError

METRICS = {part: {"ndcg@10": 0.25} for part in ("validation", "test")}


def fill(path, seeds=range(3)):
    with Store(path) as store:
        for seed in seeds:
            store.add(Task("/b", "shop", "k", "random", "EASE", {}, seed), Result("ok", METRICS))


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture
def disk(tmp_path):
    """A folder and what makes it read-only: root may write all folders but those of such a disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        yield folder, lambda: folder.chmod(0o555)
        folder.chmod(0o755)
        return
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no tmpfs can be mounted here")
    remount = ["mount", "-o", "remount,ro", str(folder)]
    yield folder, lambda: subprocess.run(remount, check=True)
    subprocess.run(["umount", "-l", str(folder)], check=True)


def said_by(*arguments):
    done = CliRunner().invoke(app, [*map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output


def test_commands_that_read_take_a_store_on_a_disk_that_cannot_be_written(disk, tmp_path):
    folder, make_read_only = disk
    store, into = folder / "s.sqlite", tmp_path / "into.sqlite"
    fill(store)
    make_read_only()
    assert [file.name for file in folder.iterdir()] == ["s.sqlite"]
    assert said_by("store", "check", store) == f"{store} is sound: 3 runs\n"
    assert "EASE" in said_by("leaderboard", store)
    assert "runs.parquet" in said_by("store", "export", store, "--out", tmp_path / "out")
    assert said_by("store", "merge", store, "--into", into) == f"{into}: 3 runs taken\n"


def test_a_store_that_is_only_read_is_left_as_it_was_and_refuses_runs(tmp_path):
    path = tmp_path / "stores" / "100% of? them#.sqlite"
    fill(path)
    before = contents(path.parent)
    with Store(path, read_only=True) as store:
        assert store.frame()["seed"].tolist() == [0, 1, 2]
        with pytest.raises(StoreError, match="nothing was written: attempt to write a readonly"):
            store.add(Task("/b", "shop", "k", "random", "EASE"), Result("ok", METRICS))
    assert contents(path.parent) == before


def test_who_may_not_write_a_store_leaves_no_file_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "s.sqlite"
    fill(path)
    path.chmod(0o444)
    monkeypatch.setattr("recmeta.experiments.store_open.os.access", lambda *_: False)  # for root
    with Store(path, read_only=True) as store:
        assert len(store.frame()) == 3
        assert [file.name for file in tmp_path.iterdir()] == ["s.sqlite"]


def test_a_reader_sees_the_runs_that_another_adds_meanwhile(tmp_path):
    path = tmp_path / "s.sqlite"
    fill(path)
    with Store(path) as writer, Store(path, read_only=True) as reader:
        writer.add(Task("/b", "shop", "k", "random", "EASE", {}, 9), Result("ok", METRICS))
        assert reader.frame()["seed"].tolist() == [0, 1, 2, 9]


@pytest.mark.parametrize("with_index", [True, False])
def test_runs_in_the_log_of_a_writer_that_was_killed_are_not_overlooked(disk, tmp_path, with_index):
    folder, make_read_only = disk
    fill(tmp_path / "s.sqlite")
    with Store(tmp_path / "s.sqlite") as store:  # open while copied: as a kill leaves the files
        store.add(Task("/b", "shop", "k", "random", "EASE", {}, 9), Result("ok", METRICS))
        for end in ("", "-wal", "-shm")[: 2 + with_index]:
            shutil.copy(tmp_path / f"s.sqlite{end}", folder)
    make_read_only()
    if with_index:
        with Store(folder / "s.sqlite", read_only=True) as store:
            assert store.frame()["seed"].tolist() == [0, 1, 2, 9]
    else:
        with pytest.raises(StoreError, match=r"has runs in s\.sqlite-wal that cannot be read"):
            Store(folder / "s.sqlite", read_only=True)


def test_a_store_of_version_1_must_be_moved_before_it_is_only_read(tmp_path):
    path = tmp_path / "old.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE task (number INTEGER)")
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    before = contents(tmp_path)
    message = r"old\.sqlite is a store of version 1.*where it may be written.*store merge"
    with pytest.raises(StoreError, match=message):
        Store(path, read_only=True)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: unable to open database file. Is it there"),
        (b"", "is no results store: it has no table"),
        (b"no database" * 100, "is no results store: file is not a database"),
    ],
)
def test_what_is_no_store_is_not_made_one_by_reading_it(tmp_path, content, said):
    path = tmp_path / "s.sqlite"
    if content is not None:
        path.write_bytes(content)
    before = contents(tmp_path)
    with pytest.raises(StoreError, match=said):
        Store(path, read_only=True)
    assert contents(tmp_path) == before


def test_a_store_of_a_later_version_is_refused(tmp_path):
    fill(tmp_path / "s.sqlite")
    connection = sqlite3.connect(tmp_path / "s.sqlite")
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(StoreError, match="is a store of version 9, this recmeta writes 2"):
        Store(tmp_path / "s.sqlite", read_only=True)
