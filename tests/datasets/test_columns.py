"""Which column is what: by name, by content, by position, as asked; and every guess is said."""

import pandas as pd
import pytest

from recmeta.data import DataError
from recmeta.datasets import read

N = 40


def frame(*names, **columns):
    """Users, items, ratings and times under these names, and more columns."""
    made = [
        [f"u{k % 10}" for k in range(N)],
        [f"i{k % 8}" for k in range(N)],
        [1 + k % 5 for k in range(N)],
        [1_600_000_000 + k for k in range(N)],
    ]
    return pd.DataFrame(dict(zip(names, made, strict=False)) | columns)


def said(data, code):
    return [notice.message for notice in data.notices if notice.code == code]


@pytest.mark.parametrize(
    "names",
    [
        ("user", "item", "rating", "timestamp"),
        ("userId", "movieId", "rating", "timestamp"),
        ("User ID", "Item ID", "Rating", "Time Stamp"),
        ("reviewerID", "asin", "overall", "unixReviewTime"),
        ("customer", "product", "stars", "ts"),
        ("visitor_id", "sku", "score", "created_at"),
        ("uid", "iid", "r", "t"),
        ("user_id:token", "item_id:token", "rating:float", "timestamp:float"),
    ],
)
def test_usual_names_are_known_whatever_their_order(names):
    expected = dict(zip(("user", "item", "rating", "time"), names, strict=True))
    data = read(frame(*names))
    assert data.columns == expected
    assert not said(data, "N120")
    backwards = read(frame(*names)[list(names)[::-1]])
    assert backwards.columns == expected


def test_of_two_known_names_the_more_usual_is_taken():
    data = read(frame("user", "movieId", "rating", "timestamp", title=["x"] * N))
    assert data.columns["item"] == "movieId"


def test_a_column_of_amounts_is_a_weight_and_is_left_where_there_are_ratings():
    data = read(frame("user", "item", "plays"))
    assert data.columns == {"user": "user", "item": "item", "weight": "plays"}
    assert data.feedback == "weight"
    both = read(frame("user", "item", "rating", plays=[3] * N))
    assert both.columns == {"user": "user", "item": "item", "rating": "rating"}


@pytest.mark.parametrize("as_text", [False, True])
def test_unknown_names_are_guessed_by_their_number_of_values_and_this_is_said(as_text, tmp_path):
    # the times have the most values, the fractions look like no label
    given = frame("a", "b", "c", "d", e=[k / 7 for k in range(N)])
    if as_text:
        given.to_csv(tmp_path / "log.csv", index=False)
    data = read(tmp_path / "log.csv" if as_text else given)
    assert data.columns == {"user": "a", "item": "b"}
    assert said(data, "N120") == ["user=a and item=b: guessed by content"]
    assert (
        "  note[N120]: user=a and item=b: guessed by content [change: --user-col, --item-col]"
        in (data.summary())
    )


def test_of_two_unknown_columns_the_user_is_the_one_whose_ids_say_so():
    venues, people = [f"venue/{k % 9}" for k in range(N)], [f"u-{k % 10}" for k in range(N)]
    numbers = [k % 10 for k in range(N)]
    for other, column in ((venues, people), (venues, numbers), (numbers, people)):
        data = read(pd.DataFrame({"a": other, "b": column}))
        assert data.columns == {"user": "b", "item": "a"}
    nothing_said = read(pd.DataFrame({"a": [f"x{k % 9}" for k in range(N)], "b": numbers}))
    assert nothing_said.columns == {"user": "a", "item": "b"}


def test_columns_are_listed_user_first_whatever_was_named_and_guessed():
    made = frame("a", "b", "c", "d", plays=[3] * N)
    assert list(read(made).columns) == ["user", "item", "weight"]


def test_columns_that_could_be_what_is_missing_are_named():
    data = read(frame("qui", "quoi", "étoiles", "quand"))
    notice = next(one for one in data.notices if one.code == "N126")
    assert notice.message == "not read: étoiles, quand"
    assert notice.hint == "[change: --rating-col --time-col]"
    told = read(frame("qui", "quoi", "étoiles", "quand"), rating="étoiles", time="quand")
    assert not said(told, "N126")
    assert not said(read(frame("user", "item", "rating", "ts", title=["x"] * N)), "N126")
    asked = read(frame("qui", "quoi", "étoiles"), rating="none", time="none")
    assert not said(asked, "N126")


def test_one_unknown_name_is_guessed_beside_a_known_one():
    data = read(frame("user", "xyz", "rating"))
    assert data.columns["item"] == "xyz"
    assert said(data, "N120") == ["item=xyz: guessed by content"]


def test_what_the_caller_says_goes_before_names_and_guesses():
    given = frame("user", "item", "rating", "timestamp", shop=[f"s{k % 3}" for k in range(N)])
    data = read(given, user="item", item="shop", rating="none", time="none")
    assert data.columns == {"user": "item", "item": "shop"}
    assert data.users[0] == "i0"
    assert data.values is None
    assert data.timestamps is None
    assert not said(data, "N120")


def test_a_text_file_without_header_is_read_by_position_and_this_is_said(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(
        "".join(f"{k % 10},{k % 8},{1 + k % 5},{1_600_000_000 + k}\n" for k in range(N))
    )
    data = read(path)
    assert data.n_events == N
    assert list(data.columns) == ["user", "item", "rating", "time"]
    assert said(data, "N120") == [
        "log.csv has no header: by position its columns are user, item, rating, timestamp"
    ]


@pytest.mark.parametrize("time", ["1600000000", "1600000000000", "2020-09-13", "2020-09-13 12:00"])
def test_the_third_column_without_header_is_a_time_if_it_looks_like_one(time, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("".join(f"u{k % 10},i{k % 8},{time}\n" for k in range(N)))
    data = read(path)
    assert data.n_events == N
    assert data.columns == {"user": "user", "item": "item", "time": "timestamp"}
    assert (data.timestamps // 86_400 == 18_518).all()  # days from 1970-01-01 to 2020-09-13


def test_a_rating_column_that_holds_no_numbers_is_left_and_this_is_said():
    data = read(frame("user", "item", rating=["good", "bad"] * (N // 2)))
    assert "rating" not in data.columns
    assert data.feedback == "implicit"
    assert said(data, "W125") == [
        "column rating is called a rating or a weight, but holds no numbers: not read"
    ]


def test_likes_as_true_and_false_are_ratings():
    data = read(frame("user", "item", rating=[True, False] * (N // 2)), duplicates="keep")
    assert (data.feedback, data.threshold, data.positive.mean()) == ("rating", 1, 0.5)


def test_positions_are_read_where_they_are_numbers_only():
    assert read(frame("user", "item", position=range(N))).order.tolist() == list(range(N))
    assert read(frame("user", "item", order=[f"A-{k}" for k in range(N)])).order is None


@pytest.mark.parametrize(
    ("names", "options", "text"),
    [
        (
            ("customer", "stars_thing", "stars"), {"item": "things"},
            "[E101] no column 'things' in frame. Columns: customer, stars_thing, stars. "
            "Did you mean --item-col stars_thing ?",
        ),
        (
            ("customer",), {},
            "[E101] no item column in frame. Columns: customer. Name it with --item-col.",
        ),
        (
            ("user", "item"), {"time": "zzz"},
            "[E101] no column 'zzz' in frame. Columns: user, item. Name it with --time-col.",
        ),
    ],
)  # fmt: skip
def test_a_missing_column_is_named_with_those_that_there_are(names, options, text):
    with pytest.raises(DataError) as error:
        read(frame(*names), **options)
    assert str(error.value) == text
    assert error.value.code == "E101"


def test_a_column_with_the_role_in_its_name_is_suggested():
    given = frame("user").assign(main_product_x=[0.5] * N)
    with pytest.raises(DataError, match="Did you mean --item-col main_product_x"):
        read(given)


def test_names_that_occur_twice_are_numbered_and_this_is_said(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user,item,item,item_2\na,b,c,d\ne,f,g,h\n")
    data = read(path)
    assert data.items.tolist() == ["b", "f"]
    assert said(data, "W122") == ["columns of the same name: the later ones are read as item_3"]
    assert read(path, item="item_3").items.tolist() == ["c", "g"]
    twice = pd.concat([frame("user", "item"), frame("item")], axis=1)
    assert said(read(twice), "W122")


def test_a_column_given_for_another_role_is_not_proposed_but_named():
    frame = pd.DataFrame({"user": [1, 2], "thing": [3, 4]})
    with pytest.raises(DataError) as error:
        read(frame, rating="thing")
    assert str(error.value) == (
        "[E101] no item column in frame. Columns: user, thing. Name it with --item-col. "
        "Other options have thing."
    )
