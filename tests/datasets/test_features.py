"""Tables about items and users as features: each kind of column, ids that don't fit, alignment."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array, csr_array

from recmeta.data import DataError
from recmeta.datasets import read
from recmeta.datasets.sampling import sample_users

FILES = Path(__file__).parents[3] / "shared" / "datasets"
N = 24


@pytest.fixture
def log():
    """Every item once or twice, items 1 to N."""
    events = np.arange(2 * N)
    return pd.DataFrame({"user": events % 7, "item": events % N + 1, "time": events + 10**9})


def column(log, values, name="x"):
    """The features of one column: {label: items that have it}."""
    table = pa.table({"item": np.arange(1, len(values) + 1), name: values})
    data = read(log, item_features=table)
    if data.item_features is None:
        return {}
    canonical(data.item_features, data.n_items)
    dense = data.item_features.toarray() > 0
    labels = data.item_feature_names
    assert len(set(labels)) == len(labels) == dense.shape[1]
    return {
        label.removeprefix(f"{name}="): data.items[dense[:, i]].tolist()
        for i, label in enumerate(labels)
    }


def canonical(matrix, n_rows):
    assert isinstance(matrix, csr_array)
    assert matrix.dtype == np.float32
    assert matrix.indices.dtype == np.int32
    assert matrix.shape[0] == n_rows
    assert matrix.has_canonical_format
    assert (matrix.data != 0).all()


def codes(data):
    return [notice.code for notice in data.notices]


@pytest.mark.parametrize(
    "genres",
    [
        [["Drama", "War"], ["War"], ["Comedy", "Drama"], ["Drama"], [], ["Comedy"]],
        ["Drama|War", "War", "Comedy | Drama", "Drama", "", "Comedy"],
        ["Drama,War", "War", "Comedy, Drama", "Drama", None, "Comedy"],
        ["Drama;War", "War", "Comedy;Drama", "Drama", "  ", "Comedy"],
        ["['Drama', 'War']", '["War"]', "['Comedy', 'Drama']", "[Drama]", "[]", '["Comedy"]'],
    ],
    ids=["lists", "bars", "commas", "semicolons", "lists as text"],
)
def test_a_feature_an_element_of_a_list(log, genres):
    assert column(log, genres) == {"Comedy": [3, 6], "Drama": [1, 3, 4], "War": [1, 2]}


def test_a_comma_inside_a_label_cuts_nothing(log):
    places = ["Paris, Texas", "Paris, France", "Rome, Italy"]
    assert set(column(log, places * 4)) == set(places)


def test_a_feature_a_label(log):
    assert column(log, ["TV", "Movie", " TV", "Movie", "TV", None, "OVA"]) == {
        "Movie": [2, 4],
        "TV": [1, 3, 5],
    }
    assert set(column(log, pd.Categorical(["b", "a"] * 5))) == {"a", "b"}


def test_numbers_that_their_name_calls_labels_are_labels(log):
    values = list(range(100, 115)) * 2
    assert len(column(log, values[:N], "category_id")) == N - 15
    assert column(log, ["1,2", "1", "2,3", "2"], "tag_ids") == {"1": [1, 2], "2": [1, 3, 4]}
    assert column(log, ["007", "7", "007", "7"]) == {"007": [1, 3], "7": [2, 4]}


@pytest.mark.parametrize(
    "flags",
    [[True, False, True, None], ["yes", "no", "Yes", ""], [1, 0, 1, None], ["1", "0", "1", ""]],
)
def test_a_flag_is_one_feature_where_it_is_true(log, flags):
    assert column(log, flags, "adult") == {"adult": [1, 3]}


def test_few_numbers_are_as_they_are_and_many_are_ranges_of_as_many_rows(log):
    assert column(log, [1.5, 2, 1.5, 2, np.nan]) == {"1.5": [1, 3], "2": [2, 4]}
    ranges = column(log, [2 * k for k in range(20)])
    assert list(ranges)[:2] == ["0..2", "4..6"]
    assert list(ranges.values()) == [[2 * k + 1, 2 * k + 2] for k in range(10)]
    as_text = column(log, [str(2 * k) for k in range(20)])
    assert as_text == ranges
    assert list(column(log, ["1,5", "2,5", "1,5", "2,5"])) == ["1.5", "2.5"]
    assert list(column(log, ["1,500", "20", "1,500", "20"])) == ["20", "1500"]


def test_dates_are_ranges(log):
    days = pd.date_range("2001-01-01", periods=20)
    ranges = column(log, days)
    assert next(iter(ranges)) == "2001-01-01..2001-01-02"
    assert column(log, days.strftime("%d-%b-%Y").tolist()) == ranges
    assert column(log, days.strftime("%Y-%m-%d").tolist()) == ranges


def test_titles_are_words_of_which_those_of_one_item_are_left_out(log):
    titles = ["The Lord of Cafés", "the king (1995)", "L'été: LORD", "Cafe\u0301s, 1995", "été"]
    assert column(log, titles) == {
        "1995": [2, 4],
        "cafés": [1, 4],
        "lord": [1, 3],
        "the": [1, 2],
    }


def test_what_all_have_or_cannot_be_read_is_no_feature_and_said(log):
    table = pa.table(
        {"item": range(1, 5), "all": ["a"] * 4, "own": list("wxyz"), "nested": [{"a": 1}] * 4}
    )
    data = read(log, item_features=table)
    assert data.item_features is None
    assert data.item_feature_names == ()
    assert codes(data)[-1] == "W128"
    assert data.notices[-1].message.endswith("share, not all: all, own, nested")
    data = read(log, item_features=table.append_column("ok", [["a", "a", "b", "b"]]))
    assert data.item_feature_names == ("ok=a", "ok=b")
    assert codes(data)[-1] == "N128"


@settings(max_examples=30, deadline=None)
@example(seed=6938, cells=["", ""])  # 0.0 and -0.0 are both there
@given(seed=st.integers(0, 10**6), cells=st.lists(st.text(max_size=6), min_size=1, max_size=8))
def test_the_order_of_the_rows_changes_nothing(seed, cells):
    rng = np.random.default_rng(seed)
    ids = rng.integers(1, N + 6, 40)  # some twice, some not in the log
    frame = pd.DataFrame(
        {"item": ids, "text": rng.choice(cells, 40), "number": rng.normal(size=40).round(2)}
    )
    log = pd.DataFrame({"user": np.arange(2 * N) % 7, "item": np.arange(2 * N) % N + 1})
    one = read(log, item_features=frame)
    other = read(log, item_features=frame.sample(frac=1, random_state=seed))
    assert one.item_feature_names == other.item_feature_names
    assert (one.item_features != other.item_features).nnz == 0
    assert [note.message for note in one.notices] == [note.message for note in other.notices]


def test_rows_of_other_ids_ids_without_a_row_and_repeated_ids_are_counted(log):
    frame = pd.DataFrame(
        {"item": [1, 1, 2, 3, 99, None], "kind": ["a", "b", "b", "a", "a", "b"]},
    )
    data = read(log, item_features=frame)
    dense = data.item_features.toarray()
    assert data.item_feature_names == ("kind=a", "kind=b")
    assert dense[:3].tolist() == [[1, 1], [0, 1], [1, 0]]
    assert not dense[3:].any()
    said = {notice.code: notice.message for notice in data.notices}
    assert f"{N - 3} of {N} items have no row; 1 rows are of no item of the log" in said["N129"]
    assert "1 items have several rows" in said["W129"]
    assert "1 rows have no item id" in said["W103"]
    assert "  features 2 of the items, from 1 column: kind; 12% have some" in data.summary()


@pytest.mark.parametrize(("here", "there"), [(int, str), (str, int), (int, float), (int, "a{}")])
def test_numbers_and_their_texts_are_the_same_id(here, there):
    cast = there.format if isinstance(there, str) else there
    known = cast if isinstance(there, str) else here
    log = pd.DataFrame({"user": range(8), "item": [known(k % 4 + 1) for k in range(8)]})
    table = pd.DataFrame({"item": [cast(k) for k in range(1, 5)], "kind": list("aabb")})
    data = read(log, item_features=table)
    assert data.item_features.toarray().tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]


def test_the_column_of_ids_is_found_by_name_or_by_content_and_said(log):
    kinds = ["a", "a", "b", "b"] * 6
    for name, code in (("item", None), ("MovieId", "N127"), ("number", "N127")):
        frame = pd.DataFrame({"rank": np.arange(N) + 500, "kind": kinds, name: np.arange(1, N + 1)})
        data = read(log, item_features=frame)
        assert {"kind=a", "kind=b"} <= set(data.item_feature_names)
        assert ("N127" in codes(data)) is (code is not None)
    index = pd.DataFrame({"kind": kinds}, index=pd.RangeIndex(1, N + 1, name="item"))
    assert read(log, item_features=index).item_feature_names == ("kind=a", "kind=b")


def test_ids_that_are_not_in_the_log_and_tables_without_features_are_errors(log):
    for table, message in (
        ({"item": ["x", "y"], "kind": ["a", "b"]}, "no item of the log is in table: its column"),
        ({"item": [1, 2]}, "table has 1 column, item, and no features"),
    ):
        with pytest.raises(DataError, match=message) as error:
            read(log, item_features=pa.table(table))
        assert error.value.code == "E127"
        assert error.value.hint
    with pytest.raises(DataError) as error:
        read(log, user_features="/nowhere/people.csv")
    assert error.value.code == "E117"


def test_files_with_and_without_a_header(log, tmp_path):
    rows = [
        f"{k + 1}::{'Re ' * (k % 3)}Film{k}::{'War|Sci-Fi' if k % 2 else 'War'}" for k in range(20)
    ]
    (tmp_path / "movies.dat").write_text("\n".join(rows), encoding="utf-8")
    data = read(log, item_features=tmp_path / "movies.dat")
    assert {"column3=Sci-Fi", "column2=re"} <= set(data.item_feature_names)
    assert "N120" not in codes(data)
    rows = [f"{k}\t{'war love' if k % 2 else 'love'}\t{k % 3}" for k in range(1, 20)]
    header = "item_id:token\tclass:token_seq\tstars:float\n"
    (tmp_path / "films.item").write_text(header + "\n".join(rows), encoding="utf-8")
    names = read(log, item_features=tmp_path / "films.item").item_feature_names
    assert names == ("class=war", "stars=0", "stars=1", "stars=2")


def test_a_matrix_has_a_row_for_each_item(log):
    given_ = coo_array(([2.0, 3.0, 0.0], ([0, 0, 1], [1, 1, 0])), shape=(N, 3))
    data = read(log, item_features=given_, user_features=np.eye(7))
    canonical(data.item_features, N)
    canonical(data.user_features, 7)
    assert data.item_features.nnz == 1
    assert data.item_features[0, 1] == 5
    assert "  features 7 of the users; 100% have some" in data.summary()
    with pytest.raises(DataError, match=r"shape \(7, 7\) for 24 items"):
        read(log, item_features=np.eye(7))
    with pytest.raises(DataError, match="not finite"):
        read(log, user_features=np.full((7, 1), np.nan))
    X = csr_array(np.ones((3, 4)))
    assert read(X, item_features=np.eye(4)).item_features.shape == (4, 4)
    table = pa.table({"id": [3, 1, 0, 2], "kind": ["a", "b", "b", "a"]})
    assert read(X, item_features=table).item_features.toarray()[:, 0].tolist() == [0, 0, 1, 1]


def test_features_stay_with_their_rows_whatever_is_left_out():
    rng = np.random.default_rng(0)
    log = pd.DataFrame({"user": rng.integers(60, size=900), "item": rng.integers(40, size=900)})
    log["rating"] = rng.integers(1, 6, 900).astype(float)
    log.loc[log["item"] < 3, "rating"] = np.nan  # bad rows: these items are not in the log
    items = pd.DataFrame({"item": range(40), "kind": [str(k % 4) for k in range(40)]})
    users = pd.DataFrame({"user": range(60), "group_code": np.arange(60) % 5})
    data = read(log, drop_bad=True, duplicates="sum", item_features=items, user_features=users)
    assert data.n_items == 37
    some = data.select(np.arange(data.n_events) % 2 == 0)
    sample = sample_users(data, 200, min_users=5)
    assert sample.n_users < data.n_users
    for part in (data, some, sample):
        names = part.item_feature_names
        kinds = [names[k] for k in part.item_features.indices]
        assert kinds == [f"kind={item % 4}" for item in part.items]
        groups = [part.user_feature_names[k] for k in part.user_features.indices]
        assert groups == [f"group_code={user % 5}" for user in part.users]


@pytest.mark.skipif(not FILES.exists(), reason="the data sets are not at hand")
def test_movielens_has_its_genres():
    folder = FILES / "movielens-100k"
    data = read(
        folder / "interactions.parquet",
        item_features=folder / "items.parquet",
        user_features=folder / "users.parquet",
    )
    genres = [name for name in data.item_feature_names if name.startswith("genres=")]
    assert len(genres) == 19  # 18 and "unknown"
    row = data.item_features[[int(np.flatnonzero(data.items == 1)[0])]]
    toy_story = {data.item_feature_names[k] for k in row.indices}
    assert {"genres=Animation", "genres=Children's", "genres=Comedy"} <= toy_story
    assert {"gender=F", "gender=M"} <= set(data.user_feature_names)


@pytest.mark.skipif(not FILES.exists(), reason="the data sets are not at hand")
@pytest.mark.parametrize("path", sorted(FILES.glob("*/items.parquet")), ids=lambda p: p.parent.name)
def test_every_data_set_with_items_is_read(path):
    data = read(path.with_name("interactions.parquet"), item_features=path)
    canonical(data.item_features, data.n_items)
    assert len(set(data.item_feature_names)) == data.item_features.shape[1] > 0
