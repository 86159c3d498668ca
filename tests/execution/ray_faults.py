"""Faults of a node, made by a fit that runs on it: ``ray_faults:Class`` in a task."""

import os
import signal
import time
from pathlib import Path

from faulty_algorithms import Steady


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


class _Once(Steady):
    """Misbehaves in the first try only; ``note`` then has the process number of its raylet."""

    def __init__(self, note=""):
        self.note = note
        self.seconds = 0.0

    def _misbehave(self, X):
        if not Path(self.note).exists():
            waits = parent_of(os.getppid())  # from here: the zygote, what waits for it, the actor
            actor = parent_of(waits)
            Path(f"{self.note}.part").write_text(str(parent_of(actor)))
            os.rename(f"{self.note}.part", self.note)
            self._first_try(actor)


class HangsOnce(_Once):
    def _first_try(self, actor):
        time.sleep(600)


class KillsItsActorOnce(_Once):
    def _first_try(self, actor):
        os.kill(actor, signal.SIGKILL)
        time.sleep(600)
