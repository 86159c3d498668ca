"""Bundles: the two folds of a split as .npy files in a folder, which workers map into memory.

A worker gets a path, never a pickled matrix. Pages that several workers map are in memory once.

======  ==========================================================  ==================
symbol  meaning                                                     shape
======  ==========================================================  ==================
part    "validation" or "test": which of the two folds
fold    what to fit on, who is evaluated, what was held out         see datasets.splits
key     sha256 over the names, types, shapes and bytes of all arrays  64 hex digits
======  ==========================================================  ==================
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.datasets.folds import Fold, Part, Split

FORMAT = 2
PARTS: tuple[Part, ...] = ("validation", "test")
MATRICES = ("fit", "history", "relevant", "exclude")
SIDE = ("item_features", "user_features", "fit_times", "history_times")  # where there are any
VECTORS = ("users", "rows")
COUNTS = ("n_cold", "n_repeat")
CSR_ARRAYS = ("data", "indices", "indptr")


@dataclass(frozen=True)
class Bundle:
    """A folder that holds folds: where it is, what it is called and the hash of its content.

    ``side`` names what algorithms can use there besides the matrix.
    """

    path: Path
    dataset: str
    split: str
    key: str
    parts: tuple[str, ...]
    info: dict[str, Any] = field(default_factory=dict)
    side: tuple[str, ...] = ()

    def fold(self, part: str) -> Fold:
        """One fold, its arrays mapped from the files."""
        return load_fold(self.path, part)


def write_bundle(
    split: Split, folder: Path | str, *, dataset: str = "", info: Mapping[str, Any] | None = None
) -> Bundle:
    """Write the validation and the test fold of a split; an equal bundle there is left alone.

    Parameters
    ----------
    split : Split
    folder : path
        Made if needed. Appears complete or not at all: written beside, then renamed.
    dataset : str
        The name under which results are kept; the log's own name if empty.
    info : dict or None
        More to be known of the bundle, as JSON has it.

    Notes
    -----
    Time and disk: O(nnz), 8 bytes an interaction of each of the matrices.
    """
    folds: dict[str, Fold] = {part: split.fold(part) for part in PARTS}
    facts: dict[str, Any] = {"n_users": split.data.n_users, "n_items": split.data.n_items}
    facts |= {"n_events": split.data.n_events, "reason": split.reason} | dict(info or {})
    name = dataset or split.data.name
    return write_folds(folds, folder, dataset=name, split=split.name, info=facts)


def write_folds(
    folds: Mapping[str, Fold],
    folder: Path | str,
    *,
    dataset: str,
    split: str,
    info: Mapping[str, Any] | None = None,
) -> Bundle:
    """Write folds that are in memory; see write_bundle."""
    arrays = {
        f"{part}.{name}": array
        for part, fold in folds.items()
        for name, array in _arrays(fold).items()
    }
    manifest = {
        "format": FORMAT,
        "dataset": dataset,
        "split": split,
        "key": _hash(arrays),
        "parts": {part: _describe(fold) for part, fold in folds.items()},
        "info": dict(info or {}),
    }
    target = Path(folder)
    if not _holds(target, manifest):
        _write_whole(target, arrays, manifest)
    return open_bundle(target)


def open_bundle(folder: Path | str) -> Bundle:
    """The bundle in a folder.

    Raises
    ------
    FileNotFoundError
        If there is no bundle.
    ValueError
        If it was written by another version of the format.
    """
    manifest = json.loads((Path(folder) / "bundle.json").read_text(encoding="utf-8"))
    if manifest["format"] != FORMAT:
        raise ValueError(
            f"{folder} has bundle format {manifest['format']}, this version reads {FORMAT}: "
            "delete the folder and it is written again"
        )
    return Bundle(
        path=Path(folder),
        dataset=manifest["dataset"],
        split=manifest["split"],
        key=manifest["key"],
        parts=tuple(manifest["parts"]),
        info=manifest["info"] | {"parts": manifest["parts"]},
        side=tuple(next(iter(manifest["parts"].values()))["side"]),
    )


def content_key(folder: Path | str) -> str:
    """The key that the arrays in a folder have now, whatever its manifest says: reads them all."""
    files = {file.stem: file for file in Path(folder).glob("*.npy")}
    return _hash({name: np.load(file, mmap_mode="r") for name, file in files.items()})


def load_fold(folder: Path | str, part: str) -> Fold:
    """One fold of a bundle, its arrays mapped from the files.

    Raises
    ------
    KeyError
        If the bundle has no such part.
    """
    path = Path(folder)
    manifest = json.loads((path / "bundle.json").read_text(encoding="utf-8"))
    if part not in manifest["parts"]:
        raise KeyError(f"{folder} has no part {part!r}; it has: {', '.join(manifest['parts'])}")
    described = manifest["parts"][part]
    values: dict[str, Any] = {name: described[name] for name in COUNTS}
    for name in VECTORS:
        values[name] = _mapped(path / f"{part}.{name}.npy")
    for name in described["shapes"]:
        pieces = [_mapped(path / f"{part}.{name}.{piece}.npy") for piece in CSR_ARRAYS]
        values[name] = csr_array(tuple(pieces), shape=tuple(described["shapes"][name]), copy=False)
    return Fold(**values)


def _mapped(file: Path) -> NDArray[Any]:
    array = np.load(file, mmap_mode=None if os.path.getsize(file) < 4096 else "c")
    # "c", copy on write: the file stays as it is and its pages are shared, but numba sees the same
    # array type as in memory (read-only arrays would compile each kernel a second time)
    return np.asarray(array)


def _arrays(fold: Fold) -> dict[str, NDArray[Any]]:
    arrays = {name: np.ascontiguousarray(getattr(fold, name)) for name in VECTORS}
    for name, matrix in _matrices(fold).items():
        for piece in CSR_ARRAYS:
            arrays[f"{name}.{piece}"] = np.ascontiguousarray(getattr(matrix, piece))
    return arrays


def _matrices(fold: Fold) -> dict[str, csr_array]:
    there = {name: getattr(fold, name) for name in (*MATRICES, *SIDE)}
    return {name: matrix for name, matrix in there.items() if matrix is not None}


def _describe(fold: Fold) -> dict[str, Any]:
    described: dict[str, Any] = {name: int(getattr(fold, name)) for name in COUNTS}
    described["shapes"] = {name: list(matrix.shape) for name, matrix in _matrices(fold).items()}
    described["nnz"] = {name: int(matrix.nnz) for name, matrix in _matrices(fold).items()}
    described["side"] = sorted(fold.side())
    return described


def _hash(arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(array.data if array.size else b"")
    return digest.hexdigest()


def _holds(folder: Path, manifest: dict[str, Any]) -> bool:
    file = folder / "bundle.json"
    return file.exists() and json.loads(file.read_text(encoding="utf-8")) == manifest


def _write_whole(
    folder: Path, arrays: Mapping[str, NDArray[Any]], manifest: dict[str, Any]
) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, array in arrays.items():
            np.save(beside / f"{name}.npy", array, allow_pickle=False)
        text = json.dumps(manifest, indent=1)
        (beside / "bundle.json").write_text(text, encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
