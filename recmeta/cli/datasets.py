"""``recmeta datasets``: the known data sets, and the check of a file."""

from typing import Any

import typer

from recmeta.cli import options
from recmeta.cli.output import say, say_json, say_table
from recmeta.cli.reading import read_log, say_summary

datasets_app = typer.Typer(
    help="Data sets: list the known ones, check a file.", no_args_is_help=True
)


@datasets_app.command("list")
def list_datasets(json: options.Json = False) -> None:
    """The known data sets: sizes, families, where they come from."""
    from recmeta.datasets.catalogue import catalogue  # late: --help doesn't wait for pandas

    entries = list(catalogue().values())
    if json:
        say_json(entries)
        return
    say_table(
        ("data set", "family", "users", "items", "events", "feedback", "domain"),
        (
            (
                entry.name,
                entry.family,
                f"{entry.n_users:,}",
                f"{entry.n_items:,}",
                f"{entry.n_interactions:,}",
                entry.feedback,
                entry.domain,
            )
            for entry in entries
        ),
        right=[2, 3, 4],
    )


@datasets_app.command("check")
def check_file(
    file: options.LogFile,
    user_col: options.UserColumn = None,
    item_col: options.ItemColumn = None,
    rating_col: options.RatingColumn = None,
    time_col: options.TimeColumn = None,
    sep: options.Separator = None,
    threshold: options.Threshold = None,
    drop_bad: options.DropBad = False,
    duplicates: options.Duplicates = None,
    scale: options.Scale = None,
    time_unit: options.TimeUnit = None,
    item_features: options.ItemFeatures = None,
    user_features: options.UserFeatures = None,
    json: options.Json = False,
) -> None:
    """Read and validate a log; say what was found, and do nothing else."""
    data = read_log(
        file,
        user=user_col,
        item=item_col,
        rating=rating_col,
        time=time_col,
        sep=sep,
        threshold=threshold,
        drop_bad=drop_bad,
        duplicates=duplicates,
        scale=scale,
        time_unit=time_unit,
        item_features=item_features,
        user_features=user_features,
    )
    if json:
        say_json(facts(data))
        return
    say_summary(data)
    say("No error.")


def facts(data: Any) -> dict[str, Any]:
    """What ``--json`` says of a log."""
    return {
        "name": data.name,
        "events": data.n_events,
        "users": data.n_users,
        "items": data.n_items,
        "columns": data.columns,
        "feedback": data.feedback,
        "threshold": data.threshold,
        "positive": int(data.positive.sum()),
        "item_features": len(data.item_feature_names),
        "user_features": len(data.user_feature_names),
        "notices": list(data.notices),
    }
