"""The options of ``recmeta sweep``."""

from pathlib import Path
from typing import Annotated

import typer

from recmeta.cli import options

Text = str | None
PlanFile = Annotated[
    Path | None,
    typer.Option("--plan", help="A study in TOML; options given here override it."),
]
Datasets = Annotated[
    Text,
    typer.Option("--datasets", help="Names under --root, files, or NAME=FILE; a comma between."),
]
Root = Annotated[
    Text, typer.Option("--root", help="Folder of data sets: NAME/interactions.parquet.")
]
Algorithms = Annotated[
    Text, typer.Option("--algorithms", help="Names with a comma between; default: all of them.")
]
Kind = Annotated[
    Text,
    typer.Option(
        "--kind", help="Configurations: default, random, sobol, grid or portfolio. [random]"
    ),
]
Configs = Annotated[
    int | None,
    typer.Option(
        "--configs",
        min=0,
        help="How many besides the default one; levels of a grid; length of a portfolio. [6]",
    ),
]
Splits = Annotated[
    Text,
    typer.Option(
        "--split",
        help="default (time where known), random, time, last or users; a comma between.",
    ),
]
Fidelities = Annotated[
    Text, typer.Option("--fidelities", help="Shares of the users to fit on: 0.25,1. [1]")
]
MaxEvents = Annotated[
    int | None,
    typer.Option(
        "--max-events",
        min=0,
        help="Cut larger logs to about so many events: whole users, at least 1,500 of them (all, "
        "if there are fewer); 0: take all. [100000]",
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Same seed, same answer. [0]")]
Seeds = Annotated[
    int | None, typer.Option("--seeds", min=1, help="Runs of each with other seeds. [1]")
]
KeepUsers = Annotated[
    Text, typer.Option("--keep-users", help="Metrics to keep for each user: ndcg@10.")
]
StopBy = Annotated[
    Text,
    typer.Option("--stop-by", help="Stop iterative algorithms early, by this on validation."),
]
Curves = Annotated[
    Text, typer.Option("--curves", help="Keep learning curves of this; trains as ever.")
]
FitTime = Annotated[
    Text,
    typer.Option(
        "--time",
        help="The most time one task (two fits, evaluated) may take, such as 90s or 5m; loading "
        "and compiling before the fits are not counted. [60s]",
    ),
]
Memory = Annotated[
    Text,
    typer.Option(
        "--memory", help="The most memory of a fit: 500MB, 4GiB; a bare number is bytes. [4GiB]"
    ),
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, help="Fits at one time. [1; all of a cluster]")
]
StorePath = Annotated[
    Path,
    typer.Option(
        "--store", help="The results: made, or gone on with.", callback=options.file_to_make
    ),
]
Cache = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        help="Folder of prepared data; default: beside the store.",
        callback=options.folder_to_make,
    ),
]
RetryErrors = Annotated[
    bool, typer.Option("--retry-errors", help="Do all tasks again that ended in an error.")
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on in a store that is there; without it a store is gone on with or made anew.",
    ),
]
RetryMissing = Annotated[
    bool,
    typer.Option(
        "--retry-missing", help="Do ok tasks again without the --curves or --keep-users asked for."
    ),
]
ForeseeTimeouts = Annotated[
    bool,
    typer.Option(
        "--foresee-timeouts",
        help="Record as timeout, without running it, what has no lower cost() than a run of the "
        "algorithm on the same problem that timed out.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Count the tasks and estimate the time; fit nothing.")
]
Executor = Annotated[
    str,
    typer.Option(
        "--executor",
        help="local; ray: the cluster of this node; ray://HEAD:10001 or HEAD:6379: that one.",
    ),
]
Data = Annotated[
    str,
    typer.Option(
        "--data", help="How data reach a cluster: shared (by their path), ship (sent) or auto."
    ),
]
JsonLines = Annotated[bool, typer.Option("--json", help="One JSON event a line.")]
