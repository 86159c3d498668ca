"""``recmeta leaderboard``: who won a sweep."""

import json as json_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recmeta.cli import options
from recmeta.cli.output import counted, say, say_json, say_table

if TYPE_CHECKING:
    from recmeta.experiments.leaderboard import Leaderboard


def leaderboard(
    store: Annotated[Path, typer.Argument(help="A store that `recmeta sweep` wrote.")],
    metric: options.Metric = "ndcg@10",
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="One data set; default: over all of them.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Rank the algorithms of a sweep; configurations are chosen on validation, scored on test."""
    # late: pandas
    from recmeta.experiments.leaderboard import leaderboard as rank
    from recmeta.experiments.store import Store

    if not store.is_file():
        raise FileNotFoundError(f"no store at {store}; `recmeta sweep --store {store}` makes one")
    with Store(store) as results:
        board = rank(results, metric, dataset=dataset)
    if json:
        rows = board.table.to_dict("records")
        say_json({"metric": board.metric, "datasets": board.datasets, "rows": rows})
        return
    where = dataset or counted(len(board.datasets), "data set")
    say(f"{board.metric} on test, {where}; configurations chosen on validation")
    if board.n_left_out:
        left_out = counted(board.n_left_out, "problem")
        say(f"{left_out} left out: not every algorithm was run there yet")
    _say_board(board)


def _say_board(board: "Leaderboard") -> None:
    from recmeta.automl.recommendation import params_text  # late: numba

    table = board.table.copy()
    if "split" in table and table["split"].nunique() == 1:
        table = table.drop(columns="split")
    if "params" in table:  # last, since it alone gives way where the terminal is narrow
        texts = [params_text(json_.loads(params)) for params in table.pop("params")]
        table = table.assign(params=texts)
    header = [str(column) for column in table.columns]
    rows = [[_cell(value) for value in row] for row in table.itertuples(index=False)]
    say_table(header, rows, right=[i for i, name in enumerate(header) if name not in _TEXT])


_TEXT = {"algorithm", "params", "split"}


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "-" if value != value else f"{value:.4g}"
    return str(value)
