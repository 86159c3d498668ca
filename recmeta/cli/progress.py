"""How a sweep is: a bar on a terminal, plain lines in a file, JSON lines for a program."""

import json
import time
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from recmeta.cli.left_out import left_out_lines
from recmeta.cli.output import counted, say
from recmeta.execution.budget import time_text

if TYPE_CHECKING:
    from recmeta.experiments.sweep import Event, Progress

EVERY_S = 30.0  # a plain line of how far it is
LEAST_USERS = 1500  # of a cut log, as recmeta.datasets.sampling has it
N_SHOWN = 8  # running tasks on a terminal
QUIET = "refused by cost()"  # no fit, no fault, no log: the first is said, all are counted


def printer(*, as_json: bool) -> "LinePrinter | JsonPrinter":
    """The one for where the output goes."""
    if as_json:
        return JsonPrinter()
    return TerminalPrinter() if Console(stderr=True).is_terminal else LinePrinter()


class LinePrinter:
    """A line for each data set and each failed task, and now and then one of how far it is."""

    def __init__(self) -> None:
        self.said_at = time.monotonic()
        self.n_refused = 0
        self.left_out: list[tuple[str, dict[str, str]]] = []

    def begin(self, n_problems: int, n_each: int) -> None:
        sets, tasks = counted(n_problems, "data set"), counted(n_each, "task")
        self.line(f"{sets} x at most {tasks}; Ctrl-C is safe, the store goes on")

    def listen(self, event: "Event", progress: "Progress") -> None:
        for line in _lines(event):
            self.line(line)
        if event.kind == "dataset":
            self.left_out.append((event.dataset, event.detail["left_out"]))
        if event.result is not None and event.result.error.startswith(QUIET):
            self.n_refused += 1
            if self.n_refused == 1:
                self.line(f"{_name(event)}: {_why(event)}; others are counted at the end")
        self.state(progress)

    def state(self, progress: "Progress") -> None:
        if time.monotonic() - self.said_at >= EVERY_S:
            self.said_at = time.monotonic()
            self.line(state_of(progress))

    def end(self, progress: "Progress | None") -> None:
        if progress is not None:
            self.line(state_of(progress))
        if self.n_refused:
            were = "1 task was" if self.n_refused == 1 else f"{self.n_refused:,} tasks were"
            self.line(f"{were} refused by cost() without a fit: more than --memory allows")
        for line in left_out_lines(self.left_out):
            self.line(line)
        if progress is not None and progress.missing:
            self.line(
                f"{counted(progress.missing, 'run')} of the store without the curve or the scores "
                "of each user asked for: --retry-missing does what lacks them again"
            )

    def line(self, text: str) -> None:
        say(text, err=True)


class TerminalPrinter(LinePrinter):
    """The same lines, above a bar with the outcomes, the time to go and the tasks that run."""

    def __init__(self) -> None:
        super().__init__()
        self.progress: Progress | None = None
        self.live = Live(
            console=Console(stderr=True),
            get_renderable=self._view,
            refresh_per_second=4,
            transient=True,
        )

    def begin(self, n_problems: int, n_each: int) -> None:
        super().begin(n_problems, n_each)
        self.live.start()

    def state(self, progress: "Progress") -> None:
        self.progress = progress  # drawn by the next refresh

    def end(self, progress: "Progress | None") -> None:
        self.live.stop()
        super().end(progress)

    def line(self, text: str) -> None:
        self.live.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _view(self) -> Group:
        if self.progress is None:
            return Group()
        return view_of(self.progress, time.monotonic())


class JsonPrinter:
    """One JSON object a line on standard output."""

    def begin(self, n_problems: int, n_each: int) -> None:
        self._say({"event": "begin", "n_datasets": n_problems, "n_tasks": n_problems * n_each})

    def listen(self, event: "Event", progress: "Progress") -> None:
        line: dict[str, object] = {"event": event.kind, "dataset": event.dataset} | event.detail
        if event.task is not None:
            task = event.task
            line |= {"algorithm": task.algorithm, "params": task.params, "seed": task.seed}
            line |= {"split": task.split, "fidelity": task.fidelity, "id": task.id}
        if event.result is not None:
            result = event.result
            line |= {"status": result.status, "error": result.error or None, "try": result.tries}
            line |= {"fit_s": result.fit_s, "peak_mb": result.peak_mb, "total_s": result.total_s}
            line |= {"test_ndcg@10": result.metrics.get("test", {}).get("ndcg@10")}
        self._say(line | {"done": progress.resumed + progress.finished, "total": progress.total})

    def end(self, progress: "Progress | None") -> None:
        if progress is not None:
            counts = {"resumed": progress.resumed} | progress.counts
            end = {"event": "end", "counts": counts, "failed": progress.failed}
            self._say(
                end
                | {
                    "retried": progress.retried,
                    "missing": progress.missing,
                    "stopped": progress.stopped,
                }
            )

    def _say(self, line: dict[str, object]) -> None:
        finite = {key: None if value != value else value for key, value in line.items()}
        typer.echo(json.dumps(finite, default=str))


def state_of(progress: "Progress") -> str:
    """How far it is, in a line."""
    counts = " ".join(f"{status} {n}" for status, n in progress.counts.items())
    done = progress.resumed + progress.finished
    line = f"{done:,} of {progress.total:,} tasks ({progress.resumed:,} resumed) | {counts}"
    if progress.retried:
        line += f" | {progress.retried} tried again"
    if progress.eta_s > 0:
        line += f" | {progress.rate:.2f}/s | ETA {time_text(progress.eta_s)}"
    return line


def view_of(progress: "Progress", now: float) -> Group:
    """A bar, the line of how far it is, and a line a running task: algorithm, data set, seconds."""
    done = progress.resumed + progress.finished
    running = list(progress.running.values())
    table = Table.grid(padding=(0, 2))
    for task, since in running[:N_SHOWN]:
        table.add_row(Text(task.algorithm), Text(task.dataset), time_text(max(now - since, 0.0)))
    more = [Text(f"and {len(running) - N_SHOWN} more")] if len(running) > N_SHOWN else []
    bar = Table.grid(expand=True)  # a line of its own
    bar.add_row(ProgressBar(total=max(progress.total, 1), completed=done))
    return Group(bar, Text(state_of(progress)), table, *more)


def _lines(event: "Event") -> list[str]:
    """What a person should read of an event."""
    if event.kind == "failed":
        return [f"{event.dataset}: left out, {event.detail['error']}"]
    if event.kind == "dataset":
        sizes = [f"{event.detail[f'n_{part}']:,} {part}" for part in ("users", "items", "events")]
        first = f"{event.dataset}: {', '.join(sizes)}, split {event.detail['split']}"
        n_left_out = len(event.detail["left_out"])
        said_at_end = f"; {counted(n_left_out, 'algorithm')} left out" if n_left_out else ""
        return [first + _cut(event.detail) + said_at_end]
    if event.task is None:
        return []
    name = _name(event)
    if event.result is None:
        tries = event.detail["try"]
        return [f"{name}: begun again, try {tries}"] if tries > 1 else []
    if event.result.status == "ok" or event.result.error.startswith(QUIET):
        return []
    return [f"{name}: {_why(event)}" + (f" ({event.detail['log']})" if event.detail else "")]


def _cut(facts: "dict[str, Any]") -> str:
    """What --max-events did to a data set, and why it did no more."""
    n_events, most = facts["n_events"], facts.get("max_events")
    n_cut = facts.get("n_events_cut", 0)
    if n_cut:
        floor = f"; {LEAST_USERS:,} users are the least" if facts["n_users"] == LEAST_USERS else ""
        return f", cut from {n_events + n_cut:,} events to whole users{floor}"
    if most is not None and n_events > most:
        return f", more than {most:,} events, but so few as {LEAST_USERS:,} users are all kept"
    return ""


def _name(event: "Event") -> str:
    assert event.task is not None
    return f"{event.dataset} {event.task.algorithm}"


def _why(event: "Event") -> str:
    """The status and its reason: the last line of a traceback, else the first of what is said."""
    assert event.result is not None
    lines = event.result.error.strip().splitlines() or [""]
    reason = lines[-1] if lines[0].startswith("Traceback") else lines[0]
    return f"{event.result.status}: {reason}"
