"""From a sweep's store to the meta-data set that the selector learns from."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import recmeta
from recmeta.experiments.store import Store

FACTS = ("family", "domain", "feedback", "licence", "source_repo")  # of a catalogue, if it has them
DROPPED = 11  # bits of a score's 23 bits of fraction
TASK_COLUMNS = [
    "algorithm", "params", "seed", "status", "fit_s", "fit_cpu_s", "predict_s", "total_s",
    "peak_mb", "n_users_validation", "n_users_test",
]  # fmt: skip


def build(
    store: Store,
    catalogue: Mapping[str, Mapping[str, str]],
    folder: Path,
    *,
    note: str = "",
) -> dict[str, Any]:
    """Write ``problems.parquet``, ``runs.parquet`` and ``provenance.json`` (metalearning.metadata).

    Parameters
    ----------
    store : Store
        Of a sweep whose bundles carry meta-features, as those of ``recmeta sweep`` do.
    catalogue : dict of dict
        Data set -> facts; ``family`` counts: data sets of one family are not independent. A data
        set without one is a family of its own.
    folder : path
        Made if needed.
    note : str
        The command that made the store, for the provenance.

    Returns
    -------
    dict
        The provenance.

    Raises
    ------
    ValueError
        If no data set of the store has meta-features.
    """
    problems = _problems(store, catalogue)
    runs = store.frame(store.metrics())
    place = {key: number for number, key in enumerate(problems.pop("data_key"))}
    runs = runs[runs["data_key"].isin(place)].reset_index(drop=True)
    provenance = _provenance(store, problems, runs, note)
    table = pd.concat([runs["data_key"].map(place).rename("problem"), runs[TASK_COLUMNS]], axis=1)
    scores = runs[[name for name in runs.columns if ":" in name and _kept(name)]]
    folder.mkdir(parents=True, exist_ok=True)
    problems.to_parquet(folder / "problems.parquet", index=False, compression="zstd")
    _write_runs(table, scores.apply(rounded), folder / "runs.parquet")
    text = json.dumps(provenance, indent=1, sort_keys=True)
    (folder / "provenance.json").write_text(text + "\n", encoding="utf-8")
    return provenance


def read_catalogue(file: Path) -> dict[str, dict[str, str]]:
    """A csv with a column ``name``: data set -> facts.

    Raises
    ------
    ValueError
        If it has no column ``name`` or ``family``.
    """
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    if not rows or not {"name", "family"} <= rows[0].keys():
        raise ValueError(
            f"{file} needs the columns name and family: it has {[*rows[0]] if rows else []}"
        )
    return {row["name"]: row for row in rows}


def _problems(store: Store, catalogue: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    rows = []
    for data_key, name, split, info in store.dataset_rows():
        if "features" not in info:
            continue
        known = catalogue.get(name, {})
        row: dict[str, Any] = {"data_key": data_key, "dataset": name, "split": split}
        row |= {fact: known.get(fact, "") for fact in FACTS}
        row["family"] = row["family"] or name
        row |= {"n_users": info["n_users"], "n_items": info["n_items"]}
        row |= {"nnz": info["parts"]["test"]["nnz"]["fit"], "n_events": info["n_events"]}
        rows.append(row | info["features"])
    if not rows:
        raise ValueError(f"no data set of {store.path} has meta-features: sweep it again")
    return pd.DataFrame(rows).sort_values(["dataset", "split"], ignore_index=True)


def _kept(column: str) -> bool:
    """Standard errors are kept of one metric: they tell how noisy a data set is."""
    return not column.endswith(":se") or column.split(":")[1] == "ndcg@10"


def rounded(scores: "pd.Series[float]") -> "pd.Series[float]":
    """float32 with 12 bits of fraction: off by 1.2e-4 of the value at most, far less than noise."""
    bits = scores.to_numpy(dtype=np.float32).view(np.uint32)
    rounded = ((bits + (1 << (DROPPED - 1))) & ~np.uint32((1 << DROPPED) - 1)).view(np.float32)
    return pd.Series(np.where(scores.notna(), rounded, np.float32(np.nan)), index=scores.index)


def _write_runs(table: pd.DataFrame, scores: pd.DataFrame, file: Path) -> None:
    whole = pa.Table.from_pandas(pd.concat([table, scores], axis=1), preserve_index=False)
    pq.write_table(
        whole,
        file,
        compression="zstd",
        compression_level=15,
        use_dictionary=list(table.columns),
        use_byte_stream_split=list(scores.columns),
    )


def _provenance(
    store: Store, problems: pd.DataFrame, runs: pd.DataFrame, note: str
) -> dict[str, Any]:
    return {
        "made_by": note,
        "recmeta": recmeta.__version__,
        "versions": store.versions(),
        "problems": len(problems),
        "datasets": int(problems["dataset"].nunique()),
        "families": int(problems["family"].nunique()),
        "runs": len(runs),
        "statuses": {str(name): int(n) for name, n in runs["status"].value_counts().items()},
        "time_limit_s": sorted(runs["time_limit_s"].dropna().unique().tolist()),
        "memory_bytes": sorted(runs["memory_bytes"].dropna().unique().tolist()),
        "threads": sorted(runs["threads"].unique().tolist()),
        "finished": [_day(runs["finished_at"].min()), _day(runs["finished_at"].max())],
    }


def _day(at: float) -> str:
    return str(np.datetime64(int(at), "s"))[:10]
