import pytest

from recmeta.execution.budget import size_text, time_text, to_bytes, to_seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", 90),
        ("2m", 120),
        ("1h30m", 5400),
        ("1.5 h", 5400),
        ("45", 45),
        (7, 7),
        ("20ms", 0.02),
    ],
)
def test_reads_times_as_people_write_them(text: str | float, expected: float) -> None:
    assert to_seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "soon", "5 parsecs", "2m later", "-3s", "0s"])
def test_says_how_to_write_a_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"like 90s, 2m|above 0"):
        to_seconds(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("4GiB", 4 * 2**30), ("500MB", 5e8), ("1024", 1024), (2048, 2048)]
)
def test_reads_sizes_as_people_write_them(text: str | float, expected: float) -> None:
    assert to_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "much", "4 Gigs", "0GiB", "-1GB"])
def test_says_how_to_write_a_size(text: str) -> None:
    with pytest.raises(ValueError, match=r"like 500MB|above 0"):
        to_bytes(text)


def test_texts_are_short() -> None:
    assert time_text(0.04) == "0.04 s"
    assert time_text(200) == "3m20s"
    assert time_text(7500) == "2h05m"
    assert size_text(3.4e9) == "3.4 GB"
    assert size_text(12e6) == "12 MB"
    assert size_text(10) == "10 bytes"
    assert size_text(1e3) == "1 KB"
