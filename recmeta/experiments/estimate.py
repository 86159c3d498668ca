"""What a plan will take, before it is run: nothing is fitted for it.

The seconds of a task are, where the store has runs of its algorithm on its problem, their median.
Otherwise they are what cost() says of its fits, times the ratio of seconds taken to seconds said
over the store's runs of the algorithm on other problems (of all algorithms where it has none, 1
where the store is empty), and what the store's runs took besides their fits. Ratios are of the runs
of this host where there are any, or else of all.
"""

import json
import logging
import platform
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recmeta.execution.bundle import Bundle, write_bundle
from recmeta.execution.fit import find_algorithm
from recmeta.execution.task import Task
from recmeta.experiments.plan import Plan
from recmeta.experiments.sources import Preparation, Source, prepared, split_of
from recmeta.experiments.store import Store

logger = logging.getLogger(__name__)

LEAST_SECONDS = 1e-3  # of a fit, as cost() says it


@dataclass(frozen=True)
class Estimate:
    """Of one data set under one split.

    Attributes
    ----------
    dataset, split : str
    n_tasks : int
        All that the plan has for it, without the algorithms left out.
    n_done : int
        Those that the store has.
    n_refused : int
        Those to do whose memory cost() finds too large: a row at once, without a fit.
    left_out : dict
        Algorithm -> what it needs and the data set has not.
    seconds : float
        Of the others, one after the other. A task whose cost() fails has none, if no earlier run
        tells of it: the sweep finds the same error before the fit.
    longest_s : float
        Of one of them.
    n_known : int
        How many of them have earlier runs of the algorithm on the problem to go by.
    n_scaled : int
        How many of the others have runs of the algorithm on other problems to go by.
    error : str
        Why the data set cannot be run on; empty if it can.
    """

    dataset: str
    split: str
    n_tasks: int = 0
    n_done: int = 0
    n_refused: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    longest_s: float = 0.0
    n_known: int = 0
    n_scaled: int = 0
    error: str = ""


def estimate(
    sources: Sequence[Source],
    plan: Plan,
    store: Store | None,
    how: Sequence[Preparation],
    *,
    done: set[str],
) -> Iterator[Estimate]:
    """One for each data set and split, as each is looked at.

    Parameters
    ----------
    sources, plan, how
        As of sweep.
    store : Store or None
        Whose runs the seconds are learned from; None if there is none yet.
    done : set of str
        Ids of the tasks that need not be done.
    """
    times = Times(store)
    for source in sources:
        for one in how:
            try:
                with _bundle(source, one) as bundle:
                    yield _of_bundle(bundle, plan, times, done)
            except Exception as error:  # as in the sweep: the others can still be run
                reason = f"{type(error).__name__}: {error}"
                yield Estimate(source.name, one.split, error=reason)


def wall_seconds(estimates: Sequence[Estimate], workers: int) -> float:
    """Of all of them with so many workers: their share of the work, or the longest task."""
    in_all = sum(one.seconds for one in estimates) / workers
    return max([in_all, *(one.longest_s for one in estimates)])


class Times:
    """Seconds of tasks, learned from the runs of a store."""

    def __init__(self, store: Store | None) -> None:
        runs = pd.DataFrame() if store is None else _runs(store)
        self.medians: dict[Any, float] = {}
        self.ratios: dict[Any, float] = {}
        self.ratio, self.besides = 1.0, 0.0
        if len(runs) == 0:
            return
        groups = runs.groupby(["data_key", "algorithm", "fidelity"])["total_s"]
        self.medians = groups.median().to_dict()
        ok = runs[(runs["status"] == "ok") & runs["said_s"].notna()]
        if len(ok) > 0:
            ratios = ok["fit_s"] / ok["said_s"]
            here = ratios[ok["here"]]
            for some in (ratios, here):
                self.ratios |= some.groupby(ok["algorithm"]).median().to_dict()
            self.ratio = float((ratios if here.empty else here).median())
            n_parts = ok["parts"].str.count(",") + 1
            # each is measured apart, so that the fits alone may seem to take longer than all
            self.besides = max(float((ok["total_s"] - n_parts * ok["fit_s"]).median()), 0.0)

    def known(self, task: Task) -> float | None:
        """From earlier runs of the algorithm on the problem."""
        return self.medians.get((task.data_key, task.algorithm, task.fidelity))

    def scales(self, task: Task) -> bool:
        """Whether there are runs of the algorithm to scale by what cost() says of it."""
        return task.algorithm in self.ratios

    def said(self, task: Task, seconds: float) -> float:
        """From what cost() says of all its fits."""
        return seconds * self.ratios.get(task.algorithm, self.ratio) + self.besides


def _of_bundle(bundle: Bundle, plan: Plan, times: Times, done: set[str]) -> Estimate:
    tasks = list(plan.tasks(bundle))
    n_refused = n_known = n_scaled = 0
    seconds = []
    for task in (one for one in tasks if one.id not in done):
        said_s, said_bytes = _said_if_it_can(task, bundle.info["parts"])
        if task.memory_bytes is not None and said_bytes > task.memory_bytes:
            n_refused += 1
            continue
        known = times.known(task)
        n_known += known is not None
        n_scaled += known is None and times.scales(task)
        expected = times.said(task, said_s) if known is None else known
        limit = task.time_limit_s
        seconds.append(expected if limit is None else min(expected, limit))
    return Estimate(
        dataset=bundle.dataset,
        split=bundle.split,
        n_tasks=len(tasks),
        n_done=sum(task.id in done for task in tasks),
        n_refused=n_refused,
        left_out=plan.left_out(bundle),
        seconds=float(sum(seconds)),
        longest_s=float(max(seconds, default=0.0)),
        n_known=n_known,
        n_scaled=n_scaled,
    )


def said_seconds(task: Task, parts: Mapping[str, Any]) -> float:
    """Of one fit of a task by cost(), the mean over its parts; NaN where it cannot be asked."""
    fits = _said_if_it_can(task, parts)[0]
    return fits / len(task.parts) if fits else float("nan")


def _said_if_it_can(task: Task, parts: Mapping[str, Any]) -> tuple[float, float]:
    """Nothing where the algorithm cannot be made or asked: one task must not cost the others."""
    try:
        return _said(task, parts)
    except Exception:
        logger.warning("no cost() of %s with %s", task.algorithm, task.params, exc_info=True)
        return 0.0, 0.0


def _said(task: Task, parts: Mapping[str, Any]) -> tuple[float, float]:
    """Seconds of all fits of a task and bytes of its largest, as cost() says them."""
    costs = [_cost(task.algorithm, task.params, parts[part], task.fidelity) for part in task.parts]
    seconds = sum(max(one.seconds, LEAST_SECONDS) for one in costs)
    return seconds, max(one.bytes for one in costs)


def _cost(algorithm: str, params: Mapping[str, Any], part: Mapping[str, Any], share: float) -> Any:
    n_users, n_items = part["shapes"]["fit"]
    nnz = int(part["nnz"]["fit"] * share)
    kind = find_algorithm(algorithm)
    # as the sweep asks: with the defaults of what is not given
    return kind.cost(n_users, n_items, nnz, **kind(**params).get_params())


def _runs(store: Store) -> pd.DataFrame:
    """Runs that ended by themselves or by the time limit, with the mean of what cost() says and
    whether they were on this host.
    """
    runs = store.frame(())
    runs = runs[runs["status"].isin(["ok", "timeout"])]
    parts = {key: info.get("parts", {}) for key, _, _, info in store.dataset_rows()}
    columns = runs[["data_key", "algorithm", "params", "parts", "fidelity"]]
    said = [said_of_row(row, parts) for row in columns.itertuples(index=False)]
    here = runs["environment"].isin(store.environments_of(platform.node()))
    return runs.assign(said_s=np.asarray(said, dtype=np.float64), here=here)


def said_of_row(row: Any, parts: Mapping[str, Mapping[str, Any]]) -> float:
    """NaN where the algorithm, or what the data set was like, is not known here."""
    try:
        of = [parts[row.data_key][part] for part in row.parts.split(",")]
        params = json.loads(row.params)
        costs = [_cost(row.algorithm, params, part, row.fidelity) for part in of]
    except (KeyError, ImportError, AttributeError, TypeError, ValueError, ArithmeticError):
        return float("nan")
    return float(np.mean([max(one.seconds, LEAST_SECONDS) for one in costs]))


@contextmanager
def _bundle(source: Source, how: Preparation) -> Iterator[Bundle]:
    """That of the cache, or one for now, without the meta-features, whose landmarkers are fits."""
    known = prepared(source, how)
    if known is not None:
        yield known
        return
    with tempfile.TemporaryDirectory(prefix="recmeta-") as folder:
        yield write_bundle(split_of(source, how), Path(folder) / "bundle", dataset=source.name)
