"""The known data sets: facts and where they come from. The files themselves are not included."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from recmeta.registry import find

FILE = Path(__file__).parent / "catalogue.csv"


@dataclass(frozen=True)
class DatasetFacts:
    """One row of catalogue.csv.

    Attributes
    ----------
    name, family, domain : str
        Data sets of one family come from one place, and are not independent evidence.
    n_users, n_items, n_interactions : int
    feedback : str
    has_timestamps : bool
    publisher, licence : str
    source_repo, source_path, source_commit : str
        The public repository, the file in it, and its version.
    """

    name: str
    family: str
    domain: str
    n_users: int
    n_items: int
    n_interactions: int
    feedback: str
    has_timestamps: bool
    publisher: str
    licence: str
    source_repo: str
    source_path: str
    source_commit: str


@cache
def catalogue() -> dict[str, DatasetFacts]:
    """Name to facts, in the order of the file."""
    with FILE.open(encoding="utf-8", newline="") as lines:
        return {row["name"]: _facts(row) for row in csv.DictReader(lines)}


def known(name: str) -> DatasetFacts:
    """The facts of one data set.

    Raises
    ------
    KeyError
        Listing the names, if there is none of that name.
    """
    return find(catalogue(), name, "data set")


def _facts(row: dict[str, Any]) -> DatasetFacts:
    sizes = {name: int(row[name]) for name in ("n_users", "n_items", "n_interactions")}
    return DatasetFacts(**{**row, **sizes, "has_timestamps": row["has_timestamps"] == "True"})
