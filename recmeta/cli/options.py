"""The options that several commands share, each written once."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from recmeta.execution import budget

# as recmeta.datasets has them, which is not asked, so that --help doesn't wait for numpy
DUPLICATES = ("last", "first", "sum", "max", "error", "keep")
TIME_UNITS = ("s", "ms", "us", "ns")


def _checked(reader: str) -> Callable[[str | None], str | None]:
    """A callback that refuses what the function of recmeta.execution.budget cannot read."""

    def check(text: str | None) -> str | None:
        if text is not None:
            try:
                getattr(budget, reader)(text)
            except ValueError as error:
                raise typer.BadParameter(str(error)) from error
        return text

    return check


def to_write(path: Path | None) -> Path | None:
    """A callback that refuses, before the work and not after it, what cannot be written."""
    if path is not None and not path.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}")
    if path is not None and path.is_dir():
        raise typer.BadParameter(f"{path} is a folder; name a file")
    if path is not None:
        _refuse_unwritable(path if path.exists() else path.parent)
    return path


def model_to_write(path: Path) -> Path:
    """The same for a model, which is written beside and renamed: its folder decides."""
    to_write(None if path.exists() and not path.is_dir() else path)
    _refuse_unwritable(path.parent)
    return path


def _refuse_unwritable(path: Path) -> None:
    if not os.access(path, os.W_OK):
        raise typer.BadParameter(f"{path} may not be written to: permission denied")


def file_to_make(path: Path | None) -> Path | None:
    """A callback for a file whose folder is made if need be."""
    if path is not None and path.is_dir():
        raise typer.BadParameter(f"{path} is a folder; name a file")
    folder_to_make(None if path is None else path.parent)
    return path


def folder_to_make(path: Path | None) -> Path | None:
    """A callback that refuses a folder that cannot be made, as there is a file in its place."""
    if path is not None:
        there = next(one for one in (path, *path.absolute().parents) if one.exists())
        if not there.is_dir():
            raise typer.BadParameter(f"{there} is a file; name a folder")
        _refuse_unwritable(there)
    return path


def store_at(path: Path) -> Path:
    """The path of a store, which is there to be read.

    Raises
    ------
    FileNotFoundError
        If there is no file.
    """
    if path.is_dir():
        raise FileNotFoundError(f"{path} is a folder, not a store; name the file")
    if not path.is_file():
        raise FileNotFoundError(f"no store at {path}; `recmeta sweep --store {path}` makes one")
    return path


def one_of(choices: tuple[str, ...]) -> Callable[[str | None], str | None]:
    """A callback that refuses what is none of the choices."""

    def check(text: str | None) -> str | None:
        if text is not None and text not in choices:
            raise typer.BadParameter(f"not one of {', '.join(choices)}: {text!r}")
        return text

    return check


LogFile = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A log: csv, tsv, jsonl, parquet, .inter or '::'-separated; also as .gz or .zst.",
        show_default=False,
    ),
]
UserColumn = Annotated[
    str | None,
    typer.Option("--user-col", help="The column of user ids.", rich_help_panel="Columns"),
]
ItemColumn = Annotated[
    str | None,
    typer.Option("--item-col", help="The column of item ids.", rich_help_panel="Columns"),
]
RatingColumn = Annotated[
    str | None,
    typer.Option("--rating-col", help="The column of ratings.", rich_help_panel="Columns"),
]
TimeColumn = Annotated[
    str | None,
    typer.Option("--time-col", help="The column of timestamps.", rich_help_panel="Columns"),
]
Separator = Annotated[
    str | None,
    typer.Option("--sep", help="What stands between the columns.", rich_help_panel="Columns"),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        "--threshold", help="Ratings of at least this are positive.", rich_help_panel="Columns"
    ),
]
DropBad = Annotated[
    bool,
    typer.Option(
        "--drop-bad",
        help="Skip rows that cannot be used, and count them.",
        rich_help_panel="Columns",
    ),
]
Duplicates = Annotated[
    str | None,
    typer.Option(
        "--duplicates",
        help="A repeated pair of user and item: last, first, sum, max, error or keep.",
        rich_help_panel="Columns",
        callback=one_of(DUPLICATES),
    ),
]
Scale = Annotated[
    str | None,
    typer.Option(
        "--scale", help="The scale of the ratings, such as -10:10.", rich_help_panel="Columns"
    ),
]
TimeUnit = Annotated[
    str | None,
    typer.Option(
        "--time-unit",
        help="The unit of the timestamps: s, ms, us or ns.",
        rich_help_panel="Columns",
        callback=one_of(TIME_UNITS),
    ),
]
ItemFeatures = Annotated[
    str | None,
    typer.Option(
        "--item-features",
        metavar="FILE",
        help="What is known of the items: a table with their ids, such as genres or prices.",
        rich_help_panel="Features",
    ),
]
UserFeatures = Annotated[
    str | None,
    typer.Option(
        "--user-features",
        metavar="FILE",
        help="What is known of the users: a table with their ids, such as age or country.",
        rich_help_panel="Features",
    ),
]
Metric = Annotated[str, typer.Option("--metric", help="What to choose by, as name@cutoff.")]
Time = Annotated[
    str | None,
    typer.Option("--time", help="The most time: 90s, 2m, 1h30m.", callback=_checked("to_seconds")),
]
Memory = Annotated[
    str | None,
    typer.Option(
        "--memory",
        help="The most memory of a fit: 500MB, 4GiB; a bare number is bytes.",
        callback=_checked("to_bytes"),
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Same seed, same answer.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="The file to write.", callback=to_write)
]
