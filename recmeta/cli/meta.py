"""``recmeta meta``: what the predictions are learned from, and how good they are."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recmeta.cli import options
from recmeta.cli.output import say, say_json, say_table

if TYPE_CHECKING:
    from recmeta.metalearning.evaluation import SelectorEvaluation

meta_app = typer.Typer(
    help="The meta-data set: evaluate the selector, build it anew.", no_args_is_help=True
)
Folder = Annotated[
    Path | None,
    typer.Option("--folder", help="A meta-data set of `recmeta meta build`; default: the shipped."),
]


@meta_app.command("evaluate")
def evaluate(
    metric: options.Metric = "ndcg@10",
    folder: Folder = None,
    time: options.Time = None,
    memory: options.Memory = None,
    seed: options.Seed = 0,
    json: options.Json = False,
) -> None:
    """Leave one family of data sets out, choose for its logs, compare with what was best."""
    # late: these import pandas and numba, and --help should not wait for them
    from recmeta.execution.budget import to_bytes, to_seconds
    from recmeta.metalearning import metadata
    from recmeta.metalearning.evaluation import leave_one_family_out, sweep_limits

    known = metadata.load() if folder is None else metadata.load(folder)
    seconds, n_bytes = sweep_limits(known)
    found = leave_one_family_out(
        known,
        metric,
        seconds=seconds if time is None else to_seconds(time),
        n_bytes=n_bytes if memory is None else to_bytes(memory),
        seed=seed,
    )
    if json:
        say_json(
            {
                "metric": metric,
                "families": found.families.reset_index().to_dict("records"),
                "mean": found.mean.to_dict(),
                "gain_over_sbs": {"mean": found.gain, "low": found.low, "high": found.high},
                "interval_coverage": found.coverage,
                "problems": found.problems.to_dict("records"),
            }
        )
        return
    _say(known.n_datasets, known.n_problems, known.n_configurations, metric, found)


def _say(
    n_datasets: int, n_problems: int, n_configs: int, metric: str, found: "SelectorEvaluation"
) -> None:
    say(
        f"Leave one family out: {len(found.families)} families, {n_datasets} data sets, "
        f"{n_problems} problems (data set and split), {n_configs} configurations"
    )
    say(f"Share of the best test {metric} on the problem; tried_K: the best on validation of K")
    header = ["family", "problems", *found.families.columns]
    sizes = found.problems["family"].value_counts()
    rows = [
        [str(family), str(sizes[family]), *(f"{value:.3f}" for value in row)]
        for family, row in zip(found.families.index, found.families.to_numpy(), strict=True)
    ]
    rows.append(["mean", str(sizes.sum()), *(f"{value:.4f}" for value in found.mean)])
    say_table(header, rows, right=range(1, len(header)))
    say(
        f"chosen / SBS - 1: {found.gain:+.2%} in the mean of families "
        f"(90% bootstrap interval over families {found.low:+.2%} to {found.high:+.2%})"
    )
    left = found.problems["choice_key"] != found.problems["sbs_key"]
    say(f"The selector left the SBS on {left.sum()} of {len(left)} problems.")
    say(f"The 80% interval of the predicted score held the true one in {found.coverage:.0%}.")


@meta_app.command("build")
def build(
    store: Annotated[Path, typer.Argument(help="A store that `recmeta sweep` wrote.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write.")],
    catalogue: Annotated[
        Path | None,
        typer.Option("--catalogue", help="csv with name and family of the data sets."),
    ] = None,
    note: Annotated[str, typer.Option("--note", help="How the store was made.")] = "",
    json: options.Json = False,
) -> None:
    """Turn a sweep into a meta-data set: scores, costs and meta-features; no raw data."""
    # late: pandas
    from recmeta.experiments.meta_dataset import build as build_from
    from recmeta.experiments.meta_dataset import read_catalogue
    from recmeta.experiments.store import Store

    options.store_at(store)
    families = {} if catalogue is None else read_catalogue(catalogue)
    with Store(store, read_only=True) as results:
        made = build_from(results, families, out, note=note)
    if json:
        say_json(made)
        return
    say(
        f"{out}: {made['runs']:,} runs of {made['datasets']} data sets in {made['families']} "
        f"families, {made['problems']} problems"
    )
