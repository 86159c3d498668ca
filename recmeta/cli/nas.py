"""``recmeta nas``: predictors and search strategies on tables whose answers are known."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from recmeta.cli.options import Json
from recmeta.cli.output import say, say_json, say_table

if TYPE_CHECKING:
    import pandas as pd

    from recmeta.predictors._base import Predictor

nas_app = typer.Typer(help="Predictors and search strategies on NAS tables.", no_args_is_help=True)

Tables = Annotated[
    Path | None,
    typer.Option(
        "--tables",
        help="Folder with nb201_accuracy.csv, tnb101_micro.csv, ...; all parts but algorithms "
        "need it.",
    ),
]
Seeds = Annotated[int, typer.Option("--seeds", min=2, help="Repetitions.")]
Parts = Annotated[
    str, typer.Option("--parts", help="predictors, transfer, strategies, algorithms.")
]
Names = Annotated[str, typer.Option("--predictors", help="Names; default: those without torch.")]
Sizes = Annotated[str, typer.Option("--sizes", help="Training architectures: 100,400.")]
Cut = Annotated[
    str, typer.Option("--cut", help="random, or class: no isomorphic cell in both parts.")
]
Queries = Annotated[int, typer.Option("--queries", min=25, help="Of a search.")]

LEAST, MOST = 2, 9000  # of the 9,445 cells that have proxies, some are to be predicted
PARTS = ("predictors", "transfer", "strategies", "algorithms")
EVERYTHING = ",".join(PARTS)


@nas_app.command()
def evaluate(
    tables: Tables = None,
    parts: Parts = EVERYTHING,
    seeds: Seeds = 8,
    predictors: Names = "",
    sizes: Sizes = "100,400",
    cut: Cut = "class",
    queries: Queries = 150,
    json: Json = False,
) -> None:
    """Rank correlation of predictors, transfer between tasks, regret of strategies; algorithms.

    The last part ranks recmeta's own algorithms on logs that were left out of its meta-data set.
    """
    wanted = _wanted(parts, cut)
    folder = _folder(tables, wanted)
    # late: these import numba and scikit-learn
    from recmeta.experiments import nas_suite as suite

    by: Literal["random", "class"] = "class" if cut == "class" else "random"
    counts, chosen = _sizes(sizes), _predictors(predictors)
    found: dict[str, Any] = {}
    if "predictors" in wanted:
        found["predictors"] = suite.predictor_table(folder, chosen, counts, seeds, by)
    if "transfer" in wanted:
        found["transfer"] = suite.transfer_table(folder, seeds)
    if "strategies" in wanted:
        regrets, ranks = suite.strategy_tables(folder, chosen, queries, seeds)
        found |= {"regrets": regrets, "ranks": ranks}
    if "algorithms" in wanted:
        found["algorithms"] = suite.algorithm_table(chosen)
    if json:
        say_json({name: table.to_dict("records") for name, table in found.items()})
        return
    for name, table in found.items():
        say(f"\n{name}")
        _say(table)


def _wanted(parts: str, cut: str) -> list[str]:
    wanted = [part.strip() for part in parts.split(",") if part.strip()]
    unknown = [part for part in wanted if part not in PARTS]
    if unknown or not wanted or cut not in ("random", "class"):
        raise typer.BadParameter(
            f"parts are {', '.join(PARTS)} and cuts random and class: got {parts!r} and {cut!r}"
        )
    return wanted


def _sizes(text: str) -> list[int]:
    sizes = [part.strip() for part in text.split(",")]
    if not all(size.isdecimal() and LEAST <= int(size) <= MOST for size in sizes):
        raise typer.BadParameter(
            f"numbers from {LEAST} to {MOST}, with commas between them: got {text!r}",
            param_hint="--sizes",
        )
    return [int(size) for size in sizes]


def _predictors(text: str) -> "dict[str, Predictor]":
    from recmeta.experiments import nas_suite as suite  # late, as in evaluate
    from recmeta.registry import UnknownNameError

    try:
        return suite.predictors([name.strip() for name in text.split(",") if name.strip()])
    except UnknownNameError:  # has its own exit code
        raise
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--predictors") from error


def _folder(tables: Path | None, wanted: list[str]) -> Path:
    """The folder of the tables; any at all where no part reads one."""
    reading = [part for part in wanted if part != "algorithms"]
    if tables is None and reading:
        raise typer.BadParameter(
            f"--parts {','.join(reading)} reads a folder of tables; --parts algorithms needs none",
            param_hint="--tables",
        )
    folder = tables or Path()
    if reading and not (folder / "nb201_accuracy.csv").is_file():
        raise FileNotFoundError(f"no nb201_accuracy.csv in {folder}: --tables is its folder")
    return folder


def _say(table: "pd.DataFrame") -> None:
    header = [str(column) for column in table.columns]
    rows = [[_cell(value) for value in row] for row in table.itertuples(index=False)]
    numbers = [place for place, name in enumerate(header) if table[name].dtype.kind in "fi"]
    say_table(header, rows, right=numbers)


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
