"""What numba compiles when it is first used: once on a machine, before any budget begins.

A marker beside numba's cache says that it was done for this code, these libraries and this
processor. Where nothing can be written there, nothing is compiled ahead.
"""

import contextlib
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import llvmlite.binding as llvm  # type: ignore[import-untyped]
import numba
import numpy as np

import recmeta
from recmeta.algorithms import get
from recmeta.algorithms._sums import _count_in_rows
from recmeta.datasets.synthetic import generate
from recmeta.execution.fit import warm_up
from recmeta.execution.limits import n_cores
from recmeta.metafeatures import extract_all
from recmeta.metalearning import metadata

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def compile_once(
    algorithms: Sequence[str] = (), *, say: Callable[[], None] = lambda: None
) -> float:
    """Compile what meta-features and fits of these algorithms use; the seconds that it took.

    ``say`` is called before, if there is something to do. It takes about a minute on two cores,
    and next to nothing once it is done.
    """
    names = sorted(algorithms)
    marker = _marker(names)
    if marker is None or marker.exists():
        return 0.0
    say()
    started = time.monotonic()
    n_processes = min(n_cores(), len(names) + 1)
    shares = [names[first::n_processes] for first in range(n_processes)]
    shares[0] = ["", *shares[0]]  # meta-features as well
    pinned = dict.fromkeys(ONE_THREAD, "1")
    environment = {**os.environ, **pinned, "PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", __name__, *share],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for share in shares
    ]
    try:
        for process in processes:
            process.wait()
    except BaseException:  # Ctrl-C
        for process in processes:
            process.kill()
        raise
    with contextlib.suppress(OSError):
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
    return time.monotonic() - started


def advised() -> list[str]:
    """Names of the algorithms that the advice is about, and so the race of ``fit``."""
    return sorted(set(metadata.load().configurations["algorithm"]))


def _marker(names: Sequence[str]) -> Path | None:
    """None where numba does not compile."""
    if not hasattr(_count_in_rows, "stats"):
        return None
    folder = Path(recmeta.__file__).parent
    latest = max(file.stat().st_mtime_ns for file in folder.rglob("*.py"))
    about = (*names, latest, folder, sys.version, numba.__version__, np.__version__)
    processor = llvm.get_host_cpu_name(), os.environ.get("NUMBA_CPU_NAME", "")
    digest = hashlib.sha256(repr((about, processor)).encode()).hexdigest()[:16]
    return Path(str(_count_in_rows.stats.cache_path)) / f"compiled-{digest}"


def _compile(names: Sequence[str]) -> None:
    """An empty name stands for the meta-features."""
    for name in names:
        if name:
            warm_up(get(name))
        else:
            warm_up()
            extract_all(generate(n_users=80, n_items=50, n_events=900, seed=0), seed=0)


if __name__ == "__main__":
    _compile(sys.argv[1:])
