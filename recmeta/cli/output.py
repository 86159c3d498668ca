"""What the commands print: tables for people, one JSON document for programs."""

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table


def say(text: str = "", *, err: bool = False) -> None:
    """One line for a person; colours only where the terminal has them."""
    _console(err).print(text, markup=False, highlight=False, soft_wrap=True)


def say_compiling() -> None:
    """On standard error: only the first use on a machine takes this."""
    say("First use here: compiling, once, for a minute or so; no time limit counts it", err=True)


def _console(err: bool) -> Console:
    return Console(stderr=err, highlight=False)


def counted(n: int, what: str) -> str:
    """``1 data set``, ``2 data sets``."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def say_table(header: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int]) -> None:
    """A table without lines; the columns of ``right`` are numbers."""
    on_the_right = set(right)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    cells = [tuple(row) for row in rows]
    for column, name in enumerate(header):
        side = "right" if column in on_the_right else "left"
        last = column == len(header) - 1  # it alone gives way where the terminal is narrow
        width = None if last else max(len(row[column]) for row in [tuple(header), *cells])
        table.add_column(name, justify=side, no_wrap=not last, min_width=width)  # type: ignore[arg-type]
    for row in cells:
        table.add_row(*(escape(cell) for cell in row))
    console = _console(False)
    if not console.is_terminal:
        console.width = 2000  # a file or a pipe has no width to keep to
    console.print(table)


def say_json(document: Any) -> None:
    """One JSON document on standard output; NaN and infinities become null."""
    typer.echo(json.dumps(_plain(document), ensure_ascii=False, indent=2))


def _plain(value: Any) -> Any:
    """Numbers of numpy as Python's, dataclasses as dicts, what JSON cannot say as null."""
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | bool):
        return value
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return str(value)
