"""What a fit will take: each algorithm's own ``cost()``, corrected by what its runs took."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from recmeta.algorithms import get
from recmeta.metalearning.metadata import MetaData

LEAST_SECONDS, LEAST_BYTES = 1e-3, 2.0**20
MIN_SPREAD = 0.3  # of a logarithm: another processor, another load
Shape = tuple[int, int, int]  # users, items, interactions


@dataclass(frozen=True)
class Correction:
    """``log(taken) = log(cost()) + shift``, with a standard deviation ``spread``."""

    shift: float = 0.0
    spread: float = np.log(3.0)  # what cost() promises by itself


@dataclass(frozen=True)
class CostModel:
    """Corrections of seconds and bytes by algorithm."""

    seconds: Mapping[str, Correction]
    bytes: Mapping[str, Correction]

    def predict(self, algorithm: str, params: Mapping[str, Any], shape: Shape) -> "Expected":
        """Of one fit on a matrix of that shape."""
        cost = get(algorithm).cost(*shape, **params)
        seconds = self.seconds.get(algorithm, Correction())
        size = self.bytes.get(algorithm, Correction())
        return Expected(
            seconds=max(cost.seconds, LEAST_SECONDS) * float(np.exp(seconds.shift)),
            bytes=max(cost.bytes, LEAST_BYTES) * float(np.exp(size.shift)),
            spread_seconds=seconds.spread,
            spread_bytes=size.spread,
        )


@dataclass(frozen=True)
class Expected:
    """Median seconds and bytes, and the standard deviation of their logarithms."""

    seconds: float
    bytes: float
    spread_seconds: float
    spread_bytes: float

    def p_over(self, seconds: float | None, n_bytes: float | None) -> float:
        """Probability that the fit goes over a limit."""
        fine = 1.0
        if seconds is not None:
            fine *= norm.cdf(np.log(max(seconds, 1e-9) / self.seconds) / self.spread_seconds)
        if n_bytes is not None:
            fine *= norm.cdf(np.log(max(n_bytes, 1.0) / self.bytes) / self.spread_bytes)
        return float(1 - fine)


def fit_costs(known: MetaData) -> CostModel:
    """Medians of taken over promised, by algorithm; a run that was stopped took at least so much.

    O(runs) calls of ``cost()``.
    """
    runs = known.runs.join(known.problems[["n_users", "n_items", "nnz"]], on="problem")
    promised = [_promise(run) for run in runs.to_dict("records")]
    seconds = np.log(np.maximum([cost[0] for cost in promised], LEAST_SECONDS))
    n_bytes = np.log(np.maximum([cost[1] for cost in promised], LEAST_BYTES))
    taken = runs["fit_s"].fillna(runs["total_s"] / 2).to_numpy(dtype=np.float64)
    took = np.log(np.maximum(taken, LEAST_SECONDS))
    peaks = runs["peak_mb"].to_numpy(dtype=np.float64) * 2**20
    used = np.log(np.maximum(peaks, LEAST_BYTES))
    algorithms = runs["algorithm"].to_numpy()
    ok, late = (runs["status"] == "ok").to_numpy(), (runs["status"] == "timeout").to_numpy()
    # a stopped run says something only where it took longer than it should have
    told = ok | (late & (took > seconds))
    return CostModel(
        seconds=_corrections(algorithms[told], (took - seconds)[told]),
        bytes=_corrections(algorithms[ok], (used - n_bytes)[ok]),
    )


def _promise(run: Mapping[Any, Any]) -> tuple[float, float]:
    shape = (run["n_users"], run["n_items"], run["nnz"])
    cost = get(run["algorithm"]).cost(*shape, **json.loads(run["params"]))
    return cost.seconds, cost.bytes


def _corrections(algorithms: Any, logs: NDArray[np.float64]) -> dict[str, Correction]:
    grouped = pd.Series(logs).groupby(algorithms)
    return {
        str(name): Correction(
            float(group.median()),
            max(float((group - group.median()).abs().median()) * 1.4826, MIN_SPREAD),
        )
        for name, group in grouped
    }
