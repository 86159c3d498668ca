"""Algorithms that misbehave in fit, each in one way: ``faulty_algorithms:Class`` in a task."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numba
import numpy as np
from threadpoolctl import threadpool_info

from recmeta.algorithms import Cost, Recommender


class Steady(Recommender):
    """Ranks by the item number, after ``seconds``."""

    def __init__(self, seconds=0.0, random_state=0):
        self.seconds = seconds
        self.random_state = random_state

    def _fit(self, X):
        if X.shape[0] > 24:  # not in the warm-up on a tiny matrix
            self._misbehave(X)
        self.n_ranks_ = X.shape[1]

    def _misbehave(self, X):
        time.sleep(self.seconds)

    def _scores(self, X, users):
        return np.tile(np.arange(self.n_ranks_, 0, -1, dtype=np.float32), (X.shape[0], 1))


class Raises(Steady):
    def _misbehave(self, X):
        raise ZeroDivisionError("the divisor was the number of the users' patience")


class TellsItsSeed(Steady):
    def _misbehave(self, X):
        raise RuntimeError(f"random_state is {self.random_state}")


class Hangs(Steady):
    def _misbehave(self, X):
        time.sleep(600)


class HangsInItsWarmUp(Steady):
    """As one does whose kernels take long to compile."""

    def _fit(self, X):
        time.sleep(600 * (X.shape[0] <= 24))


class HogsInItsWarmUp(Steady):
    """Takes all that it is given there, and writes to ``note`` how many MiB that was."""

    def __init__(self, note=""):
        self.note = note
        self.seconds = 0.0

    def _fit(self, X):
        hoard = []
        with contextlib.suppress(MemoryError):
            while X.shape[0] <= 24 and len(hoard) < 1000:
                hoard.append(np.empty(2**22))  # 32 MiB that are never touched
                Path(self.note).write_text(str(32 * len(hoard)))
        super()._fit(X)


class CompilesLong(Steady):
    def _fit(self, X):
        time.sleep(2.0 * (X.shape[0] <= 24))
        super()._fit(X)


class CompilesThenHangs(Steady):
    def _fit(self, X):
        time.sleep(1.0 if X.shape[0] <= 24 else 600)
        super()._fit(X)


class HangsOnMore(Steady):
    """Fits the training part, hangs on training + validation."""

    def __init__(self, more_than=0):
        self.more_than = more_than
        self.seconds = 0.0

    def _misbehave(self, X):
        if X.nnz > self.more_than:
            time.sleep(600)


class HoldsTheInterpreter(Steady):
    """Never lets another Python thread run, and ignores every signal that can be ignored."""

    def _misbehave(self, X):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            signal.signal(number, signal.SIG_IGN)
        ctypes.PyDLL(None).sleep(600)  # PyDLL keeps the lock of the interpreter


class Hogs(Steady):
    """Allocates in steps, as a real fit does, far beyond the limit of the tests."""

    def _misbehave(self, X):
        self.hoard_ = [np.ones(2**22) for _ in range(1000)]  # 32 MiB each


class AllocatesTenGiB(Steady):
    def _misbehave(self, X):
        np.ones(10 * 2**30 // 8)


class Allocates(Steady):
    """Takes 64 MiB for a moment."""

    def _misbehave(self, X):
        np.ones(2**23).sum()


class IsTooLarge(Steady):
    @classmethod
    def cost(cls, n_users, n_items, nnz, **params):
        return Cost(1.0, 2.0**40)


class IsKilled(Steady):
    def _misbehave(self, X):
        os.kill(os.getpid(), signal.SIGKILL)


class Segfaults(Steady):
    def _misbehave(self, X):
        ctypes.string_at(0)


class Exits(Steady):
    def _misbehave(self, X):
        os.write(2, b"a library printed this and left\n")
        os._exit(3)


class LeavesAsIfDone(Steady):
    def _misbehave(self, X):
        os.write(2, b"a library thought that all was done\n")
        os._exit(0)


class LeavesOnMore(Steady):
    """Fits the training part, leaves on training + validation as if all was done."""

    def __init__(self, more_than=0):
        self.more_than = more_than
        self.seconds = 0.0

    def _misbehave(self, X):
        if X.nnz > self.more_than:
            os._exit(0)


class Prints(Steady):
    def _misbehave(self, X):
        os.write(1, b'not an answer\n{"n": 0, "signal": 0, "code": 0, "why": "", "wall_s": 0}\n')


class StartsOthers(Steady):
    """Starts a process, writes its number to ``note`` and hangs."""

    def __init__(self, note=""):
        self.note = note
        self.seconds = 0.0

    def _misbehave(self, X):
        other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(self.note).write_text(f"{os.getpid()} {other.pid}")
        time.sleep(600)


class AtFirst(Steady):
    """Misbehaves once; ``note`` is the file by which it knows."""

    def __init__(self, note=""):
        self.note = note
        self.seconds = 0.0

    def _misbehave(self, X):
        if not Path(self.note).exists():
            Path(self.note).touch()
            self._only_once()


class IsKilledAtFirst(AtFirst):
    def _only_once(self):
        os.kill(os.getpid(), signal.SIGKILL)


class KillsWhatStartedItAtFirst(AtFirst):
    def _only_once(self):
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)


class KillsWhatStartedIt(Steady):
    def _misbehave(self, X):
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)


class StartsOthersAndEndsTheZygote(AtFirst):
    """Adds the number of the process that it starts to ``note``."""

    def _misbehave(self, X):
        other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        with open(self.note, "a") as note:
            note.write(f"{other.pid} ")
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)


class CountsThreads(Steady):
    def _misbehave(self, X):
        counts = {numba.get_num_threads()} | {pool["num_threads"] for pool in threadpool_info()}
        if counts != {1}:
            raise RuntimeError(f"threads are not pinned to 1: {counts}, {threadpool_info()}")


class CostsWhatItTakes(Steady):
    @classmethod
    def cost(cls, n_users, n_items, nnz, **params):
        return Cost(params["seconds"], 0.0)
