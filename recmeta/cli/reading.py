"""How the commands read a log: the options become the arguments of ``recmeta.read``."""

from typing import TYPE_CHECKING, Any

import typer

from recmeta.cli.output import say

if TYPE_CHECKING:
    from recmeta.data import Interactions


def read_log(file: str, *, scale: str | None, **options: Any) -> "Interactions":
    """Read ``file``; a usage error names the option."""
    from recmeta.datasets import read  # late, so that --help doesn't wait for pyarrow

    return read(file, scale=to_scale(scale), **options)


def to_scale(text: str | None) -> tuple[float, float] | None:
    """``"-10:10"`` as two numbers; a usage error says how to write it."""
    if text is None:
        return None
    low, colon, high = text.partition(":")
    try:
        bounds = float(low), float(high)
    except ValueError:
        bounds = (0.0, 0.0)
    if not colon or not bounds[0] < bounds[1]:
        raise typer.BadParameter(f"not a scale: {text!r}; write it like -10:10 or 1:5")
    return bounds


def say_summary(data: "Interactions", *, err: bool = False) -> None:
    """What was read, what was guessed, what was changed."""
    for line in data.summary():
        say(line, err=err)
