"""What ends a run, a task or their driver ends all that they had started."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from recmeta.execution.local import run

from .test_local import is_alive, wait_for


def test_closing_the_run_ends_the_fit_and_what_the_fit_started(make_task, tmp_path):
    note = tmp_path / "note"
    starts_others = make_task("StartsOthers", params={"note": str(note)})
    runs = run([make_task("Steady"), starts_others], workers=2)
    next(runs)
    assert wait_for(lambda: note.exists() and len(note.read_text().split()) == 2)
    pids = [int(pid) for pid in note.read_text().split()]
    assert all(is_alive(pid) for pid in pids)
    runs.close()
    assert wait_for(lambda: not any(is_alive(pid) for pid in pids), 3.0)


def test_a_timeout_ends_what_the_fit_started(make_task, tmp_path):
    note = tmp_path / "note"
    task = make_task("StartsOthers", params={"note": str(note)}, time_limit_s=2.0)
    assert [result.status for _, result in run([task])] == ["timeout"]
    pids = [int(pid) for pid in note.read_text().split()]
    assert wait_for(lambda: not any(is_alive(pid) for pid in pids), 3.0)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "ctrl-c"])
def test_no_fit_outlives_its_driver(make_task, tmp_path, number):
    note = tmp_path / "note"
    task = make_task("StartsOthers", params={"note": str(note)})
    # a script as people write them: no `if __name__ == "__main__"` is needed
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
        import signal
        from recmeta.execution.local import run
        from recmeta.execution.task import Task
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
        for task, result in run([Task.from_json({task.to_json()!r})]):
            print(result.status)
        """)
    )
    path = os.pathsep.join(sys.path)
    with subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.DEVNULL,
    ) as driver:
        assert wait_for(lambda: note.exists() and len(note.read_text().split()) == 2, 30.0)
        pids = [int(pid) for pid in note.read_text().split()]
        driver.send_signal(number)
        driver.wait(10)
    assert wait_for(lambda: not any(is_alive(pid) for pid in pids), 3.0)
