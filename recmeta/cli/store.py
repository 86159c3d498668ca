"""``recmeta store``: the results of a sweep on the move, and whether they are sound."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recmeta.cli import options
from recmeta.cli.output import counted, say, say_json

if TYPE_CHECKING:
    from recmeta.experiments.store import Store

UNSOUND = 3  # exit code of check: as for bad data

store_app = typer.Typer(
    help="A sweep's results: to Parquet and back, several into one, checked, forgotten.",
    no_args_is_help=True,
)
ADDED_TO = "The store: made, or added to."
StoreFile = Annotated[Path, typer.Argument(help="A store that `recmeta sweep` wrote.")]


class Keep(StrEnum):
    """Of which runs ``export`` writes all metrics and the vectors over users."""

    ALL = "all"
    BEST = "best"


@store_app.command("export")
def export(
    store: StoreFile,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="The folder to write.", callback=options.folder_to_make),
    ],
    keep: Annotated[
        Keep,
        typer.Option(
            help="All metrics of all runs; or of the default and the best configuration of each "
            "problem and algorithm, to publish."
        ),
    ] = Keep.ALL,
    json: options.Json = False,
) -> None:
    """Write a store as Parquet files."""
    # late, here and below: pandas
    from recmeta.experiments.store import Store
    from recmeta.experiments.transfer import export as write

    with Store(options.store_at(store), read_only=True) as results:
        files = write(results, out, keep.value)
    sizes = {file.name: file.stat().st_size for file in files}
    if json:
        say_json({"folder": str(out), "bytes": sizes})
        return
    for name, size in sizes.items():
        say(f"{out / name}  {size / 1e6:.2f} MB")


@store_app.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(help="A folder that `recmeta store export` wrote.")],
    store: Annotated[Path, typer.Option("--store", help=ADDED_TO, callback=options.file_to_make)],
    json: options.Json = False,
) -> None:
    """Take the runs of an exported store that a store does not have."""
    from recmeta.experiments.transfer import import_ as read

    if not (folder / "runs.parquet").is_file():  # before a store is made
        raise FileNotFoundError(f"no exported store in {folder}: it has no runs.parquet")
    with _added_to(store) as results:
        n_taken = read(folder, results)
    _say_taken(n_taken, store, json)


@store_app.command("merge")
def merge(
    stores: Annotated[list[Path], typer.Argument(help="Stores that `recmeta sweep` wrote.")],
    into: Annotated[Path, typer.Option("--into", help=ADDED_TO, callback=options.file_to_make)],
    json: options.Json = False,
) -> None:
    """Take the runs of other stores; of two of a task an ok one wins, the richer, the first."""
    from recmeta.experiments.store import Store
    from recmeta.experiments.transfer import merge as take

    sources = [options.store_at(store) for store in stores]
    n_taken = 0
    with _added_to(into) as results:
        for source in sources:
            with Store(source, read_only=not _may_be_written(source)) as one:
                n_taken += take([one], results)
    _say_taken(n_taken, into, json)


@store_app.command("forget")
def forget(
    store: StoreFile,
    datasets: Annotated[str | None, typer.Option(help="Of these, separated by commas.")] = None,
    algorithms: Annotated[str | None, typer.Option(help="Of these, separated by commas.")] = None,
    status: Annotated[
        str | None, typer.Option(help="That ended so: ok, timeout, oom, error, with commas.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Remove runs for good, so that a sweep makes them again: all that fit every option given."""
    from recmeta.execution.task import STATUSES

    asked = {"dataset": datasets, "algorithm": algorithms, "status": status}
    lists = {
        name: [entry.strip() for entry in text.split(",")]
        for name, text in asked.items()
        if text is not None
    }
    if not lists:
        raise typer.BadParameter("name --datasets, --algorithms or --status: it removes for good")
    if unknown := {*lists.get("status", ())} - {*STATUSES}:
        raise typer.BadParameter(
            f"not one of {', '.join(STATUSES)}: {', '.join(sorted(unknown))}", param_hint="--status"
        )
    options.store_at(store)
    with _added_to(store) as results:
        n_forgotten = results.forget(**lists)
    if json:
        say_json({"store": str(store), "forgotten": n_forgotten})
        return
    counts = ", ".join(f"{n:,} {status}" for status, n in sorted(n_forgotten.items()))
    say(
        f"{store}: {counted(sum(n_forgotten.values()), 'run')} forgotten{counts and f' ({counts})'}"
    )


@store_app.command("check")
def check(store: StoreFile, json: options.Json = False) -> None:
    """Look for damage; exit code 3 and a line for each thing that is wrong."""
    findings, n_runs = _looked_at(options.store_at(store))
    if json:
        say_json({"store": str(store), "findings": findings})
    elif not findings:
        say(f"{store} is sound: {counted(n_runs, 'run')}")
    for finding in findings if not json else ():
        say(finding)
    if findings:
        raise typer.Exit(UNSOUND)


def _looked_at(store: Path) -> tuple[list[str], int]:
    """What is wrong, and the number of runs if nothing is."""
    from recmeta.experiments.store import DamagedStoreError, Store
    from recmeta.experiments.transfer import check as look

    if store.stat().st_size == 0:
        return ["the file is empty"], 0
    try:
        with Store(store, read_only=True) as results:
            findings = look(results)
            return findings, 0 if findings else int(results.counts()["n"].sum())
    except DamagedStoreError as error:  # so much that it cannot even be opened
        return [f"SQLite: {error.__cause__}"], 0


@contextmanager
def _added_to(path: Path) -> "Iterator[Store]":
    """A store to add to; one that is new is not left behind with nothing in it by an error."""
    from recmeta.experiments.store import Store

    is_new = not path.exists()
    try:
        with Store(path) as results:
            yield results
            is_new = False
    finally:
        if is_new:
            for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
                file.unlink(missing_ok=True)


def _may_be_written(store: Path) -> bool:
    """SQLite needs the folder too. Where it may, a store of an older version is moved to this."""
    return all(os.access(path, os.W_OK) for path in (store, store.absolute().parent))


def _say_taken(n_taken: int, store: Path, json: bool) -> None:
    if json:
        say_json({"store": str(store), "taken": n_taken})
        return
    say(f"{store}: {counted(n_taken, 'run')} taken")
