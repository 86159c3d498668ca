"""A sweep: every configuration on every data set, each in its own process, into the store.

What the store has is not done again, so a sweep that was stopped, or killed, goes on where it was.
"""

import itertools
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from recmeta.execution import local
from recmeta.execution.bundle import Bundle
from recmeta.execution.task import STATUSES, Result, Task
from recmeta.experiments.hopeless import Hopeless
from recmeta.experiments.plan import Plan
from recmeta.experiments.resume import Before, before
from recmeta.experiments.run_logs import keep_log, log_folder
from recmeta.experiments.sources import Preparation, Source, prepare
from recmeta.experiments.store import Store

logger = logging.getLogger(__name__)

Executor = Callable[..., Iterator[tuple[Task, Result]]]


@dataclass
class Progress:
    """How far a sweep is.

    Attributes
    ----------
    total : int
        Tasks of the whole sweep, without those that cannot be done: a data set that could not be
        prepared, an algorithm that lacks something.
    resumed, resumed_ok : int
        Tasks that the store had, and those of them whose run is ok.
    counts : dict
        Status -> tasks finished by this run.
    failed : dict
        Data set that could not be prepared -> why.
    running : dict
        Id of a task that runs -> the task and when it began, a time of ``time.monotonic()``.
    retried : int
        Tries that were begun after a fault of the machine.
    missing : int
        Of the resumed tasks, those whose run lacks a curve or vectors that the plan asks for.
    stopped : bool
        It was told to stop before it was done.
    """

    total: int
    resumed: int = 0
    resumed_ok: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    failed: dict[str, str] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    running: dict[str, tuple[Task, float]] = field(default_factory=dict)
    retried: int = 0
    missing: int = 0
    stopped: bool = False

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
    """What happened.

    ``"dataset"`` was prepared, or ``"failed"`` to be; a task was ``"start"``-ed, with the number of
    the ``try`` in its detail; its ``"run"`` has finished, with the ``log`` of one that failed.
    """

    kind: str
    dataset: str
    detail: dict[str, Any]
    task: Task | None = None
    result: Result | None = None


Listener = Callable[[Event, Progress], None]


@dataclass(frozen=True)
class Manner:
    """How a sweep is run.

    Parameters
    ----------
    workers : int or None
        Tasks at one time; None: as many as the executor likes.
    retry_errors : bool
        Do all tasks again whose status is error. Those that the machine failed, and not they
        themselves, are done again anyway.
    retry_missing : bool
        Do the tasks again whose run is ok, but has no curve or vectors over the users that the
        plan asks for: they are no part of what a task is. A run that is ok is never replaced by
        one that is not.
    foresee_timeouts : bool
        Record as ``timeout``, without running it, what must time out (experiments.hopeless).
    stop : callable
        When it says True, nothing is begun any more and what runs is ended.
    executor : callable
        ``execution.local.run``, or another with its ``workers``, ``on_start`` and ``stop``.
    """

    workers: int | None = 1
    retry_errors: bool = False
    retry_missing: bool = False
    foresee_timeouts: bool = False
    stop: Callable[[], bool] = lambda: False
    executor: Executor = local.run


def sweep(
    sources: Sequence[Source],
    plan: Plan,
    store: Store,
    how: Preparation | Sequence[Preparation],
    *,
    manner: Manner | None = None,
    listen: Listener = lambda event, progress: None,
) -> Progress:
    """Do what the store does not have yet, and record each run as it finishes.

    A task that fails has a log in the folder of the store's name and ``.logs``.

    Parameters
    ----------
    sources : sequence of Source
    plan : Plan
    store : Store
    how : Preparation or sequence of Preparation
        Each data set is run on under each. Bundles are made when their turn comes, while the
        workers are busy.
    manner : Manner or None
    listen : callable
        Told of each event, in this process.

    Raises
    ------
    StoreError
        If a run cannot be recorded: the disk is full, say. What was recorded is kept.
    """
    manner = manner or Manner()
    hows = [how] if isinstance(how, Preparation) else list(how)
    progress = Progress(total=len(sources) * len(hows) * len(plan))
    again = {"retry_errors": manner.retry_errors, "retry_missing": manner.retry_missing}
    work = _Work(plan, store, progress, listen, before(plan, store, **again))
    if manner.foresee_timeouts:
        work.hopeless = Hopeless(store, plan.limits)
    problems = [(source, one) for source in sources for one in hows]
    tasks = work.to_do(itertools.takewhile(lambda _: not manner.stop(), problems))
    runs = manner.executor(tasks, workers=manner.workers, on_start=work.begin, stop=manner.stop)
    for task, result in runs:
        work.record(task, result)
    work.progress.running.clear()
    work.progress.stopped = manner.stop()
    return work.progress


@dataclass
class _Work:
    """What a sweep does at each turn of a task: find, begin, record."""

    plan: Plan
    store: Store
    progress: Progress
    listen: Listener
    before: Before
    hopeless: Hopeless | None = None

    def to_do(self, problems: Iterable[tuple[Source, Preparation]]) -> Iterator[Task]:
        met: set[str] = set()  # two splits of a plan may turn out to be one
        for source, how in problems:
            bundle = self._prepare(source, how)
            if bundle is not None and self.hopeless:
                self.hopeless.meet(bundle.key, bundle.info["parts"])
            for task in self.plan.tasks(bundle) if bundle is not None else ():
                if task.id in met:
                    self.progress.total -= 1
                elif task.id in self.before.done:
                    self.progress.resumed += 1
                    self.progress.resumed_ok += task.id not in self.before.failed
                    self.progress.missing += task.id in self.before.with_gaps
                elif not self._foreseen(task):
                    yield task
                met.add(task.id)

    def begin(self, task: Task, tries: int) -> None:
        self.progress.running[task.id] = task, time.monotonic()
        self.progress.retried += tries > 1
        self.listen(Event("start", task.dataset, {"try": tries}, task), self.progress)

    def record(self, task: Task, result: Result) -> None:
        if result.status == "ok" or task.id not in self.before.with_gaps:
            self.store.add(task, result)
        self.progress.running.pop(task.id, None)
        self.progress.counts[result.status] += 1
        if self.hopeless:
            self.hopeless.learn(task, result)
        log = keep_log(log_folder(self.store.path), task, result)
        detail = {} if log is None else {"log": str(log)}
        self.listen(Event("run", task.dataset, detail, task, result), self.progress)

    def _foreseen(self, task: Task) -> bool:
        """Whether it was recorded as a time-out in place of being run."""
        reason = self.hopeless.reason(task) if self.hopeless else ""
        if reason:
            self.record(task, Result("timeout", error=reason))
        return bool(reason)

    def _prepare(self, source: Source, how: Preparation) -> Bundle | None:
        started = time.monotonic()
        try:
            bundle = prepare(source, how)
        except Exception as error:  # one unreadable file must not cost the other data sets
            # a file that cannot be used is said once, by who listens; a bug needs its traceback
            bug = not isinstance(error, ValueError | OSError)
            level = logging.WARNING if bug else logging.INFO
            logger.log(level, "data set %s could not be prepared", source.name, exc_info=bug)
            self.progress.total -= len(self.plan)
            reason = f"{type(error).__name__}: {error}"
            self.progress.failed[source.name] = reason
            self.listen(Event("failed", source.name, {"error": reason}), self.progress)
            return None
        self.store.add_dataset(bundle.key, bundle.dataset, bundle.split, bundle.info)
        left_out = self.plan.left_out(bundle)
        n_left_out = sum(one.algorithm in left_out for one in self.plan.configurations)
        n_each = len(self.plan.seeds) * len(self.plan.fidelities)
        self.progress.total -= n_left_out * n_each
        facts = {name: fact for name, fact in bundle.info.items() if name != "features"}
        detail = {
            "seconds": time.monotonic() - started,
            "split": bundle.split,
            "left_out": left_out,
        } | facts
        self.listen(Event("dataset", source.name, detail), self.progress)
        return bundle
