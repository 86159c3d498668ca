"""Bad input: each has a code, the lines where it stands, what is wrong and what to do."""

import numpy as np
import pandas as pd
import pytest

from recmeta.data import DataError
from recmeta.datasets import read

HEADER = "user,item,rating,timestamp"
GOOD = [f"u{k % 6},i{k % 7},{1 + k % 5},{1_600_000_000 + k}" for k in range(12)]


@pytest.fixture
def log(tmp_path):
    """Writes a csv of some lines; the good ones come before them, from line 2 to 13."""

    def write(*lines, header=HEADER, good=GOOD, name="log.csv"):
        path = tmp_path / name
        path.write_text("\n".join([header, *good, *lines]) + "\n")
        return path

    return write


def refusal(source, **options):
    with pytest.raises(DataError) as error:
        read(source, **options)
    assert str(error.value).startswith(f"[{error.value.code}] {error.value.message}")
    return error.value


def notice(data, code):
    (found,) = (notice for notice in data.notices if notice.code == code)
    assert found.level == {"N": "note", "W": "warning"}[code[0]]
    assert any(f"{found.level}[{code}]: {found.message}" in line for line in data.summary())
    return found


BAD_ROWS = {
    "no user": ("E103", ",i1,3,1600000000", "rows have no user id"),
    "user of spaces": ("E103", "  ,i1,3,1600000000", "rows have no user id"),
    "user NaN": ("E103", "NaN,i1,3,1600000000", "rows have no user id"),
    "no item": ("E103", "u1,,3,1600000000", "rows have no item id"),
    "no rating": ("E115", "u1,i1,,1600000000", "rows have no readable rating"),
    "infinite rating": ("E115", "u1,i1,inf,1600000000", "rows have no readable rating"),
    "rating of minus infinity": ("E115", "u1,i1,-inf,1600000000", "rows have no readable rating"),
    "time of minus infinity": ("E116", "u1,i1,3,-inf", "rows have no readable time"),
    "endless rating": ("E115", "u1,i1,1e300,1600000000", "rows have no readable rating"),
    "text rating": ("E115", "u1,i1,good,1600000000", "rows have no readable rating"),
    "no time": ("E116", "u1,i1,3,", "rows have no readable time"),
    "infinite time": ("E116", "u1,i1,3,inf", "rows have no readable time"),
    "endless time": ("E116", "u1,i1,3,1e25", "rows have no readable time"),
    "text time": ("E116", "u1,i1,3,soon", "rows have no readable time"),
    "negative rating": ("E104", "u1,i1,-2,1600000000", "ratings < 0 (min -2)"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_bad_rows_are_refused_with_their_lines_and_their_share(case, log):
    code, bad, what = BAD_ROWS[case]
    error = refusal(log(bad, "", GOOD[0], bad))  # lines 14 and 17: an empty one is none
    assert error.code == code
    assert error.message == f"2 {what} (first: line 14, 17)."
    assert error.rows == [14, 17]
    way_out = {
        "E104": "Use --scale -2:5 for explicit data, or --drop-bad to leave them out.",
        "E116": "Use --drop-bad to skip them, or --time-col none if the column is no time.",
    }
    assert error.hint == way_out.get(code, "Use --drop-bad to skip them (13.33% of rows).")


@pytest.mark.parametrize("case", BAD_ROWS)
def test_with_drop_bad_they_are_left_out_and_counted(case, log):
    code, bad, what = BAD_ROWS[case]
    data = read(log(bad, bad), drop_bad=True)
    assert data.n_events == 12
    assert (data.n_users, data.n_items) == (6, 7)
    assert np.isfinite(data.values).all()
    assert data.timestamps.min() == 1_600_000_000
    said = notice(data, f"W{code[1:]}")
    assert said.message == f"2 {what} (first: line 14, 15): skipped"
    assert said.n_rows == 2


def test_users_and_items_that_only_bad_rows_have_are_gone(log):
    data = read(log("new,i99,,1600000000"), drop_bad=True)
    assert "new" not in data.users
    assert "i99" not in data.items


def test_the_scale_is_that_of_the_rows_that_are_kept(log):
    data = read(log("u1,i1,3,1600000000", ",i1,99,1600000000"), drop_bad=True)
    assert data.threshold == 4
    assert data.values.max() == 5


def test_rows_of_a_frame_are_counted_from_0():
    frame = pd.DataFrame({"user": ["a", None, "b", None], "item": [1, 2, 3, 4]})
    error = refusal(frame)
    assert error.message == "2 rows have no user id (first: row 1, 3)."
    assert error.rows == [1, 3]


def test_lines_are_those_of_an_editor_whatever_stands_above(log):
    # a leading empty line, quotes over two lines, a ragged row that is skipped
    path = log('"x\ny",i1,3,1600000000', "u1,i1", ",i2,3,1600000000", header="\n" + HEADER, good=[])
    assert refusal(path).rows == [5]
    data = read(path, drop_bad=True)
    assert notice(data, "W114").message.endswith("(first: line 5): skipped")
    assert notice(data, "W103").message.endswith("(first: line 6): skipped")


def test_lines_without_header_begin_with_the_first(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("1,2,3\n4,5,6\n7,,8\n")
    assert refusal(path).rows == [3]


def test_lines_of_json_are_counted_too(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"user": "\\"a", "item": 1}\n\n{"user": null, "item": 2}\n')
    assert refusal(path).rows == [3]


def test_when_every_row_is_bad_nothing_is_left(log):
    error = refusal(log(",i1,3,5", good=[]), drop_bad=True)
    assert str(error) == "[E106] log has no usable row. Every row was bad."


def test_a_wrong_separator_is_found_and_said_or_refused_if_strict(log):
    path = log(header=HEADER.replace(",", ";"), good=[row.replace(",", ";") for row in GOOD])
    said = notice(read(path), "N102")
    assert said.message == "the columns of log.csv are separated by ';', not by ','"
    assert said.hint == "[change: --sep]"
    for options in ({"strict": True}, {"sep": ","}):
        error = refusal(path, **options)
        assert error.code == "E102"
        assert error.message == '1 column found in log.csv, "user;item;rating;timestamp".'
        assert error.hint == "This looks like ';'. Use --sep ';'."
    assert read(path, sep=";").n_events == 12


@pytest.mark.parametrize(
    ("given", "between"), [("\\t", "\t"), ("tab", "\t"), ("::", "::"), ("§", "§"), (" ", " ")]
)
def test_separators_that_are_given_are_used(given, between, tmp_path):
    path = tmp_path / "log.data"
    path.write_text("\n".join(row.replace(",", between) for row in [HEADER, *GOOD]))
    assert read(path, sep=given).n_events == 12


@pytest.mark.parametrize("sep", ["", "\n", "%"])
def test_separators_that_separate_nothing_are_refused(sep, log):
    error = refusal(log(), sep=sep)
    assert error.code == "E102"
    assert error.hint == "This looks like ','. Use --sep ','."


def test_negative_ratings_need_a_scale(log):
    path = log("u1,i9,-2.5,1600000000", "u2,i9,-10,1600000000")
    error = refusal(path)
    assert error.message == "2 ratings < 0 (min -10) (first: line 14, 15)."
    assert error.hint.startswith("Use --scale -10:5 for explicit data")
    data = read(path, scale=(-10, 5))
    assert data.values.min() == -10
    assert data.threshold == 2  # the first rating from -10 + 3/4 * 15 on
    error = refusal(path, scale=(-5, 5))
    assert error.message == "1 ratings lie outside -5:5 (first: line 15)."


def test_negative_weights_are_refused_too(log):
    error = refusal(log("u1,i9,-1,1600000000", header="user,item,plays,timestamp"))
    assert error.message.startswith("1 weights < 0 (min -1)")


REPEATS = ["a,x,2,1600000300", "a,x,5,1600000100", "a,x,4,1600000200", "b,x,3,1600000000"]


@pytest.mark.parametrize(
    ("policy", "timed", "kept", "said"),
    [
        (None, True, [2, 3], "kept the latest"),
        ("last", True, [2, 3], "kept the latest"),
        ("last", False, [4, 3], "kept the latest"),
        ("first", True, [5, 3], "kept the first"),
        ("first", False, [2, 3], "kept the first"),
        ("max", True, [5, 3], "kept the largest"),
        ("sum", True, [11, 3], "summed"),
    ],
)
def test_repeated_pairs_become_one_as_asked_and_are_counted(policy, timed, kept, said, log):
    path = log(*REPEATS, good=[])
    data = read(path, duplicates=policy, time=None if timed else "none")
    assert data.values.tolist() == kept
    assert data.n_events == 2
    found = notice(data, "W105")
    assert found.message == f"2 repeated (user, item) pairs: {said}"
    assert found.n_rows == 2
    assert found.hint == "[change: --duplicates last|first|sum|max|error|keep]"


def test_repeated_pairs_may_be_kept_and_are_without_ratings(log):
    assert read(log(*REPEATS, good=[]), duplicates="keep").n_events == 4
    data = read(log(*REPEATS, good=[]), rating="none")
    assert data.n_events == 4
    assert notice(data, "N105").message == "2 repeated (user, item) pairs: kept, each is an event"
    assert read(log(*REPEATS, good=[]), rating="none", duplicates="sum").values.tolist() == [3, 1]


def test_repeated_pairs_may_be_an_error(log):
    path = log(",x,1,1600000000", *REPEATS, good=[])
    error = refusal(path, duplicates="error", drop_bad=True)
    assert error.code == "E105"
    assert error.message == "2 repeated (user, item) pairs (first: line 4, 5)."
    assert error.rows == [4, 5]
    with pytest.raises(ValueError, match=r"duplicates must be one of last, first, sum, .* 'mean'"):
        read(path, duplicates="mean")


@pytest.mark.parametrize("n_users", [1, 2, 4, 5])
def test_few_users_are_said(n_users, log):
    data = read(log(good=[f"u{k % n_users},i{k},3,1600000000" for k in range(20)]))
    said = {1: "1 user: collaborative methods cannot learn; only popularity is fitted"}
    if n_users < 5:
        text = f"{n_users} users: too few to tell one algorithm from another"
        assert notice(data, "W107").message == said.get(n_users, text)
    else:
        assert "W107" not in [found.code for found in data.notices]


def test_ratings_that_are_counts_are_weights_unless_a_threshold_is_given(log):
    path = log(good=[f"u{k % 6},i{k},{500 if k == 3 else 1 + k % 3},1600000000" for k in range(20)])
    data = read(path)
    assert (data.feedback, data.threshold, data.n_events) == ("weight", None, 20)
    assert notice(data, "W118").message == (
        "the ratings look like counts (whole numbers, median 2, max 500): kept as weights, "
        "every event is positive"
    )
    assert read(path, threshold=2).feedback == "rating"
    assert read(path, scale=(0, 500)).feedback == "rating"


def test_a_threshold_turns_weights_into_opinions(log):
    path = log(header="user,item,plays,timestamp")
    assert read(path).feedback == "weight"
    data = read(path, threshold=4)
    assert data.feedback == "rating"
    assert data.positive.tolist() == (data.values >= 4).tolist()


@pytest.mark.parametrize("rating", [0, 5])
def test_equal_ratings_say_nothing_and_this_is_said(rating, log):
    data = read(log(good=[f"u{k % 6},i{k},{rating},1600000000" for k in range(20)]))
    assert data.feedback == "implicit"
    assert data.positive.all()
    assert notice(data, "N119").message == f"all ratings are {rating}: every event is positive"


@pytest.mark.parametrize(
    ("ratings", "threshold"),
    [([1, 2, 3, 4, 5], 4), ([0.5, 3, 4.5, 5], 4.5), ([0, 1], 1), ([1, 10, 8], 8)],
)
def test_the_threshold_is_the_first_rating_from_three_quarters_on(ratings, threshold):
    n = len(ratings)
    frame = pd.DataFrame({"user": range(n), "item": range(n), "rating": ratings})
    assert read(frame).threshold == threshold


def test_where_all_rows_are_bad_another_column_is_the_way_out():
    frame = pd.DataFrame({"user": [1, 2], "item": [3, 4], "rating": ["good", "bad"]})
    with pytest.raises(DataError) as error:
        read(frame, rating="rating")
    assert error.value.hint == "These are all rows: name another column, or leave this one out."
