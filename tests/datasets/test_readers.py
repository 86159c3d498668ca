"""One log in every form that read() takes comes out the same."""

import gzip
import json
import uuid

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest
from scipy.sparse import coo_array, csr_array, csr_matrix

from recmeta.data import DataError
from recmeta.datasets import read

N = 24
LOG = pd.DataFrame(
    {
        "user": [f"u{k % 6}" for k in range(N)],
        "item": [f"i{k % 5}" for k in range(N)],
        "rating": [1 + k % 5 for k in range(N)],
        "timestamp": [1_600_000_000 + 3600 * k for k in range(N)],
    }
)
HEADER = "user_id:token{0}item_id:token{0}rating:float{0}timestamp:float\n"


def text(sep=",", header=True):
    return LOG.to_csv(sep=sep, index=False, header=header)


def zstd(content):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


def parquet():
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(pa.Table.from_pandas(LOG), sink)
    return sink.getvalue().to_pybytes()


FILES = {
    "csv": ("log.csv", text()),
    "csv, last line not ended": ("log.csv", text().rstrip("\n")),
    "csv with byte order mark": ("log.csv", "\ufeff" + text()),
    "csv in UTF-16": ("log.csv", text().encode("utf-16")),
    "csv with line ends of Windows": ("log.csv", text().replace("\n", "\r\n")),
    "csv with line ends of old Macs": ("log.csv", text().replace("\n", "\r")),
    "csv with spaces after the commas": ("log.csv", text().replace(",", ", ")),
    "csv with every cell in quotes": ("log.csv", LOG.to_csv(index=False, quoting=1)),
    "csv.gz": ("log.csv.gz", gzip.compress(text().encode())),
    "csv.zst": ("log.csv.zst", zstd(text().encode())),
    "tsv": ("log.tsv", text("\t")),
    "semicolons": ("log.csv", text(";")),
    "bars": ("log.txt", text("|")),
    "spaces": ("log.txt", text(" ")),
    "MovieLens": ("ratings.dat", text("\t", header=False).replace("\t", "::")),
    "tabs without header": ("u.data", text("\t", header=False)),
    "csv without header": ("log.csv", text(header=False)),
    "RecBole": ("log.inter", HEADER.format("\t") + text("\t", header=False)),
    "jsonl": ("log.jsonl", LOG.to_json(orient="records", lines=True)),
    "jsonl.gz": ("l.jsonl.gz", gzip.compress(LOG.to_json(orient="records", lines=True).encode())),
    "one JSON list": ("log.json", LOG.to_json(orient="records")),
    "parquet": ("log.parquet", parquet()),
}
TABLES = {
    "pandas": LOG,
    "pandas with categories": LOG.astype({"user": "category", "item": "category"}),
    "pandas with numbered columns": pd.DataFrame(LOG.to_numpy()).infer_objects(),
    "pandas with ratings as text": LOG.astype({"rating": str}),
    "pandas with another index": LOG.set_index(np.arange(N)[::-1] * 7),
    "polars": pl.DataFrame(LOG.to_dict("list")),
    "polars with categories": pl.DataFrame(LOG.to_dict("list")).cast({"user": pl.Categorical}),
    "Arrow": pa.Table.from_pandas(LOG),
    "Arrow with large text": pa.Table.from_pandas(LOG).cast(
        pa.schema([("user", pa.large_string()), ("item", pa.string_view())])
        .append(pa.field("rating", pa.float32()))
        .append(pa.field("timestamp", pa.int64()))
    ),
    "Arrow in pieces": pa.concat_tables(
        [pa.Table.from_pandas(LOG[:7]), pa.Table.from_pandas(LOG[7:], preserve_index=False)]
    ),
}


def assert_same(data):
    assert data.users.tolist() == sorted(set(LOG["user"]))
    assert data.items.tolist() == sorted(set(LOG["item"]))
    assert data.users[data.user_rows].tolist() == LOG["user"].tolist()
    assert data.items[data.item_columns].tolist() == LOG["item"].tolist()
    assert data.values.tolist() == LOG["rating"].tolist()
    assert data.timestamps.tolist() == LOG["timestamp"].tolist()
    assert data.feedback == "rating"
    assert data.threshold == 4
    assert data.user_rows.dtype == data.item_columns.dtype == np.int32
    assert data.values.dtype == np.float32


@pytest.mark.parametrize("form", FILES)
def test_every_file_gives_the_same_log(form, tmp_path):
    name, content = FILES[form]
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    assert_same(read(path, duplicates="keep"))
    assert_same(read(str(path), duplicates="keep"))


@pytest.mark.parametrize("form", TABLES)
def test_every_table_gives_the_same_log(form):
    assert_same(read(TABLES[form], duplicates="keep"))


def test_reading_changes_nothing_in_a_frame():
    frame = LOG.copy()
    read(frame)
    pd.testing.assert_frame_equal(frame, LOG)


def test_a_log_is_called_by_its_file_by_its_folder_or_as_asked(tmp_path):
    (tmp_path / "shop").mkdir()
    path = tmp_path / "shop" / "interactions.csv.gz"
    path.write_bytes(gzip.compress(text().encode()))
    assert read(path).name == "shop"
    assert read(path.rename(path.with_name("sales.csv.gz"))).name == "sales"
    assert read(LOG).name == "frame"
    assert read(LOG, name="mine").name == "mine"


def test_quotes_may_hold_separators_line_breaks_and_quotes(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text('user,item\n"Doe, John","a ""b"""\n"x\ny",c\n')
    data = read(path)
    assert data.users.tolist() == ["Doe, John", "x\ny"]
    assert data.items.tolist() == ['a "b"', "c"]


@pytest.mark.parametrize("n_before", [0, 20_000])  # near the head, and far behind it
def test_latin_1_is_found_anywhere_and_said(n_before, tmp_path):
    path = tmp_path / "log.csv"
    path.write_bytes(("user,item\n" + "a,b\n" * n_before + "José,Señor\n").encode("latin-1"))
    data = read(path)
    assert "José" in data.users
    assert "Señor" in data.items
    notice = next(notice for notice in data.notices if notice.code == "N121")
    assert notice.message == "log.csv is not UTF-8: read as Latin-1"


def test_utf_8_is_kept_where_the_head_ends_within_a_character(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user,item\n" + "ü,ö\n" * 20_000, encoding="utf-8")
    data = read(path)
    assert data.users.tolist() == ["ü"]
    assert not any(notice.code == "N121" for notice in data.notices)


def test_ids_that_are_numbers_are_numbers_and_are_sorted_as_such(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user,item\n10,-1\n9,0\n100,7\n")
    data = read(path)
    assert data.users.tolist() == [9, 10, 100]
    assert data.items.tolist() == [-1, 0, 7]
    assert data.users.dtype == data.items.dtype == np.int64


def test_uuids_and_bytes_are_labels():
    ids = [uuid.UUID(int=k) for k in range(6)]
    frame = pd.DataFrame({"user": ids, "item": [b"a", b"b"] * 3})
    data = read(frame)
    assert data.users.tolist() == [str(one) for one in ids]
    assert data.items.tolist() == ["a", "b"]


def test_objects_on_lines_may_have_other_types_on_other_lines(tmp_path):
    path = tmp_path / "log.jsonl"
    rows = [{"user": 1, "item": "a"}, {"user": "x", "item": "b"}, {"user": 1.0, "item": "c"}]
    path.write_text("\n".join(map(json.dumps, rows)))
    data = read(path)
    assert data.users.tolist() == ["1", "x"]
    assert data.user_rows.tolist() == [0, 1, 0]


MATRIX = np.array([[5, 0, 1], [0, 3, 0]], dtype=np.float64)


@pytest.mark.parametrize("kind", [csr_array, csr_matrix, coo_array])
def test_a_matrix_is_read_with_its_numbers_as_ids_or_with_given_ids(kind):
    data = read(kind(MATRIX))
    assert data.users.tolist() == [0, 1]
    assert data.items.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(data.to_csr("rating").toarray(), [[5, 0, 0], [0, 0, 0]])
    named = read(kind(MATRIX), users=["ann", "bob"], items=[30, 10, 20], threshold=1)
    assert named.users.tolist() == ["ann", "bob"]
    assert named.items.tolist() == [30, 10, 20]
    np.testing.assert_array_equal(named.to_csr("rating").toarray(), MATRIX)


def test_a_matrix_of_ones_is_implicit_and_stored_zeros_are_no_events():
    X = csr_array(([1.0, 0.0, 1.0], ([0, 1, 1], [1, 0, 1])), shape=(2, 2))
    data = read(X)
    assert data.feedback == "implicit"
    assert data.n_events == 2
    np.testing.assert_array_equal(data.to_csr().toarray(), [[0, 1], [0, 1]])


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ({"users": ["a"]}, "E101", "1 distinct users for a matrix with 2"),
        ({"items": ["a", "a", "b"]}, "E101", "2 distinct items for a matrix with 3"),
    ],
)
def test_a_matrix_needs_one_id_a_row_and_a_column(options, code, said):
    with pytest.raises(DataError, match=said) as error:
        read(csr_array(MATRIX), **options)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("matrix", "code", "said"),
    [
        (csr_array((3, 4)), "E106", "has no entry"),
        (coo_array(np.ones(4)), "E117", "has 1 dimension"),
        (csr_array([[np.nan, 1.0]]), "E115", r"1 entries are not finite \(first: row 0\)"),
        (csr_array([[-2.0, -1.0]]), "E104", r"2 ratings < 0 \(min -2\).*--scale -2:0"),
    ],
)
def test_a_matrix_that_cannot_be_used_is_refused(matrix, code, said):
    with pytest.raises(DataError, match=said) as error:
        read(matrix)
    assert error.value.code == code


def test_a_matrix_of_which_nothing_is_left_is_refused():
    with pytest.raises(DataError, match="has no usable entry"):
        read(csr_array([[-2.0, -1.0]]), drop_bad=True)
    data = read(csr_array([[-2.0, 1.0], [3.0, 2.0]]), drop_bad=True)
    assert data.n_events == 3
    assert data.notices[0].n_rows == 1


@pytest.mark.parametrize("source", [[1, 2], {"user": [1]}, np.eye(3), pl.LazyFrame({"a": [1]})])
def test_what_is_no_log_is_refused_with_what_is_one(source):
    with pytest.raises(TypeError, match="give a path, a pandas or polars frame, an Arrow table"):
        read(source)
