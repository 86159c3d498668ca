"""Bundles that travel arrive as they were, once, or not at all."""

import asyncio
import os
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from recmeta.execution._ray_node import NodeWorkers
from recmeta.execution.bundle import content_key, open_bundle, write_bundle
from recmeta.execution.shipping import cache_folder, forget_unused, holds, kept, pack, unpack

from .conftest import task_maker, tiny_split

LONG_AGO = 1e9  # seconds since 1970: in 2001


def test_a_bundle_arrives_as_it_was(bundle, tmp_path):
    folder = unpack(pack(bundle.path), bundle.key, tmp_path)
    assert folder == tmp_path / bundle.key
    sent = {file.name: file.read_bytes() for file in bundle.path.iterdir()}
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == sent
    assert open_bundle(folder).key == content_key(folder) == bundle.key


def test_a_changed_byte_is_found_and_nothing_is_left(bundle, tmp_path):
    packed = pack(bundle.path).copy()
    data = np.load(bundle.path / "test.fit.indices.npy").tobytes()
    packed[packed.tobytes().index(data)] ^= 1
    with pytest.raises(ValueError, match=f"arrived with content .*, {bundle.key} was asked for"):
        unpack(packed, bundle.key, tmp_path)
    assert not [*tmp_path.iterdir()]


def test_a_second_arrival_leaves_the_first_alone(bundle, tmp_path):
    folder = unpack(pack(bundle.path), bundle.key, tmp_path)
    before = folder.stat().st_ino
    assert unpack(pack(bundle.path), bundle.key, tmp_path).stat().st_ino == before
    assert [*tmp_path.iterdir()] == [folder]


def test_what_no_task_has_used_for_long_is_forgotten(bundle, tmp_path):
    unpack(pack(bundle.path), bundle.key, tmp_path)
    other = write_bundle(tiny_split(seed=1), tmp_path / "other")
    for folder in tmp_path.iterdir():
        os.utime(folder, (LONG_AGO, LONG_AGO))
    assert kept(bundle.key, tmp_path) == tmp_path / bundle.key  # used now
    forget_unused(tmp_path)
    assert [*tmp_path.iterdir()] == [tmp_path / bundle.key]
    assert kept(other.key, tmp_path) is None


def test_a_folder_holds_what_its_manifest_says(bundle, tmp_path):
    assert holds(bundle.path, bundle.key)
    assert not holds(bundle.path, "0" * 64)
    assert not holds(tmp_path / "none", bundle.key)


def test_the_cache_is_closed_to_others_and_never_somebody_elses(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = cache_folder()
    assert folder.stat().st_mode & 0o077 == 0
    assert cache_folder() == folder
    uid = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    folder.rename(tmp_path / f"recmeta-bundles-{uid + 1}")
    with pytest.raises(PermissionError, match="belongs to another user"):
        cache_folder()


class Recorder:
    """The pool of a node, as far as a task that is sent can tell."""

    def __init__(self, threads, zygote):
        self.threads, self.sent = threads, []
        self.process = SimpleNamespace()

    def start(self):
        pass

    def send(self, n, task, out, deadline):
        self.sent.append((n, task, deadline))


@pytest.fixture
def node(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("recmeta.execution._ray_node.Pool", Recorder)
    nodes = []

    def make(data):
        nodes.append(NodeWorkers(1, data))
        return nodes[-1]

    yield make
    for made in nodes:
        made.results.cleanup()


async def arrived(content):
    return content


def begin(node, task, *packed, seconds_left=None):
    async def once():
        await node.begin(7, task.to_json(), seconds_left, [arrived(one) for one in packed])

    asyncio.run(once())


def test_a_node_reads_a_bundle_at_its_path(node, bundle):
    here = node("auto")
    begin(here, task_maker(bundle)("Steady"))
    [(n, task, deadline)] = here.pool.sent
    assert (n, task.bundle, deadline) == (7, str(bundle.path), None)


def test_a_node_asks_for_what_it_lacks_and_unpacks_it(node, bundle, tmp_path):
    here, task = node("ship"), task_maker(bundle)("Steady")
    begin(here, task)
    assert here.lines == [f'7 needs "{bundle.key}"']
    assert here.pool.sent == []
    begin(here, task, pack(bundle.path))
    [(_, sent, _)] = here.pool.sent
    assert sent.bundle == str(cache_folder() / bundle.key)
    assert sent.id == task.id


def test_a_path_with_other_content_is_not_taken(node, bundle, tmp_path):
    other = write_bundle(tiny_split(seed=1), tmp_path / "other")
    here = node("auto")
    begin(here, replace(task_maker(bundle)("Steady"), bundle=str(other.path)))
    assert here.lines == [f'7 needs "{bundle.key}"']


def test_a_shared_path_that_is_not_there_is_a_fault_that_says_what_to_do(node, bundle):
    here = node("shared")
    begin(here, replace(task_maker(bundle)("Steady"), bundle="/nowhere"))
    [line] = here.lines
    assert line.startswith("7 fault ")
    assert "/nowhere is not on this node" in line
    assert "'ship'" in line


def test_a_damaged_arrival_is_a_fault(node, bundle):
    here = node("ship")
    begin(here, task_maker(bundle)("Steady"), pack(bundle.path)[:-5000])
    [line] = here.lines
    assert line.startswith("7 fault ")
    assert here.pool.sent == []


def test_a_deadline_is_told_in_the_nodes_own_clock(node, bundle):
    here = node("auto")
    before = time.monotonic()
    begin(here, task_maker(bundle)("Steady"), seconds_left=100.0)
    [(_, _, deadline)] = here.pool.sent
    assert before + 100.0 <= deadline <= time.monotonic() + 100.0
