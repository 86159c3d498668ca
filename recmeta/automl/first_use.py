"""What numba compiles when it is first used: once on a machine, before any budget begins.

Markers beside numba's cache say what was done for this code, these libraries and this processor.
Where nothing can be written there, nothing is compiled ahead.
"""

import contextlib
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import llvmlite.binding as llvm  # type: ignore[import-untyped]
import numba
import numpy as np

import recmeta
from recmeta.algorithms import get
from recmeta.algorithms._sums import _count_in_rows
from recmeta.datasets.synthetic import generate
from recmeta.execution._pool import PINNED
from recmeta.execution.fit import warm_up
from recmeta.execution.limits import n_cores
from recmeta.metafeatures import extract_all
from recmeta.metalearning import metadata

META_FEATURES = "meta-features"


def compile_once(
    algorithms: Sequence[str] = (), *, say: Callable[[], None] = lambda: None
) -> float:
    """Compile what meta-features and fits of these algorithms use; the seconds that it took.

    ``say`` is called before, if there is something to do. It takes about a minute on two cores,
    and next to nothing once it is done. What cannot be compiled ahead is compiled when it is used.
    """
    folder = _folder()
    if folder is None:
        return 0.0
    markers = {name: folder / _marker(name) for name in (META_FEATURES, *sorted(algorithms))}
    names = [name for name, marker in markers.items() if not marker.exists()]
    if not names:
        return 0.0
    say()
    started = time.monotonic()
    shares = [names[first :: n_cores()] for first in range(min(n_cores(), len(names)))]
    for share, ended_well in zip(shares, _in_processes(shares), strict=True):
        for name in share if ended_well else []:
            with contextlib.suppress(OSError):
                markers[name].touch()
    return time.monotonic() - started


def _in_processes(shares: list[list[str]]) -> list[bool]:
    """Whether each process ended well; none is left behind."""
    pinned = dict.fromkeys(PINNED, "1")
    environment = {**os.environ, **pinned, "PYTHONPATH": os.pathsep.join(sys.path)}
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for share in shares:
            command = [sys.executable or "python", "-m", __name__, *share]
            processes.append(
                subprocess.Popen(
                    command,
                    env=environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        return [process.wait() == 0 for process in processes]
    except OSError:  # no process can be started: nothing is compiled ahead
        return [False] * len(shares)
    finally:
        for process in processes:
            process.kill()


def advised() -> list[str]:
    """Names of the algorithms that the advice is about, and so the race of ``fit``."""
    return sorted(set(metadata.load().configurations["algorithm"]))


def _folder() -> Path | None:
    """Numba's cache; None where it does not compile, or nothing can be written."""
    if not hasattr(_count_in_rows, "stats"):
        return None
    folder = Path(str(_count_in_rows.stats.cache_path))
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return folder if os.access(folder, os.W_OK) else None


def _marker(name: str) -> str:
    about = (name, *_code(), sys.version, numba.__version__, np.__version__)
    processor = llvm.get_host_cpu_name(), os.environ.get("NUMBA_CPU_NAME", "")
    digest = hashlib.sha256(repr((about, processor)).encode()).hexdigest()[:16]
    return f"compiled-{name}-{digest}"


@cache
def _code() -> tuple[int, Path]:
    """The latest change of this package, and where it is."""
    folder = Path(recmeta.__file__).parent
    changes = (file.stat().st_mtime_ns for file in folder.rglob("*.py"))
    return max(changes, default=0), folder


def _compile(names: Sequence[str]) -> None:
    for name in names:
        if name == META_FEATURES:
            extract_all(generate(n_users=80, n_items=50, n_events=900, seed=0), seed=0)
        else:
            warm_up(get(name))


if __name__ == "__main__":
    _compile(sys.argv[1:])
