"""The plan of a sweep: data sets x algorithms x configurations x splits x seeds, as plain data."""

import itertools
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recmeta.algorithms import lacking
from recmeta.execution.bundle import Bundle
from recmeta.execution.fit import find_algorithm
from recmeta.execution.task import Task
from recmeta.space import Params, sample

ATTEMPTS = 20  # draws for one new configuration before a small space counts as exhausted


@dataclass(frozen=True)
class Configuration:
    """An algorithm with all its parameters; ``label`` is ``"default"``, ``"s1"``, ``"s2"``, ..."""

    algorithm: str
    params: Params
    label: str


@dataclass(frozen=True)
class Limits:
    """What each task may take."""

    time_limit_s: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True)
class Plan:
    """What a sweep does to each data set.

    Parameters
    ----------
    configurations : tuple of Configuration
        The same for every data set: only then can they be compared across data sets.
    seeds : tuple of int
    limits : Limits
    parts : tuple of str
    per_user : tuple of str
        Metrics whose vector over the users is kept.
    """

    configurations: tuple[Configuration, ...]
    seeds: tuple[int, ...] = (0,)
    limits: Limits = field(default_factory=Limits)
    parts: tuple[str, ...] = ("validation", "test")
    per_user: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Tasks of a data set that has all that the algorithms use."""
        return len(self.configurations) * len(self.seeds)

    def left_out(self, bundle: Bundle) -> dict[str, str]:
        """The algorithms that cannot be fitted to a data set, and what they need."""
        names = dict.fromkeys(one.algorithm for one in self.configurations)
        reasons = {name: lacking(find_algorithm(name), bundle.side) for name in names}
        return {name: reason for name, reason in reasons.items() if reason}

    def tasks(self, bundle: Bundle) -> Iterator[Task]:
        """The tasks of one data set, default configurations of all algorithms first."""
        out = self.left_out(bundle)
        possible = (one for one in self.configurations if one.algorithm not in out)
        ordered = sorted(possible, key=lambda one: one.label != "default")
        for seed, configuration in itertools.product(self.seeds, ordered):
            yield Task(
                bundle=str(bundle.path),
                dataset=bundle.dataset,
                data_key=bundle.key,
                split=bundle.split,
                algorithm=configuration.algorithm,
                params=configuration.params,
                seed=seed,
                parts=self.parts,
                time_limit_s=self.limits.time_limit_s,
                memory_bytes=self.limits.memory_bytes,
                per_user=self.per_user,
            )


def configurations(
    algorithms: Iterable[str], n_sampled: int, *, seed: int = 0
) -> tuple[Configuration, ...]:
    """The default and up to ``n_sampled`` sampled configurations of each algorithm.

    An algorithm's draws depend on its name and the seed alone, so another algorithm in the list
    changes nothing, and more samples keep the first ones. Small spaces give fewer.
    """
    return tuple(
        itertools.chain.from_iterable(_of_one(name, n_sampled, seed) for name in algorithms)
    )


def _of_one(name: str, n_sampled: int, seed: int) -> Sequence[Configuration]:
    algorithm = find_algorithm(name)
    official = name if ":" in name else algorithm.__name__
    default = {key: value for key, value in _defaults(algorithm).items() if key != "random_state"}
    found = [Configuration(official, default, "default")]
    rng = np.random.default_rng([seed, zlib.crc32(official.encode())])
    for _ in range(n_sampled if algorithm.space else 0):
        for _ in range(ATTEMPTS):
            params = default | sample(algorithm.space, rng)
            if all(params != one.params for one in found):
                found.append(Configuration(official, params, f"s{len(found)}"))
                break
    return found


def _defaults(algorithm: Any) -> Params:
    return dict(algorithm().get_params())
