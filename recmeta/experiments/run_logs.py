"""A text file for each task that failed: what it was, how it ended, what it had printed."""

import contextlib
import json
from pathlib import Path

from recmeta.execution.task import Result, Task

REFUSED = "refused by cost()"  # nothing ran: the row of the store says all


def log_folder(store: Path) -> Path:
    """Where the logs of a store's tasks are."""
    return Path(f"{store}.logs")


def keep_log(folder: Path, task: Task, result: Result) -> Path | None:
    """Write the log of a task that failed; delete that of one that is ok now.

    Returns
    -------
    path or None
        The file, ``ID.txt``. None if there is none: the task is ok, or never ran, or the file
        cannot be written, which must not end a sweep whose row is in the store.
    """
    file = folder / f"{task.id}.txt"
    if result.status == "ok" or result.error.startswith(REFUSED):
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(_text(task, result), encoding="utf-8")
    except OSError:
        return None
    return file


def _text(task: Task, result: Result) -> str:
    tries = f", tried {result.tries} times" if result.tries > 1 else ""
    lines = [
        f"{task.algorithm} on {task.dataset} ({task.split}): {result.status}{tries}",
        f"{result.total_s:.2f} s in all, {len(result.metrics)} of {len(task.parts)} parts measured",
        "",
        json.dumps(json.loads(task.to_json()), indent=1, sort_keys=True),
        "",
        result.error.strip(),
    ]
    if result.output:
        lines += ["", "The end of what it printed:", result.output]
    return "\n".join(lines) + "\n"
