"""The level: what the best will reach, with an interval that holds on families never seen."""

from dataclasses import replace

import numpy as np
import pytest

from recmeta.metalearning import level
from recmeta.metalearning.level import COVERAGE, FEATURES, _quantile, fit_level
from recmeta.metalearning.performance import performance


def known_level(make, n, noise=0.3, split="random_holdout", families=None):
    """log(best score) is half the landmark's logarithm, minus 1, and noise."""
    known = make(lambda x: np.full((len(x), 3), 0.2), n=n)
    landmark = known.problems[FEATURES[0]].to_numpy()
    rng = np.random.default_rng(1)
    best = np.exp(0.5 * landmark - 1 + noise * rng.normal(size=n))
    problems = known.problems.assign(split=split)
    if families is not None:
        problems = problems.assign(family=families)
    return replace(known, problems=problems), replace(performance(known, "ndcg@10"), best=best)


def test_it_finds_the_line_where_there_is_one(make):
    known, scores = known_level(make, 200, noise=0.01)
    model = fit_level(known, scores)
    for place in (0, 50, 199):
        row = known.problems.iloc[place]
        mean, half = model.predict(row, "random_holdout")
        assert mean == pytest.approx(np.log(scores.best[place]), abs=0.06)
        assert 0 < half < 0.1


def test_a_higher_landmark_predicts_a_higher_score(make):
    model = fit_level(*known_level(make, 60))
    low, high = (dict.fromkeys(FEATURES, 0.0) | {FEATURES[0]: value} for value in (-3.0, -1.0))
    assert model.predict(low, "random_holdout")[0] < model.predict(high, "random_holdout")[0]


def test_the_interval_holds_as_often_as_it_says_on_problems_not_seen(make):
    known, scores = known_level(make, 400)
    fitted, new = np.arange(100), np.arange(100, 400)
    part = replace(
        known,
        problems=known.problems.iloc[fitted].reset_index(drop=True),
    )
    model = fit_level(part, replace(scores, best=scores.best[fitted]))
    held = []
    for place in new:
        mean, half = model.predict(known.problems.iloc[place], "random_holdout")
        held.append(abs(np.log(scores.best[place]) - mean) <= half)
    # 300 draws have a standard error of 0.023, the 100 errors behind the quantile one of 0.04
    assert np.mean(held) == pytest.approx(COVERAGE, abs=0.1)


def test_the_errors_are_those_made_without_the_own_family(make):
    """Shifting the scores of one family moves its errors by as much, whatever it was fitted on."""
    families = ["shifted"] * 10 + [f"f{i}" for i in range(50)]
    known, scores = known_level(make, 60, families=families)
    before = fit_level(known, scores).errors
    shifted = scores.best.copy()
    shifted[:10] *= np.exp(2)
    after = fit_level(known, replace(scores, best=shifted)).errors
    np.testing.assert_allclose(after[:10] - before[:10], 2)


def test_a_split_has_the_interval_of_its_own_kind_where_enough_are_known(make):
    known, scores = known_level(make, 80)
    by_time = np.arange(80) % 2 == 0
    splits = np.where(by_time, "global_time", "random_holdout")
    best = scores.best.copy()
    best[by_time] *= np.exp(2 * np.random.default_rng(0).normal(size=40))
    known = replace(known, problems=known.problems.assign(split=splits))
    model = fit_level(known, replace(scores, best=best))
    row = known.problems.iloc[0]
    assert model.predict(row, "leave_last_out")[1] > 2 * model.predict(row, "random_holdout")[1]
    few = np.where(np.arange(80) < level.FEW - 1, "global_time", "random_holdout")
    model = fit_level(replace(known, problems=known.problems.assign(split=few)), scores)
    of_all = _quantile(np.abs(model.errors), model.weights)
    assert model.predict(row, "global_time")[1] == of_all
    assert model.predict(row, "random_holdout")[1] != of_all


def test_a_family_of_many_problems_has_the_weight_of_one(make):
    families = ["many"] * 40 + [f"f{i}" for i in range(20)]
    known, scores = known_level(make, 60, noise=0.0, families=families)
    best = np.where(np.arange(60) < 40, 0.5, 0.1)
    model = fit_level(known, replace(scores, best=best))
    neutral = dict.fromkeys(FEATURES, 0.0)
    mean = model.predict(neutral, "random_holdout")[0]
    expected = (np.log(0.5) + 20 * np.log(0.1)) / 21
    assert mean == pytest.approx(expected, abs=0.3)
    assert mean < np.log(0.2)  # by problems it would be log 0.29


def test_the_quantile_is_that_of_split_conformal_prediction():
    """With equal weights: the ceil((n + 1) q)-th smallest of n errors."""
    rng = np.random.default_rng(0)
    for n in (4, 9, 10, 57):
        errors = rng.random(n)
        place = min(int(np.ceil((n + 1) * COVERAGE - 1e-9)), n)
        assert _quantile(errors, np.ones(n)) == np.sort(errors)[place - 1]
    heavy = _quantile(np.array([1.0, 2.0, 3.0]), np.array([0.1, 8.0, 0.1]))
    assert heavy == 3.0


def test_beyond_what_it_has_seen_it_says_what_it_says_at_the_edge(make):
    known, scores = known_level(make, 60)
    model = fit_level(known, scores)
    highest = known.problems[list(FEATURES)].max().to_dict()
    beyond = {name: value + 50.0 for name, value in highest.items()}
    at_edge, far = (model.predict(one, "random_holdout") for one in (highest, beyond))
    assert far == pytest.approx(at_edge)
