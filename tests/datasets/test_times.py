"""Times of every form are Unix seconds, and what was converted is said."""

from datetime import date, datetime, time, timedelta, timezone

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from recmeta.data import DataError
from recmeta.datasets import read

MOMENT = 1_617_249_600  # 2021-04-01 04:00:00 UTC
MIDNIGHT = MOMENT - 4 * 3600
NAMES = {"ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
SIZES = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def of(times, **options):
    n = len(times)
    frame = {"user": [f"u{k}" for k in range(n)], "item": [f"i{k}" for k in range(n)]}
    return read(pa.table(frame | {"time": times}), **options)


def from_text(times, tmp_path, **options):
    path = tmp_path / "log.tsv"
    lines = (f"u{k}\ti{k}\t{when}\n" for k, when in enumerate(times))
    path.write_text("user\titem\ttime\n" + "".join(lines))
    return read(path, **options)


def said(data, code):
    return [notice.message for notice in data.notices if notice.code == code]


@pytest.mark.parametrize("unit", SIZES)
def test_the_unit_is_found_by_size_in_files_and_in_tables(unit, tmp_path):
    times = [(MOMENT + k) * SIZES[unit] for k in range(6)]
    for data in (of(times), from_text(times, tmp_path)):
        assert data.timestamps.tolist() == [MOMENT + k for k in range(6)]
        assert len(said(data, "N110")) == (unit != "s")
        if unit != "s":
            text = f"times look like {NAMES[unit]} ({times[3]:.3g} = 2021-04-01); converted"
            assert said(data, "N110") == [text]


def test_the_unit_that_is_given_is_taken_without_a_word():
    data = of([MOMENT * 1000] * 6, time_unit="ms")
    assert data.timestamps[0] == MOMENT
    assert not data.notices
    with pytest.raises(ValueError, match="time_unit must be one of s, ms, us, ns: got 'h'"):
        of([MOMENT] * 6, time_unit="h")


def test_fractions_of_a_second_are_cut_off(tmp_path):
    assert of([MOMENT + 0.9] * 6).timestamps[0] == MOMENT
    assert from_text([f"{MOMENT}.9"] * 6, tmp_path).timestamps[0] == MOMENT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-04-01", MIDNIGHT),
        ("2021-04-01 04:00:00", MOMENT),
        ("2021-04-01T04:00:00.750", MOMENT),
        ("2021-04-01T04:00:00Z", MOMENT),
        ("2021-04-01T06:00:00+02:00", MOMENT),
        ("2021-03-31 20:00:00-0800", MOMENT),
        ("April 1, 2021 4:00 AM", MOMENT),
        ("Thu, 01 Apr 2021 04:00:00 GMT", MOMENT),
        ("1 Apr 2021", MIDNIGHT),
        ("2021/04/01", MIDNIGHT),
        ("20210401", MIDNIGHT),
        ("04/13/2021", MIDNIGHT + 12 * 86_400),
        ("13.04.2021 04:00", MOMENT + 12 * 86_400),
    ],
)
def test_dates_as_text_are_read_in_many_forms(text, expected, tmp_path):
    data = from_text([text] * 6, tmp_path)
    assert (data.timestamps == expected).all()


def test_forms_may_be_mixed_and_zones_too(tmp_path):
    texts = ["2021-04-01T04:00:00Z", "2021-04-01 04:00", "2021-04-01T06:00:00+02:00"] * 2
    assert (from_text(texts, tmp_path).timestamps == MOMENT).all()


def test_one_day_that_is_no_month_tells_that_all_have_the_day_first(tmp_path):
    data = from_text(["01/04/2021", "02/04/2021", "13/04/2021"] * 2, tmp_path)
    days = (data.timestamps[:3] - MIDNIGHT) // 86_400
    assert days.tolist() == [0, 1, 12]
    assert said(data, "N123") == ["dates like 01/04/2021 are read with the day first"]


def test_dates_that_could_be_either_are_read_month_first_with_a_warning(tmp_path):
    data = from_text(["04/01/2021"] * 6, tmp_path)
    assert (data.timestamps == MIDNIGHT).all()
    assert said(data, "W123") == [
        "dates like 04/01/2021 are read with the month first; no date tells which"
    ]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_timestamps_of_arrow_are_read_whatever_their_unit_and_zone(unit, zone):
    times = pa.array([MOMENT * SIZES[unit]] * 6, pa.timestamp(unit, zone))
    assert (of(times).timestamps == MOMENT).all()


def test_dates_and_moments_of_python_and_pandas_are_read():
    assert (of(pa.array([date(2021, 4, 1)] * 6)).timestamps == MIDNIGHT).all()
    east = datetime(2021, 4, 1, 9, tzinfo=timezone(timedelta(hours=5)))
    frame = pd.DataFrame({"user": list("abcdef"), "item": list("uvwxyz"), "time": [east] * 6})
    assert (read(frame).timestamps == MOMENT).all()


def test_a_far_year_does_not_wrap_around():
    data = of(pa.array([datetime(2500, 1, 1)] * 6))
    assert str(np.datetime64(int(data.timestamps[0]), "s")) == "2500-01-01T00:00:00"
    assert said(data, "W111") == ["6 times lie before 1990 or in the future (first: row 0, 1, 2)"]


def test_times_before_1990_are_said_and_kept(tmp_path):
    data = from_text([5, MOMENT, MOMENT, MOMENT, MOMENT, 7], tmp_path)
    assert data.timestamps.min() == 5
    (notice,) = (notice for notice in data.notices if notice.code == "W111")
    assert notice.message == "2 times lie before 1990 or in the future (first: line 2, 7)"
    assert notice.n_rows == 2
    assert "--time-col none" in notice.hint
    assert "--time-unit" in notice.hint


def test_missing_times_are_refused_in_every_form():
    stamps = pa.array([None, datetime(2021, 4, 1)] * 3)
    for times in (stamps, stamps.cast(pa.string()), pa.array([None, MOMENT] * 3)):
        with pytest.raises(DataError, match=r"3 rows have no readable time \(first: row 0, 2, 4\)"):
            of(times)
        data = of(times, drop_bad=True)
        assert data.n_events == 3
        assert data.timestamps.min() >= MIDNIGHT


@pytest.mark.parametrize("times", [[time(3, 1)] * 6, [timedelta(seconds=3)] * 6, [[1]] * 6])
def test_what_is_no_moment_is_refused_with_the_way_out(times):
    with pytest.raises(DataError, match="6 rows have no readable time") as error:
        of(pa.array(times))
    assert error.value.hint.endswith("--time-col none if the column is no time.")
    assert of(pa.array(times), time="none").timestamps is None
