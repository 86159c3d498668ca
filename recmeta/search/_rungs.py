"""Rungs of fidelity: who goes on to the next one. Replayed from the trials at each call."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Any

import numpy as np

from recmeta.search._base import (
    Proposal,
    SearchSpace,
    Strategy,
    Trial,
    new_samples,
    seen,
)

ENOUGH = 12  # trials that a model of the space can be learned from


@dataclass(frozen=True)
class Bracket:
    """Sizes and fidelities of the rungs of one successive halving, the last at fidelity 1."""

    sizes: tuple[int, ...]
    fidelities: tuple[float, ...]

    @classmethod
    def of(cls, n_first: int, min_fidelity: float, eta: float) -> "Bracket":
        """The rungs from ``n_first`` candidates at ``min_fidelity``.

        Raises
        ------
        ValueError
            If a number is outside its range.
        """
        fidelities = rung_fidelities(min_fidelity, eta)
        if n_first < 1:
            raise ValueError(f"a bracket begins with at least one candidate: got {n_first}")
        sizes = [max(int(n_first / eta**rung + 1e-9), 1) for rung in range(len(fidelities))]
        return cls(tuple(sizes), fidelities)

    def size(self, rung: int, n_first: int) -> int:
        """Trials of a rung, of which the first could have ``n_first``: fewer in a small space."""
        return self.sizes[0] if rung == 0 else max(self.sizes[rung] * n_first // self.sizes[0], 1)

    def replayed(self, trials: Sequence[Trial]) -> list[Sequence[Trial]]:
        """The trials of each rung, of those from the bracket's first on; empty if not begun."""
        first = trials[: self.sizes[0]]
        if len(self.sizes) > 1:  # the second rung may have begun early, see _of_one
            first = list(takewhile(lambda one: one.fidelity != self.fidelities[1], first))
        rungs, begun = [first], len(first)
        for rung in range(1, len(self.sizes)):
            rungs.append(trials[begun : begun + self.size(rung, len(first))])
            begun += len(rungs[-1])
        return rungs


def rung_fidelities(min_fidelity: float, eta: float) -> tuple[float, ...]:
    """min_fidelity, eta times it, ... up to 1.

    Raises
    ------
    ValueError
        If ``min_fidelity`` is not in (0, 1] or ``eta`` not above 1.
    """
    if not 0 < min_fidelity <= 1 or not eta > 1:
        raise ValueError(
            f"min_fidelity in (0, 1] and eta above 1 are needed: got {min_fidelity} and {eta}"
        )
    n_rungs = math.floor(math.log(1 / min_fidelity) / math.log(eta) + 1e-9) + 1
    return tuple(float(eta ** (rung - n_rungs + 1)) for rung in range(n_rungs))


def bracket_proposals(
    brackets: Sequence[Bracket],
    space: SearchSpace,
    trials: Sequence[Trial],
    rng: np.random.Generator,
    *,
    k: int,
    pending: Sequence[Proposal],
    inner: Strategy | None,
) -> list[Proposal]:
    """What the bracket that is under way asks for; nothing while a rung waits for its last trials.

    The brackets are run in turn, again and again; trials belong to them in their order.
    """
    rest = trials
    for number in count():
        bracket = brackets[number % len(brackets)]
        rungs = bracket.replayed(rest)
        if len(rungs[-1]) < bracket.size(len(rungs) - 1, len(rungs[0])):
            return _of_one(bracket, rungs, space, trials, rng, k, pending, inner)
        rest = rest[sum(map(len, rungs)) :]
    raise AssertionError("unreachable")


def _of_one(
    bracket: Bracket,
    rungs: Sequence[Sequence[Trial]],
    space: SearchSpace,
    trials: Sequence[Trial],
    rng: np.random.Generator,
    k: int,
    pending: Sequence[Proposal],
    inner: Strategy | None,
) -> list[Proposal]:
    for rung, here in enumerate(rungs):
        size, fidelity = bracket.size(rung, len(rungs[0])), bracket.fidelities[rung]
        if len(here) == size or any(rungs[rung + 1 :]):
            continue
        waiting = [one for one in pending if one.fidelity == fidelity]
        wanted = min(k, size - len(here) - len(waiting))
        if rung == 0:
            found = new_at(fidelity, space, trials, rng, wanted, pending, inner)
            if found or waiting or not here:
                return found
            continue  # the space has no more: the best of those that there are go on
        gone = seen(space, here) | seen(space, waiting)
        best = [one for one in ranked(rungs[rung - 1])[:size] if space.canonical(one) not in gone]
        return [Proposal(one, fidelity) for one in best[: max(wanted, 0)]]
    return []


def ranked(trials: Sequence[Trial]) -> list[Any]:
    """Candidates, the best first; failed ones last."""
    keys = [-math.inf if math.isnan(one.value) else one.value for one in trials]
    order = sorted(range(len(trials)), key=lambda place: -keys[place])
    return [trials[place].candidate for place in order]


def new_at(
    fidelity: float,
    space: SearchSpace,
    trials: Sequence[Trial],
    rng: np.random.Generator,
    k: int,
    pending: Sequence[Proposal],
    inner: Strategy | None,
) -> list[Proposal]:
    """Up to k new candidates at a fidelity: random ones, or those of ``inner``.

    ``inner`` learns from the highest fidelity that has ENOUGH trials (as BOHB does), since values
    of different fidelities cannot be compared.
    """
    if k < 1:
        return []
    if inner is None:
        found = new_samples(space, k, seen(space, [*trials, *pending]), rng)
    else:
        known = _comparable(trials)
        others = [Proposal(one.candidate) for one in trials if one not in known]
        found = inner.propose(space, known, rng, k=k, pending=[*pending, *others])
    return [Proposal(one.candidate, fidelity) for one in found]


def _comparable(trials: Sequence[Trial]) -> list[Trial]:
    """Those of the highest fidelity that has ENOUGH of them, or else of the one that has most."""
    counts = Counter(one.fidelity for one in trials)
    enough = [fidelity for fidelity, n in counts.items() if n >= ENOUGH]
    chosen = max(enough) if enough else max(counts, key=lambda one: counts[one], default=1.0)
    return [one for one in trials if one.fidelity == chosen]
