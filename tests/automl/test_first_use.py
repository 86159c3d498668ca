"""What is compiled before a budget begins: once, said before, whatever comes of it."""

import time

import numpy as np
import pytest

import recmeta as rm
from recmeta.automl import advice, first_use, recommender
from recmeta.datasets.synthetic import generate


@pytest.fixture
def cold(tmp_path, monkeypatch):
    """A folder for the markers that has none; what numba compiled stays where it is."""
    monkeypatch.setattr(first_use, "_folder", lambda: tmp_path)
    return tmp_path


def names_in(folder):
    return sorted(
        file.name.removeprefix("compiled-").rpartition("-")[0] for file in folder.iterdir()
    )


def test_it_is_done_once_and_said_before(cold):
    said = []
    assert first_use.compile_once(["TopPopular"], say=lambda: said.append(names_in(cold))) > 0
    assert names_in(cold) == ["TopPopular", "meta-features"]
    assert first_use.compile_once(["TopPopular"], say=lambda: said.append("again")) == 0
    assert first_use.compile_once(say=lambda: said.append("again")) == 0
    assert said == [[]]


def test_what_a_process_did_not_end_well_with_is_done_again(cold, monkeypatch):
    real = first_use.subprocess.Popen
    monkeypatch.setattr(first_use, "n_cores", lambda: 2)
    monkeypatch.setattr(
        first_use.subprocess,
        "Popen",
        lambda command, **how: real(
            ["/bin/false"] if "Random" in command else ["/bin/true"], **how
        ),
    )
    first_use.compile_once(["Random"])
    assert names_in(cold) == ["meta-features"]


def test_where_no_process_can_be_started_nothing_is_compiled_ahead(cold, monkeypatch):
    monkeypatch.setattr(first_use.sys, "executable", "/nowhere/python")
    first_use.compile_once(["Random"])
    assert names_in(cold) == []


def test_where_nothing_can_be_written_nothing_is_compiled_ahead(monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    said = []
    assert first_use.compile_once(["Random"], say=lambda: said.append(1)) == 0
    assert said == []


def test_the_marker_knows_the_algorithm_and_the_code(monkeypatch):
    marker = first_use._marker("EASE")
    assert marker == first_use._marker("EASE")
    assert marker != first_use._marker("SLIM")
    monkeypatch.setattr(first_use.numba, "__version__", "0.0")
    assert marker != first_use._marker("EASE")


def test_those_that_are_advised_can_all_be_raced():
    assert {"TopPopular", "EASE", "IALS"} <= set(first_use.advised())


@pytest.mark.parametrize("given", ["shop.csv", np.eye(3), None])
def test_what_was_not_read_is_refused_with_what_to_do(given):
    for take in (rm.recommend, rm.AutoRecommender().fit):
        with pytest.raises(TypeError, match=r"give it to recmeta\.read\(\.\.\.\) first"):
            take(given)


@pytest.mark.parametrize(
    "wrong",
    [{"time": "5parsecs"}, {"memory": "lots"}, {"metric": "ndgc@10"}, {"metric": "novelty@10"}],
)
def test_what_is_wrong_is_said_before_anything_is_compiled(wrong, monkeypatch):
    for module in (advice, recommender):
        monkeypatch.setattr(module, "compile_once", lambda *names, say: pytest.fail("compiled"))
    log = generate(n_users=60, n_items=30, n_events=900, seed=0)
    for take in (lambda: rm.recommend(log, **wrong), lambda: rm.AutoRecommender(**wrong).fit(log)):
        with pytest.raises((ValueError, KeyError, LookupError)):
            take()


def test_compiling_is_not_in_the_time(monkeypatch):
    deadlines = []

    def compile_once(names, *, say):
        say()
        return 1000.0

    def race(bundle, choices, rules, **where):
        deadlines.append(rules.deadline)
        raise KeyboardInterrupt

    monkeypatch.setattr(recommender, "compile_once", compile_once)
    monkeypatch.setattr(recommender, "race", race)
    log, said = generate(n_users=60, n_items=30, n_events=900, seed=0), []
    auto, before = rm.AutoRecommender(time="100s"), time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        auto.fit(log, on_compile=lambda: said.append(1))
    assert before + 1000 + 90 < deadlines[0] <= time.monotonic() + 1000 + 100
    assert auto.compile_seconds_ == 1000
    assert said == [1]
