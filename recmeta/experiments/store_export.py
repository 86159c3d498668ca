"""A store as a folder of Parquet files, small enough to be published, and back.

====================  ==========================================================================
file                  one row for
====================  ==========================================================================
runs.parquet          a run: what ``Store.frame`` has of it, with the metrics at cutoff 10 as
                      ``validation:NAME``, ``test:NAME`` and ``:se`` after them
metrics.parquet       a run: ``id`` and all its metrics, named likewise
vectors.parquet       a metric over the users of a part of a run, as a list of float16
curves.parquet        an epoch of a learning curve: id, epoch, value, seconds
datasets.parquet      a bundle: data_key, name, split, info (JSON)
environments.parquet  a set of versions (JSON); on which host is left out
====================  ==========================================================================

The same runs give the same bytes. Scores of runs.parquet are float32, so that a leaderboard
comes out as it went in; other floats have 12 bits of fraction (off by 1.2e-4 of the value at
most), and times of day are whole seconds.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from recmeta.execution.fit import find_algorithm
from recmeta.experiments import store_read
from recmeta.experiments.meta_dataset import rounded
from recmeta.experiments.store import Store
from recmeta.experiments.store_schema import ERRORS, HEADLINE, PARTS
from recmeta.registry import UnknownNameError

Keep = Literal["all", "best"]
KEPT_BY = "ndcg@10"
ORDER = ["dataset", "split", "data_key", "algorithm", "params", "seed", "id"]
EXACT = ["fidelity", "time_limit_s", "memory_bytes"]  # they decide what a run is, or if it is done
AT_ONCE = 10_000  # runs with all their metrics in memory
UNFINISHED = ".unfinished"  # within the folder: moves from there never leave the disk
TABLES = ("runs", "metrics", "vectors", "curves", "datasets", "environments")
TEXTS = [
    "id", "dataset", "data_key", "split", "algorithm", "params", "parts", "stop_by", "status",
    "error", "environment",
]  # fmt: skip
WHOLE = ["n_users_validation", "n_users_test", "memory_bytes", "n_epochs"]
LEVEL = 15  # of zstd: written once, kept for long


def export(store: Store, folder: Path | str, keep: Keep = "all") -> list[Path]:
    """Write the store as Parquet.

    Parameters
    ----------
    store : Store
    folder : path
        Made if needed; files of an earlier export are replaced when all of the new ones are whole.
    keep : str
        Of which runs all metrics and the vectors are written. ``"all"``; or ``"best"``, for
        publishing: of the default configuration and of the one best on validation by ndcg@10, of
        each problem and algorithm, vectors of test alone, and of errors the last line. Runs that
        do not count (failed, or fitted on a share of the users) keep what they have. All runs
        are in runs.parquet in any case.

    Returns
    -------
    list of Path
        The files.
    """
    target = Path(folder)
    aside = target / UNFINISHED
    shutil.rmtree(aside, ignore_errors=True)  # of an export that was killed
    aside.mkdir(parents=True)
    try:
        _write(store, {name: aside / f"{name}.parquet" for name in TABLES}, keep)
        return _replace(target, aside)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write(store: Store, files: Mapping[str, Path], keep: Keep) -> None:
    with store_read.snapshot(store.connection):
        headline = [name for name in store.metrics() if name.endswith(HEADLINE)]
        runs = store.frame(headline).sort_values(ORDER, ignore_index=True)
        kept = runs["id"] if keep == "all" else runs.loc[_chosen(store, runs), "id"]
        _write_runs(runs, files["runs"], shorten=keep == "best")
        _write_metrics(store, kept, files["metrics"])
        _write_vectors(store, kept, [*PARTS] if keep == "all" else ["test"], files["vectors"])
        _write_curves(store, runs["id"], files["curves"])
        _write_datasets(store, files["datasets"])
        _write_environments(store, files["environments"])


def _replace(target: Path, aside: Path) -> list[Path]:
    """Move the files to their place, so that no mixture of two exports passes for one."""
    files = [target / f"{name}.parquet" for name in TABLES]
    runs, *others = files
    runs.unlink(missing_ok=True)  # without it the folder is no export
    for file in (*others, runs):
        (aside / file.name).replace(file)
    return files


def _chosen(store: Store, runs: pd.DataFrame) -> NDArray[np.bool_]:
    best = store.best(KEPT_BY, higher_is_better=True)
    key = ["data_key", "dataset", "split", "algorithm", "params"]
    is_best = pd.MultiIndex.from_frame(runs[key]).isin(pd.MultiIndex.from_frame(best[key]))
    defaults = {name: _default(name) for name in runs["algorithm"].unique()}
    # a params text is parsed once for all the runs that have it
    same = runs[["algorithm", "params"]].drop_duplicates()
    is_default = pd.MultiIndex.from_frame(runs[["algorithm", "params"]]).isin(
        [(name, text) for name, text in same.to_numpy() if json.loads(text) == defaults[name]]
    )
    counted = (runs["status"] == "ok") & (runs["fidelity"] == 1)
    return is_best | is_default | ~counted.to_numpy()


def _default(algorithm: str) -> Any:
    """The parameters that the class has now; None where it is not installed."""
    try:
        params = find_algorithm(algorithm)().get_params()
    except (UnknownNameError, ImportError):
        return None
    params.pop("random_state", None)  # a run has its seed
    return json.loads(json.dumps(params))


def _write_runs(runs: pd.DataFrame, file: Path, *, shorten: bool) -> None:
    table = runs.copy(deep=False)
    scores = [name for name in map(str, table) if ":" in name and not name.endswith(":se")]
    floats = [str(name) for name in table.select_dtypes("float64")]
    floats = [name for name in floats if name not in (*scores, *EXACT)]
    table[scores] = table[scores].astype(np.float32)
    table[floats] = table[floats].apply(rounded)
    table["finished_at"] = runs["finished_at"].round()
    for name in WHOLE:
        table[name] = runs[name].astype("Int64")
    if shorten:
        lines = [text.strip().splitlines() or [""] for text in runs["error"]]
        table["error"] = [last for *_, last in lines]
    for name in TEXTS:
        table[name] = pd.array(table[name].tolist(), dtype="string")
    whole = pa.Table.from_pandas(table, preserve_index=False)
    with _writer(file, whole.schema, [*scores, *floats]) as writer:
        writer.write_table(whole.cast(writer.schema))


def _write_metrics(store: Store, kept: "pd.Series[str]", file: Path) -> None:
    names, with_error = store.metrics(), _with_error(store)
    columns = [f"{part}:{name}" for part in PARTS for name in names]
    columns += [f"{part}:{names[place]}:se" for part in PARTS for place in with_error]
    fields = [("id", pa.string()), *((name, pa.float32()) for name in columns)]
    number_of = dict(store.connection.execute("SELECT id, number FROM run"))
    with _writer(file, pa.schema(fields), columns) as writer:
        for first in range(0, len(kept), AT_ONCE):
            ids = kept.iloc[first : first + AT_ONCE].to_numpy()
            values, errors = _metrics_of(store, [number_of[id_] for id_ in ids], len(names))
            table = np.vstack([*values, *errors[:, with_error]])
            known = ~np.isnan(table).all(axis=0)
            arrays = [rounded(pd.Series(row)).to_numpy() for row in table[:, known]]
            writer.write_table(
                pa.table([pa.array(ids[known], pa.string()), *arrays], writer.schema)
            )


def _metrics_of(
    store: Store, runs: Sequence[int], n_names: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Values and standard errors, (n_parts, n_names, n_runs) each."""
    numbers = np.array(runs, dtype=np.int64)
    order = np.argsort(numbers)
    condition, given = "run.number IN (SELECT value FROM json_each(?))", (json.dumps([*runs]),)
    tables = store_read.measured(store.connection, numbers[order], range(n_names), condition, given)
    values, errors = (table[:, np.argsort(order)].transpose(0, 2, 1) for table in tables)
    return values, errors


def _with_error(store: Store) -> list[int]:
    """Places of the metrics of which a standard error is known."""
    places: set[int] = set()
    for (blob,) in store.connection.execute("SELECT errors FROM measured"):
        places.update(np.frombuffer(blob, ERRORS)["place"].tolist())
    return sorted(places)


def _write_vectors(store: Store, kept: "pd.Series[str]", parts: Sequence[str], file: Path) -> None:
    query = (
        "SELECT metric_name.name, part, float16 FROM run JOIN vector ON run = run.number "
        "JOIN metric_name ON metric_name.number = metric WHERE id = ? ORDER BY metric, part"
    )
    fields = [("id", pa.string()), ("metric", pa.string()), ("part", pa.string())]
    fields.append(("values", pa.list_(pa.float16())))
    names = [*PARTS]
    with _writer(file, pa.schema(fields), []) as writer:
        for first in range(0, len(kept), AT_ONCE):
            rows = [
                (id_, metric, names[part], np.frombuffer(blob, "<f2"))
                for id_ in kept.iloc[first : first + AT_ONCE]
                for metric, part, blob in store.connection.execute(query, (id_,))
                if names[part] in parts
            ]
            columns = zip(*rows, strict=True) if rows else [[], [], [], []]
            writer.write_table(pa.table([*map(list, columns)], writer.schema))


def _write_curves(store: Store, ids: "pd.Series[str]", file: Path) -> None:
    query = "SELECT id FROM curve JOIN run ON run.number = curve.run"
    have = {id_ for (id_,) in store.connection.execute(query)}
    curves = [pd.DataFrame({"id": id_} | store.curve(id_)) for id_ in ids if id_ in have]
    empty = pd.DataFrame({"id": pd.Series(dtype=str), "epochs": [], "values": [], "seconds": []})
    table = pd.concat([empty, *curves], ignore_index=True)
    fields = {
        "id": pa.string(),
        "epoch": pa.int32(),
        "value": pa.float32(),
        "seconds": pa.float32(),
    }
    arrays = [table["id"].tolist(), table["epochs"].astype("int32"), rounded(table["values"])]
    with _writer(file, pa.schema(fields.items()), ["value", "seconds"]) as writer:
        writer.write_table(pa.table([*arrays, rounded(table["seconds"])], writer.schema))


def _write_datasets(store: Store, file: Path) -> None:
    rows = store.connection.execute("SELECT * FROM dataset ORDER BY name, split, data_key")
    _write_texts(rows.fetchall(), ["data_key", "name", "split", "info"], file)


def _write_environments(store: Store, file: Path) -> None:
    rows = store.connection.execute("SELECT * FROM environment ORDER BY id").fetchall()
    known = [(id_, json.loads(text) | {"host": ""}) for id_, text in rows]
    texts = [(id_, json.dumps(versions, sort_keys=True)) for id_, versions in known]
    _write_texts(texts, ["id", "versions"], file)


def _write_texts(rows: Sequence[tuple[str, ...]], names: Sequence[str], file: Path) -> None:
    columns = [pa.array([row[at] for row in rows], pa.string()) for at in range(len(names))]
    with _writer(file, pa.schema([(name, pa.string()) for name in names]), []) as writer:
        writer.write_table(pa.table(columns, writer.schema))


def _writer(file: Path, schema: pa.Schema, floats: Sequence[str]) -> pq.ParquetWriter:
    """Without the versions of libraries that pandas adds: they would change the bytes."""
    return pq.ParquetWriter(
        file,
        schema.remove_metadata(),
        compression="zstd",
        compression_level=LEVEL,
        use_dictionary=[name for name in schema.names if name not in (*floats, "id", "values")],
        use_byte_stream_split=list(floats),
    )
