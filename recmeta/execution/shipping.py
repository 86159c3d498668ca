"""Bundles that travel: packed into bytes by the driver, unpacked once on each node that needs them.

The bytes are a tar of the .npy files and the manifest, not compressed: indices of an interaction
log hardly shrink, and networks of clusters are faster than a compressor. A node keeps what it got
in a folder named by the content hash and checks that hash, so that a name is never trusted. What
no task has used for an hour goes when the next one comes.
"""

import contextlib
import io
import os
import shutil
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recmeta.execution.bundle import content_key, open_bundle

UNUSED_S = 3600.0


def pack(folder: Path | str) -> NDArray[np.uint8]:
    """The files of a bundle as bytes, (n_bytes,): an array, which an object store does not copy.

    Notes
    -----
    Time and memory: O(bytes of the bundle).
    """
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for file in sorted(Path(folder).iterdir()):
            tar.add(file, arcname=file.name)
    return np.frombuffer(stream.getbuffer(), dtype=np.uint8)


def unpack(packed: NDArray[np.uint8], key: str, cache: Path) -> Path:
    """The folder of a packed bundle in ``cache``, complete or not there at all.

    Raises
    ------
    ValueError
        If the content's hash is not ``key``.
    """
    forget_unused(cache)
    beside = Path(tempfile.mkdtemp(prefix=".", dir=cache))
    try:
        with tarfile.open(fileobj=io.BytesIO(packed.tobytes())) as tar:
            tar.extractall(beside, filter="data")
        found = content_key(beside)
        if found != key:
            raise ValueError(f"a bundle arrived with content {found}, {key} was asked for")
        try:
            beside.rename(cache / key)
        except OSError:  # another process was first: its content is the same
            if not (cache / key).exists():
                raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return cache / key


def kept(key: str, cache: Path) -> Path | None:
    """The folder of a bundle that was unpacked here before; marked as used now."""
    folder = cache / key
    try:
        os.utime(folder)
    except FileNotFoundError:
        return None
    return folder


def holds(folder: Path | str, key: str) -> bool:
    """Whether there is a bundle in the folder whose manifest has this key."""
    try:
        return open_bundle(folder).key == key
    except (OSError, ValueError, KeyError):
        return False


def cache_folder() -> Path:
    """This user's folder for bundles on this machine, closed to others.

    Raises
    ------
    PermissionError
        If somebody else has made it.
    """
    folder = Path(tempfile.gettempdir()) / f"recmeta-bundles-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user: remove it, or set TMPDIR")
    return folder


def forget_unused(cache: Path, seconds: float = UNUSED_S) -> None:
    """Remove what no task has used for so long; a task maps its files as soon as it starts."""
    before = time.time() - seconds
    for folder in cache.iterdir():
        with contextlib.suppress(OSError):
            if folder.stat().st_mtime < before:
                shutil.rmtree(folder)
