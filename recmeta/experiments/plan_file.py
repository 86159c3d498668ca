"""A study as people write it, in TOML or as options, and the plan that it means.

::

    datasets = ["ml-100k", "shop=logs/shop.csv"]   # names under root, NAME=FILE or FILE; none: all
    root = "datasets"
    algorithms = ["EASE", "SLIM"]                  # none: all that can be fitted
    kind = "sobol"          # default, random, sobol, grid, portfolio (see configurations), listed
    configs = 8             # drawn for each algorithm; levels of a grid; length of a portfolio
    split = ["random", "time"]
    seed = 0
    seeds = 2               # runs of each with other seeds
    fidelities = [0.25, 1]  # shares of the users to fit on
    parts = ["validation", "test"]
    max_events = 100_000    # cut larger logs by users; 0: take all
    time = "60s"            # of a task
    memory = "4GiB"         # of a fit
    keep_users = ["ndcg@10"]
    stop_by = "ndcg@10"     # stop the training of iterative algorithms early
    curves = "ndcg@10"      # or keep its learning curve, and change nothing
    scale = [1, 5]          # scale, threshold, item_features, user_features: how logs are read
    threshold = 4

    [[listed]]              # configurations outright, besides those of kind
    algorithm = "EASE"
    l2 = 250.0

All keys may be left out. Paths are relative to the file. Why not YAML too: it would need another
package to read, and would say nothing that TOML cannot.
"""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from recmeta.algorithms import all_algorithms
from recmeta.execution.budget import to_bytes, to_seconds
from recmeta.execution.bundle import PARTS
from recmeta.experiments.configurations import KINDS, configurations, listed
from recmeta.experiments.plan import Data, Limits, Plan
from recmeta.experiments.sources import find_sources
from recmeta.metrics import METRICS, PER_USER, parse

READING = ("scale", "threshold", "item_features", "user_features")
LISTED = "listed"  # a kind: none but those of the table of that name
PATHS = ("root", "item_features", "user_features")


class PlanError(ValueError):
    """A study that cannot be run as it is written."""


@dataclass(frozen=True)
class Study:
    """What a study file has; the defaults are those of ``recmeta sweep``."""

    datasets: tuple[str, ...] = ()
    root: str | None = None
    algorithms: tuple[str, ...] = ()
    kind: str = "random"
    configs: int = 6
    listed: tuple[dict[str, Any], ...] = ()
    split: tuple[str, ...] = ("default",)
    seed: int = 0
    seeds: int = 1
    fidelities: tuple[float, ...] = (1.0,)
    parts: tuple[str, ...] = PARTS
    max_events: int = 100_000
    time: str = "60s"
    memory: str | None = "4GiB"
    keep_users: tuple[str, ...] = ()
    stop_by: str | None = None
    curves: str | None = None
    scale: tuple[float, ...] | None = None
    threshold: float | None = None
    item_features: str | None = None
    user_features: str | None = None

    def plan(self) -> Plan:
        """The plan that it means.

        Raises
        ------
        PlanError, UnknownNameError, FileNotFoundError
            If a value is out of its range, or names what there is not.
        """
        self._check()
        found = listed(self.listed)
        if self.kind != LISTED:
            names = self.algorithms or (() if self.kind == "portfolio" else tuple(all_algorithms()))
            found = configurations(names, self.configs, kind=self.kind, seed=self.seed) + found
        return Plan(
            configurations=found,
            seeds=tuple(range(self.seed, self.seed + self.seeds)),
            limits=Limits(
                to_seconds(self.time), None if self.memory is None else to_bytes(self.memory)
            ),
            # in one order, whichever is written: training length comes from validation
            parts=tuple(part for part in PARTS if part in self.parts),
            per_user=self.keep_users,
            fidelities=self.fidelities,
            stop_by=self.stop_by,
            curve_by=self.curves,
            data=self._data(),
        )

    def _data(self) -> Data:
        given = {name: getattr(self, name) for name in READING}
        options = {name: value for name, value in given.items() if value is not None}
        sources = find_sources(
            self.datasets, None if self.root is None else Path(self.root), options
        )
        if len(sources) > 1 and (self.item_features or self.user_features):
            raise PlanError("--item-features and --user-features are of one data set")
        return Data(tuple(sources), self.split, self.max_events or None, self.seed)

    def _check(self) -> None:
        if self.kind not in (*KINDS, LISTED):
            kinds = ", ".join((*KINDS, LISTED))
            raise PlanError(f"kind must be one of {kinds}: got {self.kind!r}")
        if self.kind == LISTED and not self.listed:
            raise PlanError("the kind listed needs entries: [[listed]] with the key algorithm")
        unknown = [part for part in self.parts if part not in PARTS]
        if unknown or not self.parts:
            raise PlanError(f"parts must be of {', '.join(PARTS)}: got {list(self.parts)}")
        if not self.fidelities or not all(0 < share <= 1 for share in self.fidelities):
            raise PlanError(f"fidelities must be in (0, 1]: got {list(self.fidelities)}")
        if self.seeds < 1 or self.configs < 0 or self.max_events < 0:
            raise PlanError("seeds must be at least 1, configs and max_events at least 0")
        for name in self.keep_users:
            if parse(name)[0] not in PER_USER:
                have = ", ".join(PER_USER)
                raise PlanError(f"{name} has no value for each user; these have one: {have}")
        for name in filter(None, (self.stop_by, self.curves)):
            if METRICS[parse(name)[0]].higher_is_better is not True:
                raise PlanError(f"{name} is not something to have most of: take ndcg@10, say")
        if self.stop_by and "validation" not in self.parts:
            raise PlanError("stop_by needs the part validation")


def read_study(file: Path) -> dict[str, Any]:
    """The keys of a study file, checked, with paths as seen from here.

    Raises
    ------
    PlanError
        If it is no TOML, has a key that there is none of, or a value of another type.
    FileNotFoundError
        If there is no such file.
    """
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PlanError(f"{file} is no TOML: {error}") from error
    except IsADirectoryError:
        raise FileNotFoundError(f"{file} is a folder, not a study in TOML") from None
    try:
        study = {name: checked(name, value) for name, value in given.items()}
    except PlanError as error:
        raise PlanError(f"{file}: {error}") from error
    for name in PATHS:
        if name in study:
            study[name] = str(file.parent / study[name])
    study["datasets"] = tuple(_beside(file, entry) for entry in study.get("datasets", ()))
    return study


def checked(name: str, value: Any) -> Any:
    """The value of a key as Study has it: a single one for a list will do.

    Raises
    ------
    PlanError
        If there is no such key, or the value has another type.
    """
    kinds: Mapping[str, Any] = {one.name: one.type for one in fields(Study)}
    if name not in kinds:
        close = difflib.get_close_matches(name, kinds, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(kinds)}"
        raise PlanError(f"no key is named {name!r}; {hint}")
    kind = str(kinds[name])
    entries = value if isinstance(value, list | tuple) else (value,)
    of = next(one for one in ("dict", "float", "int", "str") if one in kind)
    if not kind.startswith("tuple") and isinstance(value, list | tuple):
        raise PlanError(f"{name} must be {SINGLE[of]}: got {value!r}")
    for entry in entries:
        if not isinstance(entry, TYPES[of]) or isinstance(entry, bool):
            many = f" (or a list of them, as {name} is one)" if kind.startswith("tuple") else ""
            raise PlanError(f"{name} must be {SINGLE[of]}{many}: got {entry!r}")
    if name == "listed" and not all("algorithm" in entry for entry in entries):
        raise PlanError("each entry of listed needs the key algorithm")
    if name == "scale" and len(entries) != 2:
        raise PlanError(f"scale is the lowest and the highest rating, such as [1, 5]: got {value}")
    entries = tuple(float(one) for one in entries) if of == "float" else tuple(entries)
    return entries if kind.startswith("tuple") else entries[0]


TYPES: dict[str, Any] = {"dict": dict, "float": (int, float), "int": int, "str": str}
SINGLE = {"dict": "a table", "float": "a number", "int": "a whole number", "str": "a text"}


def _beside(file: Path, entry: str) -> str:
    """A data set of a study file; where it is a file beside it, with the path to it."""
    name, is_named, path = entry.rpartition("=")
    there = file.parent / path
    return f"{name}{is_named}{there}" if there.is_file() else entry
