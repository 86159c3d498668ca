"""A sweep: every configuration on every data set, each in its own process, into the store.

What the store has is not done again, so a sweep that was stopped, or killed, goes on where it was.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from recmeta.execution.local import run
from recmeta.execution.task import STATUSES, Result, Task
from recmeta.experiments.plan import Plan
from recmeta.experiments.sources import Preparation, Source, prepare
from recmeta.experiments.store import Store

logger = logging.getLogger(__name__)


@dataclass
class Progress:
    """How far a sweep is.

    Attributes
    ----------
    total : int
        Tasks of the whole sweep, without those that cannot be done: a data set that could not be
        prepared, an algorithm that lacks something.
    resumed : int
        Tasks that the store had.
    counts : dict
        Status -> tasks finished by this run.
    failed : dict
        Data set that could not be prepared -> why.
    """

    total: int
    resumed: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    failed: dict[str, str] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    @property
    def finished(self) -> int:
        return sum(self.counts.values())

    @property
    def rate(self) -> float:
        """Tasks a second of this run."""
        return self.finished / max(time.monotonic() - self.started, 1e-9)

    @property
    def eta_s(self) -> float:
        """Seconds to go at this rate; NaN before the first task."""
        left = self.total - self.resumed - self.finished
        return left / self.rate if self.finished else float("nan")


@dataclass(frozen=True)
class Event:
    """What happened: ``"dataset"`` prepared, ``"failed"`` to be prepared, ``"run"`` finished."""

    kind: str
    dataset: str
    detail: dict[str, Any]
    task: Task | None = None
    result: Result | None = None


Listener = Callable[[Event, Progress], None]


def sweep(
    sources: Sequence[Source],
    plan: Plan,
    store: Store,
    how: Preparation,
    *,
    workers: int = 1,
    listen: Listener = lambda event, progress: None,
) -> Progress:
    """Do what the store does not have yet, and record each run as it finishes.

    Parameters
    ----------
    sources : sequence of Source
    plan : Plan
    store : Store
    how : Preparation
        Bundles are made when their turn comes, while the workers are busy.
    workers : int
        Tasks at one time.
    listen : callable
        Told of each event, in this process.
    """
    progress = Progress(total=len(sources) * len(plan))
    limits = plan.limits
    done = store.done_ids(time_limit_s=limits.time_limit_s, memory_bytes=limits.memory_bytes)

    def to_do() -> Iterator[Task]:
        for source in sources:
            for task in _tasks_of(source, plan, store, how, progress, listen):
                if task.id in done:
                    progress.resumed += 1
                else:
                    yield task

    for task, result in run(to_do(), workers=workers):
        store.add(task, result)
        progress.counts[result.status] += 1
        listen(Event("run", task.dataset, {}, task, result), progress)
    return progress


def _tasks_of(
    source: Source,
    plan: Plan,
    store: Store,
    how: Preparation,
    progress: Progress,
    listen: Listener,
) -> Iterator[Task]:
    started = time.monotonic()
    try:
        bundle = prepare(source, how)
    except Exception as error:  # one unreadable file must not cost the other data sets
        bug = not isinstance(error, ValueError)  # a file that cannot be used is said in one line
        logger.warning("data set %s could not be prepared", source.name, exc_info=bug)
        progress.total -= len(plan)
        progress.failed[source.name] = f"{type(error).__name__}: {error}"
        listen(Event("failed", source.name, {"error": progress.failed[source.name]}), progress)
        return
    store.add_dataset(bundle.key, bundle.dataset, bundle.split, bundle.info)
    left_out = plan.left_out(bundle)
    n_left_out = sum(one.algorithm in left_out for one in plan.configurations)
    progress.total -= n_left_out * len(plan.seeds)
    facts = {name: fact for name, fact in bundle.info.items() if name != "features"}
    detail = {
        "seconds": time.monotonic() - started,
        "split": bundle.split,
        "left_out": left_out,
    } | facts
    listen(Event("dataset", source.name, detail), progress)
    yield from plan.tasks(bundle)
