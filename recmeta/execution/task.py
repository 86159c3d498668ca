"""Task and Result: one fit to make and what came of it, both plain values that JSON can carry."""

import base64
import hashlib
import json
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Status = Literal["ok", "timeout", "oom", "error"]
STATUSES: tuple[Status, ...] = ("ok", "timeout", "oom", "error")
INFRASTRUCTURE = "infrastructure fault"  # how the error of a task begins that its machine failed
BEFORE_FIT = ", before the fit"  # in the error of a time-out that came while it loaded or compiled
# what decides the numbers that come out; paths and limits don't
DEFINING = (
    "dataset", "data_key", "split", "algorithm", "params", "seed", "fidelity", "parts",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Task:
    """One algorithm with one configuration on one split.

    Parameters
    ----------
    bundle : str
        Folder of the bundle (execution.bundle).
    dataset, data_key, split : str
        The names of the data set and its split, and the hash of the bundle's content.
    algorithm : str
        A name of recmeta.algorithms, or ``"package.module:Class"`` for a Recommender of your own.
    params : dict
        Hyperparameters; ``random_state`` is set from ``seed`` where there is one.
    seed : int
    fidelity : float
        Fit on this share of the users (a seeded sample; the items stay), in (0, 1].
    parts : tuple of str
        ``"validation"`` fits on the training part and evaluates on validation; ``"test"`` fits on
        both and evaluates on test.
    time_limit_s : float or None
        Wall-clock seconds of all fits and their evaluation, kept by force. Loading and compiling
        before them do not count; they have a limit of their own, ten minutes at least.
    memory_bytes : int or None
        Memory above what the process has after loading the data, kept by force.
    save_to : str or None
        File for the fitted state of the last part (execution.state).
    per_user : tuple of str
        Accuracy metrics whose vector over the users the result keeps, such as ``"ndcg@10"``.
    stop_by : str or None
        An accuracy metric: an iterative algorithm is watched on validation, stops when it gets no
        better, and has the epochs of its best state; the parts after validation train for as many.
    curve_by : str or None
        An accuracy metric: an iterative algorithm is measured on validation while it trains, for
        ``Result.curve``. That changes nothing else: not its length, its seconds or its memory; but
        what measuring takes counts towards the time limit.
    """

    bundle: str
    dataset: str
    data_key: str
    split: str
    algorithm: str
    params: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    fidelity: float = 1.0
    parts: tuple[str, ...] = ("validation", "test")
    time_limit_s: float | None = None
    memory_bytes: int | None = None
    save_to: str | None = None
    per_user: tuple[str, ...] = ()
    stop_by: str | None = None
    curve_by: str | None = None

    @cached_property
    def id(self) -> str:
        """sha256 of the canonical JSON of what defines the result: 64 hex digits."""
        defining = {name: getattr(self, name) for name in DEFINING}
        if self.stop_by is not None:
            defining["stop_by"] = self.stop_by
        text = json.dumps(defining, sort_keys=True, separators=(",", ":"), default=_plain)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, default=_plain)

    @classmethod
    def from_json(cls, text: str) -> "Task":
        values = json.loads(text)
        return cls(**values | {name: tuple(values[name]) for name in ("parts", "per_user")})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Task) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.id)


@dataclass(frozen=True, eq=False)
class Result:
    """What came of a task. Metrics are there for each part that was finished before a fault.

    Attributes
    ----------
    status : str
        ``"ok"``, ``"timeout"``, ``"oom"`` or ``"error"``.
    metrics : dict
        part -> metric@cutoff -> value.
    standard_errors : dict
        part -> metric@cutoff -> standard error of the mean over users.
    per_user : dict
        part -> metric@cutoff -> float16 array, (n_users of the part,).
    n_users : dict
        part -> evaluated users.
    fit_s, fit_cpu_s, predict_s, predict_cpu_s : float
        Seconds of a fit and of ranking and evaluating all users, on the clock and on the processor
        (which a busy machine distorts less): the mean over the parts. NaN if none was finished.
    peak_mb : float
        The most memory of a fit, in 2**20 bytes above what the process had before it.
    total_s : float
        Seconds of the whole process, from its start to its end: with loading and compiling.
    n_epochs : int or None
        The best epoch on validation, of an iterative algorithm with ``stop_by``.
    curve : dict
        Its learning curve on validation, with ``stop_by`` or ``curve_by``: ``epochs``, ``values``
        and ``seconds`` of training, a list each.
    error : str
        Reason or traceback where the status is not ok.
    tries : int
        Times that the task was begun: more than 1 after a fault that was not its own.
    output : str
        The end of what it printed, where it ran in a process of its own; not kept by the store.
    """

    status: Status
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    standard_errors: dict[str, dict[str, float]] = field(default_factory=dict)
    per_user: dict[str, dict[str, NDArray[np.float16]]] = field(default_factory=dict)
    n_users: dict[str, int] = field(default_factory=dict)
    fit_s: float = float("nan")
    fit_cpu_s: float = float("nan")
    predict_s: float = float("nan")
    predict_cpu_s: float = float("nan")
    peak_mb: float = float("nan")
    total_s: float = float("nan")
    n_epochs: int | None = None
    curve: dict[str, list[float]] = field(default_factory=dict)
    error: str = ""
    tries: int = 1
    output: str = ""
    threads: int = 1
    versions: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        values["per_user"] = {
            part: {name: _packed(vector) for name, vector in vectors.items()}
            for part, vectors in self.per_user.items()
        }
        return json.dumps(values, default=_plain)

    @classmethod
    def from_json(cls, text: str) -> "Result":
        result = cls(**json.loads(text))
        unpacked = {
            part: {name: _unpacked(str(packed)) for name, packed in vectors.items()}
            for part, vectors in result.per_user.items()
        }
        return replace(result, per_user=unpacked)


def _plain(value: Any) -> Any:
    """numpy scalars and arrays as JSON has them."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"JSON cannot carry a {type(value).__name__}: {value!r}")


def _packed(vector: NDArray[Any]) -> str:
    return base64.b64encode(np.asarray(vector, dtype="<f2").tobytes()).decode("ascii")


def _unpacked(packed: str) -> NDArray[np.float16]:
    return np.frombuffer(base64.b64decode(packed), dtype="<f2").astype(np.float16)
