"""Data sets for a sweep: from names and files to bundles in a cache folder."""

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from recmeta.data import Interactions
from recmeta.datasets import read
from recmeta.datasets.folds import TRAIN, Split
from recmeta.datasets.sampling import SAMPLED, sample_users
from recmeta.datasets.splits import SPLITS
from recmeta.execution.bundle import PARTS, Bundle, open_bundle, write_bundle
from recmeta.metafeatures import extract_all
from recmeta.registry import UnknownNameError

LOG_FILE = "interactions.parquet"
BESIDE = {"item_features": "items.parquet", "user_features": "users.parquet"}


@dataclass(frozen=True)
class Source:
    """A data set's name in the results, its file, and the options of ``datasets.read`` for it."""

    name: str
    path: Path
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Preparation:
    """How a log becomes a bundle.

    Parameters
    ----------
    split : str
        A name of SPLITS.
    seed : int
        Of the split and the sample of users.
    max_events : int or None
        A larger log is cut to a sample of its users of about this many events, and of at least
        1,500 users; no item is taken from a user who stays.
    cache : path
        Folder of the bundles.
    """

    split: str
    seed: int
    max_events: int | None
    cache: Path

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise UnknownNameError(
                f"no split is named {self.split!r}; there are: {', '.join(SPLITS)}"
            )


def find_sources(
    names: Iterable[str], root: Path | None, options: Mapping[str, Any] | None = None
) -> list[Source]:
    """The files of the data sets: ``NAME`` (a folder of ``root``), ``NAME=FILE`` or ``FILE``.

    No names: every folder of ``root`` with an ``interactions.parquet``. ``options`` are those of
    ``datasets.read``, for all of them. What lies beside an ``interactions.parquet`` as
    ``items.parquet`` and ``users.parquet`` is read as features, unless ``options`` names others.

    Raises
    ------
    FileNotFoundError
        If a file is not there, or ``root`` holds no data set.
    """
    if root is not None and not root.is_dir():
        raise FileNotFoundError(f"there is no folder {root} to look for data sets in")
    wanted = list(names)
    sources = [_source(name, root) for name in wanted] if wanted else _all_of(root)
    if not sources:
        raise FileNotFoundError(f"no data set: {root} has no folder with an {LOG_FILE}")
    taken = [source.name for source in sources]
    twice = sorted({name for name in taken if taken.count(name) > 1})
    if twice:
        raise ValueError(f"two data sets have the name {', '.join(twice)}: write NAME=FILE")
    return [
        replace(source, options=_features_beside(source.path) | dict(options or {}))
        for source in sources
    ]


def _features_beside(log: Path) -> dict[str, str]:
    if log.name != LOG_FILE:
        return {}
    found = {option: log.with_name(file) for option, file in BESIDE.items()}
    return {option: str(path) for option, path in found.items() if path.is_file()}


def _source(name: str, root: Path | None) -> Source:
    name, _, file = name.partition("=")
    if file:
        path = Path(file)
    elif root is not None and (root / name / LOG_FILE).exists():
        path = root / name / LOG_FILE
    else:
        path = Path(name)
        name = path.name.partition(".")[0]
    if path.is_dir():
        raise FileNotFoundError(
            f"no data set {name!r}: {path} is a folder; name a file in it, or its own folder by "
            f"--root, where a data set is NAME/{LOG_FILE}"
        )
    if not path.is_file():
        where = f"as a folder of {root} or " if root is not None else ""
        raise FileNotFoundError(
            f"no data set {name!r}: looked for it {where}at {path}{_close_to(name, root)}"
        )
    return Source(name, path)


def _close_to(name: str, root: Path | None) -> str:
    known = [] if root is None else [file.parent.name for file in root.glob(f"*/{LOG_FILE}")]
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f". Did you mean {close[0]}?" if close else ""


def _all_of(root: Path | None) -> list[Source]:
    if root is None:
        raise FileNotFoundError("no data set is named and there is no --root to look in")
    return [Source(file.parent.name, file) for file in sorted(root.glob(f"*/{LOG_FILE}"))]


def prepare(source: Source, how: Preparation) -> Bundle:
    """Read, cap, split and write a data set as a bundle; one that is in the cache is opened.

    Its ``info`` has the meta-features of the training part: what the meta-data set needs of a log.

    Raises
    ------
    ValueError
        If the split leaves no user to evaluate.
    """
    if (known := prepared(source, how)) is not None:
        return known
    split = split_of(source, how)
    features = extract_all(split.data.select(split.part == TRAIN), seed=how.seed)
    cut = {} if how.max_events is None else {"max_events": how.max_events}
    info = {"features": features, "n_events_cut": _n_cut(split.data)} | cut
    return write_bundle(split, _folder(source, how), dataset=source.name, info=info)


def _n_cut(data: Interactions) -> int:
    """Events of the users that a sample left out."""
    return sum(notice.n_rows for notice in data.notices if notice.code == SAMPLED)


def prepared(source: Source, how: Preparation) -> Bundle | None:
    """The bundle of a data set in the cache; None if it is not there yet."""
    folder = _folder(source, how)
    return open_bundle(folder) if (folder / "bundle.json").exists() else None


def split_of(source: Source, how: Preparation) -> Split:
    """A data set, read, capped and split; see prepare."""
    data = read(source.path, **source.options)
    if how.max_events is not None and data.n_events > how.max_events:
        data = sample_users(data, how.max_events, seed=how.seed)
    split = SPLITS[how.split](data, seed=how.seed)
    for part in PARTS:
        if len(split.fold(part).rows) == 0:
            raise ValueError(
                f"the {split.name} split of {data.n_events:,} events leaves no user to evaluate "
                f"in {part}; try another --split"
            )
    return split


def _folder(source: Source, how: Preparation) -> Path:
    return how.cache / f"{source.name}-{_digest(source, how)}"


def _digest(source: Source, how: Preparation) -> str:
    """Names what the bundle was made from, so that another file or cap makes another bundle."""
    features = [Path(source.options[option]) for option in BESIDE if option in source.options]
    made_from: list[Any] = [how.split, how.seed, how.max_events, dict(source.options)]
    for path in (source.path, *features):
        made_from.append(str(path.resolve()))
        if path.exists():  # if not, reading says so
            made_from += [path.stat().st_size, path.stat().st_mtime_ns]
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:12]
