"""The main job in Python: the six lines of the README, and what happens at the limits."""

import dataclasses
import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

import recmeta as rm
from recmeta.algorithms import TopPopular, get
from recmeta.automl import BudgetError, recommender
from recmeta.automl import race as race_of
from recmeta.datasets.splits import default_split
from recmeta.datasets.synthetic import World, generate
from recmeta.evaluation import evaluate
from recmeta.execution.state import load_state
from recmeta.execution.task import Result


@pytest.fixture(scope="module")
def log():
    return generate(250, 80, 4000, world=World(taste=2.0), seed=1)


@pytest.fixture(scope="module")
def fitted(log):
    return rm.AutoRecommender(time="20s", memory="2GiB", seed=0, threads=1).fit(log)


def test_the_six_lines_of_the_readme_work(log, fitted, tmp_path):
    advice = rm.recommend(log)
    assert advice.best is advice.choices[0]
    assert "EASE" in str(advice)
    lists = fitted.recommend([log.users[0]], k=5)
    assert list(lists.columns) == ["user", "rank", "item", "score", "fallback"]
    fitted.save(tmp_path / "model.recmeta")
    again = rm.load(tmp_path / "model.recmeta").recommend([log.users[0]], k=5)
    pd.testing.assert_frame_equal(lists, again)


def test_the_table_has_every_choice_with_its_reason(log):
    frame = rm.recommend(log).to_frame()
    assert set(frame["algorithm"]) >= {"EASE", "SLIM", "IALS", "Random"}
    out = frame[~frame["advised"]]
    assert (out["reason"] != "").all()
    assert (frame[frame["advised"]]["reason"] == "").all()


def test_limits_leave_out_what_goes_over_them_and_say_so(log):
    advice = rm.recommend(log, memory="300KB")
    assert "EASE" not in {choice.algorithm for choice in advice.choices}
    reasons = {choice.algorithm: choice.reason for choice in advice.not_advised}
    assert "with 300 KB to use" in reasons["EASE"]


def test_the_best_on_validation_is_kept_and_its_scores_can_be_made_again(log, fitted):
    good = [attempt for attempt in fitted.attempts_ if attempt.status == "ok"]
    assert fitted.best_.score == max(attempt.score for attempt in good)
    split = default_split(log)
    params = dict(fitted.best_.params)
    for part, told in (("validation", fitted.best_.score), ("test", fitted.test_.score)):
        fold = split.fold(part)
        model = get(fitted.best_.algorithm)(**params).fit(fold.fit)
        assert evaluate(model, fold).values["ndcg@10"] == pytest.approx(told, rel=1e-3)


def test_the_model_that_serves_has_learned_from_everything(log, fitted):
    assert fitted.model_.histories.nnz == log.to_csr().nnz
    assert len(fitted.model_.users) == log.n_users


def test_popularity_is_always_among_what_was_tried(fitted):
    assert fitted.attempts_[0].algorithm == "TopPopular"
    assert fitted.test_.popularity > 0


def test_the_paired_difference_to_popularity_has_its_error(fitted):
    test = fitted.test_
    assert test.gain == pytest.approx(test.score - test.popularity, abs=2e-3)  # float16 vectors
    assert test.gain_error > 0
    assert test.low < test.score < test.high


def test_no_time_is_an_error_that_says_so(log):
    with pytest.raises(BudgetError, match="no model was fitted"):
        rm.AutoRecommender(time=0.05).fit(log)


def test_whatever_becomes_of_the_others_there_is_popularity(log, tmp_path, monkeypatch):
    """A candidate that gets, against the rules, all the time that is left."""
    monkeypatch.setattr(race_of, "SHARE", 1e9)
    split = default_split(log)
    bundle = recommender._bundle(split, tmp_path / "bundle")
    limits = (None, None)
    choices = recommender.advise(log, split, "ndcg@10", limits, 0).choices
    endless = dataclasses.replace(
        next(choice for choice in choices if choice.algorithm == "BPR"),
        params={"n_epochs": 10**9}, turn=0, fit_seconds=0.0,
    )  # fmt: skip
    deadline = time.monotonic() + 8
    rules = race_of.Rules("ndcg@10", deadline=deadline, memory=None, seed=0, threads=1)
    outcome = race_of.race(
        bundle, [endless], rules, save_to=tmp_path / "state.npz", on_attempt=lambda attempt: None
    )
    assert [attempt.status for attempt in outcome.attempts] == ["ok", "timeout"]
    assert outcome.winner.algorithm == "TopPopular"
    assert outcome.test is outcome.popularity_test
    assert "test" in outcome.test.metrics
    assert load_state(TopPopular, tmp_path / "state.npz").popularity_.sum() == log.to_csr().sum()


@pytest.mark.parametrize("status", ["ok", "timeout"])
def test_popularity_that_was_saved_and_not_scored_is_no_winner(status, log, tmp_path, monkeypatch):
    def run(tasks, **how):
        task = next(iter(tasks))
        Path(task.save_to).write_bytes(b"half of it")
        yield task, Result(status=status)

    monkeypatch.setattr(race_of, "run", run)
    bundle = recommender._bundle(default_split(log), tmp_path / "bundle")
    rules = race_of.Rules("ndcg@10", time.monotonic() + 60, memory=None, seed=0, threads=1)
    save_to = tmp_path / "state.npz"
    outcome = race_of.race(bundle, [], rules, save_to=save_to, on_attempt=lambda attempt: None)
    assert outcome.winner is None
    assert not save_to.exists()


def test_a_log_too_small_to_compare_gets_popularity_and_the_reason():
    users, items = np.array(["a", "b"], dtype=object), np.array(["x", "y", "z"], dtype=object)
    rows, columns = np.array([0, 0, 1], dtype=np.int32), np.array([0, 1, 0], dtype=np.int32)
    tiny = rm.Interactions(users, items, rows, columns)
    auto = rm.AutoRecommender(time="5s").fit(tiny)
    assert auto.best_.algorithm == "TopPopular"
    assert "[E107]" in auto.best_.error
    assert auto.test_ is None
    assert math.isnan(auto.best_.score)
    assert auto.recommend(["b"], k=1)["item"].tolist() == ["y"]


def test_what_was_not_fitted_says_what_to_do():
    for use in (lambda auto: auto.recommend(["a"]), lambda auto: auto.save("m.recmeta")):
        with pytest.raises(NotFittedError, match=r"call fit\(data\) first"):
            use(rm.AutoRecommender())


def test_a_recommendation_with_nothing_advised_has_no_best_and_says_why(log):
    advice = rm.recommend(log, memory="1KB")
    assert not advice.choices
    with pytest.raises(ValueError, match="no configuration is advised within these limits: "):
        str(advice.best)


def test_a_log_that_it_has_learned_from_is_called_one(log):
    advice = rm.recommend(log)
    assert not advice.remarks()
    known = dataclasses.replace(advice, nearest=(("movielens-100k", 0.0), *advice.nearest[1:]))
    assert "from which was learned" in known.remarks()[0]
    assert known.remarks()[0] in str(known)
