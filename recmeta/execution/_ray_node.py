"""What runs on a node of a Ray cluster: one actor, which owns a zygote and its children.

It takes tasks as JSON and says what has become of them in lines of ``"NUMBER KIND JSON"``:

=====  =========================================================  ==============
kind   meaning                                                    JSON
=====  =========================================================  ==============
done   the task has a result, good or bad                         the Result
fault  it has none, and that was not its own fault                a Result too
needs  its bundle is not here: send the task again, with the data  the data_key
=====  =========================================================  ==============

The end of the actor, however it comes, is the end of the zygote's input and so of all tasks.
"""

import asyncio
import contextlib
import json
import platform
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from recmeta.execution import _ray_zygote
from recmeta.execution._outcome import FILES, LOST, is_infrastructure, result_of
from recmeta.execution._pool import Pool
from recmeta.execution.shipping import cache_folder, holds, kept, unpack
from recmeta.execution.task import Result, Task

AUTO, SHARED, SHIP = "auto", "shared", "ship"
COMPARED = ("recmeta", "numpy", "scipy")  # their versions decide the numbers that come out
DATA = (AUTO, SHARED, SHIP)


class NodeWorkers:
    """The tasks of one node, its limits kept by the zygote as on a single machine.

    Parameters
    ----------
    threads : int
        Of each task.
    data : str
        Where bundles are looked for: at their path, among those that were sent, or both.
    """

    def __init__(self, threads: int, data: str) -> None:
        self.pool, self.data = Pool(threads, zygote=_ray_zygote.__name__), data
        self.results = tempfile.TemporaryDirectory(prefix="recmeta-", ignore_cleanup_errors=True)
        self.cache = cache_folder()
        self.running: dict[int, Path] = {}
        self.lines: list[str] = []
        self.any_line = asyncio.Event()
        self.unpacking = asyncio.Lock()
        self.broken = ""
        self.pool.start()

    async def placed(self) -> None:
        """Answers as soon as Ray has found the processors for this actor."""

    async def ready(self) -> str:
        """Wait until the zygote has imported everything; what the driver should know of here."""
        self._listen()
        while not self.pool.ready and not self.broken:
            await asyncio.sleep(0.05)
        if self.broken:
            raise RuntimeError(self.broken)
        versions = {name: version(name) for name in COMPARED}
        return json.dumps(versions | {"host": platform.node()})

    async def begin(
        self, n: int, task: str, seconds_left: float | None, packed: Sequence[Any]
    ) -> None:
        """Start a task. ``packed`` holds the reference to its bundle's bytes, if there is one."""
        try:
            asked = Task.from_json(task)
            folder = await self._bundle(asked, packed)
        except Exception as error:  # a full disk, a lost object: the next node may have better luck
            self._fault(n, f"its bundle could not be had: {type(error).__name__}: {error}")
            return
        if folder is None:
            self._say(n, "needs", json.dumps(asked.data_key))
            return
        self.running[n] = Path(self.results.name) / str(n)
        # each machine has a monotonic clock of its own
        deadline = None if seconds_left is None else time.monotonic() + seconds_left
        self.pool.send(n, replace(asked, bundle=str(folder)), self.running[n], deadline)

    async def finished(self) -> str:
        """Wait for lines and return all that there are."""
        await self.any_line.wait()
        if self.broken:
            raise RuntimeError(self.broken)
        lines, self.lines = self.lines, []
        self.any_line.clear()
        return "\n".join(lines)

    async def stop(self) -> None:
        """End the tasks and remove their files."""
        self._listen(False)
        await asyncio.to_thread(self.pool.__exit__)
        self.results.cleanup()

    async def _bundle(self, task: Task, packed: Sequence[Any]) -> Path | None:
        """Where the task's bundle is on this node, unpacked if it was sent; None: it is not."""
        if self.data != SHIP and holds(task.bundle, task.data_key):
            return Path(task.bundle)
        if self.data == SHARED:
            raise FileNotFoundError(
                f"{task.bundle} is not on this node, or not the same: keep it on a file system "
                "that all nodes share, or send it (data 'auto' or 'ship')"
            )
        async with self.unpacking:
            folder = kept(task.data_key, self.cache)
            if folder is None and packed:
                content = await packed[0]
                folder = await asyncio.to_thread(unpack, content, task.data_key, self.cache)
        return folder

    def _listen(self, on: bool = True) -> None:
        assert self.pool.process is not None
        assert self.pool.process.stdout is not None
        loop, stream = asyncio.get_running_loop(), self.pool.process.stdout
        if on:
            loop.add_reader(stream, self._hear)
        else:
            loop.remove_reader(stream)

    def _hear(self) -> None:
        answers = self.pool.answers(0.0)
        if answers is None:
            answers = self._lost()
        for answer in answers:
            n = answer["n"]
            out = self.running.pop(n)
            result = result_of(out, answer, self.pool.threads)
            for end in FILES:
                with contextlib.suppress(OSError):
                    Path(f"{out}{end}").unlink(missing_ok=True)
            self._say(n, "fault" if is_infrastructure(answer) else "done", result.to_json())

    def _lost(self) -> list[dict[str, Any]]:
        """The zygote has ended: another one, unless it never starts here."""
        self._listen(False)
        try:
            self.pool.restart()
        except RuntimeError as error:
            self.broken = str(error)
            self.any_line.set()
        else:
            self._listen()
        end = {"signal": 0, "code": 0, "why": LOST, "wall_s": float("nan"), "max_rss": 0}
        return [end | {"n": n} for n in self.running]

    def _fault(self, n: int, text: str) -> None:
        self._say(n, "fault", Result("error", error=text, threads=self.pool.threads).to_json())

    def _say(self, n: int, kind: str, text: str) -> None:
        self.lines.append(f"{n} {kind} {text}")
        self.any_line.set()
