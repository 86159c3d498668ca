"""Tasks on this machine: one process a fit, its time and memory limits kept by force.

Why a forking process of our own (_zygote.py) and neither pebble nor multiprocessing's forkserver:
their workers hold a copy of the pipe whose closing tells the fork server that the driver is gone,
so a hung fit outlives a killed driver (tried with pebble 5.2); they kill a process but not what it
started; they import the caller's script again, which then needs an ``if __name__`` guard; threads
can only be pinned by changing the driver's own environment; and a pool with one task a process
took 100 ms a task, this takes 20. Here a fault of any kind costs its own task and no other.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recmeta.execution.task import Result, Status, Task

PINNED = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "LOKY_MAX_CPU_COUNT",
)  # fmt: skip
OUT_OF_MEMORY = ("bad_alloc", "out of memory", "memoryerror", "memory alloc", "cannot allocate")


def run(
    tasks: Iterable[Task],
    *,
    workers: int = 1,
    threads: int = 1,
    deadline: float | None = None,
) -> Iterator[tuple[Task, Result]]:
    """Do tasks in processes of their own and yield each with its result, as they finish.

    Parameters
    ----------
    tasks : iterable of Task
        Read one at a time, when a worker is free: it may be a generator that decides by what has
        come back.
    workers : int
        Tasks at one time.
    threads : int
        Threads of BLAS, OpenMP and numba in each, pinned before numpy loads.
    deadline : float or None
        A time of ``time.monotonic()``: then no task is begun, and those that run are stopped, with
        status ``"timeout"``.

    Yields
    ------
    (Task, Result)
        Closing the generator, or an exception such as KeyboardInterrupt, ends all processes.
    """
    if workers < 1 or threads < 1:
        raise ValueError(f"workers and threads must be at least 1: got {workers} and {threads}")
    queue = iter(tasks)
    with tempfile.TemporaryDirectory(prefix="recmeta-") as folder, _Workers(threads) as pool:
        pool.start()
        running: dict[int, _Running] = {}
        more, n = True, 0
        while more or running:
            while more and len(running) < workers:
                task = None if _past(deadline) else next(queue, None)
                if task is None:
                    more = False
                    break
                running[n] = _Running(task, Path(folder) / str(n))
                pool.send(n, running[n], deadline)
                n += 1
            for answer in pool.answers(timeout=1.0) if running else ():
                done = running.pop(answer["n"])
                yield done.task, _result(done, answer, threads)


@dataclass(frozen=True)
class _Running:
    task: Task
    out: Path


class _Workers:
    """The zygote's process, from this side of the pipes."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.process: subprocess.Popen[bytes] | None = None
        self.unread = b""

    def __enter__(self) -> "_Workers":
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process is None:
            return
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()  # the end of its input ends it and its children
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()  # its children ask the kernel to go with it
            self.process.wait()
        self.process.stdout.close()

    def start(self) -> None:
        """Start the zygote; while it imports everything, the first tasks can be made."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "recmeta.execution._zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(self.threads),
            start_new_session=True,  # Ctrl-C goes to the driver, which closes the pipe
        )

    def send(self, n: int, running: _Running, deadline: float | None) -> None:
        request = {
            "n": n,
            "task": json.loads(running.task.to_json()),
            "limit_s": running.task.time_limit_s,
            "deadline": deadline,  # time.monotonic() is one clock for all processes of a machine
            "out": str(running.out),
        }
        assert self.process is not None
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            self._fail()

    def answers(self, timeout: float) -> list[dict[str, Any]]:
        """What has come within ``timeout`` seconds: maybe nothing."""
        assert self.process is not None
        assert self.process.stdout is not None
        while True:
            ready, _, _ = select.select([self.process.stdout], [], [], timeout)
            if not ready:
                return []
            read = os.read(self.process.stdout.fileno(), 65536)
            if not read:
                self._fail()
            *lines, self.unread = (self.unread + read).split(b"\n")
            if lines:
                return [json.loads(line) for line in lines]

    def _fail(self) -> None:
        assert self.process is not None
        code = self.process.wait()
        raise RuntimeError(
            f"the process that starts the workers ended with code {code}; what it wrote to the "
            "standard error says why"
        )


def _environment(threads: int) -> dict[str, str]:
    """The driver's environment with threads pinned and its import path; not changed itself."""
    pinned = dict.fromkeys(PINNED, str(threads))
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    return {**os.environ, **pinned, "PYTHONPATH": path}


def _past(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() >= deadline


def _result(done: _Running, answer: dict[str, Any], threads: int) -> Result:
    """The result that the child wrote, or what its end says."""
    log = _tail(Path(f"{done.out}.log"))
    text = done.out.read_text(encoding="utf-8") if done.out.exists() else ""
    written = Result.from_json(text) if text else Result("error", threads=threads)
    written = replace(written, total_s=float(answer["wall_s"]))
    if answer["why"] == "timeout":
        reason = f"stopped after {answer['wall_s']:.1f} s"
        return replace(written, status="timeout", error=reason)
    if answer["signal"] or answer["code"]:
        return replace(written, status=_status_of(log), error=_cause(answer, log))
    return written


def _status_of(log: str) -> Status:
    return "oom" if any(words in log.lower() for words in OUT_OF_MEMORY) else "error"


def _cause(answer: dict[str, Any], log: str) -> str:
    if answer["signal"]:
        try:
            name = signal.Signals(answer["signal"]).name
        except ValueError:
            name = f"signal {answer['signal']}"
        cause = f"killed by {name}"
        if name == "SIGKILL":
            cause += " from outside (the kernel when the machine is out of memory, or a person)"
    else:
        cause = f"ended with code {answer['code']} and no result"
    peak = f"at most {answer['max_rss'] / 1024:,.0f} MiB resident"
    return f"{cause}; {peak}" + (f"\n{log}" if log else "")


def _tail(file: Path, n_bytes: int = 2000) -> str:
    if not file.exists():
        return ""
    return file.read_bytes()[-n_bytes:].decode("utf-8", errors="replace").strip()
