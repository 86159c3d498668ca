"""``recmeta predict``: recommendations out of a saved model."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recmeta.cli.options import Json, Out
from recmeta.cli.output import say, say_json, say_table

if TYPE_CHECKING:
    import pandas as pd

SHOWN_ROWS = 50  # on the screen; --out and --json have them all


def predict(
    model: Annotated[Path, typer.Argument(help="A model that `recmeta fit` saved.")],
    users: Annotated[
        str | None,
        typer.Option(
            "--users", help="User ids, separated by commas; in quotes where they have some."
        ),
    ] = None,
    all_users: Annotated[bool, typer.Option("--all", help="Every user of the log.")] = False,
    history: Annotated[
        str | None,
        typer.Option("--history", help="Item ids of one new user, separated by commas."),
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many items for each user.")] = 10,
    out: Out = None,
    json: Json = False,
) -> None:
    """Recommend items: for known users, for all, or for a new user's history."""
    from recmeta.model import load  # late, so that --help doesn't wait for numpy

    if sum((users is not None, all_users, history is not None)) != 1:
        raise typer.BadParameter("give one of --users, --all or --history")
    fitted = load(model)
    if history is not None:
        table = fitted.recommend_history(_names(history), k)
    else:
        table = fitted.recommend(None if users is None else _names(users), k)
    if out is not None:
        _write(table, out)
        say(f"Wrote {len(table):,} rows to {out}", err=json)
    if json:
        say_json(table.to_dict(orient="records"))
    elif out is None:
        _show(table)


def _names(text: str) -> list[str]:
    """Ids between commas; one that has a comma itself stands in double quotes, as in a CSV."""
    try:
        (names,) = csv.reader([text], skipinitialspace=True, strict=True) if text else [[""]]
    except (csv.Error, ValueError) as error:
        raise typer.BadParameter(f'{text!r}: {error}; an id with commas is "in, quotes"') from error
    return [name.strip() for name in names]  # reading strips ids too


def _show(table: "pd.DataFrame") -> None:
    if table.empty:
        say("Nothing to recommend: whoever was asked for has every item that the model knows.")
        return
    header = list(table.columns)
    rows = (_cells(row) for row in table.head(SHOWN_ROWS).itertuples(index=False))
    say_table(header, rows, right=[i for i, name in enumerate(header) if name in {"rank", "score"}])
    if len(table) > SHOWN_ROWS:
        say(f"... and {len(table) - SHOWN_ROWS:,} more rows: --out FILE has them all")


def _cells(row: Any) -> list[str]:
    return [
        ("yes" if cell else "no")
        if isinstance(cell, bool)
        else ("-" if cell != cell else f"{cell:.4g}")
        if isinstance(cell, float)
        else str(cell)
        for cell in row
    ]


def _write(table: "pd.DataFrame", out: Path) -> None:
    """By the name's ending: parquet, jsonl, else csv (compressed where it ends so)."""
    if out.suffix == ".parquet":
        table.to_parquet(out, index=False)
    elif ".jsonl" in out.suffixes:
        table.to_json(out, orient="records", lines=True)
    else:
        table.to_csv(out, index=False, sep="\t" if ".tsv" in out.suffixes else ",")
