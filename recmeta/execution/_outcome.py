"""What a task's end means: its own result, or a fault that was not its own.

A fault of the task's own is an exception, a signal such as SIGSEGV, an exit, a limit that it
reached: it would come again. Not its own are a SIGKILL that nobody here sent, the end of the
process that starts the workers, a fork that the system refuses, a result that a full disk does not
take: these are worth another try.
"""

import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from recmeta.execution.task import BEFORE_FIT, INFRASTRUCTURE, Result, Status

OUT_OF_MEMORY = ("bad_alloc", "out of memory", "memoryerror", "memory alloc", "cannot allocate")
CANNOT_WRITE = 74  # EX_IOERR of sysexits.h: the child's code when its result cannot be written
NOT_BEGUN, LOST = "not begun", "lost"  # an answer's why, besides "timeout" and ""
SO_FAR = ".so-far"  # ends the name of the result of the parts that were finished
FILES = ("", SO_FAR, ".log", ".part")  # what a task can leave: its result, and beside it
TAIL = 2000  # bytes of the output that are kept


def result_of(out: Path, answer: Mapping[str, Any], threads: int) -> Result:
    """The result that the child wrote, or what its end says.

    Parameters
    ----------
    out : path
        Its result; beside it, as ``.so-far``, that of the parts that were finished, and as
        ``.log`` what it printed.
    answer : dict
        Of the zygote, see there.
    threads : int
        Of the worker.
    """
    log = tail(Path(f"{out}.log"))
    files = [file for file in (out, Path(f"{out}{SO_FAR}")) if file.exists()]
    if files:
        written = Result.from_json(files[0].read_text(encoding="utf-8"))
    else:
        written = Result("error", threads=threads)
    written = replace(written, total_s=float(answer["wall_s"]), output=log)
    if answer["why"] == "timeout":
        return replace(written, status="timeout", error=answer.get("detail") or _lateness(answer))
    if answer["why"] or answer["signal"] or answer["code"] or out not in files:
        return replace(written, status=_status_of(answer, log), error=_cause(answer, log))
    return written


def is_infrastructure(answer: Mapping[str, Any]) -> bool:
    """Whether the fault was not the task's own."""
    if answer["why"]:
        return answer["why"] != "timeout"
    return answer["signal"] == signal.SIGKILL or answer["code"] == CANNOT_WRITE


def given_up(result: Result, tries: int) -> Result:
    """The row of a task whose every try ended in such a fault."""
    if result.status == "oom":  # like a limit that was reached, it would come again
        return replace(result, error=f"tried {tries} times: {result.error}")
    return replace(result, error=f"{INFRASTRUCTURE}, tried {tries} times: {result.error}")


def tail(file: Path, n_bytes: int = TAIL) -> str:
    """The end of a text file; empty if there is none."""
    if not file.exists():
        return ""
    with file.open("rb") as stream:
        stream.seek(max(file.stat().st_size - n_bytes, 0))
        return stream.read().decode("utf-8", errors="replace").strip()


def _lateness(answer: Mapping[str, Any]) -> str:
    """By the task's own limit, or by the deadline of all: after how long, and of what."""
    if answer["warm_s"] is None:
        return f"stopped after {answer['wall_s']:.1f} s of loading and compiling{BEFORE_FIT}"
    return (
        f"stopped after {answer['wall_s'] - answer['warm_s']:.1f} s, without the "
        f"{answer['warm_s']:.1f} s of loading and compiling before the fit"
    )


def _status_of(answer: Mapping[str, Any], log: str) -> Status:
    if answer.get("oom_kill"):
        return "oom"
    if is_infrastructure(answer):
        return "error"
    return "oom" if any(words in log.lower() for words in OUT_OF_MEMORY) else "error"


def _cause(answer: Mapping[str, Any], log: str) -> str:
    if answer["why"] == NOT_BEGUN:
        return f"the system started no process for it: {answer['detail']}"
    if answer["why"] == LOST:
        return "the process that starts the workers ended while it ran"
    if answer["code"] == CANNOT_WRITE:
        cause = "its result could not be written: is there room in the folder for temporary files?"
    elif answer.get("oom_kill"):
        cause = "killed by the kernel, out of memory (its control group counts such a kill)"
    elif answer["signal"]:
        cause = f"killed by {_signal_name(answer['signal'])}"
        if answer["signal"] == signal.SIGKILL:
            cause += " from outside (maybe the kernel, out of memory; maybe a person)"
    else:
        cause = f"ended with code {answer['code']} and no result: something in it left the process"
    peak = f"at most {answer['max_rss'] / 1024:,.0f} MiB resident"
    return f"{cause}; {peak}" + (f"\n{log}" if log else "")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
