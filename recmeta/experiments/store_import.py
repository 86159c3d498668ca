"""Runs of a published folder, or of other stores, into a store."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from recmeta.experiments.store import Store
from recmeta.experiments.store_read import places, snapshot
from recmeta.experiments.store_schema import ERRORS, HEADLINE, PARTS
from recmeta.experiments.store_write import Measured, Row, Writer

AT_ONCE = 2000  # runs with all their metrics in memory
LIMIT_OF = {"timeout": "time_limit_s", "oom": "memory_bytes"}
Scores = dict[int, NDArray[np.float64]]  # part -> values and standard errors, (2, n_names)
Curve = tuple[bytes, bytes, bytes]
BLOBS = "SELECT number, metrics, errors FROM measured WHERE number IN (?, ?)"
HEADLINES = f"""
SELECT score.metric, validation, test, validation_se, test_se FROM run CROSS JOIN score
  ON score.metric IN (SELECT number FROM metric_name WHERE name LIKE '%{HEADLINE}')
  AND score.problem = run.problem AND score.algorithm = run.algorithm
  AND score.configuration = run.configuration AND score.run = run.number
WHERE run.number = ?
"""
VECTORS = "SELECT metric, part, float16 FROM vector WHERE run = ?"
CURVE = "SELECT epochs, curve_values, seconds FROM curve WHERE run = ?"
N_VECTORS = "SELECT count(*) FROM vector WHERE run = ?"
N_CURVES = "SELECT count(*) FROM curve WHERE run = ?"


def import_(folder: Path | str, store: Store) -> int:
    """Take the runs of an exported folder that a store does not have, in one transaction.

    A run that is there is kept; but an ok one takes the place of one that is not, of two ok ones
    the richer is kept whole (more metrics, if equal more vectors, if equal a curve), and of two
    time-outs, or two out of memory, the one that had the higher limit.

    Parameters
    ----------
    folder : path
        Of ``export``.
    store : Store

    Returns
    -------
    int
        The runs that were taken.

    Raises
    ------
    FileNotFoundError
        If the folder is none of ``export``.
    ValueError
        If metrics.parquet has other runs than runs.parquet, or in another order.
    """
    source = Path(folder)
    if not (source / "runs.parquet").is_file():
        raise FileNotFoundError(f"no exported store in {source}: it has no runs.parquet")
    n_taken = 0
    with store.writing() as writer:
        present = _present(store)
        for table, names in (("environment", ["id", "versions"]), ("dataset", None)):
            rows = pq.read_table(source / f"{table}s.parquet", columns=names).to_pylist()
            _insert_missing(writer, table, [tuple(row.values()) for row in rows])
        for row in _rows_of_folder(source, writer):
            if _is_news(row, present, writer):
                writer.add(row)
                n_taken += 1
    return n_taken


def merge(stores: Iterable[Store], into: Store) -> int:
    """Take the runs of other stores that a store does not have, a transaction a store.

    A run that is there is kept; but an ok one takes the place of one that is not, of two ok ones
    the richer is kept whole (more metrics, if equal more vectors, if equal a curve), and of two
    time-outs, or two out of memory, the one that had the higher limit.

    Parameters
    ----------
    stores : iterable of Store
    into : Store

    Returns
    -------
    int
        The runs that were taken.
    """
    n_taken = 0
    for store in stores:
        with into.writing() as writer, snapshot(store.connection):
            present = _present(into)
            for table in ("environment", "dataset"):
                rows = store.connection.execute(f"SELECT * FROM {table} ORDER BY rowid")
                _insert_missing(writer, table, rows.fetchall())
            for row in _rows_of_store(store, writer):
                if _is_news(row, present, writer):
                    writer.add(row)
                    n_taken += 1
    return n_taken


def _present(store: Store) -> dict[str, str]:
    return dict(store.connection.execute("SELECT id, status FROM run"))


def _is_news(row: Row, present: dict[str, str], writer: Writer) -> bool:
    """Whether a run is to be taken; if so it counts as present from now on."""
    id_, status = row.columns["id"], row.columns["status"]
    if id_ in present:
        if status != "ok":
            return status == present[id_] and _limit(row) > _limit_there(id_, status, writer)
        if present[id_] == "ok" and _wealth(row) <= _wealth_there(id_, writer):
            return False
    present[id_] = status
    return True


def _limit(row: Row) -> float:
    """What a run that went over a limit had; of other failures 0, so that none is the better."""
    column = LIMIT_OF.get(row.columns["status"])
    return _or_none_at_all(row.columns[column]) if column else 0.0


def _limit_there(id_: str, status: str, writer: Writer) -> float:
    if status not in LIMIT_OF:
        return 0.0
    query = f"SELECT {LIMIT_OF[status]} FROM run WHERE id = ?"
    return _or_none_at_all(*writer.connection.execute(query, (id_,)).fetchone())


def _or_none_at_all(limit: float | None) -> float:
    return float("inf") if limit is None else limit


def _wealth(row: Row) -> tuple[int, int, int]:
    """Metrics, vectors and curves that a run has, by which the richer of two is found."""
    n_metrics = sum(int(np.isfinite(one.values).sum()) for one in row.measured.values())
    return n_metrics, len(row.vectors), int(row.curve is not None)


def _wealth_there(id_: str, writer: Writer) -> tuple[int, int, int]:
    """The same of a run of the store, which is read only where two runs are to be compared."""
    run = writer.connection.execute
    (number,) = run("SELECT number FROM run WHERE id = ?", (id_,)).fetchone()
    blobs = run(BLOBS, (2 * number, 2 * number + 1)).fetchall()
    in_blobs = sum(int(np.isfinite(np.frombuffer(blob, "<f4")).sum()) for _, blob, _ in blobs)
    rows = run(HEADLINES, (number,)).fetchall()  # of an export of the best: all that there is
    headline = sum(score is not None for row in rows for score in row[1:3])
    (n_vectors,), (n_curves,) = (
        run(query, (number,)).fetchone() for query in (N_VECTORS, N_CURVES)
    )
    return max(in_blobs, headline), n_vectors, n_curves


def _insert_missing(writer: Writer, table: str, rows: Sequence[tuple[str, ...]]) -> None:
    for row in rows:
        marks = ", ".join("?" * len(row))
        writer.connection.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)


def _rows_of_folder(folder: Path, writer: Writer) -> Iterator[Row]:
    columns = pq.read_schema(folder / "metrics.parquet").names
    for name in columns[1:]:  # first, so that the metrics are in the order of the exported store
        _meaning(name, writer)
    vectors, curves = _vectors_of_folder(folder, writer), _curves_of_folder(folder)
    metrics = _batches(folder / "metrics.parquet", writer)
    with_metrics = ((row["id"], scores) for row, scores in metrics)
    upcoming = next(with_metrics, None)
    for columns, headline in _batches(folder / "runs.parquet", writer):
        id_ = columns["id"]
        whole: Scores = {}
        if upcoming is not None and upcoming[0] == id_:
            whole, upcoming = upcoming[1], next(with_metrics, None)
        yield Row(columns, _measured(whole, headline), vectors.get(id_, {}), curves.get(id_))
    if upcoming is not None:
        raise ValueError(
            f"{folder}: metrics.parquet has the run {upcoming[0]}, which is not in runs.parquet or "
            "has another place there: export the store again"
        )


def _batches(file: Path, writer: Writer) -> Iterator[tuple[dict[str, Any], Scores]]:
    """Rows of a table: the columns that are no scores, and the scores."""
    for batch in pq.ParquetFile(file).iter_batches(AT_ONCE):
        scores = [name for name in batch.schema.names if name.partition(":")[0] in PARTS]
        known = [(name, *_meaning(name, writer)) for name in scores]
        table = np.full((batch.num_rows, len(PARTS), 2, writer.n_names), np.nan)
        for name, part, kind, place in known:
            table[:, part, kind, place] = batch.column(name).to_numpy(zero_copy_only=False)
        others = batch.select([name for name in batch.schema.names if name not in set(scores)])
        for columns, row in zip(others.to_pylist(), table, strict=True):
            there = ~np.isnan(row).all(axis=(1, 2))
            yield columns, {part: row[part] for part in PARTS.values() if there[part]}


def _meaning(column: str, writer: Writer) -> tuple[int, int, int]:
    """Part, kind (0 value, 1 standard error) and place of a column such as ``test:ndcg@10:se``."""
    part, _, name = column.partition(":")
    metric = name.removesuffix(":se")
    (place,) = writer.places([metric])
    return PARTS[part], int(metric != name), place


def _vectors_of_folder(folder: Path, writer: Writer) -> dict[str, dict[tuple[int, int], bytes]]:
    vectors: dict[str, dict[tuple[int, int], bytes]] = {}
    for batch in pq.ParquetFile(folder / "vectors.parquet").iter_batches(AT_ONCE):
        for id_, metric, part, values in zip(*batch.columns, strict=True):
            (place,) = writer.places([metric.as_py()])
            blob = values.values.to_numpy(zero_copy_only=False).astype("<f2").tobytes()
            vectors.setdefault(id_.as_py(), {})[PARTS[part.as_py()], place] = blob
    return vectors


def _curves_of_folder(folder: Path) -> dict[str, Curve]:
    table = pq.read_table(folder / "curves.parquet").to_pandas()
    names = ["epoch", "value", "seconds"]
    return {
        str(id_): tuple(rows[name].to_numpy("<f8").tobytes() for name in names)  # type: ignore[misc]
        for id_, rows in table.groupby("id", sort=False)
    }


def _rows_of_store(store: Store, writer: Writer) -> Iterator[Row]:
    run = store.connection.execute
    names = places(store.connection)
    there = writer.places(names)
    place = np.array(there, dtype=np.intp)
    cursor = run("SELECT * FROM task ORDER BY number")
    titles = [title for title, *_ in cursor.description]
    for values in cursor:
        columns = dict(zip(titles, values, strict=True))
        number = columns["number"]
        whole: Scores = {}
        for at, metrics, errors in run(BLOBS, (2 * number, 2 * number + 1)):
            table = whole[at % 2] = np.full((2, writer.n_names), np.nan)
            floats, pairs = np.frombuffer(metrics, "<f4"), np.frombuffer(errors, ERRORS)
            table[0, place[: len(floats)]] = floats
            table[1, place[pairs["place"]]] = pairs["error"]
        scores = np.array(run(HEADLINES, (number,)).fetchall(), dtype=np.float64).reshape(-1, 5)
        exact = np.full((len(PARTS), 2, writer.n_names), np.nan)
        at_metric = place[scores[:, 0].astype(np.intp) - 1]
        exact[:, :, at_metric] = scores[:, 1:].T.reshape(2, len(PARTS), -1).transpose(1, 0, 2)
        known = ~np.isnan(exact).all(axis=(1, 2))
        headline = {part: exact[part] for part in PARTS.values() if known[part]}
        vectors = {
            (part, there[metric - 1]): blob for metric, part, blob in run(VECTORS, (number,))
        }
        curve = run(CURVE, (number,)).fetchone()
        yield Row(columns, _measured(whole, headline), vectors, curve)


def _measured(whole: Scores, headline: Scores) -> dict[int, Measured]:
    """The headline metrics are the more precise ones, and may be all that there are."""
    found = {}
    for part in sorted(whole.keys() | headline.keys()):
        tables = [scores[part] for scores in (headline, whole) if part in scores]
        values, errors = np.where(np.isnan(tables[0]), tables[-1], tables[0])
        found[part] = Measured(values, errors, part in whole)
    return found
