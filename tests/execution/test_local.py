"""Real faults in real processes: each costs its own task, gets its own label, leaves nothing."""

import contextlib
import os
import re
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from recmeta.execution._pool import PINNED
from recmeta.execution.local import run

MIB = 2**20
LATE = ("Hangs", "HoldsTheInterpreter", "CompilesLong")
HERE = Path(__file__).parent
LIMITS = {"time_limit_s": 30.0, "memory_bytes": 300 * MIB}


def is_alive(pid: int) -> bool:
    """A zombie that nobody has collected yet is dead."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state not in "ZX"
    return False


def wait_for(condition, seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


def seconds_stopped_after(result) -> float:
    """From the end of loading and compiling, as its text has them."""
    return float(re.match(r"stopped after (\S+) s, without", result.error).group(1))


@pytest.fixture(scope="module")
def outcomes(bundle):
    """One run with every fault in it, sound tasks before, between and after."""
    from .conftest import task_maker

    make = task_maker(bundle)
    faults = ["Raises", "Hogs", "IsTooLarge", "IsKilled", "Segfaults", "Exits", "Prints"]
    faults += ["LeavesAsIfDone"]
    tasks = [make(name, **LIMITS) for name in [*faults, "Allocates", "CountsThreads"]]
    tasks += [make(name, time_limit_s=1.0) for name in LATE]
    more = {"more_than": bundle.fold("validation").fit.nnz}
    tasks.append(make("HangsOnMore", params=more, time_limit_s=2.0))
    tasks.append(make("LeavesOnMore", params=more, **LIMITS))
    tasks += [make("Steady", seed=seed, **LIMITS) for seed in range(3)]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HERE))
        return {
            (task.algorithm.partition(":")[2], task.seed): result
            for task, result in run(tasks, workers=2)
        }


def test_every_task_comes_back_once(outcomes):
    assert len(outcomes) == 18


def test_sound_tasks_beside_faults_are_ok(outcomes):
    assert [outcomes["Steady", seed].status for seed in range(3)] == ["ok"] * 3


def test_the_metrics_are_those_of_an_evaluation_in_this_process(outcomes, bundle):
    # by the definition: ranked by item number, the seen ones left out
    fold = bundle.fold("test")
    gains = []
    for row in range(len(fold.rows)):
        seen = set(fold.exclude[[row]].indices) | set(fold.history[[row]].indices)
        ranked = [item for item in range(fold.fit.shape[1]) if item not in seen][:10]
        held = set(fold.relevant[[row]].indices)
        gain = sum(1 / np.log2(rank + 2) for rank, item in enumerate(ranked) if item in held)
        gains.append(gain / sum(1 / np.log2(rank + 2) for rank in range(min(10, len(held)))))
    result = outcomes["Steady", 0]
    assert result.metrics["test"]["ndcg@10"] == pytest.approx(np.mean(gains), rel=1e-5)
    expected_error = np.std(gains, ddof=1) / np.sqrt(len(gains))
    assert result.standard_errors["test"]["ndcg@10"] == pytest.approx(expected_error, rel=1e-4)
    assert result.n_users["test"] == len(gains)


def test_an_exception_is_an_error_with_its_traceback(outcomes):
    result = outcomes["Raises", 0]
    assert result.status == "error"
    assert "ZeroDivisionError: the divisor was" in result.error
    assert "_misbehave" in result.error


def test_a_hang_is_a_timeout_on_time(outcomes):
    result = outcomes["Hangs", 0]
    assert result.status == "timeout"
    assert 1.0 <= seconds_stopped_after(result) < 2.0


def test_a_fit_that_ignores_signals_is_stopped_too(outcomes):
    result = outcomes["HoldsTheInterpreter", 0]
    assert result.status == "timeout"
    assert 1.0 <= seconds_stopped_after(result) < 2.0


def test_compiling_does_not_count_towards_the_time_limit(outcomes):
    result = outcomes["CompilesLong", 0]
    assert (result.status, result.error) == ("ok", "")
    assert result.total_s > 2.0  # the limit is 1 s


def test_what_was_measured_before_a_timeout_is_kept(outcomes):
    result = outcomes["HangsOnMore", 0]
    assert result.status == "timeout"
    assert set(result.metrics) == {"validation"}
    assert result.metrics["validation"]["ndcg@10"] > 0


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts mapped pages on Linux only")
def test_allocation_beyond_the_limit_is_oom(outcomes):
    result = outcomes["Hogs", 0]
    assert result.status == "oom"
    assert "Unable to allocate" in result.error


def test_a_fit_that_cost_forbids_is_oom_and_says_so(outcomes):
    result = outcomes["IsTooLarge", 0]
    assert result.status == "oom"
    assert result.error == "refused by cost(): about 1100 GB needed, 315 MB allowed"


def test_a_kill_from_outside_names_the_signal(outcomes):
    result = outcomes["IsKilled", 0]
    assert result.status == "error"
    assert "killed by SIGKILL from outside" in result.error


def test_a_kill_from_outside_is_tried_twice_more(outcomes):
    assert outcomes["IsKilled", 0].tries == 3
    assert outcomes["IsKilled", 0].error.startswith("infrastructure fault, tried 3 times: killed")


def test_a_fault_of_the_fit_itself_is_tried_once(outcomes):
    others = {name: result.tries for (name, _), result in outcomes.items() if name != "IsKilled"}
    assert set(others.values()) == {1}, others


def test_a_segfault_names_the_signal(outcomes):
    assert outcomes["Segfaults", 0].status == "error"
    assert outcomes["Segfaults", 0].error.startswith("killed by SIGSEGV")


def test_an_exit_shows_the_code_and_the_last_words(outcomes):
    assert outcomes["Exits", 0].status == "error"
    assert outcomes["Exits", 0].error.startswith("ended with code 3 and no result")
    assert "a library printed this and left" in outcomes["Exits", 0].error


def test_a_fit_that_leaves_as_if_all_was_done_is_an_error(outcomes):
    result = outcomes["LeavesAsIfDone", 0]
    assert (result.status, result.metrics) == ("error", {})
    assert result.error.startswith("ended with code 0 and no result: something in it left")
    assert "a library thought that all was done" in result.error


def test_a_second_fit_that_leaves_as_if_all_was_done_is_an_error_too(outcomes):
    result = outcomes["LeavesOnMore", 0]
    assert (result.status, set(result.metrics)) == ("error", {"validation"})
    assert result.error.startswith("ended with code 0 and no result: something in it left")


def test_what_a_fit_prints_does_not_mix_with_the_protocol(outcomes):
    assert outcomes["Prints", 0].status == "ok"


def test_threads_are_pinned_before_numpy_loads(outcomes):
    assert outcomes["CountsThreads", 0].error == ""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak can be set back on Linux only")
def test_peak_memory_is_that_of_the_fit(outcomes):
    # the kernel counts resident pages in batches for each processor: not exact to the page
    assert 62 <= outcomes["Allocates", 0].peak_mb < 72
    assert outcomes["Steady", 0].peak_mb < 8


def test_the_own_environment_stays_as_it_is(make_task):
    before = {name: os.environ.get(name) for name in PINNED}
    assert [result.status for _, result in run([make_task("Steady")], threads=2)] == ["ok"]
    assert {name: os.environ.get(name) for name in PINNED} == before


def test_the_deadline_stops_what_runs_and_begins_no_more(make_task):
    tasks = [make_task("Hangs", seed=seed) for seed in range(5)]
    deadline = time.monotonic() + 4.0
    outcomes = [(task.seed, result.status) for task, result in run(tasks, deadline=deadline)]
    assert outcomes == [(0, "timeout")]
    assert time.monotonic() < deadline + 1.0


def test_tasks_are_read_only_when_a_worker_is_free(make_task):
    read = []

    def tasks():
        for seed in range(4):
            read.append(seed)
            yield make_task("Steady", seed=seed)

    lead = [len(read) - done for done, _ in enumerate(run(tasks()), start=1)]
    assert lead == [0, 0, 0, 0]  # nothing is begun before the caller has seen what came back


def test_a_kill_from_outside_and_the_end_of_the_zygote_cost_no_task(make_task, tmp_path):
    names = ("IsKilledAtFirst", "KillsWhatStartedItAtFirst")
    hit = [make_task(name, params={"note": str(tmp_path / name)}) for name in names]
    steady = [make_task("Steady", params={"seconds": 0.05}, seed=seed) for seed in range(6)]
    tasks = [*steady[:2], hit[0], *steady[2:4], hit[1], *steady[4:]]
    events, results = [], []
    for task, result in run(
        tasks, workers=2, on_start=lambda task, tries: events.append((task.id, tries))
    ):
        events.append((task.id, 0))
        results.append((task.id, result))
    assert sorted(id_ for id_, _ in results) == sorted(task.id for task in tasks)
    assert {result.status for _, result in results} == {"ok"}
    assert [dict(results)[task.id].tries for task in hit] == [2, 2]
    again = [(one, after) for one, after in pairwise(events) if one[1] > 1]
    assert len(again) >= 2
    assert all(after == (id_, 0) for (id_, _), after in again)  # another try runs alone


def test_a_zygote_that_cannot_start_ends_the_run(make_task, monkeypatch, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import os; os._exit(9)")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(RuntimeError, match="ended 3 times before it was ready, last with code 9"):
        next(run([make_task("Steady")]))


def test_a_stop_begins_no_more_and_keeps_what_had_finished(make_task):
    begun = []
    tasks = (make_task("Steady", params={"seconds": 0.1}, seed=seed) for seed in range(50))
    runs = run(tasks, on_start=lambda task, _: begun.append(task), stop=lambda: len(begun) >= 3)
    done = [task for task, _ in runs]
    assert done == begun[:2]


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is of Linux")
def test_a_result_that_cannot_be_written_is_a_fault_of_the_machine(make_task, monkeypatch):
    # the child's result goes through a link to a device that is always full
    made = []

    def on_start(task, tries):
        (folder,) = Path(tempfile.gettempdir()).glob("recmeta-*")
        (folder / f"{len(made) + 1}.part").symlink_to("/dev/full")
        made.append(tries)

    folder = Path(tempfile.mkdtemp())
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    slow = make_task("Steady", params={"seconds": 0.3}, parts=("test",))
    ((_, result),) = run([slow], on_start=on_start)
    folder.rmdir()
    assert made == [1, 2, 3]
    assert (result.status, result.tries) == ("error", 3)
    assert "its result could not be written" in result.error
    assert "No space left on device" in result.error


def test_workers_must_be_at_least_one(make_task):
    with pytest.raises(ValueError, match="workers and threads must be at least 1: got 0 and 1"):
        next(run([make_task("Steady")], workers=0))
