"""What a process may use and what it has used: Linux has all of it, other systems a part."""

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h
STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the thread that forked it ends (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def n_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def first_to_go() -> None:
    """When the machine runs out of memory, the kernel should kill this process, not its driver."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


@contextlib.contextmanager
def memory_limit(n_bytes: int | None) -> Iterator[None]:
    """Allow ``n_bytes`` more than the process has now; beyond, allocation raises MemoryError.

    RLIMIT_DATA counts private writable pages, as a heap is; RLIMIT_AS would also count address
    space that is only reserved (thread stacks and heaps of malloc) and fail too early.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if n_bytes is not None:
        allowed = status_bytes("VmData") + n_bytes
        known = [limit for limit in (allowed, soft, hard) if limit != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_DATA, (min(known), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


class PeakMemory:
    """The most resident memory since ``start``, above what was resident then, in bytes.

    Linux can set the high-water mark back, so earlier peaks don't hide this one; elsewhere a peak
    below an earlier one reads as 0.
    """

    def __init__(self) -> None:
        self.baseline = self.highest = 0

    def start(self) -> None:
        self._set_back()
        self.baseline, self.highest = status_bytes("VmRSS") or _max_rss(), 0

    def read(self) -> int:
        return max((status_bytes("VmHWM") or _max_rss()) - self.baseline, self.highest)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """What is taken and given back within does not count."""
        self.highest = self.read()
        yield
        self._set_back()

    def _set_back(self) -> None:
        with contextlib.suppress(OSError):
            CLEAR_REFS.write_text("5", encoding="ascii")


def status_bytes(name: str) -> int:
    """A size of /proc/self/status in bytes; 0 where there is no such file."""
    if not STATUS.exists():
        return 0
    for line in STATUS.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0


def kill_group(pid: int) -> None:
    """SIGKILL to the process and to all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _max_rss() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
