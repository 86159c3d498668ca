"""``recmeta predict``: ids with commas, and nothing left to recommend."""

import json

import pandas as pd
import pytest

import recmeta
from recmeta.algorithms import TopPopular
from recmeta.model import Model


@pytest.fixture
def model(tmp_path):
    users = ["Doe, J.", "Doe, J.", "b", "c", "c"]
    log = recmeta.read(pd.DataFrame({"user": users, "item": ["x", "y", "x", "y", "1, 2"]}))
    file = tmp_path / "m.recmeta"
    Model(TopPopular()).fit(log).save(file)
    return file


@pytest.mark.parametrize(
    ("asked", "users"),
    [
        ("b,c", ["b", "c"]),
        (" b , c ", ["b", "c"]),
        ('"Doe, J.",b', ["Doe, J.", "b"]),
        ('b, "Doe, J."', ["b", "Doe, J."]),
        ('say "hi",b', ['say "hi"', "b"]),
    ],
)
def test_an_id_with_commas_stands_in_quotes(run, model, asked, users):
    code, out, _ = run("predict", model, "--users", asked, "-k", "1", "--json")
    assert code == 0
    assert [row["user"] for row in json.loads(out)] == users


def test_so_do_the_items_of_a_history(run, model):
    out = run("predict", model, "--history", 'x,"1, 2"', "-k", "3", "--json")[1]
    assert [row["item"] for row in json.loads(out)] == ["y"]


@pytest.mark.parametrize("asked", ['"Doe', "b\nc"])
def test_quotes_that_do_not_end_are_a_usage_error(run, model, asked, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, _, err = run("predict", model, "--users", asked)
    assert code == 2
    assert "in, quotes" in err


def test_an_empty_answer_says_why(run, model):
    code, out, _ = run("predict", model, "--history", 'x,y,"1, 2"')
    assert code == 0
    assert "Nothing to recommend: whoever was asked for has every item" in out
