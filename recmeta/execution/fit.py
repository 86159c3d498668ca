"""One task in this process: load, fit, evaluate, measure. local.py wraps a process around it."""

import contextlib
import importlib
import os
import platform
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms import IterativeRecommender, Recommender, get
from recmeta.datasets.folds import Fold
from recmeta.evaluation import evaluate, train
from recmeta.execution._curve import MEASURED, Clock, fit_and_watch
from recmeta.execution.budget import size_text
from recmeta.execution.bundle import load_fold
from recmeta.execution.limits import PeakMemory, memory_limit
from recmeta.execution.state import save_state
from recmeta.execution.task import Result, Task

MIB = 2**20
# the metrics whose standard error every result has
ERRORS_OF = ("ndcg@5", "ndcg@10", "ndcg@20", "recall@10", "recall@20", "hit_rate@10")
PATIENCE = 3  # measurements in a row without a gain
COMPILING_BYTES = 2 * 2**30  # to import and compile, whatever is allowed for the fit
VERSIONS_OF = ("recmeta", "numpy", "scipy", "numba", "scikit-learn")


@dataclass
class _Measured:
    """What the finished parts have given so far."""

    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    standard_errors: dict[str, dict[str, float]] = field(default_factory=dict)
    per_user: dict[str, dict[str, NDArray[np.float16]]] = field(default_factory=dict)
    n_users: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)  # field of Result -> one a part
    peak_mb: list[float] = field(default_factory=list)
    n_epochs: int | None = None
    curve: dict[str, list[float]] = field(default_factory=dict)

    def result(self, status: Any, error: str = "") -> Result:
        means: Any = {name: float(np.mean(values)) for name, values in self.seconds.items()}
        return Result(
            status=status,
            error=error,
            metrics=self.metrics,
            standard_errors=self.standard_errors,
            per_user=self.per_user,
            n_users=self.n_users,
            peak_mb=max(self.peak_mb, default=float("nan")),
            n_epochs=self.n_epochs,
            curve=self.curve,
            threads=int(os.environ.get("OMP_NUM_THREADS", "0")),
            versions=versions(),
            **means,
        )


def fit_one(
    task: Task,
    *,
    on_part: Callable[[Result], None] = lambda result: None,
    on_warm: Callable[[], None] = lambda: None,
) -> Result:
    """Do a task here. Faults become a status; what was measured before them is kept.

    Parameters
    ----------
    task : Task
        Its memory limit holds for this process meanwhile; its time limit is kept from outside.
    on_part : callable
        Called with the result so far after each part.
    on_warm : callable
        Called when all is loaded and compiled, before the first fit.
    """
    measured = _Measured()
    try:
        _all_parts(task, measured, on_part, on_warm)
    except Exception as error:  # a fault of an algorithm is a row of the sweep, not its end
        return measured.result("oom" if _is_memory(error) else "error", _because(error))
    return measured.result("ok")


def _all_parts(
    task: Task,
    measured: _Measured,
    on_part: Callable[[Result], None],
    on_warm: Callable[[], None],
) -> None:
    folds = {part: load_fold(task.bundle, part) for part in task.parts}
    with memory_limit(_to_compile(task.memory_bytes)):
        algorithm = find_algorithm(task.algorithm)
        warm_up(algorithm, **task.params)
    on_warm()
    for part, fold in folds.items():
        estimator = _build(algorithm, task)
        X = _share_of_users(fold.fit, task)
        _touch(fold, X)
        _refuse_if_too_large(estimator, X, task)
        with memory_limit(task.memory_bytes):
            _one_part(estimator, X, fold, task, part, measured)
        if part == task.parts[-1] and task.save_to is not None:
            save_state(estimator, task.save_to)
        on_part(measured.result("ok"))


def _one_part(
    estimator: Recommender, X: csr_array, fold: Fold, task: Task, part: str, measured: _Measured
) -> None:
    peak = PeakMemory()
    peak.start()
    with _clock(measured, "fit") as clock:
        if part == "validation" and task.curve_by is not None and task.stop_by is None:
            measured.curve = fit_and_watch(estimator, X, fold, task.curve_by, clock, peak)
        else:
            _fit(estimator, X, fold, task, part, measured)
    measured.peak_mb.append(peak.read() / MIB)
    wanted = tuple(dict.fromkeys((*ERRORS_OF, *task.per_user)))
    with _clock(measured, "predict"):
        evaluation = evaluate(estimator, fold, per_user=wanted)
    measured.metrics[part] = {name: float(value) for name, value in evaluation.values.items()}
    measured.n_users[part] = evaluation.n_users
    measured.standard_errors[part] = {
        name: _standard_error(vector) for name, vector in evaluation.per_user.items()
    }
    measured.per_user[part] = {
        name: evaluation.per_user[name].astype(np.float16) for name in task.per_user
    }


def _fit(
    estimator: Recommender, X: csr_array, fold: Fold, task: Task, part: str, measured: _Measured
) -> None:
    """Fit, or train for as long as validation gets better; later parts for as many epochs."""
    if task.stop_by is None or not isinstance(estimator, IterativeRecommender):
        estimator.fit(X, **fold.side())
    elif part != "validation":
        epochs = {} if measured.n_epochs is None else {"n_epochs": measured.n_epochs}
        estimator.set_params(**epochs).fit(X, **fold.side())
    else:
        every = max(estimator.n_epochs // MEASURED, 1)
        watched = replace(fold, fit=X)
        curve = train(estimator, watched, metric=task.stop_by, every=every, patience=PATIENCE)
        measured.n_epochs = curve.best_epoch
        measured.curve = {"epochs": [*map(float, curve.epochs)], "values": curve.values}
        measured.curve["seconds"] = curve.seconds


@contextlib.contextmanager
def _clock(measured: _Measured, what: str) -> Iterator[Clock]:
    clock = Clock()
    yield clock
    measured.seconds.setdefault(f"{what}_s", []).append(clock.wall())
    measured.seconds.setdefault(f"{what}_cpu_s", []).append(clock.cpu())


def find_algorithm(name: str) -> type[Recommender]:
    """The class of a name of recmeta.algorithms or of ``"package.module:Class"``.

    Raises
    ------
    KeyError
        If there is none of that name.
    TypeError
        If the class is no Recommender.
    """
    if ":" not in name:
        return get(name)
    module, _, attribute = name.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if not (isinstance(found, type) and issubclass(found, Recommender)):
        raise TypeError(f"{name} must be a subclass of recmeta.algorithms.Recommender")
    return found


def _build(algorithm: type[Recommender], task: Task) -> Recommender:
    estimator = algorithm(**task.params)
    if "random_state" in estimator.get_params() and "random_state" not in task.params:
        estimator.set_params(random_state=task.seed)
    return estimator


class _ByItemNumber(Recommender):
    """Earlier items are better: runs what all algorithms share and nothing of any of them."""

    def _fit(self, X: csr_array) -> None:
        self.n_ranks_ = X.shape[1]

    def _scores(self, X: csr_array, users: NDArray[np.int64]) -> NDArray[np.float32]:
        ranks = np.arange(self.n_ranks_, 0, -1, dtype=np.float32)
        return np.tile(ranks, (X.shape[0], 1))


def warm_up(algorithm: type[Recommender] = _ByItemNumber, **params: Any) -> None:
    """Compile, or load from numba's cache, what a fit and an evaluation use: not part of a fit."""
    rng = np.random.default_rng(0)
    tiny: Any = csr_array((rng.random((24, 16)) < 0.4).astype(np.float32))
    everyone = np.arange(24, dtype=np.int64)
    held: Any = csr_array(np.eye(24, 16, dtype=np.float32))
    times = csr_array((np.arange(tiny.nnz, dtype=np.float64), tiny.indices, tiny.indptr))
    fold = Fold(
        fit=tiny, users=everyone, history=tiny, relevant=held, exclude=tiny, rows=everyone,
        n_cold=0, n_repeat=0, item_features=tiny.T.tocsr(), user_features=tiny,
        fit_times=times, history_times=times,
    )  # fmt: skip
    # a configuration may be too large for 16 items: then the fit itself compiles what is left
    with contextlib.suppress(Exception):
        evaluate(algorithm(**params).fit(tiny, **fold.side()), fold, per_user=ERRORS_OF)


def _to_compile(memory_bytes: int | None) -> int | None:
    return None if memory_bytes is None else max(memory_bytes, COMPILING_BYTES)


def _share_of_users(X: csr_array, task: Task) -> csr_array:
    """X with the rows of all but a seeded sample of the users empty; the shape stays."""
    if task.fidelity >= 1.0:
        return X
    chosen = np.random.default_rng([task.seed, 7]).random(X.shape[0]) < task.fidelity
    counts = np.diff(X.indptr) * chosen
    kept = np.repeat(chosen, np.diff(X.indptr))
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(X.indptr.dtype)
    return csr_array((X.data[kept], X.indices[kept], indptr), shape=X.shape)


def _touch(fold: Fold, X: csr_array) -> None:
    """Read the mapped files once, so that their pages don't count as the fit's memory."""
    for matrix in (X, fold.history, fold.relevant, fold.exclude, *fold.side().values()):
        for array in (matrix.data, matrix.indices, matrix.indptr):
            array.sum()


def _refuse_if_too_large(estimator: Recommender, X: csr_array, task: Task) -> None:
    if task.memory_bytes is None:
        return
    shape = (*X.shape, X.nnz)
    cost = type(estimator).cost(*shape, **estimator.get_params())
    if cost.bytes > task.memory_bytes:
        other = estimator.alternative
        fits = other and _default_bytes(get(other), shape) <= task.memory_bytes
        use = f"; {other} is for such a size" if fits else ""
        raise MemoryError(
            f"refused by cost(): about {size_text(cost.bytes)} needed, "
            f"{size_text(task.memory_bytes)} allowed{use}"
        )


def _default_bytes(algorithm: type[Recommender], shape: tuple[int, int, int]) -> float:
    """What cost() says of its default configuration for (n_users, n_items, n_interactions)."""
    return algorithm.cost(*shape, **algorithm().get_params()).bytes


def _is_memory(error: Exception) -> bool:
    """A MemoryError, or one that a library has dressed as another error."""
    text = f"{type(error).__name__}: {error}".lower()
    causes = [error, error.__cause__, error.__context__]
    return any(isinstance(cause, MemoryError) for cause in causes) or any(
        words in text for words in ("bad_alloc", "cannot allocate memory", "out of memory")
    )


def _because(error: BaseException) -> str:
    if isinstance(error, MemoryError) and str(error).startswith("refused"):
        return str(error)
    return "".join(traceback.format_exception(error))[-4000:]


def _standard_error(vector: NDArray[np.float32]) -> float:
    counted = vector[~np.isnan(vector)]
    if len(counted) < 2:
        return float("nan")
    return float(counted.std(ddof=1, dtype=np.float64) / np.sqrt(len(counted)))


@cache
def versions() -> dict[str, str]:
    """Versions of what computes, for the record."""
    found = {"python": platform.python_version()}
    for package in VERSIONS_OF:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
