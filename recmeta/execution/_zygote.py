"""The zygote: a small process that has imported everything once and forks one child a task.

Run as ``python -m recmeta.execution._zygote`` by local.py, with the thread counts in its
environment, so that they hold before numpy loads. It reads one JSON object a line::

    {"n": 3, "task": {...}, "limit_s": 60.0, "warm_up_s": 600.0, "deadline": null, "out": "/tmp/3"}

and answers ``{"ready": true}`` when it has imported everything, one line a task that it begins and
one a task that has ended; the result itself is in the file ``out``::

    {"n": 3, "pid": 4711}
    {"n": 3, "signal": 9, "code": 0, "why": "timeout", "oom_kill": false, "warm_s": 2.5,
     "wall_s": 62.51, "max_rss": 123456}

A child says by a pipe when it has loaded and compiled all that it needs: until then ``warm_up_s``
is its limit, ``limit_s`` from then on. ``warm_s`` is what that took, null if it never came to it.

The end of its input, or of the process that started it, is the end of all tasks.

It is single-threaded and runs no algorithm's code but TopPopular's, to load the kernels that all
share, so forking it is safe and it kills in time.
"""

import contextlib
import gc
import json
import math
import os
import resource
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from recmeta.execution._oom_kills import OomKills, counting_file
from recmeta.execution._outcome import CANNOT_WRITE, NOT_BEGUN, SO_FAR
from recmeta.execution.limits import die_with_parent, first_to_go, kill_group


@dataclass
class _Child:
    n: int
    pid: int
    started: float
    limit_s: float
    warm_up_s: float
    ends: float  # whatever it is doing
    warm: float | None = None  # when it was warm
    why: str = ""

    @property
    def deadline(self) -> float:
        if self.warm is None:
            return min(self.started + self.warm_up_s, self.ends)
        return min(self.warm + self.limit_s, self.ends)


class _Zygote:
    def __init__(self, requests: int, answers: int, wakeup: int) -> None:
        self.requests, self.answers, self.wakeup = requests, answers, wakeup
        self.children: dict[int, _Child] = {}
        self.unread = b""
        self.pid, self.parent = os.getpid(), os.getppid()
        self.warm, self.warm_in = os.pipe()
        self.oom_kills = OomKills(counting_file())

    def serve(self) -> None:
        self._say({"ready": True})
        while self._take_requests():
            now = time.monotonic()
            for child in self.children.values():
                if now >= child.deadline and not child.why:
                    child.why = "timeout"
                    kill_group(child.pid)
            self._reap()
        for child in self.children.values():
            kill_group(child.pid)

    def _take_requests(self) -> bool:
        """Wait for a line, a child's end or mark, a deadline; False at the end of the input."""
        waits = [child.deadline - time.monotonic() for child in self.children.values()]
        ready, _, _ = select.select(
            [self.requests, self.wakeup, self.warm], [], [], max(min([*waits, 1.0]), 0.001)
        )
        if self.wakeup in ready:
            os.read(self.wakeup, 4096)
        if self.warm in ready:
            self._mark_warm(os.read(self.warm, 4096).split())
        if self.requests in ready:
            read = os.read(self.requests, 65536)
            if not read:
                return False
            *lines, self.unread = (self.unread + read).split(b"\n")
            for line in lines:
                self._start(json.loads(line))
        return os.getppid() == self.parent

    def _mark_warm(self, numbers: list[bytes]) -> None:
        now = time.monotonic()
        for child in self.children.values():
            if str(child.n).encode() in numbers:
                child.warm = now

    def _start(self, request: dict[str, Any]) -> None:
        started = time.monotonic()
        try:
            pid = os.fork()
        except OSError as error:  # no memory or no process number left: its own task only
            refused = {"signal": 0, "code": 0, "why": NOT_BEGUN, "detail": str(error)}
            self._say(refused | {"n": request["n"], "wall_s": 0.0, "max_rss": 0})
            return
        if pid == 0:
            self._be_the_child(request)
        with contextlib.suppress(OSError):  # in the child too: whoever is first
            os.setpgid(pid, pid)
        limits = [request.get(name) for name in ("limit_s", "warm_up_s", "deadline")]
        limit_s, warm_up_s, ends = [math.inf if limit is None else limit for limit in limits]
        n = int(request["n"])
        self.children[pid] = _Child(n, pid, started, limit_s, warm_up_s, ends)
        self._say({"n": n, "pid": pid})

    def _be_the_child(self, request: dict[str, Any]) -> None:
        """Never returns."""
        code = 70  # EX_SOFTWARE of sysexits.h: the report itself failed
        try:
            with contextlib.suppress(OSError):
                os.setpgid(0, 0)
            die_with_parent()
            if os.getppid() != self.pid:
                os._exit(code)  # the zygote went before the kernel was asked
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (self.requests, self.answers, self.wakeup, self.warm):
                os.close(descriptor)
            first_to_go()
            log = os.open(f"{request['out']}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(log, 1)
            os.dup2(log, 2)
            _work(request["task"], request["out"], lambda: self._say_warm(request["n"]))
            code = 0
        except BaseException as error:  # the child must end here whatever happens
            code = CANNOT_WRITE if isinstance(error, OSError) else code
            with contextlib.suppress(BaseException):
                os.write(2, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(code)

    def _say_warm(self, n: int) -> None:
        """In the child: so short a line is written whole."""
        with contextlib.suppress(OSError):
            os.write(self.warm_in, f"{n}\n".encode())
            os.close(self.warm_in)

    def _reap(self) -> None:
        self.oom_kills.look(time.monotonic())
        for pid, child in list(self.children.items()):
            options = os.WEXITED | os.WNOHANG | os.WNOWAIT
            if os.waitid(os.P_PID, pid, options) is None:
                continue
            kill_group(pid)  # while its number is still taken: whatever it left running
            _, status, usage = os.wait4(pid, 0)
            del self.children[pid]
            self._answer(child, status, usage)

    def _answer(self, child: _Child, status: int, usage: resource.struct_rusage) -> None:
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        self.oom_kills.look(time.monotonic())  # the count may have risen since all were looked at
        answer = {
            "n": child.n,
            "signal": number,
            "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
            "why": child.why,
            "oom_kill": number == signal.SIGKILL and not child.why and self.oom_kills.claim(),
            "warm_s": None if child.warm is None else child.warm - child.started,
            "wall_s": time.monotonic() - child.started,
            "max_rss": usage.ru_maxrss,
        }
        self._say(answer)

    def _say(self, line: dict[str, Any]) -> None:
        os.write(self.answers, json.dumps(line).encode() + b"\n")


def _work(task: dict[str, Any], out: str, on_warm: Callable[[], None] = lambda: None) -> None:
    from recmeta.execution.fit import fit_one  # imported before, unless that failed: see _preload
    from recmeta.execution.task import Result, Task

    def write(result: Result, file: str) -> None:
        with open(f"{out}.part", "w", encoding="utf-8") as stream:
            stream.write(result.to_json())
        os.replace(f"{out}.part", file)

    def write_so_far(result: Result) -> None:
        with contextlib.suppress(OSError):  # within the fit it would count as the algorithm's fault
            write(result, f"{out}{SO_FAR}")

    asked = Task.from_json(json.dumps(task))
    write(fit_one(asked, on_part=write_so_far, on_warm=on_warm), out)


def _preload() -> None:
    """Import what a fit needs. What fails here fails again in the child, which can report it."""
    with contextlib.suppress(Exception):
        import recmeta.algorithms
        import recmeta.execution.fit

        # with the kernels of sums, which many use: loading them takes a child 7 ms
        recmeta.execution.fit.warm_up(recmeta.algorithms.get("TopPopular"))
        recmeta.execution.fit.versions()  # reads files, and is cached
        recmeta.algorithms.all_algorithms()
    gc.collect()
    gc.freeze()  # a collection in a child would otherwise copy all these pages


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to handle
    wakeup, wakeup_in = os.pipe()
    os.set_blocking(wakeup_in, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wakeup_in, warn_on_full_buffer=False)
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # what an imported library prints must not mix with the answers
    _preload()
    zygote = _Zygote(requests, answers, wakeup)
    zygote.serve()


if __name__ == "__main__":
    main()
