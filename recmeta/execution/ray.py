"""The same tasks on a Ray cluster: one actor a node, and in it the zygote of local.py.

Why an actor a node and neither one a slot nor a Ray task a fit: the zygote imports everything once
a node instead of once a slot, its children share those pages, and the driver waits for as many
answers as there are nodes, not as there are cores. The limits are kept by the same code as on one
machine; Ray itself limits neither the time nor the memory of a task.

What travels: a task as JSON (some 500 bytes) to the node, its result as JSON back, and the bundle
by its path or, once a node, as bytes through Ray's object store (shipping.py). Nothing of ours is
pickled. Python and recmeta must be installed on each node.

A task whose node or actor is lost is done again, on another node if there is one. A task that
ends its own process gets its row at once, as on one machine. The actors belong to the driver: Ray
ends them when it dies.
"""

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from recmeta.execution._outcome import given_up
from recmeta.execution._ray_cluster import Attempt, Cluster, ClusterError
from recmeta.execution._ray_node import AUTO, DATA
from recmeta.execution.local import RETRIES
from recmeta.execution.task import Result, Task
from recmeta.registry import MissingExtraError

__all__ = ["DATA", "ClusterError", "run"]

POLL_S = 0.2  # how soon a stop is seen


def run(
    tasks: Iterable[Task],
    *,
    address: str | None = None,
    workers: int | None = None,
    threads: int = 1,
    data: str = AUTO,
    deadline: float | None = None,
    on_start: Callable[[Task, int], None] = lambda task, tries: None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Task, Result]]:
    """Do tasks on the nodes of a cluster and yield each once with its result, as they finish.

    Parameters
    ----------
    tasks : iterable of Task
        Read one at a time, when a node has a free slot.
    address : str or None
        ``"ray://host:port"`` of Ray's client server, ``"host:port"`` of the head as seen from a
        node of the cluster; None: the cluster that this machine is a node of. A caller that has
        called ``ray.init`` keeps that connection.
    workers : int or None
        Tasks at one time on all nodes; None: the cluster's processors / ``threads``.
    threads : int
        Threads of BLAS, OpenMP and numba in each; as many processors are asked of Ray.
    data : str
        ``"shared"``: bundles are read at their path; ``"ship"``: they are sent; ``"auto"``: read
        where the path is there on the node and has the right key, else sent.
    deadline : float or None
        A time of ``time.monotonic()``: then no task is begun, and those that run are stopped, with
        status ``"timeout"``.
    on_start, stop : callable
        As of local.run.

    Yields
    ------
    (Task, Result)
        ``Result.tries`` says how often it was begun. After three losses its status is
        ``"error"``. Closing the generator ends all that runs.

    Raises
    ------
    MissingExtraError
        If Ray is not installed.
    ClusterError
        If there is no cluster at the address, or none of its nodes can do tasks: with the reasons.
    """
    if (workers is not None and workers < 1) or threads < 1:
        raise ValueError(f"workers and threads must be at least 1: got {workers} and {threads}")
    if data not in DATA:
        raise ValueError(f"data must be one of {', '.join(DATA)}: got {data!r}")
    with _connection(address), Cluster(workers, threads, data) as cluster:
        driver = _Driver(iter(tasks), cluster, deadline)
        while not stop():
            yield from driver.begin(on_start)
            if driver.is_done():
                return
            yield from driver.ended(POLL_S)
        yield from driver.ended(0.0)


class _Driver:
    """Which tasks are to be done, and which are to be tried again."""

    def __init__(self, tasks: Iterator[Task], cluster: Cluster, deadline: float | None) -> None:
        self.tasks, self.cluster, self.deadline = tasks, cluster, deadline
        self.again: deque[Attempt] = deque()
        self.more = True

    def is_done(self) -> bool:
        return not (self.more or self.again or self.cluster.n_running)

    def begin(self, on_start: Callable[[Task, int], None]) -> Iterator[tuple[Task, Result]]:
        """Give each free slot a task; yield those for whose next try there is no time."""
        if self._is_past():
            self.more = False
            while self.again:
                one = self.again.popleft()
                error = f"no time for another try: {one.cause}"
                yield one.task, Result("timeout", error=error, tries=one.tries - 1)
        while (self.again or self.more) and self.cluster.has_free_slot():
            attempt = self.again.popleft() if self.again else self._read()
            if attempt is None:
                return
            self.cluster.begin(attempt, self._seconds_left())
            on_start(attempt.task, attempt.tries)

    def ended(self, timeout: float) -> Iterator[tuple[Task, Result]]:
        """Tasks that have ended within ``timeout`` seconds, without those to be tried again."""
        for attempt, outcome in self.cluster.ended(timeout, self._seconds_left()):
            if isinstance(outcome, Result):
                yield attempt.task, replace(outcome, tries=attempt.tries)
            elif attempt.tries <= RETRIES:
                tried = attempt.tried_on | {outcome.node}
                cause = outcome.result.error
                self.again.append(Attempt(attempt.task, attempt.tries + 1, tried, cause))
            else:
                last = given_up(outcome.result, attempt.tries)
                yield attempt.task, replace(last, tries=attempt.tries)

    def _read(self) -> Attempt | None:
        task = None if self._is_past() else next(self.tasks, None)
        self.more = task is not None
        return None if task is None else Attempt(task)

    def _is_past(self) -> bool:
        return self.deadline is not None and time.monotonic() >= self.deadline

    def _seconds_left(self) -> float | None:
        return None if self.deadline is None else self.deadline - time.monotonic()


@contextlib.contextmanager
def _connection(address: str | None) -> Iterator[None]:
    """Connected to the cluster, by the caller or for as long as this lasts."""
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("the ray executor", "ray") from error
    if ray.is_initialized():
        yield
        return
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "WARNING"}
    try:
        ray.init(address or "auto", **quiet)
    except (ConnectionError, TimeoutError, RuntimeError) as error:  # the last: another version
        raise ClusterError(
            f"no Ray cluster to be joined at {address or 'this machine'} ({error}): start its head "
            "with `ray start --head`, its nodes with `ray start --address HEAD:6379`, and give "
            "the address HEAD:6379 on a node, ray://HEAD:10001 elsewhere"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()
