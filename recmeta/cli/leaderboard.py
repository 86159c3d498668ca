"""``recmeta leaderboard``: who won a sweep, by how much, and whether that is more than chance."""

import json as json_
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recmeta.cli import options
from recmeta.cli.output import counted, say, say_json, say_table

if TYPE_CHECKING:
    import pandas as pd

    from recmeta.experiments.leaderboard import Leaderboard
    from recmeta.experiments.store import Store

# as recmeta.experiments has them, which is not asked, so that --help doesn't wait for numpy
KINDS = ("cd", "wilcoxon", "profile", "heat", "intervals")
SUFFIXES = (".svg", ".png", ".pdf")
TESTS = {"t": "t test", "wilcoxon": "Wilcoxon's signed rank test", "permutation": "permutation"}
SPLITS = {  # as `recmeta sweep` takes them, and as the store has them
    "random": "random_holdout",
    "time": "global_time",
    "last": "leave_last_out",
    "users": "user_kfold",
}
TEXT = {"algorithm", "params", "split", "nemenyi", "wilcoxon", "apart"}


def _to_draw(path: Path | None) -> Path | None:
    if path is not None and path.suffix.lower() not in SUFFIXES:
        raise typer.BadParameter(f"a plot is a file in {', '.join(SUFFIXES)}: got {path}")
    return options.to_write(path)


StorePath = Annotated[
    Path,
    typer.Argument(
        help="A store that `recmeta sweep` wrote, or a folder that `recmeta store export` wrote."
    ),
]
Dataset = Annotated[
    str | None, typer.Option("--dataset", help="One data set; default: over all of them.")
]
SplitName = Annotated[
    str | None,
    typer.Option("--split", help=f"One split ({', '.join(SPLITS)}); default: all."),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="text, markdown, csv or json; default: text.",
        callback=options.one_of(("text", "markdown", "csv", "json")),
    ),
]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", help="Draw into this .svg, .png or .pdf.", callback=_to_draw),
]
Kind = Annotated[
    str | None,
    typer.Option(
        "--kind",
        help="cd (critical differences by Nemenyi), wilcoxon (the same by Wilcoxon and Holm), "
        "profile, heat, or intervals (of one data set); default: cd, or intervals.",
        callback=options.one_of(KINDS),
    ),
]
Tests = Annotated[
    bool, typer.Option("--tests/--no-tests", help="Intervals, tests, groups; --no-tests: none.")
]
PairedTest = Annotated[
    str,
    typer.Option(
        "--paired-test",
        help="Of the users of one data set: t, wilcoxon or permutation.",
        callback=options.one_of(tuple(TESTS)),
    ),
]
Alpha = Annotated[
    float, typer.Option("--alpha", min=0.0001, max=0.5, help="The level of all tests.")
]


def leaderboard(
    store: StorePath,
    metric: options.Metric = "ndcg@10",
    dataset: Dataset = None,
    split: SplitName = None,
    format: Format = None,
    plot: Plot = None,
    kind: Kind = None,
    tests: Tests = True,
    paired_test: PairedTest = "t",
    alpha: Alpha = 0.05,
    json: options.Json = False,
) -> None:
    """Rank the algorithms of a sweep; configurations are chosen on validation, scored on test.

    Over data sets: mean rank, share of the best score, wins, and the letters of Nemenyi's and
    Wilcoxon's tests (who share one are not told apart). On one data set whose scores of each user
    are in the store: bootstrap intervals, and paired tests against the best with Holm's correction.
    """
    if kind is not None and plot is None:
        raise typer.BadParameter("is of a picture: name its file by --plot", param_hint="--kind")
    # late: pandas
    from recmeta.experiments.leaderboard import leaderboard as rank

    test, split = paired_test if tests else None, SPLITS.get(split or "", split)
    with _opened(store) as results:
        board = rank(results, metric, dataset=dataset, split=split, test=test, alpha=alpha)
    head = _head(board, dataset, test)
    WRITERS["json" if json else format or "text"](board, head)
    if plot is not None:
        _draw(board, plot, kind)


@contextmanager
def _opened(path: Path) -> "Iterator[Store]":
    """A store, or one for now with the runs of an exported folder."""
    from recmeta.experiments.store import Store
    from recmeta.experiments.transfer import import_

    if not (path / "runs.parquet").is_file():
        with Store(options.store_at(path), read_only=True) as results:
            yield results
        return
    with (
        TemporaryDirectory(prefix="recmeta-") as folder,
        Store(Path(folder) / "store.sqlite") as results,
    ):
        import_(path, results)
        yield results


def _draw(board: "Leaderboard", path: Path, kind: str | None) -> None:
    from recmeta.experiments.plots import write_plot

    try:
        write_plot(board, path, kind or "")
    except ValueError as error:
        hint = "--plot" if kind is None else "--kind"
        raise typer.BadParameter(str(error), param_hint=hint) from error
    say(f"drawn: {path}", err=True)


def _head(board: "Leaderboard", dataset: str | None, test: str | None) -> list[str]:
    """What the table is of, the tests of the whole, and what to know before it is believed."""
    where = dataset or counted(len(board.datasets), "data set")
    lines = [f"{board.metric} on test, {where}; configurations chosen on validation"]
    over = board.over
    if over is not None and over.friedman is not None:
        f = over.friedman
        k, n = f.n_algorithms, f.n_cases
        alike = "" if f.p < (over.alpha or 0) else "; no difference is more than chance"
        lines.append(
            f"Friedman chi2({k - 1}) = {f.chi2:.2f}, p = {f.chi2_p:.2g}; Iman-Davenport "
            f"F({k - 1}, {(k - 1) * (n - 1)}) = {f.f:.2f}, p = {f.p:.2g}; critical difference "
            f"{over.critical_difference:.2f} (Nemenyi, level {over.alpha:g}){alike}"
        )
    if "low" in board.table and test is not None and board.alpha is not None:
        lines.append(
            f"low, high: {100 * (1 - board.alpha):g} % bootstrap interval over users; p: paired "
            f"{TESTS[test]} against the best; apart: p by Holm under {board.alpha:g}"
        )
    return lines + board.notes


def _say_text(board: "Leaderboard", head: list[str]) -> None:
    for line in head:
        say(line)
    table = _for_people(board.table)
    header, rows = _cells(table)
    say_table(header, rows, right=[i for i, name in enumerate(header) if name not in TEXT])


def _say_markdown(board: "Leaderboard", head: list[str]) -> None:
    header, rows = _cells(_for_people(board.table))
    sides = [":--" if name in TEXT else "--:" for name in header]
    typer.echo("\n\n".join(head) + "\n")
    for cells in (header, sides, *rows):
        typer.echo("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")


def _say_csv(board: "Leaderboard", head: list[str]) -> None:
    """The table in full precision; the head goes to standard error."""
    for line in head:
        say(line, err=True)
    typer.echo(board.table.to_csv(index=False, lineterminator="\n"), nl=False)


def _say_json(board: "Leaderboard", head: list[str]) -> None:
    document: dict[str, Any] = {"metric": board.metric, "datasets": board.datasets}
    document["rows"] = board.table.astype(object).to_dict("records")
    document |= {"n_left_out": board.n_left_out, "notes": board.notes, "alpha": board.alpha}
    if board.over is not None:
        names = list(board.over.ranks.columns)
        document["friedman"] = board.over.friedman
        document["critical_difference"] = board.over.critical_difference
        document["groups"] = {
            test: [names[first : last + 1] for first, last in runs]
            for test, runs in board.over.runs.items()
        }
    say_json(document)


WRITERS: dict[str, Callable[["Leaderboard", list[str]], None]] = {
    "text": _say_text,
    "markdown": _say_markdown,
    "csv": _say_csv,
    "json": _say_json,
}


def _for_people(table: "pd.DataFrame") -> "pd.DataFrame":
    from recmeta.automl.recommendation import params_text  # late: numba

    table = table.copy()
    if "split" in table and table["split"].nunique() == 1:
        table = table.drop(columns="split")
    if "params" in table:  # last, since it alone gives way where the terminal is narrow
        texts = [params_text(json_.loads(params)) for params in table.pop("params")]
        table = table.assign(params=texts)
    return table


def _cells(table: "pd.DataFrame") -> tuple[list[str], list[list[str]]]:
    header = [str(column) for column in table.columns]
    return header, [[_cell(value) for value in row] for row in table.itertuples(index=False)]


def _cell(value: object) -> str:
    if value is None or value != value:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
