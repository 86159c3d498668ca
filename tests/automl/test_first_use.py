"""What is compiled before a budget begins: once, said before, whatever comes of it."""

import numpy as np
import pytest

import recmeta as rm
from recmeta.automl import first_use
from recmeta.datasets.synthetic import generate


def test_it_is_done_once_and_said_before(tmp_path, monkeypatch):
    monkeypatch.setattr(first_use, "_marker", lambda names: tmp_path / "folder" / "-".join(names))
    said = []
    assert first_use.compile_once(["TopPopular"], say=lambda: said.append(1)) > 0
    assert (tmp_path / "folder" / "TopPopular").exists()
    assert first_use.compile_once(["TopPopular"], say=lambda: said.append(2)) == 0
    assert said == [1]


def test_where_the_marker_cannot_be_written_it_goes_on(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(first_use, "_marker", lambda names: tmp_path / "file" / "marker")
    assert first_use.compile_once(["Random"]) > 0


def test_the_marker_knows_the_algorithms_and_the_code(monkeypatch):
    marker = first_use._marker(["EASE"])
    assert marker == first_use._marker(["EASE"])
    assert marker != first_use._marker(["EASE", "SLIM"])
    monkeypatch.setattr(first_use.numba, "__version__", "0.0")
    assert marker != first_use._marker(["EASE"])


def test_those_that_are_advised_can_all_be_raced():
    assert {"TopPopular", "EASE", "IALS"} <= set(first_use.advised())


@pytest.mark.parametrize("given", ["shop.csv", np.eye(3), None])
def test_what_was_not_read_is_refused_with_what_to_do(given):
    for take in (rm.recommend, rm.AutoRecommender().fit):
        with pytest.raises(TypeError, match=r"give it to recmeta\.read\(\.\.\.\) first"):
            take(given)


def test_compiling_is_not_in_the_time(monkeypatch):
    from recmeta.automl import recommender

    monkeypatch.setattr(recommender, "compile_once", lambda names: __import__("time").sleep(2))
    log = generate(n_users=60, n_items=30, n_events=900, seed=0)
    auto = rm.AutoRecommender(time="6s").fit(log)
    assert auto.seconds_ < 6
