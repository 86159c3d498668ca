"""The runs of a benchmark table, problem by problem, from one row a run."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

F64 = NDArray[np.float64]
RUN = ["algorithm", "params", "fidelity", "seed"]


@dataclass(frozen=True)
class Curve:
    """Validation scores in the course of one training, all of one length."""

    epochs: list[float]
    values: list[float]
    seconds: list[float]


@dataclass(frozen=True)
class Problem:
    """The runs on one problem, column by column, n of them.

    Attributes
    ----------
    name : str
    runs : list of (algorithm, canonical JSON of the parameters, fidelity, seed)
        No two alike.
    metrics : dict of float64 arrays, (n,)
    seconds : float64 array, (n,)
    status : list of str
    curves : dict
        Row -> Curve.
    """

    name: str
    runs: Sequence[tuple[str, str, float, int]]
    metrics: Mapping[str, F64]
    seconds: F64
    status: Sequence[str]
    curves: Mapping[int, Curve] = field(default_factory=dict)

    def __post_init__(self) -> None:
        index: dict[tuple[str, str], dict[float, list[int]]] = {}
        for row, (algorithm, params, fidelity, _) in enumerate(self.runs):
            index.setdefault((algorithm, params), {}).setdefault(fidelity, []).append(row)
        object.__setattr__(self, "index", index)
        if len(set(self.runs)) != len(self.runs):
            raise ValueError(f"{self.name} has a run twice: keep one of each")

    index: Mapping[tuple[str, str], Mapping[float, list[int]]] = field(init=False, repr=False)


def problems_of(frame: pd.DataFrame, curves: Mapping[str, Curve]) -> Iterator[Problem]:
    """A problem for each data set and split; see ``BenchmarkTable.from_frame``."""
    names = [str(name) for name in frame if ":" in str(name) and not str(name).endswith(":se")]
    for (dataset, split), rows in frame.groupby(["dataset", "split"], sort=True):
        # of a log that was swept under several caps of size: the one with the most runs
        rows = rows[rows["data_key"] == rows["data_key"].value_counts().idxmax()]
        rows = _each_once(rows, names)
        places = {str(id_): place for place, id_ in enumerate(rows["id"])}
        yield Problem(
            name=f"{dataset}/{split}",
            runs=[
                (str(algorithm), str(params), float(fidelity), int(seed))
                for algorithm, params, fidelity, seed in rows[RUN].itertuples(index=False)
            ],
            metrics={name: rows[name].to_numpy(np.float64) for name in names},
            seconds=_seconds(rows),
            status=[str(one) for one in rows["status"]],
            curves={place: curves[id_] for id_, place in places.items() if id_ in curves},
        )


def _each_once(rows: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Runs with canonical parameters; of equal ones the best known: ok, more metrics, later."""
    rows = rows.assign(params=[canonical_params(json.loads(one)) for one in rows["params"]])
    n_known = rows[list(metrics)].notna().sum(axis=1)
    order = np.lexsort((n_known, rows["status"] == "ok"))
    kept = ~rows.iloc[order].duplicated(RUN, keep="last")
    return rows.iloc[np.sort(order[kept.to_numpy()])]


def _seconds(rows: pd.DataFrame) -> F64:
    """Of a fit; what the whole task took, where it failed."""
    seconds = rows["fit_s"].astype(np.float64)
    if "total_s" in rows:
        whole = rows["total_s"].astype(np.float64).fillna(seconds)
        seconds = seconds.where(rows["status"] == "ok", whole)
    return np.asarray(seconds, dtype=np.float64)


def curves_of(rows: pd.DataFrame) -> dict[str, Curve]:
    """Curves by run, of a row an epoch (``store export``) or of a row a run with lists."""
    if "epoch" in rows:
        names = {"epoch": "epochs", "value": "values", "seconds": "seconds"}
        rows = rows.rename(columns=names).groupby("id", sort=False).agg(list).reset_index()
    columns = (rows[name] for name in ("epochs", "values", "seconds"))
    return {
        str(id_): Curve(*(list(map(float, one)) for one in lists))
        for id_, *lists in zip(rows["id"], *columns, strict=True)
    }


def canonical_params(params: Mapping[str, Any]) -> str:
    """Sorted JSON; 10 and 10.0 are one value."""
    whole = {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in params.items()
    }
    return json.dumps(whole, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"a parameter cannot be a {type(value).__name__}: {value!r}")
