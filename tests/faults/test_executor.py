"""Faults that take down what a fit runs in, and how a person stops a sweep."""

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recmeta.execution.local import run
from recmeta.experiments.store import Store

pytestmark = pytest.mark.faults


def is_alive(pid):
    """A zombie that nobody has collected yet is dead."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def wait_for(condition, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_a_fit_that_ends_the_zygote_each_time_is_an_error_and_its_neighbour_is_not(make_task):
    tasks = [make_task("KillsWhatStartedIt"), make_task("Steady", params={"seconds": 0.3})]
    results = {task.algorithm.partition(":")[2]: one for task, one in run(tasks, workers=2)}
    assert results["Steady"].status == "ok"
    lost = results["KillsWhatStartedIt"]
    assert (lost.status, lost.tries) == ("error", 3)
    assert lost.error.startswith("infrastructure fault, tried 3 times: the process that starts")


def test_what_a_fit_started_ends_with_the_zygote(make_task, tmp_path):
    note = tmp_path / "note"
    task = make_task("StartsOthersAndEndsTheZygote", params={"note": str(note)})
    ((_, result),) = run([task])
    assert result.error.startswith("infrastructure fault, tried 3 times")
    others = [int(pid) for pid in note.read_text().split()]
    assert len(others) == 3
    assert wait_for(lambda: not any(is_alive(pid) for pid in others), 5.0)


def has_begun(note):
    """Whether StartsOthers has written its two process numbers."""
    return note.exists() and len(note.read_text().split()) == 2


STUDY = """
datasets = ["one"]
kind = "listed"
time = "10m"
listed = [
  {algorithm = "faulty_algorithms:Steady"},
  {algorithm = "faulty_algorithms:StartsOthers", note = "NOTE"},
  {algorithm = "faulty_algorithms:Hangs"},
  {algorithm = "faulty_algorithms:Raises"},
]
"""


@pytest.mark.parametrize("n_times", [1, 2])
def test_ctrl_c_once_or_twice_leaves_no_process_and_keeps_the_rows(root, environment, n_times):
    note, store = root / "note", root / "s.sqlite"
    (root / "study.toml").write_text(STUDY.replace("NOTE", str(note)))
    command = [sys.executable, "-c", "from recmeta.cli import main; main()", "sweep"]
    command += ["--plan", str(root / "study.toml"), "--root", str(root), "--store", str(store)]
    pipes = {"env": environment, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as driver:
        # its start is not what is tested: beside much other work it has taken more than 120 s
        assert wait_for(lambda: has_begun(note) or driver.poll() is not None, 300.0)
        assert has_begun(note), driver.stderr.read()
        pids = [int(pid) for pid in note.read_text().split()]
        zygote = int(Path(f"/proc/{pids[0]}/stat").read_text().rpartition(")")[2].split()[1])
        for _ in range(n_times):
            driver.send_signal(signal.SIGINT)
            time.sleep(0.02)  # a person's second press is no sooner
        said = driver.stderr.read()
        assert driver.wait(60) == 130
    assert wait_for(lambda: not any(map(is_alive, [*pids, zygote])), 10.0)
    assert "stopped" in said
    if n_times == 1:
        assert f"stopped with 1 task in {store}; the same command goes on there" in said
    assert "Traceback" not in said
    with Store(store) as results:
        frame = results.frame()
    assert frame["algorithm"].tolist() == ["faulty_algorithms:Steady"]
