"""``recmeta sweep``: every algorithm on many data sets."""

import json as json_
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recmeta.cli import options
from recmeta.cli.output import counted, say
from recmeta.cli.reading import to_scale

if TYPE_CHECKING:
    from recmeta.experiments.sweep import Event, Progress

SOME_FAILED = 5  # exit code: the sweep is done, but a data set or a task ended in an error

Datasets = Annotated[
    str,
    typer.Option("--datasets", help="Names under --root, files, or NAME=FILE; a comma between."),
]
Root = Annotated[
    Path | None, typer.Option("--root", help="Folder of data sets: NAME/interactions.parquet.")
]
Algorithms = Annotated[
    str, typer.Option("--algorithms", help="Names with a comma between; default: all of them.")
]
Configs = Annotated[
    int, typer.Option("--configs", min=0, help="Sampled configurations besides the default one.")
]
SplitName = Annotated[
    str, typer.Option("--split", help="default (time where known), random, time, last or users.")
]
MaxEvents = Annotated[
    int, typer.Option("--max-events", min=0, help="Cut larger logs by users; 0: take all.")
]
Seeds = Annotated[int, typer.Option("--seeds", min=1, help="Runs of each with other seeds.")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Fits at one time.")]
FitTime = Annotated[
    str, typer.Option("--time", help="The most time one task (two fits, evaluated) may take: 60s.")
]
StorePath = Annotated[Path, typer.Option("--store", help="The results: made, or gone on with.")]
Cache = Annotated[
    Path | None, typer.Option("--cache", help="Folder of prepared data; default: beside the store.")
]
JsonLines = Annotated[bool, typer.Option("--json", help="One JSON event a line.")]


def sweep(
    datasets: Datasets = "",
    root: Root = None,
    algorithms: Algorithms = "",
    configs: Configs = 6,
    seed: options.Seed = 0,
    seeds: Seeds = 1,
    split: SplitName = "default",
    max_events: MaxEvents = 100_000,
    jobs: Jobs = 1,
    time: FitTime = "60s",
    memory: options.Memory = "4GiB",
    store: StorePath = Path("sweep.sqlite"),
    cache: Cache = None,
    scale: options.Scale = None,
    threshold: options.Threshold = None,
    item_features: options.ItemFeatures = None,
    user_features: options.UserFeatures = None,
    json: JsonLines = False,
) -> None:
    """Fit algorithms x configurations on many data sets; stop and go on at any time."""
    # late: these import numba and pandas, and --help should not wait for them
    from recmeta.execution.budget import to_bytes, to_seconds
    from recmeta.experiments.plan import Limits, Plan, configurations
    from recmeta.experiments.sources import Preparation, find_sources
    from recmeta.experiments.store import Store
    from recmeta.experiments.sweep import sweep as run_sweep

    named = _named(algorithms)
    limits = Limits(to_seconds(time), None if memory is None else to_bytes(memory))
    plan = Plan(
        configurations(named or _all_algorithms(), configs, seed=seed),
        seeds=tuple(range(seed, seed + seeds)),
        limits=limits,
    )
    how = Preparation(split, seed, max_events or None, cache or Path(f"{store}.cache"))
    given = _reading(scale, threshold, item_features, user_features)
    sources = find_sources(_names(datasets), root, given)
    if len(sources) > 1 and (item_features or user_features):
        raise typer.BadParameter("--item-features and --user-features are of one data set")
    printer = _JsonPrinter() if json else _Printer()
    with Store(store) as results:
        printer.begin(len(sources), len(plan))
        progress = run_sweep(sources, plan, results, how, workers=jobs, listen=printer.listen)
    printer.end(progress)
    if progress.total == 0 and not progress.failed:
        raise typer.BadParameter(
            "nothing to run: what they need the data sets have not", param_hint="--algorithms"
        )
    if progress.failed or progress.counts["error"]:
        raise typer.Exit(SOME_FAILED)


def _reading(
    scale: str | None, threshold: float | None, items: str | None, users: str | None
) -> dict[str, object]:
    """Options of ``read`` that were given, for all data sets of this call."""
    given = {
        "scale": to_scale(scale),
        "threshold": threshold,
        "item_features": items,
        "user_features": users,
    }
    return {name: value for name, value in given.items() if value is not None}


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _named(text: str) -> list[str]:
    """The algorithms asked for by name: one whose extra is missing is refused before the start."""
    from recmeta.execution.fit import find_algorithm  # late: numba
    from recmeta.registry import MissingExtraError

    names = _names(text)
    for name in names:
        extra = find_algorithm(name).requires
        if extra and find_spec(extra) is None:
            raise MissingExtraError(name, extra)
    return names


def _all_algorithms() -> list[str]:
    from recmeta.algorithms import all_algorithms  # late: numba

    return list(all_algorithms())


class _Printer:
    """Lines for a person: one a data set and a fault, and the state of things in the last line."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self.printed = 0.0

    def begin(self, n_datasets: int, n_each: int) -> None:
        sets, tasks = counted(n_datasets, "data set"), counted(n_each, "task")
        say(f"{sets} x at most {tasks}; Ctrl-C is safe, the store goes on", err=True)

    def listen(self, event: "Event", progress: "Progress") -> None:
        if event.kind == "failed":
            self._line(f"{event.dataset}: left out, {event.detail['error']}")
        elif event.kind == "dataset":
            parts = [
                f"{event.detail[f'n_{part}']:,} {part}" for part in ("users", "items", "events")
            ]
            self._line(f"{event.dataset}: {', '.join(parts)}, split {event.detail['split']}")
            for algorithm, reason in event.detail["left_out"].items():
                self._line(f"  {algorithm} left out: {reason}")
        elif event.task is not None and event.result is not None and event.result.status == "error":
            last = event.result.error.strip().splitlines()[-1:] or [""]
            self._line(f"{event.dataset} {event.task.algorithm}: {last[0]}")
        self._state(progress)

    def end(self, progress: "Progress") -> None:
        self._line(_state_of(progress))

    def _line(self, text: str) -> None:
        if self.live:
            sys.stderr.write("\r\x1b[K")
        say(text, err=True)

    def _state(self, progress: "Progress") -> None:
        import time  # the option of that name hides it in this file's commands

        now = time.monotonic()
        if now - self.printed < (0.2 if self.live else 30.0):
            return
        self.printed = now
        if self.live:
            sys.stderr.write(f"\r\x1b[K{_state_of(progress)}")
            sys.stderr.flush()
        else:
            say(_state_of(progress), err=True)


class _JsonPrinter:
    """One JSON object a line on standard output."""

    def begin(self, n_datasets: int, n_each: int) -> None:
        self._say({"event": "begin", "n_datasets": n_datasets, "n_tasks": n_datasets * n_each})

    def listen(self, event: "Event", progress: "Progress") -> None:
        line: dict[str, object] = {"event": event.kind, "dataset": event.dataset} | event.detail
        if event.task is not None and event.result is not None:
            task, result = event.task, event.result
            line |= {"algorithm": task.algorithm, "params": task.params, "seed": task.seed}
            line |= {"status": result.status, "error": result.error or None}
            line |= {"fit_s": result.fit_s, "peak_mb": result.peak_mb, "total_s": result.total_s}
            test = result.metrics.get("test", {})
            line |= {"id": task.id, "test_ndcg@10": test.get("ndcg@10")}
        self._say(line | {"done": progress.resumed + progress.finished, "total": progress.total})

    def end(self, progress: "Progress") -> None:
        counts = {"resumed": progress.resumed} | progress.counts
        self._say({"event": "end", "counts": counts, "failed": progress.failed})

    def _say(self, line: dict[str, object]) -> None:
        finite = {key: None if value != value else value for key, value in line.items()}
        typer.echo(json_.dumps(finite, default=str))


def _state_of(progress: "Progress") -> str:
    from recmeta.execution.budget import time_text  # late: see sweep

    counts = " ".join(f"{status} {n}" for status, n in progress.counts.items())
    done = progress.resumed + progress.finished
    line = f"{done:,} of {progress.total:,} tasks ({progress.resumed:,} resumed) | {counts}"
    if progress.eta_s > 0:
        line += f" | {progress.rate:.2f}/s | ETA {time_text(progress.eta_s)}"
    return line
