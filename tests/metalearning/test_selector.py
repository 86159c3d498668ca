"""The selector learns what there is to learn, and nothing where there is nothing."""

import numpy as np
import pytest

from recmeta.metalearning.evaluation import leave_one_family_out, sweep_limits
from recmeta.metalearning.metadata import of_families
from recmeta.metalearning.nearest import nearest
from recmeta.metalearning.performance import performance
from recmeta.metalearning.portfolio import greedy_order
from recmeta.metalearning.selector import Selector

SHAPE = (1000, 500, 20_000)


def _decided_by_size(x):
    """EASE on large logs, ItemKNN on small ones, by far; popularity is poor."""
    ease = np.where(x > 0, 0.30, 0.15)
    return np.column_stack([ease, 0.46 - ease, np.full_like(x, 0.05)])


def _noise(x):
    """EASE is a little better in the mean; what else there is nobody can know."""
    rng = np.random.default_rng(1)
    return np.column_stack(
        [0.21 + 0.02 * rng.normal(size=len(x)) for _ in range(2)] + [x * 0 + 0.1]
    )


def test_where_a_feature_decides_the_selector_follows_it(make):
    found = leave_one_family_out(make(_decided_by_size))
    assert found.gain > 0.1  # thirteen features are noise: some problems are told wrong
    assert found.low > 0
    chosen = found.problems["choice"].to_numpy()
    assert (chosen == "EASE").any()
    assert (chosen == "ItemKNN").any()


def test_where_there_is_nothing_to_learn_it_stays_with_the_single_best(make):
    found = leave_one_family_out(make(_noise))
    assert abs(found.gain) < 0.005


def test_a_failed_run_counts_with_the_score_of_popularity(make):
    def fails_twice(x):
        scores = _decided_by_size(x)
        scores[:2, 0] = np.nan
        return scores

    truth = performance(make(fails_twice), "ndcg@10")
    ease = 0
    assert truth.test[0, ease] == truth.test[0, truth.fallback] == pytest.approx(0.05)
    assert np.isnan(truth.share[0, ease])
    assert np.isfinite(truth.filled).all()


def test_shares_are_of_the_best_on_each_problem(shipped):
    truth = performance(shipped, "recall@20")
    assert np.nanmax(truth.share) <= 1 + 1e-12
    assert np.isfinite(truth.filled).all()
    assert (truth.filled <= 1).all()


def test_a_metric_that_is_no_goal_is_refused_with_those_that_are(shipped):
    with pytest.raises(ValueError, match="choose an algorithm by one of: precision"):
        performance(shipped, "novelty@10")


def test_every_configuration_is_ranked_once_and_one_turn_each(shipped):
    choices = _rank(shipped)
    assert len({choice.key for choice in choices}) == len(choices)
    assert sorted(choice.turn for choice in choices) == list(range(len(choices)))
    assert choices[0].turn == 0
    assert choices[0].advised
    scores = [choice.score for choice in choices]
    assert scores == sorted(scores, reverse=True)
    assert all(choice.low <= choice.score <= choice.high <= 1 for choice in choices)


def test_a_limit_of_time_or_memory_moves_the_choice_to_what_fits(shipped):
    free = _rank(shipped)[0]
    quick = _rank(shipped, seconds=free.fit_seconds / 10)
    first = next(choice for choice in quick if choice.advised)
    assert first is quick[0]
    assert first.algorithm != free.algorithm
    small = _rank(shipped, n_bytes=free.fit_bytes / 10)
    assert all(choice.p_fail > 0.25 for choice in small if choice.key == free.key)


def test_popularity_is_the_even_bet_against_itself(shipped):
    by_name = {choice.algorithm: choice for choice in _rank(shipped)}
    assert by_name["TopPopular"].p_beats_popularity == pytest.approx(0.5)
    assert by_name["Random"].p_beats_popularity < 0.1
    assert by_name["EASE"].p_beats_popularity > 0.9


def test_a_known_data_set_is_nearest_to_itself(shipped):
    row = shipped.problems.set_index("dataset").loc["foursquare-nyc"]
    (first, second) = nearest(row.to_dict(), shipped, 2)
    assert first == ("foursquare-nyc", 0.0)
    assert second[1] > 0


def test_the_shipped_selector_keeps_its_bar_on_families_that_it_has_not_seen(shipped):
    seconds, n_bytes = sweep_limits(shipped)
    found = leave_one_family_out(shipped, seconds=seconds, n_bytes=n_bytes)
    assert found.gain >= -0.002  # the bar of the project: not below the SBS by more than 0.2 %
    assert found.mean["random"] < 0.8 * found.mean["sbs"]
    assert found.mean["chosen"] <= found.mean["vbs"] + 0.02
    assert 0.65 <= found.coverage <= 0.95


def test_nothing_of_the_family_that_is_left_out_moves_the_prediction(shipped):
    """Doubling its scores must change nothing: the fold never sees them."""
    out = (shipped.problems["family"] == "yelp").to_numpy()
    row = {str(k): v for k, v in shipped.problems[out].iloc[0].items()}
    first = Selector().fit(of_families(shipped, ~out)).rank(row, SHAPE)
    shuffled = shipped.problems.assign(
        **{"basic.log_n_users": shipped.problems["basic.log_n_users"] + 100.0 * out}
    )
    changed = type(shipped)(shipped.folder, shuffled, shipped.runs, shipped.configurations)
    again = Selector().fit(of_families(changed, ~out)).rank(row, SHAPE)
    assert [(one.key, one.score) for one in first] == [(one.key, one.score) for one in again]


def test_the_greedy_order_begins_where_it_is_told_and_adds_what_helps_most():
    scenarios = np.array([[1.0, 0.9, 0.0], [1.0, 0.9, 0.0], [0.0, 0.1, 1.0]])
    order = greedy_order(scenarios, np.ones(3), first=0, n=3)
    assert order.tolist() == [0, 2, 1]  # column 1 is the second best, and adds almost nothing


def test_the_greedy_order_is_close_to_the_best_set():
    rng = np.random.default_rng(0)
    for _ in range(20):
        scenarios = rng.random((12, 7))
        first = int(scenarios.mean(axis=0).argmax())
        greedy = scenarios[:, greedy_order(scenarios, np.ones(12), first, 2)].max(axis=1).mean()
        pairs = [scenarios[:, [a, b]].max(axis=1).mean() for a in range(7) for b in range(a)]
        assert greedy >= (1 - 1 / np.e) * max(pairs)


def _rank(known, **limits):
    row = known.problems.set_index("dataset").loc["yelp-restaurants-hin2"]
    shape = (int(row["n_users"]), int(row["n_items"]), int(row["nnz"]))
    return Selector().fit(known).rank(row.to_dict(), shape, split=row["split"], **limits)
