"""Which SIGKILL was the kernel's, for want of memory: counted, never guessed."""

import json
import os
import resource
import signal

import pytest

from recmeta.execution._oom_kills import SLOW_S, OomKills, counting_file
from recmeta.execution._outcome import given_up, is_infrastructure, result_of
from recmeta.execution._zygote import _Child, _Zygote

KILLED = {"signal": 9, "code": 0, "why": "", "warm_s": 1.0, "wall_s": 2.0, "max_rss": 2**20}


@pytest.fixture
def counter(tmp_path):
    file = tmp_path / "memory.oom_control"
    file.write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n")
    return file


def count(file, n):
    file.write_text(f"oom_kill_disable 0\nunder_oom 0\noom_kill {n}\n")


def test_a_kill_that_was_not_counted_is_not_the_kernels(counter):
    kills = OomKills(counter)
    kills.look(1.0)
    assert not kills.claim()


def test_each_count_is_of_one_process(counter):
    kills = OomKills(counter)
    count(counter, 9)
    kills.look(1.0)
    assert [kills.claim() for _ in range(3)] == [True, True, False]


def test_a_count_that_rose_long_ago_is_of_another_process(counter):
    kills = OomKills(counter)
    count(counter, 8)
    kills.look(1.0)
    kills.look(1.0 + SLOW_S + 0.1)
    assert not kills.claim()


def test_without_a_count_nothing_is_claimed(tmp_path):
    for file in (None, tmp_path / "gone"):
        kills = OomKills(file)
        kills.look(1.0)
        assert not kills.claim()


def test_a_count_that_rises_just_before_the_end_is_seen(counter):
    """Between a look at the count and one at the children, or the row would be an error."""
    answers, told = os.pipe()
    zygote = _Zygote(requests=-1, answers=told, wakeup=-1)
    zygote.oom_kills = OomKills(counter)
    zygote.oom_kills.look(1.0)
    count(counter, 8)
    child = _Child(n=1, pid=1, started=0.0, limit_s=5.0, warm_up_s=5.0, ends=5.0)
    zygote._answer(child, signal.SIGKILL, resource.getrusage(resource.RUSAGE_SELF))
    assert json.loads(os.read(answers, 4096))["oom_kill"]
    for descriptor in (answers, told, zygote.warm, zygote.warm_in):
        os.close(descriptor)


def as_in_proc(folder, groups, mounts):
    (folder / "cgroup").write_text(groups)
    (folder / "mountinfo").write_text(mounts)
    return folder


def test_the_file_is_that_of_the_group_of_version_1(tmp_path):
    group = tmp_path / "memory" / "b" / "c"
    group.mkdir(parents=True)
    count(group / "memory.oom_control", 0)
    proc = as_in_proc(
        tmp_path,
        "4:memory:/a/b/c\n1:cpu:/\n0::/elsewhere\n",
        f"26 20 0:5 / {tmp_path}/none rw - cgroup cgroup rw,cpu\n"
        f"27 20 0:6 /a {tmp_path}/memory rw,relatime - cgroup cgroup rw,memory\n",
    )
    assert counting_file(proc) == group / "memory.oom_control"


def test_the_file_of_version_2_counts_the_group_alone_where_there_is_such_a_one(tmp_path):
    group = tmp_path / "unified" / "mine"
    group.mkdir(parents=True)
    proc = as_in_proc(
        tmp_path,
        "0::/mine\n",
        f"27 20 0:6 / {tmp_path}/unified rw shared:4 - cgroup2 cgroup2 rw\n",
    )
    assert counting_file(proc) is None
    (group / "memory.events").write_text("low 0\noom 0\noom_kill 3\n")
    assert counting_file(proc) == group / "memory.events"
    (group / "memory.events.local").write_text("low 0\noom 0\noom_kill 0\n")
    assert counting_file(proc) == group / "memory.events.local"


def test_a_group_outside_of_what_is_mounted_has_no_file(tmp_path):
    count(tmp_path / "memory.oom_control", 0)
    proc = as_in_proc(
        tmp_path, "4:memory:/other\n", f"27 20 0:6 /a {tmp_path} rw - cgroup cgroup rw,memory\n"
    )
    assert counting_file(proc) is None


def test_without_control_groups_there_is_no_file(tmp_path):
    assert counting_file(tmp_path) is None


def test_a_kill_that_the_kernel_counts_is_oom(tmp_path):
    answer = KILLED | {"oom_kill": True}
    result = result_of(tmp_path / "1", answer, 1)
    assert result.status == "oom"
    assert result.error.startswith("killed by the kernel, out of memory (its control group counts")
    assert is_infrastructure(answer)  # tried again, alone: then it has all of the memory
    assert given_up(result, 3).error.startswith("tried 3 times: killed by the kernel")


def test_a_kill_that_is_not_counted_may_have_been_for_want_of_memory(tmp_path):
    result = result_of(tmp_path / "1", KILLED | {"oom_kill": False}, 1)
    assert result.status == "error"
    assert "killed by SIGKILL from outside (maybe the kernel, out of memory" in result.error
    assert given_up(result, 3).error.startswith("infrastructure fault, tried 3 times")
