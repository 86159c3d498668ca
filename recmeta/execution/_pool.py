"""The zygote from the driver's side of the pipes: started, told, read, and started anew."""

import contextlib
import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

from recmeta.execution.limits import kill_group
from recmeta.execution.task import Task

PINNED = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "LOKY_MAX_CPU_COUNT",
)  # fmt: skip
# of loading and compiling, before a task's own limit begins: the slowest kernels take 20 s to
# compile (docs/benchmarks.md, first_call.py), a network took 223 s beside much other work
WARM_UP_S = 600.0
MAX_FAILED_STARTS = 3  # in a row; a zygote that cannot start is a broken installation


class Pool:
    """The process that starts the workers (_zygote.py), and which process each task has.

    Parameters
    ----------
    threads : int
        Of BLAS, OpenMP and numba in each worker.
    zygote : str
        The module that is run.
    """

    def __init__(self, threads: int, zygote: str = "recmeta.execution._zygote") -> None:
        self.threads, self.zygote = threads, zygote
        self.process: subprocess.Popen[bytes] | None = None
        self.ready = False
        self.failed_starts = 0
        self._pids: dict[int, int] = {}
        self._unread = b""

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process is None:
            return
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()  # the end of its input ends it and its children
        if not self.ready:
            self.process.kill()  # it is still importing, and has no child yet
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()  # its children ask the kernel to go with it
            self.process.wait()
        self.process.stdout.close()

    def start(self) -> None:
        """Start the zygote; while it imports everything, the first tasks can be made."""
        self.ready, self._unread, self._pids = False, b"", {}
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.zygote],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(self.threads),
            start_new_session=True,  # Ctrl-C goes to the driver, which closes the pipe
        )

    def send(self, n: int, task: Task, out: Path, deadline: float | None) -> None:
        limit_s = task.time_limit_s
        request = {
            "n": n,
            "task": json.loads(task.to_json()),
            "limit_s": limit_s,
            "warm_up_s": None if limit_s is None else max(limit_s, WARM_UP_S),
            "deadline": deadline,  # time.monotonic() is one clock for all processes of a machine
            "out": str(out),
        }
        assert self.process is not None
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # that it has ended is seen where it is read
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()

    def answers(self, timeout: float) -> list[dict[str, Any]] | None:
        """What tasks have ended within ``timeout`` seconds: maybe none; None if the zygote has."""
        assert self.process is not None
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], timeout)
        if not ready:
            return []
        read = os.read(self.process.stdout.fileno(), 65536)
        if not read:
            return None
        *lines, self._unread = (self._unread + read).split(b"\n")
        said = [json.loads(line) for line in lines]
        for line in said:
            if "ready" in line:
                self.ready, self.failed_starts = True, 0
            elif "pid" in line:
                self._pids[line["n"]] = line["pid"]
            else:
                self._pids.pop(line["n"], None)
        return [line for line in said if "why" in line]

    def restart(self) -> None:
        """After the end of the zygote: end what its tasks left running and start another.

        Raises
        ------
        RuntimeError
            If several in a row have ended before they were ready.
        """
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        code = self.process.wait()
        for pid in self._pids.values():
            kill_group(pid)  # the child is gone with its parent, not what the child had started
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.failed_starts += not self.ready
        if self.failed_starts >= MAX_FAILED_STARTS:
            raise RuntimeError(
                f"the process that starts the workers ended {self.failed_starts} times before it "
                f"was ready, last with code {code}; what it wrote to the standard error says why"
            )
        self.start()


def _environment(threads: int) -> dict[str, str]:
    """The driver's environment with threads pinned and its import path; not changed itself."""
    pinned = dict.fromkeys(PINNED, str(threads))
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    return {**os.environ, **pinned, "PYTHONPATH": path}
