"""``recmeta sweep --dry-run``: the tasks of a plan and the time that they will take."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from recmeta.cli.left_out import left_out_lines
from recmeta.cli.output import counted, say, say_json, say_table
from recmeta.execution.budget import time_text

if TYPE_CHECKING:
    from recmeta.experiments.estimate import Estimate
    from recmeta.experiments.plan import Plan
    from recmeta.experiments.sources import Preparation
    from recmeta.experiments.sweep import Manner

HEADER = ("data set", "split", "tasks", "done", "refused", "to run", "time")


def say_estimate(
    plan: "Plan",
    how: "Sequence[Preparation]",
    store: Path,
    manner: "Manner",
    *,
    as_json: bool,
) -> None:
    """A line a data set and one for all; nothing is fitted, and no store is made."""
    from recmeta.experiments.estimate import estimate, wall_seconds  # late: pandas
    from recmeta.experiments.resume import before
    from recmeta.experiments.store import Store

    assert plan.data is not None
    with ExitStack() as stack:
        there = Store(store, read_only=True) if store.is_file() else None
        results = None if there is None else stack.enter_context(there)
        done: set[str] = set()
        if results is not None:
            again = {"retry_errors": manner.retry_errors, "retry_missing": manner.retry_missing}
            done = before(plan, results, **again).done
        found = list(estimate(plan.data.sources, plan, results, how, done=done))
    workers = manner.workers or 1
    seconds = wall_seconds(found, workers)
    if as_json:
        problems = [asdict(one) | {"n_to_run": _to_run(one)} for one in found]
        say_json({"plan": plan.id, "workers": workers, "seconds": seconds, "problems": problems})
        return
    _say_table(found)
    for one in found:
        if one.error:
            say(f"{one.dataset}: left out, {one.error}")
    for line in left_out_lines((one.dataset, one.left_out) for one in found):
        say(line)
    n_left = sum(map(_to_run, found))
    say(
        f"{counted(n_left, 'task')} to run, about {time_text(seconds)} with "
        f"{counted(workers, 'worker')}; {_known_by(found)}. What cost() says "
        "is without reading, compiling and starting. Nothing was fitted."
    )


def _known_by(found: "Sequence[Estimate]") -> str:
    """What the seconds are from, with the number of tasks of each."""
    n_known, n_scaled = sum(one.n_known for one in found), sum(one.n_scaled for one in found)
    n_said = sum(map(_to_run, found)) - n_known - n_scaled
    return (
        f"{n_known:,} by earlier runs on the same log, {n_scaled:,} by cost() and how much longer "
        f"or shorter their algorithm's runs on other logs took, {n_said:,} by cost() alone"
    )


def _say_table(found: "Sequence[Estimate]") -> None:
    usable = [one for one in found if not one.error]
    rows = [_row(one.dataset, one.split, [one]) for one in usable]
    if len(usable) > 1:
        rows.append(_row("in all", "", usable))
    say_table(HEADER, rows, right=range(2, len(HEADER)))


def _row(name: str, split: str, of: "Sequence[Estimate]") -> list[str]:
    numbers = [
        sum(one.n_tasks for one in of),
        sum(one.n_done for one in of),
        sum(one.n_refused for one in of),
        sum(map(_to_run, of)),
    ]
    seconds = time_text(sum(one.seconds for one in of))
    return [name, split, *(f"{number:,}" for number in numbers), seconds]


def _to_run(one: "Estimate") -> int:
    return one.n_tasks - one.n_done - one.n_refused
