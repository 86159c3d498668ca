"""evaluate() against a dense loop over the users of a fold."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta import evaluation
from recmeta.algorithms import get
from recmeta.data import Interactions
from recmeta.datasets.folds import Fold
from recmeta.datasets.splits import random_holdout
from recmeta.evaluation import evaluate
from recmeta.metrics import CUTOFFS, METRICS, PER_USER, Accumulator

ALGORITHMS = ("ItemKNN", "UserKNN", "TopPopular", "EASE")


def ratings(n_users=90, n_items=70, n_events=1500, seed=0):
    """A log of 1 to 5 stars, popular items more often; 4 and more are positive."""
    rng = np.random.default_rng(seed)
    popularity = 1 / np.arange(1, n_items + 1)
    item_columns = rng.choice(n_items, n_events, p=popularity / popularity.sum())
    return Interactions(
        users=np.arange(n_users),
        items=np.arange(n_items),
        user_rows=rng.integers(0, n_users, n_events).astype(np.int32),
        item_columns=item_columns.astype(np.int32),
        values=rng.integers(1, 6, n_events).astype(np.float32),
        feedback="rating",
        threshold=4.0,
    )


@pytest.fixture(scope="module")
def fold():
    return random_holdout(ratings(), validation=0.1, test=0.3).fold("test")


@pytest.fixture(scope="module")
def models(fold):
    return {name: get(name)().fit(fold.fit) for name in ALGORITHMS}


def naive_lists(model, fold, k):
    """Sort all items of one user after the other; what has no score is no candidate."""
    lists = np.full((len(fold.rows), k), -1, dtype=np.int32)
    for row, user in enumerate(fold.users):
        scores = model._scores(fold.history[[row]], np.array([user]))[0].astype(np.float64)
        seen = set(fold.history[[row]].indices) | set(fold.exclude[[row]].indices)
        candidates = [i for i in range(len(scores)) if scores[i] != 0 and i not in seen]
        best = sorted(candidates, key=lambda item: (-scores[item], item))[:k]
        lists[row, : len(best)] = best
    return lists


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_values_are_those_of_lists_sorted_in_a_loop(name, models, fold):
    lists = naive_lists(models[name], fold, 50)
    accumulator = Accumulator(fold.fit.shape[1], np.asarray(fold.fit.sum(axis=0)))
    accumulator.add(lists, fold.relevant)
    found = evaluate(models[name], fold).values
    assert len(found) == len(METRICS) * len(CUTOFFS)
    for key, expected in accumulator.result().items():
        if not key.startswith("users_in_gt"):
            assert found[key] == pytest.approx(expected, rel=1e-12, nan_ok=True), key
    assert found["users_in_gt@1"] == len(fold.rows) / fold.fit.shape[0]


def test_ndcg_and_recall_are_those_of_a_loop(models, fold):
    lists = naive_lists(models["ItemKNN"], fold, 10)
    recalls, gains = [], []
    for row in range(len(fold.rows)):
        held_out = set(fold.relevant[[row]].indices)
        hits = [item in held_out for item in lists[row]]
        ideal = sum(1 / math.log2(i + 2) for i in range(min(10, len(held_out))))
        recalls.append(sum(hits) / len(held_out))
        gains.append(sum(hit / math.log2(i + 2) for i, hit in enumerate(hits)) / ideal)
    found = evaluate(models["ItemKNN"], fold)
    assert found.values["recall@10"] == pytest.approx(np.mean(recalls))
    assert found.values["ndcg@10"] == pytest.approx(np.mean(gains))
    assert 0 < found.values["ndcg@10"] < 1
    assert found.n_users == len(fold.rows) > 50
    assert found.seconds > 0


def test_each_value_is_the_mean_of_the_values_of_users(models, fold):
    names = tuple(f"{metric}@{k}" for metric in PER_USER for k in (1, 10, 50))
    found = evaluate(models["ItemKNN"], fold, per_user=names)
    assert set(found.per_user) == set(names)
    for name in names:
        vector = found.per_user[name]
        assert vector.shape == fold.rows.shape
        assert vector.dtype == np.float32
        assert np.nanmean(vector.astype(np.float64)) == pytest.approx(found.values[name], rel=1e-6)


def test_the_standard_error_is_that_of_the_mean_over_users(models, fold):
    found = evaluate(models["ItemKNN"], fold, per_user=("ndcg@10",))
    vector = found.per_user["ndcg@10"].astype(np.float64)
    n = len(vector)
    variance = sum((value - vector.mean()) ** 2 for value in vector) / (n - 1)
    assert found.standard_error("ndcg@10") == pytest.approx(math.sqrt(variance / n))
    with_nan = dataclasses.replace(found, per_user={"x@1": np.array([1, np.nan, 0], np.float32)})
    assert with_nan.standard_error("x@1") == pytest.approx(0.5)
    of_one = dataclasses.replace(found, per_user={"x@1": np.array([1, np.nan], np.float32)})
    assert math.isnan(of_one.standard_error("x@1"))


@pytest.mark.parametrize("block", [1, 7, 10_000])
def test_the_size_of_blocks_does_not_matter(block, models, fold, monkeypatch):
    whole = evaluate(models["ItemKNN"], fold, per_user=("ndcg@10",))
    monkeypatch.setattr(evaluation, "BLOCK", block)
    found = evaluate(models["ItemKNN"], fold, per_user=("ndcg@10",))
    for name, value in whole.values.items():
        assert found.values[name] == pytest.approx(value, rel=1e-12, nan_ok=True), name
    np.testing.assert_array_equal(found.per_user["ndcg@10"], whole.per_user["ndcg@10"])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_seen_and_excluded_items_are_never_in_a_list(name, models, fold, monkeypatch):
    shown = []
    add = Accumulator.add

    def spy(self, ranking, relevant, **options):
        shown.append(ranking.copy())
        return add(self, ranking, relevant, **options)

    monkeypatch.setattr(Accumulator, "add", spy)
    evaluate(models[name], fold)
    lists = np.vstack(shown)
    disliked = fold.exclude - fold.exclude.multiply(fold.history)
    assert disliked.sum() > 100, "the case needs items that were seen and not liked"
    for row, items in enumerate(lists):
        forbidden = np.union1d(fold.history[[row]].indices, fold.exclude[[row]].indices)
        assert not np.isin(items, forbidden).any()
    assert (lists >= 0).any(axis=1).all()


def test_a_low_rating_is_not_a_hit():
    # five users like items 0 to 2; one held out item 1 with 1 star, another item 2 with 5
    stars = {(u, i): 5 for u in range(5) for i in range(3)} | {(5, 0): 5, (6, 0): 5}
    log = stars | {(5, 1): 1, (6, 2): 5}
    users, items = np.array(list(log)).T
    data = Interactions(
        users=np.arange(7), items=np.arange(3),
        user_rows=users.astype(np.int32), item_columns=items.astype(np.int32),
        values=np.array(list(log.values()), np.float32), feedback="rating", threshold=4.0,
    )  # fmt: skip
    split = random_holdout(data)
    part = np.array([0] * len(stars) + [2, 2], dtype=np.int8)
    test = dataclasses.replace(split, part=part).fold("test")
    found = evaluate(get("ItemKNN")(shrink=0).fit(test.fit), test)
    assert found.n_users == 1, "whoever holds out only what was not liked is not evaluated"
    assert found.values["recall@2"] == 1
    assert found.values["users_in_gt@1"] == 1 / 7


def test_users_who_are_not_in_the_fit_are_ranked_by_their_history(models, fold):
    strangers = dataclasses.replace(fold, users=np.full(len(fold.rows), -1))
    known, unknown = evaluate(models["ItemKNN"], fold), evaluate(models["ItemKNN"], strangers)
    assert known.values == unknown.values


def test_other_cutoffs_can_be_asked_for(models, fold):
    found = evaluate(models["ItemKNN"], fold, cutoffs=(10, 12), per_user=("ndcg@12",))
    assert set(found.values) == {f"{name}@{k}" for name in METRICS for k in (10, 12)}
    assert found.per_user["ndcg@12"].astype(float).mean() == pytest.approx(found.values["ndcg@12"])
    all_cutoffs = evaluate(models["ItemKNN"], fold)
    assert found.values["ndcg@10"] == pytest.approx(all_cutoffs.values["ndcg@10"])


def test_a_fold_without_users_gives_nan(models, fold):
    nobody = Fold(
        fit=fold.fit, users=fold.users[:0], history=fold.history[:0], relevant=fold.relevant[:0],
        exclude=fold.exclude[:0], rows=fold.rows[:0], n_cold=0, n_repeat=0,
    )  # fmt: skip
    found = evaluate(models["ItemKNN"], nobody, per_user=("ndcg@10",))
    assert math.isnan(found.values["ndcg@10"])
    assert found.n_users == 0
    assert found.per_user["ndcg@10"].shape == (0,)
    assert math.isnan(found.standard_error("ndcg@10"))


def test_what_has_no_value_for_each_user_is_refused(models, fold):
    with pytest.raises(ValueError, match="diversity_gini@10 has no value for each user; these"):
        evaluate(models["ItemKNN"], fold, per_user=("diversity_gini@10",))
    with pytest.raises(ValueError, match="write name@cutoff with a cutoff of"):
        evaluate(models["ItemKNN"], fold, cutoffs=(5,), per_user=("ndcg@10",))


def test_the_fold_is_not_changed(fold):
    before = {
        name: getattr(fold, name).toarray() for name in ("fit", "history", "relevant", "exclude")
    }
    evaluate(get("ItemKNN")(feature_weighting="bm25").fit(fold.fit), fold)
    for name, matrix in before.items():
        np.testing.assert_array_equal(getattr(fold, name).toarray(), matrix)
        assert isinstance(getattr(fold, name), csr_array)
