"""``recmeta fit``: the best model for this log within a budget, saved."""

import time as clock
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recmeta.cli import options
from recmeta.cli.output import counted, say, say_compiling, say_json
from recmeta.cli.reading import read_log, say_summary

if TYPE_CHECKING:
    from recmeta.automl import AutoRecommender
    from recmeta.automl.attempt import Attempt
    from recmeta.automl.recommender import TestScore

Model = Annotated[
    Path, typer.Option("--out", "-o", help="The model file.", callback=options.model_to_write)
]

SURE = 2  # standard errors of a difference


def fit(
    file: options.LogFile,
    time: options.Time = "2m",
    memory: options.Memory = None,
    out: Model = Path("model.recmeta"),
    metric: options.Metric = "ndcg@10",
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
    """Try the advised algorithms within a hard limit; keep and save the best on validation."""
    started = clock.monotonic()
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
    say_summary(data, err=json)
    from recmeta.automl import AutoRecommender  # late, so that --help doesn't wait for numba
    from recmeta.execution.budget import to_seconds

    seconds = to_seconds(time or "2m") - (clock.monotonic() - started)  # reading counts too
    auto = AutoRecommender(metric=metric, time=max(seconds, 0.5), memory=memory, seed=seed)
    auto.fit(data, on_attempt=_Reporter(metric, err=json), on_compile=say_compiling)
    auto.save(out)
    if json:
        say_json(_document(auto, out))
    else:
        took = clock.monotonic() - started - auto.compile_seconds_
        _say_end(auto, out, took, time or "2m")


class _Reporter:
    """A line an attempt, with a star at the best so far."""

    def __init__(self, metric: str, *, err: bool) -> None:
        self.metric, self.err = metric, err
        self.n, self.best = 0, -1.0

    def __call__(self, attempt: "Attempt") -> None:
        from recmeta.automl.recommendation import params_text
        from recmeta.execution.budget import size_text, time_text

        self.n += 1
        head = f"[{self.n:>3}] {attempt.algorithm:<13} {params_text(attempt.params)[:60]:<60}"
        if attempt.status != "ok":
            cause = attempt.error.strip().splitlines()[-1] if attempt.error else ""
            say(f"{head} {attempt.status}: {cause}", err=self.err)
            return
        star = "*" if attempt.score > self.best else " "
        self.best = max(self.best, attempt.score)
        cost = f"{time_text(attempt.seconds):>7} {size_text(attempt.peak_bytes):>7}"
        say(f"{head} {self.metric} {attempt.score:.4f} {star} {cost}", err=self.err)


def _say_end(auto: "AutoRecommender", out: Path, seconds: float, limit: str) -> None:
    from recmeta.automl.recommendation import params_text

    test, best = auto.test_, auto.best_
    n_ok = sum(attempt.status == "ok" for attempt in auto.attempts_)
    say(
        f"{seconds:.0f} s of {limit} | {n_ok} of {len(auto.attempts_)} fits ok | "
        f"best {best.algorithm} {params_text(best.params)}"
    )
    if test is None:
        say(f"Not tested: {best.error}")
    else:
        _say_test(test, best.algorithm)
    say(f"Saved {out} ({out.stat().st_size / 1e6:.1f} MB). Recommend:  recmeta predict {out} --all")


def _say_test(test: "TestScore", algorithm: str) -> None:
    paired = f"difference {test.gain:+.4f} with standard error {test.gain_error:.4f}"
    say(
        f"Test ({counted(test.n_users, 'user')}, untouched until now): "
        f"{test.metric} {test.score:.4f} (95% interval {test.low:.4f}-{test.high:.4f}); "
        f"popularity {test.popularity:.4f}; {paired}"
    )
    if algorithm == "TopPopular":
        say("Nothing that was tried ranks better than popularity: everyone gets one list.")
    elif not test.gain > SURE * test.gain_error:  # nor NaN
        say("These test users do not show that it beats popularity: more data, or time, may.")


def _document(auto: "AutoRecommender", out: Path) -> dict[str, Any]:
    return {
        "best": auto.best_,
        "test": auto.test_,
        "attempts": auto.attempts_,
        "split": auto.recommendation_ and auto.recommendation_.split,
        "seconds": auto.seconds_,
        "model": str(out),
    }
