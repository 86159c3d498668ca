"""Fits in processes of their own, on one thread: what memory.py and costs.py make tables of.

A process first fits a log of 600 x 500, so that all is compiled and loaded, and gives free memory
back (glibc's malloc_trim): neither libraries nor earlier arrays count then, and none of the fit's
hides in memory that was free. What malloc keeps between the fit's own arrays does count, and so do
pages of BLAS's work space that the first log was too small for. ``arrays`` counts neither: Python's
and numpy's own books of the fit (tracemalloc), which know nothing of torch's and LightGBM's.
"""

import ctypes
import gc
import multiprocessing
import queue
import statistics
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba
import numpy as np
from memory_needs import work_of
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from recmeta.algorithms import Recommender, all_algorithms
from recmeta.data import Interactions
from recmeta.datasets.splits import random_holdout
from recmeta.datasets.synthetic import generate
from recmeta.execution.limits import PeakMemory
from recmeta.testing.informed import made_up

WARM_UP = 600, 500, 20_000
QUICK, REPEATS = 0.5, 3  # a fit of fewer seconds by cost() is done so often
LONGEST, MOST = 2.0, 60.0  # seconds by cost(): of training in epochs, of all else


@dataclass(frozen=True)
class Fit:
    """Medians of some fits: CPU seconds, bytes that the process grew by, bytes that are needed, and
    that arrays took."""

    model: Recommender  # not fitted
    seconds: float
    growth: float
    needs: float
    arrays: float  # NaN if not asked for, and for what runs on torch
    size: int  # of X in bytes
    shape: tuple[int, int, int]

    def promised(self) -> Any:
        return type(self.model).cost(*self.shape, **self.model.get_params())


def synthetic(n_users: int, n_items: int, n_events: int) -> csr_array:
    return matrix_of(generate(n_users=n_users, n_items=n_items, n_events=n_events, seed=42))


def matrix_of(data: Interactions) -> csr_array:
    return random_holdout(data, seed=0).fold("test").fit


def fits(name: str, logs: dict[str, csr_array], trace: bool = False) -> dict[str, Fit | str]:
    """By the log's name: the fit with the defaults, or why there is none.

    What trains in epochs does as many, one at least, as cost() says to take LONGEST seconds; what
    takes more than MOST even so is left out.
    """
    context: Any = multiprocessing.get_context("fork")  # the logs are made once
    answers = context.Queue()
    warm = synthetic(*WARM_UP)
    child = context.Process(target=_measured, args=(name, warm, logs, trace, answers))
    child.start()
    while child.is_alive() or not answers.empty():
        try:
            found: dict[str, Fit | str] = answers.get(timeout=1)
        except queue.Empty:
            continue
        child.join()
        return found
    return dict.fromkeys(logs, "failed")


def _measured(
    name: str, warm: csr_array, logs: dict[str, csr_array], trace: bool, answers: Any
) -> None:
    algorithm = all_algorithms()[name]
    numba.set_num_threads(1)
    found: dict[str, Fit | str] = {}
    with threadpool_limits(1):
        short = {"n_epochs": 2} if algorithm.iterative else {}
        algorithm(**short).fit(warm, **_side(algorithm, warm))
        for log, X in logs.items():
            model = _shortened(algorithm, X)
            seconds = algorithm.cost(*X.shape, X.nnz, **model.get_params()).seconds
            if seconds > MOST:
                found[log] = f"cost() says {seconds:.0f} s"
                continue
            n_fits = REPEATS if seconds < QUICK else 1
            runs = [_one(model, X, _side(algorithm, X)) for _ in range(n_fits)]
            medians = [statistics.median(column) for column in zip(*runs, strict=True)]
            arrays = _traced(model, X, _side(algorithm, X)) if trace else float("nan")
            found[log] = Fit(model, *medians, arrays, _size(X), (*X.shape, X.nnz))
    answers.put(found)


def _one(model: Recommender, X: csr_array, side: dict[str, Any]) -> tuple[float, float, float]:
    fitted = type(model)(**model.get_params())
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    peak = PeakMemory()
    peak.start()
    start = time.process_time()
    fitted.fit(X, **side)
    seconds, growth = time.process_time() - start, peak.read()
    learned = sum(map(_size, vars(fitted).values()))
    return seconds, growth, _size(X) + learned + work_of(fitted, X)


def _traced(model: Recommender, X: csr_array, side: dict[str, Any]) -> float:
    fitted = type(model)(**model.get_params())
    gc.collect()
    tracemalloc.start()
    fitted.fit(X, **side)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return float("nan") if hasattr(fitted, "weights_") else float(peak)


def _shortened(algorithm: type[Recommender], X: csr_array) -> Recommender:
    model = algorithm()
    if algorithm.iterative:
        seconds = algorithm.cost(*X.shape, X.nnz, **model.get_params()).seconds
        n_epochs = model.get_params()["n_epochs"]
        model.set_params(n_epochs=max(int(n_epochs * min(LONGEST / seconds, 1)), 1))
    return model


def _side(algorithm: type[Recommender], X: csr_array) -> dict[str, Any]:
    """Features and times, made up: of what the algorithm uses."""
    made = made_up(X) if algorithm.uses else {}
    return {name: value for name, value in made.items() if name in algorithm.uses}


def _size(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.nbytes
    parts = ("data", "indices", "indptr") if hasattr(value, "indptr") else ()
    return sum(getattr(value, part).nbytes for part in parts)


def is_possible() -> bool:
    """Linux can set a peak back."""
    return Path("/proc/self/clear_refs").exists()
