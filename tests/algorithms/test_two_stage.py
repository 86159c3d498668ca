"""TwoStage: features by loops, trees by LightGBM's own ranker, no leak of the answer."""

import numpy as np
import pytest
from lightgbm import Dataset, LGBMRanker
from scipy.sparse import csr_array

from recmeta.algorithms import EASE, ItemKNN, TopPopular, _two_stage, pure_svd
from recmeta.algorithms._boosted_trees import FIXED, binned, trees_of, values_of
from recmeta.algorithms._candidates import items_of, pairs_of
from recmeta.algorithms._gram import row_blocks
from recmeta.algorithms._two_stage import (
    chosen_by,
    fitted,
    held_out_share,
    lessons,
    with_few_others,
    without,
)
from recmeta.algorithms.two_stage import TwoStage

NAMES = ("ItemKNN", "EASE", "TopPopular")
SMALL = {"candidates": NAMES, "n_candidates": 4, "min_leaf": 5, "n_trees": 20, "random_state": 0}


def log(n_users=120, n_items=30, seed=0):
    """Two kinds of users; items of falling popularity; a user without history, an unseen item."""
    rng = np.random.default_rng(seed)
    kind = np.arange(n_users)[:, None] % 2 == np.arange(n_items)[None, :] % 2
    X = rng.random((n_users, n_items)) < np.where(kind, 0.6, 0.1) / (1 + np.arange(n_items) / 15)
    X[3], X[:, 7] = False, False
    return csr_array(X.astype(np.float32))


def lesson_parts(X, users, held, n_candidates):
    rest = without(X, held)
    return list(lessons(fitted(NAMES, rest, 0), rest, users, held, n_candidates))


def lesson(*args):
    """All pairs at once."""
    parts = lesson_parts(*args)
    return type(parts[0])(*map(np.concatenate, zip(*parts, strict=True)))


def test_features_are_those_of_loops_over_their_definitions():
    X = log()
    models = [EASE().fit(X), TopPopular().fit(X)]
    n, dense = 4, X.toarray() > 0
    found = pairs_of(models, X, np.arange(X.shape[0]), items_of(X), n)
    counts = dense.sum(axis=0)
    popularity = np.array([(counts < count).mean() for count in counts])
    shared = (dense[:, :, None] & dense[:, None, :]).sum(axis=0).astype(float)
    cosine = shared / (np.sqrt(np.outer(counts, counts)) + 10)
    np.fill_diagonal(cosine, 0)  # with fewer items than neighbours, all that share a user are
    expected = {}
    for user, seen in enumerate(dense):
        columns, ranks, shares = np.flatnonzero(seen), [], []
        for model in models:
            scores = np.where(seen, 0, model._scores(X[[user]], np.array([user]))[0])
            order = [
                i for i in np.argsort(-scores, kind="stable") if scores[i] != 0 and not seen[i]
            ]
            ranks.append({item: place for place, item in enumerate(order[:n])})
            shares.append(scores / max(np.abs(scores).max(), 1e-30))
        for item in set().union(*ranks):
            rank = [of_model.get(item, n) for of_model in ranks]
            by_models = [x for m in range(2) for x in (shares[m][item], rank[m])]
            alike = cosine[columns, item]
            expected[user, item] = [
                *by_models,
                np.mean([1 / (1 + r) if r < n else 0 for r in rank]),
                min(rank),
                popularity[item],
                len(columns),
                popularity[columns].mean() if len(columns) else 0,
                alike.max(initial=0),
                (alike > 0).sum() / max(len(columns), 1),
            ]
    assert list(zip(found.rows.tolist(), found.items.tolist(), strict=True)) == sorted(expected)
    assert np.allclose(found.features, [expected[key] for key in sorted(expected)], rtol=1e-4)


def test_the_models_have_not_seen_what_the_trees_learn_to_find():
    X = log()
    users = np.flatnonzero(np.diff(X.indptr) > 1)
    held = held_out_share(X, users, 0.3, np.random.default_rng(0))
    learned = lesson(X, users, held, 4)
    rest = csr_array(X.toarray() - held.toarray())
    models = [model.fit(rest) for model in (ItemKNN(), EASE(), TopPopular())]
    pairs = pairs_of(models, csr_array(rest[users]), users, items_of(rest), 4)
    is_held = held.toarray()[users][pairs.rows, pairs.items] > 0
    teaches = np.isin(pairs.rows, pairs.rows[is_held])
    assert np.array_equal(learned.features, pairs.features[teaches])
    assert np.array_equal(learned.is_held, is_held[teaches])
    assert learned.groups.tolist() == np.unique(pairs.rows[teaches], return_counts=True)[1].tolist()


def test_few_others_keep_what_was_put_aside_and_draw_from_the_rest_of_each_user():
    X = log()
    users = np.flatnonzero(np.diff(X.indptr) > 1)
    held = held_out_share(X, users, 0.3, np.random.default_rng(0))
    whole = lesson(X, users, held, 8)
    few = with_few_others(whole, 3, np.random.default_rng(1))
    owner, kept = (np.repeat(np.arange(len(one.groups)), one.groups) for one in (whole, few))
    counts = [np.bincount(owner, ~whole.is_held), np.bincount(kept, ~few.is_held)]
    assert counts[0].max() > 3
    assert np.array_equal(counts[1], np.minimum(counts[0], 3))
    assert np.array_equal(np.bincount(owner, whole.is_held), np.bincount(kept, few.is_held))
    rows = {(user, *row) for user, row in zip(owner, whole.features.tolist(), strict=True)}
    assert {(user, *row) for user, row in zip(kept, few.features.tolist(), strict=True)} < rows
    other = with_few_others(whole, 3, np.random.default_rng(2))
    assert not np.array_equal(other.features, few.features)


def test_the_held_out_share_is_drawn_from_the_users_asked_for_and_leaves_each_an_item():
    X = log()
    users = np.flatnonzero(np.diff(X.indptr) > 1)[::2]
    held = held_out_share(X, users, 0.3, np.random.default_rng(0))
    n_held, n_had = np.diff(held.indptr), np.diff(X.indptr)
    assert (X.toarray()[held.toarray() > 0] > 0).all()
    assert np.array_equal(np.flatnonzero(n_held), users)
    assert np.array_equal(n_held[users], np.maximum(np.rint(0.3 * n_had[users]), 1))
    everything = held_out_share(X, users, 1.0, np.random.default_rng(0))
    assert np.array_equal(np.diff(everything.indptr)[users], n_had[users] - 1)


def test_lessons_of_a_few_users_are_parts_of_that_of_all(monkeypatch):
    X = log()
    users = np.flatnonzero(np.diff(X.indptr) > 1)
    held = held_out_share(X, users, 0.3, np.random.default_rng(0))
    whole = lesson_parts(X, users, held, 6)
    monkeypatch.setattr(_two_stage, "_panels", lambda n, *others: row_blocks(n, 7))
    parts = lesson_parts(X, users, held, 6)
    assert (len(whole), len(parts)) == (1, -(-len(users) // 7))
    together = [np.concatenate(column) for column in zip(*parts, strict=True)]
    assert all(map(np.array_equal, whole[0], together))
    # and what is drawn of them is drawn of the same stream
    one, other = np.random.default_rng(1), np.random.default_rng(1)
    few = [with_few_others(part, 3, one).features for part in parts]
    assert np.array_equal(with_few_others(whole[0], 3, other).features, np.concatenate(few))


def test_what_is_left_is_the_matrix_without_what_is_held():
    X = log()
    held = held_out_share(X, np.arange(0, X.shape[0], 2), 0.4, np.random.default_rng(0))
    left = without(X, held)
    assert left.has_canonical_format
    assert left.data.all()
    assert np.array_equal(left.toarray(), (X - held).toarray())


def test_bins_made_a_feature_at_a_time_are_those_of_all_at_once():
    X = log()
    users = np.flatnonzero(np.diff(X.indptr) > 1)
    held = held_out_share(X, users, 0.3, np.random.default_rng(0))
    learned = lesson(X, users, held, 6)
    params = {"num_leaves": 4, "min_data_in_leaf": 5, "seed": 1}
    at_once = Dataset(
        learned.features, learned.is_held, group=learned.groups, params={**FIXED, **params}
    )
    parts = [learned._replace(features=np.asfortranarray(learned.features))]
    found = trees_of(binned(parts, params), params, 20)
    assert np.array_equal(found, trees_of(at_once, params, 20))


def test_the_trees_are_those_of_lightgbms_ranker():
    X = log()
    users = np.flatnonzero(np.diff(X.indptr) > 1)
    held = held_out_share(X, users, 0.3, np.random.default_rng(0))
    learned = lesson(X, users, held, 6)
    params = {"num_leaves": 4, "min_data_in_leaf": 5, "seed": 1}
    text = trees_of(binned([learned], params), params, 20)
    ranker = LGBMRanker(
        n_estimators=20, num_leaves=4, min_child_samples=5, learning_rate=0.05, random_state=1,
        lambdarank_norm=False, deterministic=True, force_row_wise=True, n_jobs=1, verbosity=-1,
    )  # fmt: skip
    ranker.fit(learned.features, learned.is_held, group=learned.groups)
    expected = np.log1p(np.exp(ranker.booster_.predict(learned.features)))
    assert len(np.unique(expected)) > 10
    assert np.allclose(values_of(text, learned.features, 3), expected, rtol=1e-9)


def test_what_the_trees_learned_ranks_what_was_held_out_above_the_rest():
    X = log()
    model = TwoStage(**SMALL).fit(X)
    assert len(model.trees_) > 0
    items, _ = model.recommend(X, 1)
    found = items[:, 0] >= 0
    own_kind = items[found, 0] % 2 == np.flatnonzero(found) % 2
    assert own_kind.mean() > 0.9


def test_where_nothing_can_be_learned_the_mean_reciprocal_rank_decides():
    X = log()
    model = TwoStage(**SMALL | {"min_leaf": 10**6}).fit(X)
    assert len(model.trees_) == 0
    pairs = pairs_of(
        [algorithm().fit(X) for algorithm in (ItemKNN, EASE, TopPopular)], X,
        np.arange(X.shape[0]), items_of(X), 4,
    )  # fmt: skip
    expected = np.zeros(X.shape)
    expected[pairs.rows, pairs.items] = pairs.features[:, 6]
    _, scores = model.recommend(X, 5)
    assert np.allclose(scores, -np.sort(-expected, axis=1)[:, :5], rtol=1e-6)


def test_what_the_first_models_choose_is_what_the_later_ones_get():
    X = log()
    first = fitted(("PureSVD", "ItemKNN"), X, 0)
    chosen = chosen_by(first)
    assert chosen == [{"n_factors": first[0].n_factors_}, {}]
    again = fitted(("PureSVD", "ItemKNN"), X[:40], 0, chosen)
    assert again[0].n_factors == first[0].n_factors_


def test_a_fit_chooses_a_number_of_factors_once(monkeypatch):
    asked = []
    monkeypatch.setattr(pure_svd, "best_rank", lambda X, rng: asked.append(X.nnz) or 3)
    X = log()
    model = TwoStage(**SMALL | {"candidates": ("PureSVD", "TopPopular")}).fit(X)
    assert len(asked) == 1
    assert asked[0] < X.nnz  # not on what is put aside
    assert model.stage0_item_factors_.shape == (X.shape[1], 3)


def test_a_fit_with_fewer_models_forgets_the_others():
    X = log()
    model = TwoStage(**SMALL).fit(X).set_params(candidates=NAMES[:1]).fit(X)
    assert not any(name.startswith("stage1") for name in vars(model))


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"candidates": ()}, "candidates must name a model at least: got none"),
        ({"candidates": ("BPR",)}, "must rank from a history alone, in one stage: got BPR"),
        ({"candidates": ("MarkovChain",)}, "got MarkovChain"),
        ({"candidates": ("TwoStage",)}, "in one stage: got TwoStage"),
        ({"candidates": ("nobody",)}, "no algorithm is named 'nobody'"),
        ({"n_candidates": 0}, "n_candidates must be at least 1: got 0"),
    ],
)
def test_models_that_cannot_be_a_first_stage_are_refused(params, said):
    with pytest.raises(ValueError, match=said):
        TwoStage(**SMALL | params).fit(log())
