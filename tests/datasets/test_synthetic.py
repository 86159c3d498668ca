"""The synthetic log does what its head says: measured on what comes out."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from recmeta.algorithms import EASE, TopPopular
from recmeta.data import Interactions
from recmeta.datasets import read
from recmeta.datasets.splits import default_split
from recmeta.datasets.synthetic import START, YEAR, World, generate
from recmeta.evaluation import evaluate

SHOP = Path(__file__).parents[2] / "examples" / "shop.csv"


def _gini(counts: np.ndarray) -> float:
    ordered = np.sort(counts)
    place = np.arange(1, len(ordered) + 1)
    return float((2 * place - len(ordered) - 1) @ ordered / (len(ordered) * ordered.sum()))


def test_the_same_seed_gives_the_same_log_and_another_seed_another() -> None:
    one, same, other = (generate(40, 30, 400, seed=seed) for seed in (3, 3, 4))
    assert (one.item_columns == same.item_columns).all()
    assert (one.timestamps == same.timestamps).all()
    assert one.n_events != other.n_events or (one.item_columns != other.item_columns).any()


def test_times_lie_in_one_year_and_in_order() -> None:
    log = generate(40, 30, 400, seed=0)
    assert log.timestamps is not None
    assert log.timestamps.min() >= START
    assert log.timestamps.max() < START + YEAR
    assert (np.diff(log.timestamps) >= 0).all()


def test_a_larger_exponent_concentrates_the_events_on_fewer_items() -> None:
    ginis = [
        _gini(np.bincount(generate(200, 150, 4000, world=World(popularity=p)).item_columns))
        for p in (0.0, 0.8, 1.6)
    ]
    assert ginis[0] < ginis[1] < ginis[2]


@pytest.mark.parametrize("repeat", [0.0, 0.3])
def test_about_the_given_share_of_events_are_repeats(repeat: float) -> None:
    log = generate(200, 400, 5000, world=World(repeat=repeat), seed=1)
    pairs = np.unique(log.user_rows.astype(np.int64) * log.n_items + log.item_columns)
    possible = log.n_events - log.n_users  # a user's first event repeats nothing
    # four standard deviations of a binomial share
    tolerance = 4 * np.sqrt(0.3 * 0.7 / possible)
    assert (log.n_events - len(pairs)) / possible == pytest.approx(repeat, abs=tolerance)


def test_drift_moves_what_is_popular() -> None:
    def early_and_late_agree(drift: float) -> float:
        # few events a user: nobody runs out of what is popular
        log = generate(2000, 200, 6000, world=World(drift=drift, repeat=0.0), seed=2)
        assert log.timestamps is not None
        early = log.timestamps < START + YEAR // 4
        late = log.timestamps > START + 3 * YEAR // 4
        counts = [
            np.bincount(log.item_columns[part], minlength=log.n_items) for part in (early, late)
        ]
        return float(np.corrcoef(*counts)[0, 1])

    assert early_and_late_agree(4.0) < 0.7 < early_and_late_agree(0.0)


def test_users_of_few_clusters_are_easier_to_tell_than_those_without_taste() -> None:
    def gain(taste: float) -> float:
        log = generate(300, 120, 6000, world=World(taste=taste), seed=5)
        fold = default_split(log).fold("test")
        scores = [
            evaluate(model.fit(fold.fit), fold).values["ndcg@10"]
            for model in (EASE(l2=100.0), TopPopular())
        ]
        return scores[0] / scores[1]

    assert gain(2.5) > 1.5
    assert gain(0.0) < 1.1


def test_an_empty_log_is_refused_with_what_was_given() -> None:
    with pytest.raises(ValueError, match="got 0, 30 and 400"):
        generate(0, 30, 400)


def test_the_bundled_log_is_read_with_times_and_without_warnings() -> None:
    log = read(SHOP)
    assert log.columns == {"user": "customer", "item": "product", "time": "date"}
    assert log.timestamps is not None
    assert log.timestamps.min() >= START
    assert [notice.code for notice in log.notices] == ["N105"]


def test_on_the_bundled_log_a_personal_model_beats_popularity_by_far() -> None:
    fold = default_split(read(SHOP)).fold("test")
    personal, popular = (
        evaluate(model.fit(fold.fit), fold).values["ndcg@10"]
        for model in (EASE(l2=100.0), TopPopular())
    )
    assert personal > 1.5 * popular


def test_a_world_that_stands_still_is_drawn_in_blocks_from_the_same_distribution() -> None:
    # the same seed gives both the same people, items and lengths; only the draws differ
    in_blocks = generate(600, 60, 6000, world=World(drift=0.0, repeat=0.0), seed=5)
    one_by_one = generate(600, 60, 6000, world=World(drift=1e-12, repeat=0.0), seed=5)
    assert in_blocks.n_events == one_by_one.n_events
    assert in_blocks.items.tolist() == one_by_one.items.tolist()
    for first_only in (True, False):
        counts = np.array([_taken(log, first_only) for log in (in_blocks, one_by_one)])
        assert chi2_contingency(counts[:, counts.sum(axis=0) > 9]).pvalue > 0.01
    for log in (in_blocks, one_by_one):
        pairs = log.user_rows.astype(np.int64) * log.n_items + log.item_columns
        least = np.minimum(np.bincount(log.user_rows), log.n_items).sum()
        assert len(np.unique(pairs)) == least  # a user repeats only when he has everything


def _taken(log: Interactions, first_only: bool) -> np.ndarray:
    """How often each item was taken, by its rank among all or only as a user's first item."""
    assert log.timestamps is not None
    chosen = np.arange(log.n_events)
    if first_only:
        order = np.lexsort((log.timestamps, log.user_rows))
        chosen = order[np.unique(log.user_rows[order], return_index=True)[1]]
    return np.bincount(log.item_columns[chosen], minlength=log.n_items)
