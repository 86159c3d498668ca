"""What to try when the list is done: the algorithms that are still in the race, tuned by TPE."""

from collections.abc import Sequence
from typing import Any

import optuna
from optuna.samplers import TPESampler
from optuna.trial import create_trial

from recmeta.algorithms import get
from recmeta.automl.attempt import Attempt
from recmeta.space import Params, contains

CLOSE = 0.95  # share of the best score that keeps an algorithm in the race
DRAWS = 5  # of a configuration that was not tried yet, before its algorithm counts as exhausted
PATIENCE = 30  # proposals in a row that were not better: then the race ends


def propose(attempts: Sequence[Attempt], seed: int, n_listed: int = 0) -> tuple[str, Params] | None:
    """The next configuration, from nothing but what was tried; None where there is nothing to gain.

    Of the algorithms whose best score is within CLOSE of the best, the one that was tried least is
    next; a tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011) that knows all its
    attempts draws the configuration. Patience begins after the first ``n_listed`` attempts.
    """
    good = [attempt for attempt in attempts if attempt.status == "ok"]
    if not good or _since_the_best(attempts, n_listed) >= PATIENCE:
        return None
    best = max(attempt.score for attempt in good)
    in_race = {one.algorithm for one in good if one.score >= CLOSE * best}
    tunable = sorted(name for name in in_race if get(name).space)
    n_tried = {name: sum(tried.algorithm == name for tried in attempts) for name in tunable}
    for name in sorted(tunable, key=lambda one: n_tried[one]):
        own = [attempt for attempt in attempts if attempt.algorithm == name]
        for draw in range(DRAWS):
            params = _drawn(own, seed + len(attempts) + 1000 * draw)
            if all(params != dict(attempt.params) for attempt in own):
                return name, params
    return None


def _since_the_best(attempts: Sequence[Attempt], n_listed: int) -> int:
    best, since = float("-inf"), 0
    for number, attempt in enumerate(attempts):
        better = attempt.status == "ok" and attempt.score > best
        best = attempt.score if better else best
        since = 0 if better or number < n_listed else since + 1
    return since


def _drawn(own: Sequence[Attempt], seed: int) -> Params:
    """A configuration by TPE; what has no range stays as it was in the best attempt
    that has all which have one."""
    space = dict(get(own[0].algorithm).space)
    told = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # else it says that a study was made
    try:
        sampler = TPESampler(seed=seed, n_startup_trials=4)
        study = optuna.create_study(direction="maximize", sampler=sampler)
    finally:
        optuna.logging.set_verbosity(told)
    for attempt in own:
        if contains(space, attempt.params):
            inside = {name: attempt.params[name] for name in space}
            # a fit that went over its limits counts as useless: near it the next would too
            value = attempt.score if attempt.status == "ok" else 0.0
            study.add_trial(create_trial(params=inside, distributions=space, value=value))
    found: dict[str, Any] = study.ask(space).params
    # the parameters of an earlier version's space are no start for those of this one
    whole = [attempt for attempt in own if set(space) <= set(attempt.params)]
    return (dict(max(whole, key=_score).params) if whole else {}) | found


def _score(attempt: Attempt) -> float:
    return attempt.score if attempt.status == "ok" else -1.0
