"""Tasks on this machine: one process a fit, its time and memory limits kept by force.

Why a forking process of our own (_zygote.py) and neither pebble nor multiprocessing's forkserver:
their workers hold a copy of the pipe whose closing tells the fork server that the driver is gone,
so a hung fit outlives a killed driver (tried with pebble 5.2); they kill a process but not what it
started; they import the caller's script again, which then needs an ``if __name__`` guard; threads
can only be pinned by changing the driver's own environment; and a pool with one task a process
took 100 ms a task, this takes 20. Here a fault of any kind costs its own task and no other.
"""

import contextlib
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recmeta.execution._outcome import FILES, LOST, given_up, is_infrastructure, result_of
from recmeta.execution._pool import Pool
from recmeta.execution.task import Result, Task

RETRIES = 2  # more tries of a task after a fault that was not its own
POLL_S = 0.2  # how soon a stop is seen


def run(
    tasks: Iterable[Task],
    *,
    workers: int = 1,
    threads: int = 1,
    deadline: float | None = None,
    on_start: Callable[[Task, int], None] = lambda task, tries: None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Task, Result]]:
    """Do tasks in processes of their own and yield each with its result, as they finish.

    A task whose process was killed from outside, or lost, is tried again, at most twice. Another
    try runs alone: what was killed for want of memory then has all of it, and a fit that brings
    down what it runs in takes no other with it.

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
    on_start : callable
        Told of each task that is begun, and which try it is (1 is the first).
    stop : callable
        When it says True, nothing is begun any more and what runs is ended without a result; what
        had finished is still yielded.

    Yields
    ------
    (Task, Result)
        Closing the generator, or an exception such as KeyboardInterrupt, ends all processes.

    Raises
    ------
    RuntimeError
        If the process that starts the workers cannot start.
    """
    if workers < 1 or threads < 1:
        raise ValueError(f"workers and threads must be at least 1: got {workers} and {threads}")
    with (
        tempfile.TemporaryDirectory(prefix="recmeta-", ignore_cleanup_errors=True) as folder,
        Pool(threads) as pool,
    ):
        pool.start()
        driver = _Driver(iter(tasks), pool, Path(folder), workers, deadline)
        while not stop():
            driver.begin(on_start)
            if not driver.running:
                return
            yield from driver.ended(POLL_S)
        yield from driver.ended(0.0)


@dataclass(frozen=True)
class _Attempt:
    task: Task
    out: Path
    tries: int = 1


class _Driver:
    """Which tasks run, and which are to be tried again."""

    def __init__(
        self, tasks: Iterator[Task], pool: Pool, folder: Path, workers: int, deadline: float | None
    ) -> None:
        self.tasks, self.pool, self.folder = tasks, pool, folder
        self.workers, self.deadline = workers, deadline
        self.running: dict[int, _Attempt] = {}
        self.again: deque[_Attempt] = deque()
        self.more, self.n = True, 0

    def begin(self, on_start: Callable[[Task, int], None]) -> None:
        """Give each free worker a task."""
        while (attempt := self._next()) is not None:
            self.n += 1
            self.running[self.n] = replace(attempt, out=self.folder / str(self.n))
            self.pool.send(self.n, attempt.task, self.running[self.n].out, self.deadline)
            on_start(attempt.task, attempt.tries)

    def _next(self) -> _Attempt | None:
        if any(one.tries > 1 for one in self.running.values()):
            return None  # another try runs alone
        if self.again:
            return None if self.running else self.again.popleft()
        if not self.more or len(self.running) >= self.workers:
            return None
        task = None if self._past() else next(self.tasks, None)
        self.more = task is not None
        return None if task is None else _Attempt(task, self.folder)

    def ended(self, timeout: float) -> Iterator[tuple[Task, Result]]:
        """Tasks that have ended within ``timeout`` seconds, without those to be tried again."""
        answers: list[dict[str, Any]] | None
        if self._past() and not self.pool.ready:
            # it is still importing, which a busy machine makes slow: nothing has begun
            late = {"why": "timeout", "detail": "the deadline came before it was begun"}
            answers = self._ends(late)
        else:
            answers = self.pool.answers(timeout)
        if answers is None:
            answers = self._lost()
        for answer in answers:
            attempt = self.running.pop(answer["n"])
            result = replace(result_of(attempt.out, answer, self.pool.threads), tries=attempt.tries)
            for end in FILES:
                with contextlib.suppress(OSError):
                    Path(f"{attempt.out}{end}").unlink(missing_ok=True)
            if not is_infrastructure(answer):
                yield attempt.task, result
            elif attempt.tries <= RETRIES:
                self.again.append(replace(attempt, tries=attempt.tries + 1))
            else:
                yield attempt.task, replace(given_up(result, attempt.tries), tries=attempt.tries)

    def _lost(self) -> list[dict[str, Any]]:
        """The zygote has ended: what ran ended with it. One that was not ready had begun nothing"""
        had_begun = self.pool.ready
        self.pool.restart()
        if not had_begun:
            self.again.extendleft(reversed(self.running.values()))
            self.running.clear()
            return []
        return self._ends({"why": LOST})

    def _ends(self, why: dict[str, str]) -> list[dict[str, Any]]:
        """Answers for all that runs, where the zygote has none."""
        end = {"signal": 0, "code": 0, "wall_s": 0.0, "max_rss": 0} | why
        return [end | {"n": n} for n in self.running]

    def _past(self) -> bool:
        return self.deadline is not None and time.monotonic() >= self.deadline
