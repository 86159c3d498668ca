"""The contract of a search strategy, and what strategies share.

==========  ==================================================================
word        meaning
==========  ==================================================================
candidate   a value of a space: an architecture, a configuration; hashable
trial       a candidate and the value that was seen; larger is better
fidelity    the share of a full training, in (0, 1]
==========  ==================================================================

A strategy keeps nothing between calls: ``propose`` reads the space, the trials so far and a
generator. So a search that was stopped goes on from its trials, and batches need no bookkeeping.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

MOST_DRAWS = 200  # draws for a candidate that is new, before a space counts as exhausted


class SearchSpace(Protocol):
    """What a strategy asks of a space; ArchitectureSpace and ConfigurationSpace have it."""

    def sample(self, rng: np.random.Generator) -> Any: ...

    def mutate(self, arch: Any, rng: np.random.Generator, n_edits: int = 1) -> Any: ...

    def neighbours(self, arch: Any) -> list[Any]: ...

    def canonical(self, arch: Any) -> Hashable: ...

    def encode(self, archs: Sequence[Any], name: str) -> NDArray[np.float64]: ...


@dataclass(frozen=True)
class Trial:
    """A candidate that was tried.

    Attributes
    ----------
    candidate : hashable
    value : float
        Larger is better; NaN if it failed.
    fidelity : float
    """

    candidate: Any
    value: float
    fidelity: float = 1.0


@dataclass(frozen=True)
class Proposal:
    """What to try next."""

    candidate: Any
    fidelity: float = 1.0


class Strategy(ABC, BaseEstimator):
    """Proposes the next candidates. Its parameters are those of ``__init__``; it learns nothing."""

    requires: ClassVar[str | None] = None

    @abstractmethod
    def propose(
        self,
        space: SearchSpace,
        trials: Sequence[Trial],
        rng: np.random.Generator,
        *,
        k: int = 1,
        pending: Sequence[Proposal] = (),
    ) -> list[Proposal]:
        """Up to k candidates that are neither among the trials nor pending.

        Parameters
        ----------
        space : SearchSpace
        trials : sequence of Trial
            In the order in which they ended.
        rng : Generator
        k : int
        pending : sequence of Proposal
            Proposed before, and not ended yet.

        Returns
        -------
        list of Proposal
            Fewer than k if nothing new could be found.
        """


def seen(space: SearchSpace, known: Iterable[Trial | Proposal]) -> set[Hashable]:
    """Keys of what was tried or proposed: isomorphic candidates have one."""
    return {space.canonical(one.candidate) for one in known}


def new_samples(
    space: SearchSpace, k: int, taken: set[Hashable], rng: np.random.Generator
) -> list[Proposal]:
    """Up to k random candidates that are not in ``taken``, which they are added to."""
    found: list[Proposal] = []
    draws = 0
    while len(found) < k and draws < MOST_DRAWS:
        candidate = space.sample(rng)
        key = space.canonical(candidate)
        draws += 1
        if key not in taken:
            taken.add(key)
            found.append(Proposal(candidate))
            draws = 0
    return found


def best_first(trials: Sequence[Trial]) -> list[Trial]:
    """Those with a value, the best first; equal ones in the order in which they ended."""
    known = [trial for trial in trials if math.isfinite(trial.value)]
    return sorted(known, key=lambda trial: -trial.value)


def incumbent(trials: Sequence[Trial]) -> Trial | None:
    """The best trial at the highest fidelity that has one."""
    known = best_first(trials)
    if not known:
        return None
    top = max(trial.fidelity for trial in known)
    return next(trial for trial in known if trial.fidelity == top)
