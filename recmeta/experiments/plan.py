"""The plan of a sweep, as plain data that JSON can carry and a hash can name.

Data sets x splits x fidelities x seeds x algorithms with their configurations.
"""

import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from recmeta.algorithms import lacking
from recmeta.execution.bundle import Bundle
from recmeta.execution.fit import find_algorithm
from recmeta.execution.task import Task
from recmeta.experiments.configurations import Configuration
from recmeta.experiments.sources import Preparation, Source


@dataclass(frozen=True)
class Limits:
    """What each task may take."""

    time_limit_s: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True)
class Data:
    """What a plan runs on.

    Parameters
    ----------
    sources : tuple of Source
    splits : tuple of str
        Names of SPLITS: each data set under each of them.
    max_events : int or None
        See Preparation.
    seed : int
        Of the splits and the sample of users.
    """

    sources: tuple[Source, ...]
    splits: tuple[str, ...] = ("default",)
    max_events: int | None = None
    seed: int = 0

    def preparations(self, cache: Path) -> list[Preparation]:
        """One a split, with the bundles in the folder ``cache``."""
        return [Preparation(split, self.seed, self.max_events, cache) for split in self.splits]


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
    fidelities : tuple of float
        Shares of the users to fit on, each a task of its own.
    stop_by, curve_by : str or None
        See Task.
    data : Data or None
        The data sets, where the plan names them.
    """

    configurations: tuple[Configuration, ...]
    seeds: tuple[int, ...] = (0,)
    limits: Limits = field(default_factory=Limits)
    parts: tuple[str, ...] = ("validation", "test")
    per_user: tuple[str, ...] = ()
    fidelities: tuple[float, ...] = (1.0,)
    stop_by: str | None = None
    curve_by: str | None = None
    data: Data | None = None

    def __len__(self) -> int:
        """Tasks of a data set that has all that the algorithms use."""
        return len(self.configurations) * len(self.seeds) * len(self.fidelities)

    @property
    def id(self) -> str:
        """sha256 of the plan as JSON: 64 hex digits."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), default=str)

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        values: dict[str, Any] = json.loads(text)
        for name in ("seeds", "parts", "per_user", "fidelities"):
            values[name] = tuple(values[name])
        values["configurations"] = tuple(Configuration(**one) for one in values["configurations"])
        values["limits"] = Limits(**values["limits"])
        if values["data"] is not None:
            data = values["data"]
            sources = (one | {"path": Path(one["path"])} for one in data["sources"])
            data["sources"] = tuple(Source(**one) for one in sources)
            values["data"] = Data(**data | {"splits": tuple(data["splits"])})
        return cls(**values)

    def left_out(self, bundle: Bundle) -> dict[str, str]:
        """The algorithms that cannot be fitted to a data set, and what they need."""
        names = dict.fromkeys(one.algorithm for one in self.configurations)
        reasons = {name: lacking(find_algorithm(name), bundle.side) for name in names}
        return {name: reason for name, reason in reasons.items() if reason}

    def tasks(self, bundle: Bundle) -> Iterator[Task]:
        """The tasks of one data set: the defaults of all algorithms, then the first draw of each,
        the second, and so on, so that a sweep that is stopped has something of everything.
        """
        out = self.left_out(bundle)
        possible = (one for one in self.configurations if one.algorithm not in out)
        ordered = sorted(possible, key=lambda one: one.turn)
        each = itertools.product(self.seeds, self.fidelities, ordered)
        for seed, fidelity, configuration in each:
            yield Task(
                bundle=str(bundle.path),
                dataset=bundle.dataset,
                data_key=bundle.key,
                split=bundle.split,
                algorithm=configuration.algorithm,
                params=configuration.params,
                seed=seed,
                fidelity=fidelity,
                parts=self.parts,
                time_limit_s=self.limits.time_limit_s,
                memory_bytes=self.limits.memory_bytes,
                per_user=self.per_user,
                stop_by=self.stop_by,
                curve_by=self.curve_by,
            )
