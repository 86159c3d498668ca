"""recommend(): from a log to the ranked algorithms, by what other data sets have taught."""

import time as clock
from collections.abc import Callable
from dataclasses import replace

from recmeta.algorithms import all_algorithms, lacking
from recmeta.automl.first_use import compile_once
from recmeta.automl.recommendation import Recommendation
from recmeta.data import Interactions
from recmeta.datasets.folds import TRAIN, Split
from recmeta.datasets.splits import default_split
from recmeta.execution.budget import size_text, time_text, to_bytes, to_seconds
from recmeta.metafeatures import extract_all
from recmeta.metalearning import metadata
from recmeta.metalearning.nearest import nearest
from recmeta.metalearning.performance import scores_to_choose_by
from recmeta.metalearning.selector import RISK, Choice, Selector

N_NEAREST = 3


def recommend(
    data: Interactions,
    *,
    metric: str = "ndcg@10",
    time: str | float | None = None,
    memory: str | float | None = None,
    seed: int = 0,
    on_compile: Callable[[], None] = lambda: None,
) -> Recommendation:
    """Rank the algorithms and configurations for a log, without fitting them.

    Parameters
    ----------
    data : Interactions
        From ``recmeta.read``.
    metric : str
        A metric of the meta-data set with its cutoff.
    time, memory : str or number
        ``"2m"``, ``"4GiB"``: configurations whose fit would take more are not advised.
    seed : int
        Of the split and of the samples that the landmarkers draw.
    on_compile : callable
        Called where this is the first use on a machine, which compiles for a minute or so.

    Returns
    -------
    Recommendation

    Raises
    ------
    TypeError
        If ``data`` was not read.
    DataError
        If there is too little to split.
    ValueError
        If the metric is not in the meta-data set, or a time or size cannot be read.
    """
    check_is_read(data)
    limits = (
        None if time is None else to_seconds(time),
        None if memory is None else to_bytes(memory),
    )
    split = default_split(data, seed=seed)
    scores_to_choose_by(metadata.load(), metric)  # what is wrong is said before all that takes long
    compile_once(say=on_compile)
    return advise(data, split, metric, limits, seed)


def check_is_read(data: object) -> None:
    """Raise a TypeError that says how, if it is a file or a table and no Interactions."""
    if not isinstance(data, Interactions):
        raise TypeError(
            f"a log that recmeta.read has read is needed: got {type(data).__name__}; "
            "give it to recmeta.read(...) first"
        )


def advise(
    data: Interactions,
    split: Split,
    metric: str,
    limits: tuple[float | None, int | None],
    seed: int,
) -> Recommendation:
    """The recommendation for a log that is split already: only its training part is looked at."""
    started = clock.perf_counter()
    known = metadata.load()
    selector = Selector(metric).fit(known)
    learned = clock.perf_counter()
    train = data.select(split.part == TRAIN)
    features = extract_all(train, seed=seed)
    measured = clock.perf_counter()
    fold = split.fold("test")
    positives = fold.fit
    cannot = {
        name: reason
        for name, algorithm in all_algorithms().items()
        if (reason := lacking(algorithm, fold.side()))
    }
    choices = selector.rank(
        features,
        (*positives.shape, positives.nnz),
        split=split.name,
        seconds=limits[0],
        n_bytes=limits[1],
        lacking=cannot,
    )
    choices = [
        choice if choice.algorithm in cannot else _explained(choice, *limits) for choice in choices
    ]
    neighbours = nearest(features, known, N_NEAREST)
    done = clock.perf_counter()
    return Recommendation(
        data=data,
        metric=metric,
        choices=tuple(choice for choice in choices if choice.advised),
        not_advised=_best_of_others(choices),
        nearest=tuple((name, float(distance)) for name, distance in neighbours),
        n_known=known.n_datasets,
        n_configurations=len(selector.configurations_),
        split=split.name,
        split_reason=split.reason,
        seconds={
            "learning": learned - started,
            "meta-features": measured - learned,
            "ranking": done - measured,
        },
    )


def _explained(choice: Choice, seconds: float | None, n_bytes: float | None) -> Choice:
    """The choice; where it may go over a limit, with what it would take."""
    if choice.p_fail <= RISK:
        return choice
    if n_bytes is not None and choice.fit_bytes > 0.5 * n_bytes:
        reason = f"may need about {size_text(choice.fit_bytes)}, with {size_text(n_bytes)} to use"
    else:
        least = "" if seconds is None else f", with {time_text(seconds)} to use"
        reason = f"may take about {time_text(choice.fit_seconds)}{least}"
    return replace(choice, reason=reason)


def _best_of_others(choices: list[Choice]) -> tuple[Choice, ...]:
    """One choice for each algorithm that has none advised: its best."""
    advised = {choice.algorithm for choice in choices if choice.advised}
    others: dict[str, Choice] = {}
    for choice in choices:
        if choice.algorithm not in advised:
            others.setdefault(choice.algorithm, choice)
    return tuple(others.values())
