"""Ids of any form are labels, and what was done to them is said."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recmeta.data import DataError
from recmeta.datasets import read

N = 12


def of(users, **options):
    users = list(users)
    items = [f"i{k}" for k in range(len(users))]
    return read(pd.DataFrame({"user": users, "item": items}), **options)


def from_text(users, tmp_path, **options):
    path = tmp_path / "log.csv"
    path.write_text("user,item\n" + "".join(f"{user},i{k}\n" for k, user in enumerate(users)))
    return read(path, **options)


def said(data, code):
    return [notice.message for notice in data.notices if notice.code == code]


def test_leading_zeros_are_kept_and_this_is_said(tmp_path):
    data = from_text(["007", "7", "08", "9", "10"], tmp_path)
    assert data.users.tolist() == ["007", "08", "10", "7", "9"]
    assert said(data, "N108") == ["user ids have leading zeros: kept as text, so 007 and 7 are two"]
    assert not said(data, "W109")


def test_ids_as_floats_become_whole_numbers_and_this_is_said(tmp_path):
    for data in (
        from_text(["2.0", "1.0", "10.0", "3", "2"], tmp_path),
        of([2.0, 1.0, 10.0, 3.0, 2.0]),
    ):
        assert data.users.tolist() == [1, 2, 3, 10]
        assert data.user_rows.tolist() == [1, 0, 3, 2, 1]
        assert said(data, "N108")[0] == "user ids are floats: 1.0 is read as 1"


@pytest.mark.parametrize("user", [0.5, 2.0**53 + 2, 1e300])
def test_floats_that_are_no_labels_are_refused(user):
    with pytest.raises(DataError) as error:
        of([1.0, user, 3.0])
    assert str(error.value) == (
        f"[E108] 1 user ids are fractions or above 2^53 (first: row 1): {user:g} is no label. "
        "Read the ids as text."
    )
    assert error.value.rows == [1]


def test_missing_float_ids_are_missing_and_not_a_user():
    with pytest.raises(DataError, match=r"\[E103\] 2 rows have no user id \(first: row 0, 2\)"):
        of([np.nan, 1.0, np.inf, 2.0])
    assert of([np.nan, 1.0, 2.0], drop_bad=True).users.tolist() == [1, 2]


HUGE = 9_223_372_036_854_775_000


def test_huge_ids_are_labels_and_cost_nothing(tmp_path):
    for data in (from_text([HUGE, HUGE + 1, 5], tmp_path), of([HUGE, HUGE + 1, 5])):
        assert data.users.tolist() == [5, HUGE, HUGE + 1]
        assert said(data, "N108") == ["user ids up to 9.2e+18 are labels: their size costs nothing"]


@pytest.mark.parametrize("first", [2**64 - 10, 10**25])
def test_ids_beyond_64_bits_are_text_and_stay_different(first, tmp_path):
    users = [first + k for k in range(6)]
    data = from_text(users, tmp_path)
    assert data.users.tolist() == sorted(map(str, users))
    assert said(data, "N108") == ["user ids have more digits than numbers can: kept as text"]


def test_unsigned_ids_do_not_become_negative():
    users = np.array([2**64 - 1, 2**63, 5], dtype=np.uint64)
    assert of(users).users.tolist() == sorted(map(str, users))
    assert of(users[2:]).users.tolist() == [5]


def test_mixed_ids_are_compared_as_text_with_their_numbers_said(tmp_path):
    data = from_text([1, 2, 3, "ann"], tmp_path)
    assert data.users.tolist() == ["1", "2", "3", "ann"]
    assert said(data, "W109") == [
        'user ids mix 3 numbers and 1 texts; all compared as text, so 1 and "1" are one'
    ]


def test_1_and_its_text_are_one_user_in_a_frame_and_this_is_said_once():
    data = of([1, "1", 1.0, "ann", 2])
    assert data.users.tolist() == ["1", "2", "ann"]
    assert data.user_rows.tolist() == [0, 0, 0, 2, 1]
    assert said(data, "W109") == [
        'user ids mix 2 texts and 3 others; all compared as text, so 1 and "1" are one'
    ]


def test_mixed_columns_that_are_not_read_are_not_spoken_of():
    frame = pd.DataFrame(
        {"user": list("abcdef"), "item": list("uvwxyz"), "note": [1, "x", None] * 2}
    )
    assert not said(read(frame), "W109")


def test_codes_of_which_some_have_digits_only_are_no_mixture(tmp_path):
    codes = [f"{k * 7919:04x}" for k in range(1, 60)]
    assert any(code.isdigit() for code in codes)
    assert not said(from_text(codes, tmp_path), "W109")


def test_spaces_around_an_id_make_no_other_user_and_this_is_said(tmp_path):
    for data in (from_text(["ann", "ann ", " bob"], tmp_path), of(["ann", "ann ", " bob"])):
        assert data.users.tolist() == ["ann", "bob"]
        assert said(data, "N108") == [
            "1 user ids differ from others in form only: read as the same"
        ]


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_blank_ids_are_missing_in_frames_as_in_files(blank):
    with pytest.raises(DataError, match="1 rows have no user id"):
        of(["ann", blank, "bob"])


def test_categories_may_be_of_anything_and_have_unused_or_null_ones():
    numbers = pd.Series([3.0, 1.0, 3.0]).astype("category")
    assert of(numbers).users.tolist() == [1, 3]
    unused = pd.Series(["a", "b", "c"]).astype("category")[:2]
    assert of(unused).users.tolist() == ["a", "b"]
    nulls = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0]), pa.array([None, "a"]))
    table = pa.table({"user": nulls, "item": ["x", "y", "z"]})
    assert read(table, drop_bad=True).users.tolist() == ["a"]
    pieces = pa.concat_tables(
        pa.table({"user": pa.array(ids).dictionary_encode(), "item": ["x", "y"]})
        for ids in (["b", "a"], ["c", "b"])
    )
    data = read(pieces)
    assert data.users[data.user_rows].tolist() == ["b", "a", "c", "b"]


@pytest.mark.parametrize("users", [[[1], [2]], [{"id": 1}, {"id": 2}], [b"\xff", b"\xfe"]])
def test_lists_objects_and_broken_text_are_no_labels(users):
    with pytest.raises(DataError, match=r"which is no label\. Make them numbers or text") as error:
        of(users)
    assert error.value.code == "E108"


def test_a_column_of_nothing_but_nulls_has_no_users():
    table = pa.table({"user": pa.nulls(3), "item": ["x", "y", "z"]})
    with pytest.raises(DataError, match="3 rows have no user id"):
        read(table)
    with pytest.raises(DataError, match="no usable row"):
        read(table, drop_bad=True)


FORMS = {
    "int64": pa.int64(),
    "text": pa.string(),
    "categories": pa.dictionary(pa.int32(), pa.string()),
}


@pytest.mark.parametrize("form", FORMS)
@given(
    ids=st.lists(st.integers(-30, 30), min_size=1, max_size=60),
    step=st.sampled_from([1, 3, 1000, 10**12]),  # close together, and far apart
    first=st.sampled_from([0, -7, 2**40]),
)
def test_numbers_are_ranked_as_sorting_ranks_them_in_every_form(form, ids, step, first):
    numbers = [first + step * number for number in ids]
    column = pa.array(numbers).cast(pa.string() if form != "int64" else pa.int64())
    data = read(pa.table({"user": column.cast(FORMS[form]), "item": range(len(ids))}))
    distinct, rows = np.unique(numbers, return_inverse=True)
    assert data.users.tolist() == distinct.tolist()
    assert data.users.dtype == np.int64
    assert data.user_rows.tolist() == rows.tolist()
    assert data.user_rows.dtype == np.int32


@given(ids=st.lists(st.text("ab0é-", max_size=3), min_size=1, max_size=40))
def test_texts_are_ranked_as_sorting_ranks_them(ids):
    labels = [f"x{one}" for one in ids]
    data = of(labels)
    assert data.users.tolist() == sorted(set(labels))
    assert data.users[data.user_rows].tolist() == labels


@pytest.mark.parametrize("user", ["0x10", "-0", "00", "+7", "7.5", "1e3", "٣"])
def test_what_only_looks_like_a_number_stays_as_it_is(user):
    assert set(of(["0", "16", "7", "3", user]).users) == {user, "0", "16", "7", "3"}
