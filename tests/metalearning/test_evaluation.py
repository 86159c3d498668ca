"""Leave one family out: nothing of it is seen, and every column is what its name says."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recmeta.metalearning import evaluation, metadata
from recmeta.metalearning.evaluation import leave_one_family_out, sweep_limits
from recmeta.metalearning.metadata import of_families
from recmeta.metalearning.performance import performance
from recmeta.metalearning.selector import Selector

EASE, KNN, POPULAR = range(3)  # columns, as conftest writes them


def ease_is_best(x):
    """EASE before ItemKNN before popularity, on every problem, with a little noise."""
    rng = np.random.default_rng(0)
    scores = np.tile([0.30, 0.25, 0.10], (len(x), 1))
    return scores + 0.001 * rng.normal(size=scores.shape)


def decided_by_size(x):
    """EASE where x > 0, ItemKNN elsewhere, by far."""
    ease = np.where(x > 0, 0.30, 0.15)
    return np.column_stack([ease, 0.46 - ease, np.full_like(x, 0.05)])


def with_families(known, names):
    return replace(known, problems=known.problems.assign(family=names))


def families_of(n, n_first):
    """The first problems are one family, each of the others is its own."""
    return ["first"] * n_first + [f"f{i}" for i in range(n_first, n)]


def test_a_family_of_another_kind_is_chosen_for_as_if_it_were_not_known(make):
    """All large logs are one family: without it nothing says that EASE is the one for them."""
    alone = make(decided_by_size)
    large = (alone.problems["basic.log_n_users"] > 0).to_numpy()
    together = with_families(alone, np.where(large, "large", alone.problems["family"]))
    left_out = leave_one_family_out(together).problems
    assert set(left_out.loc[left_out["family"] == "large", "choice"]) == {"ItemKNN"}
    assert found_right(left_out, large) == 0
    # with its relatives in the fold many of the same logs are told right: so would a leak look
    assert found_right(leave_one_family_out(alone).problems, large) > 0.25


def found_right(problems, large):
    names = [f"d{i}" for i in np.flatnonzero(large)]
    return (problems.set_index("dataset").loc[names, "choice"] == "EASE").mean()


def test_every_fold_learns_from_all_families_but_the_one_it_is_tested_on(make, monkeypatch):
    known = with_families(make(ease_is_best, n=12), families_of(12, 4))
    seen = []

    class Spy(Selector):
        def fit(self, known):
            seen.append(set(known.problems["family"]))
            assert set(known.runs["problem"]) == set(range(len(known.problems)))
            return super().fit(known)

    monkeypatch.setattr(evaluation, "Selector", Spy)
    leave_one_family_out(known)
    everything = set(known.problems["family"])
    assert [everything - fold for fold in seen] == [{name} for name in sorted(everything)]


def test_no_score_of_the_family_that_is_left_out_moves_what_is_predicted(make):
    def other_scores(x):
        scores = ease_is_best(x)
        scores[:4] = scores[:4, ::-1] * 2
        return scores

    predictions = []
    for world in (ease_is_best, other_scores):
        known = with_families(make(world, n=14), families_of(14, 4))
        rows = leave_one_family_out(known).problems.set_index("family").loc["first"]
        predictions.append(rows[["choice", "choice_key", "sbs_key", "predicted"]])
    assert predictions[0].equals(predictions[1])


def test_columns_are_the_shares_that_their_names_say(make):
    known = make(ease_is_best, n=12)
    found = leave_one_family_out(known)
    test = performance(known, "ndcg@10").test
    share = test / test.max(axis=1, keepdims=True)
    rows = found.problems.set_index("dataset").loc[[f"d{i}" for i in range(12)]]
    np.testing.assert_allclose(rows["sbs"], share[:, EASE])
    np.testing.assert_allclose(rows["random"], share.mean(axis=1))
    np.testing.assert_allclose(rows["vbs"], 1)  # validation is the test here
    np.testing.assert_allclose(rows["mean_2"], share[:, [EASE, KNN]].max(axis=1))
    for k in (2, 4, 8):
        assert (rows[f"tried_{k}"] >= rows["chosen"] - 1e-12).all()
    np.testing.assert_allclose(found.mean, found.problems[evaluation.COLUMNS].mean())


def test_means_are_over_families_and_not_over_problems(make):
    known = with_families(make(ease_is_best, n=12), families_of(12, 9))
    found = leave_one_family_out(known)
    by_family = found.problems.groupby("family")["random"].mean()
    assert len(by_family) == 4
    assert found.mean["random"] == pytest.approx(by_family.mean())
    assert found.mean["random"] != pytest.approx(found.problems["random"].mean(), abs=1e-6)


def test_what_is_tried_is_chosen_on_validation_and_scored_on_test(make):
    """Choosing on test would be the best of noise: above what anybody can reach."""
    known = make(ease_is_best, n=12)
    runs = pd.read_parquet(known.folder / "runs.parquet")
    # validation is wrong about every problem: popularity looks best, and is worst
    runs["validation:ndcg@10"] = 0.4 - runs["test:ndcg@10"]
    runs.to_parquet(known.folder / "runs.parquet")
    metadata.load.cache_clear()
    found = leave_one_family_out(metadata.load(known.folder)).problems
    test = performance(known, "ndcg@10").test
    popular = np.sort(test[:, POPULAR] / test.max(axis=1))
    np.testing.assert_allclose(np.sort(found["vbs"]), popular)
    np.testing.assert_allclose(np.sort(found["tried_8"]), popular)


def test_the_limits_are_those_of_the_sweep_for_one_fit(make):
    seconds, n_bytes = sweep_limits(make(ease_is_best))
    assert seconds == pytest.approx(60 / evaluation.FITS_A_TASK)
    assert n_bytes == 2**30


def test_the_same_seed_gives_the_same_interval_and_it_holds_the_mean(make):
    known = make(ease_is_best, n=12)
    one, again = (leave_one_family_out(known, seed=3) for _ in range(2))
    assert (one.low, one.gain, one.high) == (again.low, again.gain, again.high)
    assert one.low <= one.gain <= one.high


def test_a_configuration_that_one_family_was_not_run_with_is_no_error(make):
    """Run on too few problems to be scored, but on enough of those without that family."""
    known = with_families(make(ease_is_best), families_of(30, 10))
    missing = (known.runs["algorithm"] == "ItemKNN") & (known.runs["problem"] < 10)
    found = leave_one_family_out(replace(known, runs=known.runs[~missing]))
    assert set(found.problems["choice"]) == {"EASE"}


def test_a_part_without_a_family_has_nothing_of_it(make):
    known = with_families(make(ease_is_best), families_of(30, 4))
    part = of_families(known, (known.problems["family"] != "first").to_numpy())
    assert part.n_problems == 26
    whole = performance(known, "ndcg@10")
    np.testing.assert_allclose(performance(part, "ndcg@10").test, whole.test[4:])
