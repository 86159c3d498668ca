"""The tree-structured Parzen estimator, by Optuna."""

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from recmeta.architectures._base import ArchitectureSpace
from recmeta.search._base import (
    MOST_DRAWS,
    Proposal,
    SearchSpace,
    Strategy,
    Trial,
    best_first,
    new_samples,
    seen,
)
from recmeta.search.configurations import ConfigurationSpace

if TYPE_CHECKING:
    from optuna.study import Study


class TPE(Strategy):
    """Ask Optuna's TPE sampler, told all trials anew.

    Parameters
    ----------
    n_initial : int
        Random candidates first.

    Notes
    -----
    A call tells Optuna all trials: O(trials) besides the sampling itself.

    References
    ----------
    Bergstra et al. (2011), Algorithms for Hyper-Parameter Optimization, NeurIPS 24; Akiba et al.
    (2019), arXiv:1907.10902.
    """

    def __init__(self, *, n_initial: int = 10) -> None:
        self.n_initial = n_initial

    def propose(
        self,
        space: SearchSpace,
        trials: Sequence[Trial],
        rng: np.random.Generator,
        *,
        k: int = 1,
        pending: Sequence[Proposal] = (),
    ) -> list[Proposal]:
        if not isinstance(space, ArchitectureSpace | ConfigurationSpace):
            raise TypeError(
                f"TPE needs the ranges of a space: got {type(space).__name__}; give an "
                "ArchitectureSpace or a ConfigurationSpace"
            )
        taken = seen(space, [*trials, *pending])
        known = best_first(trials)
        if len(known) < self.n_initial:
            return new_samples(space, k, taken, rng)
        study = self._study(space, trials, int(rng.integers(2**31)))
        found: list[Proposal] = []
        for _ in range(k):
            found += self._asked(study, space, taken) or new_samples(space, 1, taken, rng)
        return found

    def _study(self, space: SearchSpace, trials: Sequence[Trial], seed: int) -> "Study":
        import optuna  # a second to import

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler = optuna.samplers.TPESampler(n_startup_trials=0, seed=seed, constant_liar=True)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for trial in trials:
            params = _params(space, trial.candidate)
            ranges = _distributions(space, params)
            # None for a number leaves the choice to fit: Optuna has no place for it
            params = {
                key: value
                for key, value in params.items()
                if value is not None or isinstance(ranges[key], CategoricalDistribution)
            }
            failed = not math.isfinite(trial.value)
            states = optuna.trial.TrialState
            study.add_trial(
                optuna.trial.create_trial(
                    params=params,
                    distributions={key: ranges[key] for key in params},
                    value=None if failed else trial.value,
                    state=states.FAIL if failed else states.COMPLETE,
                )
            )
        return study

    def _asked(self, study: "Study", space: SearchSpace, taken: set[Hashable]) -> list[Proposal]:
        """The first of Optuna's proposals that is new and valid; none after MOST_DRAWS."""
        for _ in range(MOST_DRAWS):
            candidate = _suggested(study.ask(), space)
            if getattr(space, "is_valid", lambda arch: True)(candidate):
                key = space.canonical(candidate)
                if key not in taken:
                    taken.add(key)
                    return [Proposal(candidate)]
        return []


def _suggested(trial: Any, space: SearchSpace) -> Any:
    """A candidate from Optuna's suggestions, one choice after the other."""
    if isinstance(space, ConfigurationSpace):
        name = trial.suggest_categorical("algorithm", list(space.spaces))
        params = {
            key: _one_suggested(trial, f"{name}.{key}", range_)
            for key, range_ in space.spaces[name].items()
        }
        return space.candidate(name, params)
    assert isinstance(space, ArchitectureSpace)
    return tuple(
        trial.suggest_categorical(f"choice_{place}", list(range(n)))
        for place, n in enumerate(space.n_values)
    )


def _one_suggested(trial: Any, name: str, range_: BaseDistribution) -> Any:
    if isinstance(range_, FloatDistribution):
        return trial.suggest_float(name, range_.low, range_.high, step=range_.step, log=range_.log)
    if isinstance(range_, IntDistribution):
        return trial.suggest_int(name, range_.low, range_.high, step=range_.step, log=range_.log)
    assert isinstance(range_, CategoricalDistribution)
    return trial.suggest_categorical(name, range_.choices)


def _params(space: SearchSpace, candidate: Any) -> dict[str, Any]:
    if isinstance(space, ConfigurationSpace):
        name, params = space.params(candidate)
        return {"algorithm": name} | {f"{name}.{key}": value for key, value in params.items()}
    return {f"choice_{place}": value for place, value in enumerate(candidate)}


def _distributions(space: SearchSpace, params: dict[str, Any]) -> dict[str, BaseDistribution]:
    if isinstance(space, ConfigurationSpace):
        ranges = space.spaces[params["algorithm"]]
        named = {f"{params['algorithm']}.{key}": range_ for key, range_ in ranges.items()}
        return {"algorithm": CategoricalDistribution(list(space.spaces))} | named
    assert isinstance(space, ArchitectureSpace)
    return {
        f"choice_{place}": CategoricalDistribution(list(range(n)))
        for place, n in enumerate(space.n_values)
    }
