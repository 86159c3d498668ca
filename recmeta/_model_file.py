"""The file of a model: a zip, not compressed, of manifest.json and arrays.safetensors.

Reading runs no code from the file: the class is looked up among the installed algorithms, arrays
are plain numbers, and everything is checked against the manifest before it is used.
"""

import hashlib
import json
import math
import os
import secrets
import struct
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as parse_arrays
from safetensors.numpy import save as arrays_bytes
from scipy.sparse import csr_array

import recmeta
from recmeta.algorithms import Recommender, get
from recmeta.algorithms._checks import checked_side
from recmeta.algorithms._state import matrix_arrays, matrix_of, state_of, with_state

if TYPE_CHECKING:
    from recmeta.model import Model

FORMAT = 1
MANIFEST, ARRAYS = "manifest.json", "arrays.safetensors"
LARGEST_MANIFEST = 2**24
LEARNED = "estimator/"
FIELDS = {"algorithm": str, "params": dict, "attributes": dict, "metrics": dict, "name": str}
FIELDS |= {"arrays": dict}
INTEGERS = (".indices", ".indptr", ".shape", ".ends")
# what zip, JSON, safetensors, scipy and an estimator raise for bytes that are not what they seem
DAMAGED: tuple[type[Exception], ...] = (
    *(zipfile.BadZipFile, struct.error, SafetensorError, OSError, EOFError, ValueError),
    *(LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError, MemoryError),
)


class ModelFileError(ValueError):
    """A file that is no model, of another version, damaged or not safe."""


def write(model: "Model", path: Path) -> None:
    """Write beside, then rename: a file is whole or not there."""
    learned, plain = state_of(model.estimator)
    arrays = {f"{LEARNED}{name}": array for name, array in learned.items()}
    for name in ("users", "items"):
        arrays |= _id_arrays(name, getattr(model, name))
    for name in ("histories", "seen"):
        arrays |= matrix_arrays(name, getattr(model, name))
    if model.times is not None:
        arrays |= matrix_arrays("times", model.times)
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    manifest = {
        "format": FORMAT,
        "recmeta": recmeta.__version__,
        "algorithm": type(model.estimator).__name__,
        "params": model.estimator.get_params(),
        "attributes": plain,
        "metrics": model.metrics,
        "name": model.name,
        "arrays": {name: _describe(array) for name, array in arrays.items()},
    }
    text = json.dumps(manifest, indent=1, default=_plain)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        # not by tempfile, whose files nobody but their owner can read
        with open(beside, "xb") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
                archive.writestr(MANIFEST, text)
                archive.writestr(ARRAYS, arrays_bytes(arrays))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def read(path: Path) -> dict[str, Any]:
    """What Model needs: see ``recmeta.model.load``."""
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _manifest(archive, path)
            arrays = parse_arrays(archive.read(ARRAYS))
    except FileNotFoundError:
        raise ModelFileError(
            f"there is no file {path}: `recmeta fit --out {path}` makes one"
        ) from None
    except ModelFileError:
        raise
    except DAMAGED as error:
        raise ModelFileError(f"{path} is no model file, or is damaged: {error}") from error
    _check(manifest, arrays, path)
    learned = {
        name.removeprefix(LEARNED): array
        for name, array in arrays.items()
        if name.startswith(LEARNED)
    }
    _check_names({*manifest["attributes"], *(name.partition(".")[0] for name in learned)}, path)
    try:
        algorithm = get(manifest["algorithm"])
        estimator = with_state(algorithm, manifest["params"], learned, manifest["attributes"])
        users, items = _ids("users", arrays), _ids("items", arrays)
        histories, seen = matrix_of("histories", arrays), matrix_of("seen", arrays)
        times = matrix_of("times", arrays) if "times.shape" in arrays else None
    except DAMAGED as error:
        raise ModelFileError(f"{path} is damaged: {error}") from error
    _check_sizes(users, items, histories, seen, estimator, path)
    _check_it_answers(estimator, histories, times, path)
    return {
        "estimator": estimator,
        "users": users,
        "items": items,
        "histories": histories,
        "seen": seen,
        "times": times,
        "metrics": manifest["metrics"],
        "name": manifest["name"],
    }


def _manifest(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    names = sorted(archive.namelist())
    if names != sorted([MANIFEST, ARRAYS]):
        raise ModelFileError(f"{path} is no model file: it holds {', '.join(names) or 'nothing'}")
    entries = {info.filename: info for info in archive.infolist()}
    if any(info.compress_type != zipfile.ZIP_STORED for info in entries.values()):
        raise ModelFileError(f"{path} is compressed, which no model file is")
    total = sum(info.file_size for info in entries.values())
    if total > path.stat().st_size or entries[MANIFEST].file_size > LARGEST_MANIFEST:
        raise ModelFileError(f"{path} declares more bytes than it has")
    manifest = json.loads(archive.read(MANIFEST))
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        version = manifest.get("format") if isinstance(manifest, dict) else None
        raise ModelFileError(
            f"{path} has format {version}, this version of recmeta reads {FORMAT}: "
            "fit it again, or install the version that wrote it"
        )
    for field, kind in FIELDS.items():
        if not isinstance(manifest.get(field), kind):
            raise ModelFileError(f"{path} is damaged: its manifest has no {field}")
    return manifest


def _check(manifest: dict[str, Any], arrays: dict[str, NDArray[Any]], path: Path) -> None:
    declared = manifest["arrays"]
    if set(declared) != set(arrays):
        raise ModelFileError(f"{path} is damaged: its arrays are not those of its manifest")
    for name, array in arrays.items():
        if _describe(array) != declared[name]:
            raise ModelFileError(f"{path} is damaged: {name} is not what the manifest says")
        if name.endswith(INTEGERS) and (array.dtype.kind not in "iu" or array.ndim != 1):
            raise ModelFileError(f"{path} is damaged: {name} is no row of integers")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ModelFileError(f"{path} is damaged: {name} has NaN or infinite values")
    for name, value in manifest["attributes"].items():
        finite = not isinstance(value, float) or math.isfinite(value)
        if not isinstance(value, bool | int | float | str | None) or not finite:
            raise ModelFileError(f"{path} is damaged: {name} is no plain value")


def _check_names(names: set[str], path: Path) -> None:
    """Only what a fit learns: no other attribute of an estimator comes from a file."""
    for name in names:
        if not name.isidentifier() or name.startswith("_") or not name.endswith("_"):
            raise ModelFileError(f"{path} is damaged: {name} is nothing that a fit learns")


def _check_sizes(
    users: NDArray[Any],
    items: NDArray[Any],
    histories: csr_array,
    seen: csr_array,
    estimator: Recommender,
    path: Path,
) -> None:
    shape = (len(users), len(items))
    fitted = (getattr(estimator, "n_users_", -1), getattr(estimator, "n_features_in_", -1))
    if not histories.shape == seen.shape == shape == fitted:
        raise ModelFileError(
            f"{path} is damaged: {shape[0]} users and {shape[1]} items, but histories are "
            f"{histories.shape}, seen items {seen.shape} and the estimator {fitted}"
        )
    for name, ids in (("user", users), ("item", items)):
        if len(set(ids.tolist())) != len(ids):
            raise ModelFileError(f"{path} is damaged: two {name}s have the same id")


def _check_it_answers(
    estimator: Recommender, histories: csr_array, times: csr_array | None, path: Path
) -> None:
    """One score an item for the first and the last user: kernels trust the shapes of arrays."""
    rows = np.array([0, histories.shape[0] - 1])
    uses_times = estimator.uses & {"timestamps"}
    try:
        when = None if times is None else times[rows]
        side = checked_side(type(estimator), uses_times, histories[rows], timestamps=when)
        scores = estimator._scores(histories[rows], rows, **side)
    except DAMAGED as error:
        raise ModelFileError(f"{path} is damaged: it cannot score ({error})") from error
    if scores.shape != (2, histories.shape[1]) or not np.isfinite(scores).all():
        raise ModelFileError(
            f"{path} is damaged: its scores have the shape {scores.shape}, or are not finite"
        )


def _plain(value: Any) -> Any:
    """numpy's numbers as Python's, for JSON."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a model file holds plain values, not {value!r}: set another parameter")


def _describe(array: NDArray[Any]) -> dict[str, Any]:
    digest = hashlib.sha256(array.tobytes()).hexdigest()
    return {"dtype": array.dtype.str, "shape": list(array.shape), "sha256": digest}


def _id_arrays(name: str, ids: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Numbers as they are; texts as one run of UTF-8 and where each ends."""
    if ids.dtype.kind in "iu":
        return {name: ids.astype(np.int64)}
    texts = [str(text).encode() for text in ids.tolist()]
    ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
    return {f"{name}.utf8": np.frombuffer(b"".join(texts), dtype=np.uint8), f"{name}.ends": ends}


def _ids(name: str, arrays: dict[str, NDArray[Any]]) -> NDArray[Any]:
    if name in arrays:
        if arrays[name].dtype.kind not in "iu" or arrays[name].ndim != 1:
            raise ValueError(f"{name} are no row of integers")
        return arrays[name]
    blob, ends = arrays[f"{name}.utf8"].tobytes(), arrays[f"{name}.ends"]
    if len(ends) and (ends[-1] != len(blob) or (np.diff(ends, prepend=0) < 0).any()):
        raise ValueError(f"the ends of {name} don't fit its texts")
    starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
    texts = [blob[start:end].decode() for start, end in zip(starts, ends, strict=True)]
    return np.asarray(texts, dtype=object)
