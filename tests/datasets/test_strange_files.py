"""Strange files: each is read, or refused in words; none ends in a traceback."""

import gzip

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recmeta.data import DataError
from recmeta.datasets import read

HEADER = "user,item,rating\n"
ROWS = "".join(f"u{k % 6},i{k % 7},{1 + k % 5}\n" for k in range(12))


@pytest.fixture
def write(tmp_path):
    def writer(content, name="log.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return writer


def codes(data):
    return [notice.code for notice in data.notices]


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n\n"])
def test_a_header_without_rows_is_empty(end, write):
    with pytest.raises(DataError) as error:
        read(write("user,item,rating" + end))
    assert str(error.value) == "[E106] log.csv has a header but 0 rows. Is it the right file?"


@pytest.mark.parametrize("content", ["", "\n", " \r\n\t\n", "\ufeff"])
def test_a_file_without_anything_is_empty(content, write):
    with pytest.raises(DataError) as error:
        read(write(content))
    assert error.value.code == "E106"


def test_one_column_is_no_log(write):
    with pytest.raises(DataError) as error:
        read(write("user\na\nb\n"))
    assert str(error.value) == '[E102] 1 column found in log.csv, "user". Use --sep.'


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (bytes(range(256)) * 50, "log.csv", "log.csv is no text file. Does its name end as"),
        (b"PAR1" + bytes(30), "log.csv", "log.csv is Parquet, and its name does not say so."),
        (
            gzip.compress(b"user,item\na,b\n", mtime=0),
            "log.csv",
            "log.csv is gzip, and its name does not",
        ),
        (b"PK\x03\x04" + bytes(30), "ml.zip", "is a zip archive or a workbook. Unpack it, or save"),
        (b"nothing of the kind", "log.parquet", "log.parquet cannot be read: "),
        (b"nothing of the kind", "log.csv.gz", "log.csv.gz cannot be read: "),
        (
            gzip.compress(ROWS.encode() * 99, mtime=0)[:-40],
            "log.csv.gz",
            "log.csv.gz cannot be read: ",
        ),
        (b"nothing of the kind", "log.csv.zst", "log.csv.zst cannot be read: "),
        (b'{"user": "a", "item": "b"\n', "log.jsonl", "log.jsonl is not JSON lines: "),
        (b"[1, 2, 3]", "log.json", "log.json is not JSON lines: "),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(content, name, said, write):
    with pytest.raises(DataError) as error:
        read(write(content, name))
    assert error.value.code == "E117"
    assert said in str(error.value)
    assert error.value.hint


@pytest.mark.parametrize("path", ["nowhere.csv", "x" * 5000, "user,item\na,b\n" * 400])
def test_a_path_that_leads_nowhere_is_refused(path):
    with pytest.raises(DataError) as error:
        read(path)
    assert error.value.code == "E117"
    assert len(str(error.value)) < 400


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"is a folder\. Give the file of the log in it"):
        read(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        "\n\n" + HEADER + ROWS,
        " \n\t\n" + HEADER + ROWS,
        HEADER + ROWS.replace("\n", "\n\n"),
        HEADER + ROWS.replace("\n", "\n  \n", 3),
        HEADER + ROWS + "\n\n \n",
        "user id , item id , rating \n" + ROWS,
        '"user","item","rating"\n' + ROWS,
        (HEADER + ROWS).replace("\n", ",\n"),
        HEADER + ROWS.replace("\n", ",\n"),
        ",user,item,rating\n" + "".join(f"{k},{row}\n" for k, row in enumerate(ROWS.split())),
    ],
    ids=[
        "empty lines first", "blank lines first", "empty lines between", "blank lines between",
        "empty lines last", "spaces in names", "names in quotes", "a separator ends each line",
        "a separator ends each row", "an unnamed column",
    ],
)  # fmt: skip
def test_untidy_files_are_read_whole(content, write):
    data = read(write(content))
    assert (data.n_events, data.n_users, data.n_items) == (12, 6, 7)
    assert data.values.tolist() == [1 + k % 5 for k in range(12)]
    assert codes(data) == []


def test_ragged_rows_are_refused_or_left_out_and_counted(write):
    path = write(HEADER + ROWS + "u1,i1\n\nu2,i2,3,4\n" + ROWS)
    with pytest.raises(DataError) as error:
        read(path)
    assert str(error.value) == (
        "[E114] 2 rows of log.csv don't have 3 columns (first: line 14, 16). "
        "Use --drop-bad to skip them, or --sep."
    )
    assert error.value.rows == [14, 16]
    data = read(path, drop_bad=True, duplicates="keep")
    assert data.n_events == 24
    notice = data.notices[0]
    assert (notice.code, notice.level, notice.n_rows) == ("W114", "warning", 2)
    assert notice.message.endswith("(first: line 14, 16): skipped")


def test_a_quote_that_is_left_open_is_refused_and_not_read_to_the_end(write):
    with pytest.raises(DataError) as error:
        read(write(HEADER + ROWS + 'u1,"i1,3\n' + ROWS * 30_000))
    assert error.value.code in ("E114", "E117")


def test_decimal_commas_are_read_and_said(write):
    data = read(write("user;item;rating\na;x;3,5\nb;y;4\nc;z;4,0\n"))
    assert data.values.tolist() == [3.5, 4, 4]
    notice = next(notice for notice in data.notices if notice.code == "N124")
    assert notice.message == "ratings have decimal commas: 3,5 is read as 3.5"
    assert notice.n_rows == 2


def test_commas_that_may_part_thousands_are_not_taken_for_decimal_ones(write):
    with pytest.raises(DataError, match="1 rows have no readable rating"):
        read(write("user;item;rating\na;x;3\nb;y;1,000\nc;z;2\n"))


def test_one_bad_number_among_good_ones_is_the_only_bad_row(write):
    rows = "".join(f"u{k},i{k},3,{1_600_000_000 + k}\n" for k in range(9))
    path = write("user,item,rating,time\n" + rows + "u9,i9,?,1600000000\nu9,i9,3,never\n")
    data = read(path, drop_bad=True)
    assert data.n_events == 9
    assert {"W115", "W116"} <= set(codes(data))


CELLS = st.sampled_from(["", "a", "7", "007", "-1", "1.0", "3,5", '"', "é", "NaN", "1e400", " "])
LINES = st.lists(st.lists(CELLS, min_size=1, max_size=4).map(",".join), max_size=8)
HEADERS = st.sampled_from(["user,item", "user,item,rating,time", "a,b,c", "item;user", "x", ""])


def outcome(path, **options):
    """The log, or the error in words; anything else fails the test."""
    try:
        return read(path, **options)
    except DataError as error:
        return error


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(header=HEADERS, lines=LINES, end=st.sampled_from(["\n", "\r\n", "\r"]), drop=st.booleans())
def test_any_text_is_read_or_refused_in_words(header, lines, end, drop, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(end.join([header, *lines]), encoding="utf-8")
    result = outcome(path, drop_bad=drop)
    if isinstance(result, DataError):
        assert result.code.startswith("E1")
        assert result.hint
        assert result.rows == sorted(result.rows)
    else:
        assert result.n_events > 0
        assert result.user_rows.min() >= 0
        assert result.item_columns.min() >= 0
        assert result.summary()


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    content=st.binary(max_size=200), name=st.sampled_from(["l.csv", "l.tsv", "l.jsonl", "l.dat"])
)
def test_any_bytes_are_read_or_refused_in_words(content, name, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    result = outcome(path, drop_bad=True)
    assert result.hint if isinstance(result, DataError) else result.n_events > 0


def test_a_file_that_may_not_be_read_says_so(write, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    path = write(ROWS)
    monkeypatch.setattr("pyarrow.input_stream", refuse)
    with pytest.raises(DataError, match=r"may not be read: permission denied\. Change its perm"):
        read(path)
