"""Model: the caller's ids in and out, an answer for everybody, nothing twice."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

from recmeta.algorithms import BPR, EASE, ItemKNN, Recommender, TopPopular
from recmeta.data import Interactions
from recmeta.model import NEW_USER, Model
from recmeta.testing import N_ITEMS, N_USERS, log_matrix


class Silent(Recommender):
    """Knows nothing of anybody."""

    def _fit(self, X):
        pass

    def _scores(self, X, users):
        return np.zeros(X.shape, dtype=np.float32)


def log_of(X=None, users=None, items=None, **more):
    """A log with a positive event where X is not 0; ids u0, u1, ... and i0, i1, ..."""
    X = log_matrix().toarray() if X is None else np.asarray(X)
    rows, columns = np.nonzero(X)
    users = [f"u{row}" for row in range(X.shape[0])] if users is None else users
    items = [f"i{column}" for column in range(X.shape[1])] if items is None else items
    return Interactions(
        users=np.array(users, dtype=object if isinstance(users[0], str) else np.int64),
        items=np.array(items, dtype=object if isinstance(items[0], str) else np.int64),
        user_rows=rows.astype(np.int32),
        item_columns=columns.astype(np.int32),
        **more,
    )


def number_log():
    """The same log, its users 100, 101, ... and its items 0, -7, -14, ..."""
    return log_of(users=list(range(100, 100 + N_USERS)), items=[-7 * i for i in range(N_ITEMS)])


def items_of(table):
    return table.groupby("user", sort=False)["item"].agg(list).to_dict()


def test_answers_are_those_of_the_estimator_in_the_callers_ids():
    log = log_of()
    model = Model(EASE(l2=5.0)).fit(log)
    table = model.recommend(["u5", "u0"], k=4)
    X = log.to_csr()
    items, scores = EASE(l2=5.0).fit(X).recommend(X[[5, 0]], 4)
    assert table["user"].tolist() == ["u5"] * 4 + ["u0"] * 4
    assert table["rank"].tolist() == [1, 2, 3, 4] * 2
    assert table["item"].tolist() == [f"i{item}" for item in items.ravel()]
    np.testing.assert_allclose(table["score"], scores.ravel(), rtol=1e-5)
    assert not table["fallback"].any()


def test_all_users_are_answered_in_the_order_of_the_log():
    model = Model(ItemKNN()).fit(log_of())
    everyone = model.recommend(k=3)
    assert everyone["user"].drop_duplicates().tolist() == [f"u{u}" for u in range(N_USERS)]
    one_by_one = pd.concat([model.recommend([user], k=3) for user in model.users])
    pd.testing.assert_frame_equal(everyone, one_by_one.reset_index(drop=True), rtol=1e-5)


@pytest.mark.parametrize("written", [105, "105", " 105 ", np.int32(105), 105.0])
def test_a_number_is_found_however_it_is_written(written):
    model = Model(EASE()).fit(number_log())
    table = model.recommend([written], k=3)
    assert table["user"].tolist() == [105] * 3
    assert table["item"].dtype == np.int64
    assert not table["fallback"].any()
    pd.testing.assert_frame_equal(table, model.recommend([105], k=3))


def test_a_number_finds_its_text():
    model = Model(EASE()).fit(log_of(users=[str(u) for u in range(N_USERS)]))
    table = model.recommend([7], k=3)
    assert table["user"].tolist() == ["7"] * 3
    assert not table["fallback"].any()


@pytest.mark.parametrize("stranger", ["nobody", "", None, "1e3", "²", "--5", 1.5, float("nan"), ()])
def test_who_is_unknown_gets_what_is_popular_and_is_told(stranger):
    for log in (log_of(), number_log()):
        model = Model(EASE()).fit(log)
        table = model.recommend([stranger], k=4)
        popular = np.argsort(-model.popularity, kind="stable")[:4]
        assert table["item"].tolist() == model.items[popular].tolist()
        assert table["fallback"].all()
        assert table["score"].isna().all()


def test_known_and_unknown_users_keep_their_places():
    model = Model(EASE()).fit(log_of())
    table = model.recommend(["x", "u3", "y", "u3"], k=2)
    assert table["user"].tolist() == ["x", "x", "u3", "u3", "y", "y", "u3", "u3"]
    assert table["fallback"].tolist() == [True, True, False, False, True, True, False, False]
    assert table["item"].tolist()[2:4] == table["item"].tolist()[6:8]


@pytest.mark.parametrize("log", [log_of(), number_log()])
def test_nobody_asked_for_is_an_empty_table_with_its_columns(log):
    table = Model(EASE()).fit(log).recommend([], k=4)
    assert table.columns.tolist() == ["user", "rank", "item", "score", "fallback"]
    assert len(table) == 0


def test_a_short_list_is_filled_with_popular_items_and_only_those_are_flagged():
    # a and b share x; only popularity knows of z for them, and nobody has w
    X = np.array([[1, 1, 0, 0, 0], [1, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 1, 0]])
    model = Model(ItemKNN(shrink=0)).fit(log_of(X, ["a", "b", "c", "d"], list("xyvzw")))
    table = model.recommend(["a"], k=5)
    assert table["item"].tolist() == ["v", "z"]
    assert table["fallback"].tolist() == [False, True]
    assert np.isfinite(table["score"][0])
    assert np.isnan(table["score"][1])


def test_more_items_than_there_are_gives_every_new_item_once():
    model = Model(Silent()).fit(log_of())
    seen = model.seen.toarray() > 0
    lists = items_of(model.recommend(k=10 * N_ITEMS))
    for row, user in enumerate(model.users):
        assert sorted(lists[user]) == sorted(model.items[~seen[row]])


def test_what_was_disliked_is_not_positive_and_never_comes_back():
    X = log_matrix().toarray()
    rows, _ = np.nonzero(X)
    ratings = np.random.default_rng(0).integers(1, 6, len(rows)).astype(np.float32)
    log = log_of(X, values=ratings, feedback="rating", threshold=4.0)
    for estimator in (EASE(), Silent(), BPR(n_epochs=3)):
        model = Model(estimator).fit(log)
        assert model.histories.nnz < model.seen.nnz == len(rows)
        for row, user in enumerate(model.users):
            had = set(model.items[model.seen[[row]].indices])
            assert not had & set(model.recommend([user], k=N_ITEMS)["item"])


def test_who_only_disliked_gets_what_is_popular():
    log = log_of(
        [[1, 1, 0], [0, 1, 1], [1, 0, 0]],
        values=np.array([5, 5, 5, 5, 1], dtype=np.float32),
        feedback="rating",
        threshold=3.0,
    )
    table = Model(EASE()).fit(log).recommend(["u2"], k=3)
    assert table["item"].tolist() == ["i1", "i2"]
    assert table["fallback"].all()


def test_a_new_users_history_is_ranked_like_that_of_a_known_one():
    model = Model(EASE()).fit(log_of())
    history = model.items[model.histories[[3]].indices]
    new, known = model.recommend_history(history, k=5), model.recommend(["u3"], k=5)
    assert new["item"].tolist() == known["item"].tolist()
    assert new["user"].tolist() == [NEW_USER] * 5
    assert not new["fallback"].any()
    assert not set(new["item"]) & set(history)


def test_unknown_and_repeated_items_of_a_history_change_nothing():
    model = Model(EASE()).fit(number_log())
    plain = model.recommend_history([-7, -21], k=5)
    again = model.recommend_history(["-21", "never seen", -7, -7, 10**30, None], k=5)
    pd.testing.assert_frame_equal(plain, again)


@pytest.mark.parametrize("history", [[], ["never seen"]])
def test_a_history_that_says_nothing_gets_what_is_popular(history):
    model = Model(EASE()).fit(log_of())
    table = model.recommend_history(history, k=3)
    assert table["item"].tolist() == model.recommend(["nobody"], k=3)["item"].tolist()
    assert table["fallback"].all()


def test_a_recommender_that_cannot_rank_for_new_users_gives_popular_items_flagged():
    model = Model(BPR(n_epochs=3)).fit(log_of())
    assert not model.estimator.inductive
    table = model.recommend_history(["i0", "i3"], k=5)
    assert table["fallback"].all()
    assert len(table) == 5
    assert not {"i0", "i3"} & set(table["item"])
    assert not model.recommend(["u0"], k=3)["fallback"].any()


def test_popular_is_what_most_users_have_and_ties_come_by_column():
    log = log_of([[1, 0, 1, 0], [0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 0]])
    model = Model(TopPopular()).fit(log)
    assert model.popularity.tolist() == [1, 0, 4, 2]
    assert model.recommend(["?"], k=4)["item"].tolist() == ["i2", "i3", "i0"]
    tied = Model(TopPopular()).fit(log_of(np.ones((2, 3))))
    assert tied.recommend(["?"], k=2)["item"].tolist() == ["i0", "i1"]


def test_another_fit_forgets_the_first_log():
    model = Model(TopPopular()).fit(log_of())
    model.recommend(["u0", "nobody"])
    model.recommend_history(["i0"])
    model.fit(log_of([[1, 1, 0], [0, 1, 0]], ["x", "y"], ["p", "q", "r"]))
    table = model.recommend(["y", "u0"], k=2)
    assert table["item"].tolist() == ["p", "q", "p"]
    assert table["fallback"].tolist() == [False, True, True]


def test_what_cannot_be_asked_is_refused():
    model = Model(EASE()).fit(log_of())
    with pytest.raises(TypeError, match=r"got the text 'u1'; write \['u1'\]"):
        model.recommend("u1")
    with pytest.raises(TypeError, match="got the text"):
        model.recommend_history("i1")
    for ask in (model.recommend, model.recommend_history):
        with pytest.raises(ValueError, match="k must be at least 1: got 0"):
            ask([], k=0)
    with pytest.raises(NotFittedError):
        Model(EASE()).recommend(["u1"])


@given(
    st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=6),
    st.lists(st.integers(-1, 8), max_size=8),
    st.integers(1, 9),
)
def test_every_list_is_what_brute_force_makes_of_it(likes, asked, k):
    """The estimator's list, then by popularity what is neither seen nor listed."""
    X = np.array(likes, dtype=np.float32)
    estimator = ItemKNN(n_neighbours=2)
    model = Model(estimator).fit(log_of(X, list(range(len(X))), list(range(6))))
    popular = [i for i in np.argsort(-X.sum(axis=0), kind="stable").tolist() if X[:, i].any()]
    expected = []
    for user in asked:
        known = 0 <= user < len(X)
        own = estimator.recommend(X[[user]], k, users=[user])[0][0].tolist() if known else []
        own = [item for item in own if item >= 0]
        had = np.flatnonzero(X[user]).tolist() if known else []
        filled = own + [item for item in popular if item not in own and item not in had]
        expected += [(user, item, item not in own) for item in filled[:k]]
    table = model.recommend(asked, k)
    assert list(zip(table["user"], table["item"], table["fallback"], strict=True)) == expected
