"""The nodes of a Ray cluster from the driver's side: who has free slots, what runs, what is lost.

======  ===============================================================  =========
symbol  meaning                                                          unit
======  ===============================================================  =========
slots   tasks at one time: of a node, its processors / threads of a task  tasks
number  of one begin of one task; an answer with a number not running     1
        is of a node that was given up, and is not heard
======  ===============================================================  =========
"""

import contextlib
import itertools
import json
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any

from recmeta.execution._ray_node import COMPARED, NodeWorkers
from recmeta.execution.shipping import pack
from recmeta.execution.task import Result, Task

logger = logging.getLogger(__name__)

LOOK_S = 5.0  # how often the cluster is asked which nodes it has
WITHOUT_NODES_S = 600.0  # how long nodes are waited for when none is ready
PLACING_S = 60.0  # how long one node's processors are waited for when there are other nodes
MAX_FAULTS = 3  # of a node's actor; then the node is left out
N_PACKED = 4  # bundles that the driver keeps in the object store: the tasks come in their order


class ClusterError(ConnectionError):
    """There is no cluster, or no node of it can do tasks."""


@dataclass(frozen=True)
class Attempt:
    """A task, which try of it this is, and where and why those before were lost."""

    task: Task
    tries: int = 1
    tried_on: frozenset[str] = frozenset()
    cause: str = ""


@dataclass(frozen=True)
class Lost:
    """An attempt that came to nothing, through no fault of the task: on which node, and why."""

    node: str
    result: Result


Ended = tuple[Attempt, Result | Lost]


@dataclass(eq=False)
class _Node:
    id: str
    host: str
    slots: int
    actor: Any
    answer: Any  # the reference to what it says next
    placed: bool = False
    ready: bool = False
    asked: float = field(default_factory=time.monotonic)
    running: dict[int, Attempt] = field(default_factory=dict)

    @property
    def free(self) -> int:
        return self.slots - len(self.running) if self.ready else 0


class Cluster:
    """Actors on the nodes, started where there are processors and again where they are lost.

    Parameters
    ----------
    workers : int or None
        Slots on all nodes together, at most.
    threads : int
        Processors of a slot.
    data : str
        How bundles get to the nodes, see ray.run.
    """

    def __init__(self, workers: int | None, threads: int, data: str) -> None:
        self.workers, self.threads, self.data = workers, threads, data
        self.nodes: dict[str, _Node] = {}
        self.faults: dict[str, list[str]] = {}
        self.passed: dict[str, float] = {}
        self.packed: OrderedDict[str, Any] = OrderedDict()
        self.numbers = itertools.count()
        self.looked = self.had_nodes = time.monotonic()

    def __enter__(self) -> "Cluster":
        self._look()
        return self

    def __exit__(self, *exception: object) -> None:
        import ray

        with contextlib.suppress(Exception):  # the connection may be what was lost
            stopped = [node.actor.stop.remote() for node in self.nodes.values()]
            if stopped:
                ray.wait(stopped, num_returns=len(stopped), timeout=6.0)
            for node in self.nodes.values():
                ray.kill(node.actor)

    @property
    def n_running(self) -> int:
        return sum(len(node.running) for node in self.nodes.values())

    def has_free_slot(self) -> bool:
        return any(node.free for node in self.nodes.values())

    def begin(self, attempt: Attempt, seconds_left: float | None) -> None:
        """Start a task on the emptiest node where it has not been lost; one must be free."""
        free = [node for node in self.nodes.values() if node.free]
        node = max(free, key=lambda one: (one.id not in attempt.tried_on, one.free))
        self._send(node, next(self.numbers), attempt, seconds_left)

    def ended(self, timeout: float, seconds_left: float | None) -> Iterator[Ended]:
        """What has ended or was lost within ``timeout`` seconds."""
        import ray

        if time.monotonic() - self.looked > LOOK_S:
            self._look()
        waiting = {node.answer: node for node in self.nodes.values()}
        if not waiting:
            time.sleep(timeout)
            return
        # one that is there is enough; more that are there too come with it
        first, rest = ray.wait(list(waiting), num_returns=1, timeout=timeout)
        more, _ = ray.wait(rest, num_returns=len(rest), timeout=0) if first and rest else ([], [])
        for node in [waiting[answer] for answer in (*first, *more)]:
            if self.nodes.get(node.id) is node:  # it may have been given up meanwhile
                yield from self._hear(node, seconds_left)

    def _hear(self, node: _Node, seconds_left: float | None) -> Iterator[Ended]:
        import ray

        try:
            said = ray.get(node.answer)
            if not node.placed:
                node.placed, node.answer = True, node.actor.ready.remote()
                return
            if not node.ready:
                _compare(json.loads(said), node.host)
            node.answer = node.actor.finished.remote()
        except (ray.exceptions.RayError, RuntimeError) as error:
            yield from self._lose(node, f"{type(error).__name__}: {str(error).strip()[-500:]}")
            return
        if not node.ready:
            node.ready = True
            return
        for line in said.splitlines():
            number, kind, text = line.split(" ", 2)
            if kind == "needs":
                yield from self._send_with_data(node, int(number), seconds_left)
            elif kind == "fault":
                yield node.running.pop(int(number)), Lost(node.id, Result.from_json(text))
            else:
                yield node.running.pop(int(number)), Result.from_json(text)

    def _send(self, node: _Node, n: int, attempt: Attempt, seconds_left: float | None) -> None:
        task = attempt.task
        # a relative path would mean another folder on the node
        save_to = None if task.save_to is None else os.path.abspath(task.save_to)
        sent = replace(task, bundle=os.path.abspath(task.bundle), save_to=save_to).to_json()
        packed = [self.packed[task.data_key]] if task.data_key in self.packed else []
        node.running[n] = attempt
        # in a list Ray hands over the reference: the bytes move only where they are asked for
        node.actor.begin.remote(n, sent, seconds_left, packed)

    def _send_with_data(self, node: _Node, n: int, seconds_left: float | None) -> Iterator[Ended]:
        """Again, with its bundle in the object store, put there once for all nodes."""
        import ray

        attempt = node.running[n]
        key = attempt.task.data_key
        if key not in self.packed:
            try:
                self.packed[key] = ray.put(pack(attempt.task.bundle))
            except OSError as error:
                text = f"its bundle cannot be read here: {type(error).__name__}: {error}"
                yield node.running.pop(n), Result("error", error=text, threads=self.threads)
                return
            if len(self.packed) > N_PACKED:
                self.packed.popitem(last=False)
        self.packed.move_to_end(key)
        self._send(node, n, attempt, seconds_left)

    def _lose(self, node: _Node, why: str) -> Iterator[Ended]:
        import ray

        logger.warning("node %s was lost: %s", node.host, why)
        del self.nodes[node.id]
        self.faults.setdefault(node.id, []).append(f"{node.host}: {why}")
        with contextlib.suppress(Exception):  # it may be alive and only out of reach
            ray.kill(node.actor)
        self._look()
        lost = Result("error", error=f"node {node.host} was lost: {why}", threads=self.threads)
        for attempt in node.running.values():
            yield attempt, Lost(node.id, lost)

    def _look(self) -> None:
        """Start an actor on each node that has processors and none of ours."""
        import ray

        now = self.looked = time.monotonic()
        alive = [node for node in ray.nodes() if node["Alive"]]
        could = [node for node in alive if node["Resources"].get("CPU", 0) >= self.threads]
        usable = [one for one in could if len(self.faults.get(one["NodeID"], ())) < MAX_FAULTS]
        self._pass_over(now, others=len(usable) > len(self.nodes))
        # by the hash of a text, which is another one in each process: drivers that share a cluster
        # do not ask for the same nodes
        usable.sort(key=lambda one: (self.passed.get(one["NodeID"], 0.0), hash(one["NodeID"])))
        for node in usable:
            slots = int(node["Resources"]["CPU"]) // self.threads
            if self.workers is not None:
                slots = min(slots, self.workers - sum(one.slots for one in self.nodes.values()))
            if node["NodeID"] not in self.nodes and slots > 0:
                self._start(node["NodeID"], node["NodeManagerHostname"], slots)
        if any(node.ready for node in self.nodes.values()):
            self.had_nodes = now
        elif could and not usable:
            reasons = "\n".join(faults[-1] for faults in self.faults.values())
            raise ClusterError(f"no node can do tasks:\n{reasons}")
        elif now - self.had_nodes > WITHOUT_NODES_S:
            raise ClusterError(
                f"no node was ready in {WITHOUT_NODES_S:.0f} s, of {len(alive)} alive with "
                f"{sum(one['Resources'].get('CPU', 0) for one in alive):.0f} processors: "
                "`ray status` says who holds them"
            )

    def _pass_over(self, now: float, *, others: bool) -> None:
        """Ask no longer for nodes whose processors somebody else holds, if there are others."""
        import ray

        for node in [*self.nodes.values()]:
            if others and not node.placed and now - node.asked > PLACING_S:
                logger.info("node %s has no processors free: passed over", node.host)
                ray.kill(node.actor)
                del self.nodes[node.id]
                self.passed[node.id] = now

    def _start(self, node_id: str, host: str, slots: int) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        remote: Any = ray.remote(NodeWorkers)
        actor = remote.options(
            num_cpus=slots * self.threads,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node_id, soft=False),
            max_restarts=0,  # a lost actor has lost its tasks: who runs where is known here
            max_concurrency=2 * slots + 8,  # each may wait for its bundle; and ours
        ).remote(self.threads, self.data)
        self.nodes[node_id] = _Node(node_id, host, slots, actor, actor.placed.remote())


def _compare(theirs: dict[str, str], host: str) -> None:
    ours = {name: version(name) for name in COMPARED}
    differ = {name: theirs[name] for name in COMPARED if theirs[name] != ours[name]}
    if differ:
        raise RuntimeError(
            f"{host} has {differ}, the driver { ({name: ours[name] for name in differ}) }: results "
            "would not compare; install the same there"
        )
