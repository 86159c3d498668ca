"""``recmeta recommend``: which algorithms for this log."""

import shlex
import sys

from recmeta.cli import options
from recmeta.cli.output import say, say_compiling, say_json, say_table
from recmeta.cli.reading import read_log, say_summary


def recommend(
    file: options.LogFile,
    metric: options.Metric = "ndcg@10",
    time: options.Time = None,
    memory: options.Memory = None,
    seed: options.Seed = 0,
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
    """Rank the algorithms for a log: predicted score, fit time, memory, and what to leave."""
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
    if not json:
        say_summary(data)
    from recmeta.automl import recommend as rank  # late, so that --help doesn't wait for numba

    advice = rank(
        data, metric=metric, time=time, memory=memory, seed=seed, on_compile=say_compiling
    )
    if json:
        say_json(advice.to_dict())
        return
    for line in (advice.headline(), *advice.remarks()):
        say(line)
    say_table(*advice.table(), right=[0, 3, 4, 5])
    for line in advice.not_advised_lines():
        say(f"  not advised: {line}")
    took = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in advice.seconds.items())
    say(f"Took {took}. Verify on your data:  {_next_command(file)}")


def _next_command(file: str) -> str:
    """The fit of the same log, read in the same way."""
    given = sys.argv[2:] if sys.argv[1:2] == ["recommend"] else [file]
    limit = [] if any(one.startswith("--time") for one in given) else ["--time", "2m"]
    return shlex.join(["recmeta", "fit", *given, *limit, "--out", "model.recmeta"])
