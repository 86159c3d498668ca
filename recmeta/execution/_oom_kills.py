"""Whom the kernel killed for want of memory: control groups count such kills but name nobody.

A process that ends by SIGKILL could also have been killed by a person. The count of the group that
the process is in rises before the process ends, and in version 1 of control groups as in
``memory.events.local`` of version 2 it counts processes of this very group alone.
"""

import contextlib
import os
from pathlib import Path

FILES = {"cgroup": ("memory.oom_control",), "cgroup2": ("memory.events.local", "memory.events")}
SLOW_S = 30.0  # the most from the count's rise to the end of the process, which gives memory back


class OomKills:
    """The kills of a control group that no process has been found for yet.

    Parameters
    ----------
    file : path or None
        That has the count in a line ``oom_kill N``; None: there is none, so no kill is known.
    """

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.counted = self._count()
        self.unclaimed: list[float] = []

    def look(self, now: float) -> None:
        """Note what has risen by ``now`` (seconds), forget what rose long ago."""
        counted = self._count()
        self.unclaimed += [now] * (counted - self.counted)
        self.counted = counted
        self.unclaimed = [when for when in self.unclaimed if now - when <= SLOW_S]

    def claim(self) -> bool:
        """Whether a process that has just ended by SIGKILL was killed for want of memory."""
        if not self.unclaimed:
            return False
        self.unclaimed.pop(0)
        return True

    def _count(self) -> int:
        with contextlib.suppress(OSError, ValueError):
            lines = [] if self.file is None else self.file.read_text(encoding="ascii").splitlines()
            for name, _, number in (line.partition(" ") for line in lines):
                if name == "oom_kill":
                    return int(number)
        return 0


def counting_file(proc: Path = Path("/proc/self")) -> Path | None:
    """The file of this process's control group; None where the system has none.

    Parameters
    ----------
    proc : path
        The folder with ``cgroup`` and ``mountinfo``.
    """
    with contextlib.suppress(OSError):
        groups = _groups((proc / "cgroup").read_text(encoding="utf-8"))
        mounts = (proc / "mountinfo").read_text(encoding="utf-8").splitlines()
        for root, mount, kind in map(_mounted, mounts):
            below = os.path.relpath(groups[kind], root) if kind in groups else ".."
            found = [Path(mount, below, name) for name in FILES.get(kind, ())]
            known = [file for file in found if not below.startswith("..") and _has_count(file)]
            if known:
                return known[0]
    return None


def _groups(text: str) -> dict[str, str]:
    """Kind of control groups -> the one that limits memory, of lines ``4:memory:/a/b``."""
    found = {}
    for line in text.splitlines():
        number, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            found["cgroup"] = path
        elif number == "0":
            found["cgroup2"] = path
    return found


def _mounted(line: str) -> tuple[str, str, str]:
    """Root, place and kind of a mount: ``36 35 0:3 ROOT PLACE options - KIND source options``."""
    before, _, after = line.partition(" - ")
    fields = before.split(" ")
    return fields[3], fields[4], after.partition(" ")[0]


def _has_count(file: Path) -> bool:
    with contextlib.suppress(OSError):
        return "oom_kill " in file.read_text(encoding="ascii")
    return False
