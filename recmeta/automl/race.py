"""The race: try configurations within a hard limit, keep the best on validation.

First the list of the selector, then, while there is time, what tuning proposes.
A candidate's fit may take a share of what is left; enough is held back to fit the best one twice
more: on training and validation for the test score, and on everything for the model that serves.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from recmeta.automl.attempt import Attempt
from recmeta.automl.tuning import propose
from recmeta.execution.bundle import Bundle
from recmeta.execution.local import run
from recmeta.execution.task import Result, Task
from recmeta.metalearning.performance import FALLBACK as POPULARITY
from recmeta.metalearning.selector import Choice

SHARE = 0.4  # of the time left that one candidate may take
REFITS = 2.6  # the best is fitted twice more, on somewhat more data
OVERHEAD = 0.3  # seconds: a process's start and end, and the reading of its data


class BudgetError(ValueError):
    """The budget ended before any model was fitted."""


@dataclass(frozen=True)
class Rules:
    """What the race may use: ``deadline`` is a time of ``time.monotonic()``, refits included."""

    metric: str
    deadline: float
    memory: int | None
    seed: int
    threads: int

    def left(self) -> float:
        return self.deadline - time.monotonic()


@dataclass
class Outcome:
    """What the race has found so far.

    Attributes
    ----------
    attempts : list of Attempt
        In the order in which they were tried.
    winner : Attempt or None
        The best on validation whose refit was done in time.
    test, popularity_test : Result or None
        The winner's and popularity's result with the part ``"test"``.
    """

    attempts: list[Attempt] = field(default_factory=list)
    winner: Attempt | None = None
    test: Result | None = None
    popularity_test: Result | None = None

    def ranked(self) -> list[Attempt]:
        """Those with a score, the best first; of equal scores the one that was tried first."""
        good = [attempt for attempt in self.attempts if attempt.status == "ok"]
        return sorted(good, key=lambda attempt: -attempt.score)


def race(
    bundle: Bundle,
    choices: Sequence[Choice],
    rules: Rules,
    *,
    save_to: Path,
    on_attempt: Callable[[Attempt], None],
) -> Outcome:
    """Try popularity, ``choices`` in their turns and tuned ones, then refit the best, in the time.

    Parameters
    ----------
    bundle : Bundle
        With the parts ``"validation"``, ``"test"`` and ``"all"``.
    save_to : path
        Where the winner's state goes, fitted on ``"all"``.
    on_attempt : callable
        Told of each attempt as it ends.
    """
    outcome = Outcome()
    if rules.left() <= 0:
        return outcome  # to start what would be stopped at once takes a second more
    popularity = save_to.with_name(f"{POPULARITY}-{save_to.name}")

    def tasks() -> Iterator[Task]:
        # all at once: whatever happens to the time that is left, there is a model
        every = _task(bundle, POPULARITY, {}, rules, ("validation", "test", "all"))
        yield _saved(every, popularity)
        for algorithm, params, expected in _candidates(choices, outcome, rules):
            limit = SHARE * (rules.left() - _reserve(outcome))
            if limit < OVERHEAD:
                break
            if expected <= limit:
                task = _task(bundle, algorithm, params, rules, ("validation",))
                yield _limited(task, limit)
        for attempt in outcome.ranked():
            if outcome.winner is None and attempt.algorithm != POPULARITY:
                final = _task(bundle, attempt.algorithm, attempt.params, rules, ("test", "all"))
                yield _limited(_saved(final, save_to), rules.left())
            elif outcome.winner is None:
                break  # what comes after is worse than what is saved already

    for task, result in run(tasks(), workers=1, threads=rules.threads, deadline=rules.deadline):
        if task.save_to != str(save_to):
            outcome.attempts.append(_attempt(task, result, rules.metric))
            on_attempt(outcome.attempts[-1])
            if task.algorithm == POPULARITY:
                outcome.popularity_test = result
        elif result.status == "ok":
            outcome.winner = next(a for a in outcome.ranked() if _same(a, task))
            outcome.test = result
        else:
            attempt = _attempt(task, result, rules.metric)
            failed = replace(attempt, error=f"could not be fitted again: {attempt.error}")
            outcome.attempts.append(failed)
            on_attempt(failed)
    popular = [attempt for attempt in outcome.ranked() if attempt.algorithm == POPULARITY]
    if outcome.winner is None and popular and popularity.exists():
        outcome.winner, outcome.test = popular[0], outcome.popularity_test
        popularity.replace(save_to)
    return outcome


def _candidates(
    choices: Sequence[Choice], outcome: Outcome, rules: Rules
) -> Iterator[tuple[str, Mapping[str, Any], float]]:
    """What to try next, and the seconds that its fit should take at least.

    The list in its turns, then what tuning makes of what has come back.
    """
    for choice in sorted(choices, key=lambda one: one.turn):
        if choice.algorithm != POPULARITY:
            # with all threads it may be quicker than on the one that the prediction is for
            yield choice.algorithm, choice.params, choice.fit_seconds / rules.threads
    n_listed = len(outcome.attempts)
    while (proposal := propose(outcome.attempts, rules.seed, n_listed)) is not None:
        yield *proposal, 0.0


def _task(
    bundle: Bundle, algorithm: str, params: Mapping[str, Any], rules: Rules, parts: tuple[str, ...]
) -> Task:
    return Task(
        bundle=str(bundle.path),
        dataset=bundle.dataset,
        data_key=bundle.key,
        split=bundle.split,
        algorithm=algorithm,
        params=dict(params),
        seed=rules.seed,
        parts=parts,
        memory_bytes=rules.memory,
        per_user=(rules.metric,) if "test" in parts else (),
        stop_by=rules.metric if parts == ("validation",) else None,
    )


def _limited(task: Task, seconds: float) -> Task:
    return replace(task, time_limit_s=max(seconds, OVERHEAD))


def _saved(task: Task, file: Path) -> Task:
    return replace(task, save_to=str(file))


def _same(attempt: Attempt, task: Task) -> bool:
    return attempt.algorithm == task.algorithm and dict(attempt.params) == task.params


def _reserve(outcome: Outcome) -> float:
    """Seconds to hold back for the refits of the best so far."""
    ranked = outcome.ranked()
    return 3 * OVERHEAD + (REFITS * ranked[0].seconds if ranked else 0.0)


def _attempt(task: Task, result: Result, metric: str) -> Attempt:
    score = result.metrics.get("validation", {}).get(metric, float("nan"))
    return Attempt(
        algorithm=task.algorithm,
        params=task.params | ({} if result.n_epochs is None else {"n_epochs": result.n_epochs}),
        status="error" if result.status == "ok" and score != score else result.status,
        score=score,
        # without the start of its process, and without compiling, which only the first fit does
        seconds=result.fit_s + result.predict_s if result.status == "ok" else result.total_s,
        peak_bytes=result.peak_mb * 2**20,
        error=result.error,
    )
