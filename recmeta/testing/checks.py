"""The checks of recmeta.testing: a rule of the contract each; the messages say the rule."""

import pickle
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution
from scipy.sparse import csr_array
from sklearn.base import clone

from recmeta.algorithms import IterativeRecommender, Recommender
from recmeta.algorithms._state import state_of, with_state

N_USERS, N_ITEMS, K = 24, 18, 5
Lists = tuple[NDArray[np.int32], NDArray[np.float32]]


def log_matrix(seed: int = 0) -> csr_array:
    """Two kinds of users, who like the first or the second half of the items, and some noise."""
    rng = np.random.default_rng(seed)
    likes = (np.arange(N_USERS)[:, None] % 2) == (np.arange(N_ITEMS)[None, :] >= N_ITEMS // 2)
    return csr_array((rng.random(likes.shape) < np.where(likes, 0.5, 0.1)).astype(np.float32))


def check_defaults_lie_in_the_space(estimator: Recommender) -> None:
    params = type(estimator)().get_params()
    for name, distribution in type(estimator).space.items():
        assert name in params, f"space has {name!r}, which __init__ does not take"
        assert _lies_in(params[name], distribution), (
            f"the default {name}={params[name]!r} lies outside {distribution}"
        )


def check_init_only_stores(estimator: Recommender) -> None:
    made = type(estimator)()
    assert set(vars(made)) == set(made.get_params(deep=False)), (
        "__init__ must store its arguments and nothing else"
    )
    assert clone(estimator).get_params() == estimator.get_params(), "clone must keep parameters"
    assert made.set_params(**made.get_params()) is made, "set_params must return self"


def check_recommends_only_new_items(estimator: Recommender) -> None:
    X = log_matrix()
    items, _ = _fitted(estimator, X).recommend(X, K)
    for row, seen in zip(items, X.toarray() > 0, strict=True):
        kept = row[row >= 0]
        assert not seen[kept].any(), "a seen item was recommended"
        assert len(set(kept.tolist())) == len(kept), "an item came twice in one list"


def check_leaves_out_what_is_excluded(estimator: Recommender) -> None:
    X = log_matrix()
    model = _fitted(estimator, X)
    first, _ = model.recommend(X, 1)
    rows = np.flatnonzero(first[:, 0] >= 0)
    ones = np.ones(len(rows), dtype=np.float32)
    exclude = csr_array((ones, (rows, first[rows, 0])), shape=X.shape)
    items, _ = model.recommend(X, N_ITEMS, exclude=exclude)
    assert not (items[rows] == first[rows]).any(), "an item of `exclude` was recommended"


def check_lists_are_sorted_and_padded_at_the_end(estimator: Recommender) -> None:
    X = log_matrix()
    items, scores = _fitted(estimator, X).recommend(X, N_ITEMS + 7)
    assert items.shape == scores.shape == (N_USERS, N_ITEMS + 7), "k > n_items keeps k columns"
    for row, values in zip(items, scores, strict=True):
        n = int((row >= 0).sum())
        assert (row[n:] == -1).all(), "-1 must come after all items"
        assert (values[n:] == 0).all(), "the score of padding is 0"
        assert (np.diff(values[:n]) <= 0).all(), "the best must come first"


def check_batching_does_not_matter(estimator: Recommender) -> None:
    X = log_matrix()
    model = _fitted(estimator, X)
    users = np.random.default_rng(1).permutation(N_USERS)
    whole = model.recommend(X, K, users=np.arange(N_USERS))
    moved = model.recommend(csr_array(X[users]), K, users=users)
    alone = [model.recommend(csr_array(X[[u]]), K, users=np.array([u])) for u in range(N_USERS)]
    _assert_same((whole[0][users], whole[1][users]), moved, "the order of the rows")
    single = np.vstack([one[0] for one in alone]), np.vstack([one[1] for one in alone])
    _assert_same(whole, single, "one row at a time")


def check_refit_equals_a_fresh_fit(estimator: Recommender) -> None:
    X, other = log_matrix(), log_matrix(1)
    again = _fitted(estimator, other).fit(X)
    _assert_same(again.recommend(X, K), _fitted(estimator, X).recommend(X, K), "an earlier fit")


def check_same_seed_same_answer(estimator: Recommender) -> None:
    X = log_matrix()
    one, other = (_fitted(estimator, X).recommend(X, K) for _ in range(2))
    _assert_same(one, other, "a second run with the same seed")


def check_input_is_unchanged(estimator: Recommender) -> None:
    binary, rated = log_matrix(), log_matrix()
    rated.data = (1 + np.arange(rated.nnz) % 5).astype(np.float32)  # a new order would show
    for X in (binary, rated):
        before = [array.copy() for array in (X.data, X.indices, X.indptr)]
        _fitted(estimator, X).recommend(X, K)
        for old, new in zip(before, (X.data, X.indices, X.indptr), strict=True):
            assert np.array_equal(old, new), "fit or recommend changed X"


def check_a_later_change_of_X_does_not_matter(estimator: Recommender) -> None:
    X, history = log_matrix(), log_matrix()
    model = _fitted(estimator, X)
    before = model.recommend(history, K)
    X.data[:] = 7
    X.indices[:] = N_ITEMS - 1
    _assert_same(before, model.recommend(history, K), "what was done to X after fit")


def check_checkerboard(estimator: Recommender) -> None:
    """Even users have the even items, odd ones the odd: what each lacks is known."""
    if not estimator.personal:
        return
    n = 20
    X = (np.arange(n)[:, None] % 2 == np.arange(n)[None, :] % 2).astype(np.float32)
    np.fill_diagonal(X, 0)
    items, _ = _fitted(estimator, csr_array(X)).recommend(csr_array(X), 1)
    right = float((items[:, 0] == np.arange(n)).mean())
    assert right == 1, f"the withheld item comes first for {right:.0%} of the users, not for all"


def check_empty_user(estimator: Recommender) -> None:
    X = log_matrix().toarray()
    X[3] = 0
    items, scores = _fitted(estimator, csr_array(X)).recommend(csr_array(X), K)
    assert items.shape == (N_USERS, K), "an empty history must have a row too"
    assert np.isfinite(scores).all(), "the scores of an empty history must be finite"


def check_unseen_user(estimator: Recommender) -> None:
    X = log_matrix()
    model = _fitted(estimator, X)
    nobody = np.full(N_USERS, -1)
    items, _ = model.recommend(X, K, users=nobody)
    if model.inductive:
        known, _ = model.recommend(X, K)
        agree = float((items[:, 0] == known[:, 0]).mean())
        if model.personal:
            assert agree > 0.5, "an inductive model ranks a history alike, whoever has it"
        assert (items[:, 0] >= 0).any(), "an inductive model must rank for a new user"
        return
    assert (items == -1).all(), "a transductive model knows nothing of a new user: an empty list"
    said = ""
    try:
        model.recommend(csr_array(X[:3]), K)
    except ValueError as error:
        said = str(error)
    assert "users=" in said, (
        "a transductive model must refuse rows of users it cannot tell, and say what to pass"
    )


def check_pickles(estimator: Recommender) -> None:
    X = log_matrix()
    model = _fitted(estimator, X)
    again = pickle.loads(pickle.dumps(model))
    _assert_same(model.recommend(X, K), again.recommend(X, K), "a copy by pickle")


def check_its_state_is_plain_arrays(estimator: Recommender) -> None:
    X = log_matrix()
    model = _fitted(estimator, X)
    again = with_state(type(model), model.get_params(), *state_of(model))
    _assert_same(model.recommend(X, K), again.recommend(X, K), "a copy by its arrays")


def check_training_goes_on_where_it_stopped(estimator: Recommender) -> None:
    """More epochs later are the same as having run them at once."""
    if not isinstance(estimator, IterativeRecommender):
        return
    X = log_matrix()
    at_once: Any = clone(estimator).set_params(n_epochs=5)
    stopped: Any = clone(estimator).set_params(n_epochs=2)
    done = [*at_once.epochs(X)]
    assert done == [1, 2, 3, 4, 5], "epochs() must give the number of each epoch"
    done = [*stopped.epochs(X), *stopped.set_params(n_epochs=5).epochs(X, resume=True)]
    assert done == [1, 2, 3, 4, 5], "epochs(resume=True) must go on with the next epoch"
    for one, other in zip(at_once.recommend(X, K), stopped.recommend(X, K), strict=True):
        assert np.array_equal(one, other), "2 epochs and 3 more are not what 5 at once are"
    same = clone(estimator).set_params(n_epochs=5).fit(X)
    _assert_same(at_once.recommend(X, K), same.recommend(X, K), "epochs() in place of fit()")


def check_extreme_inputs(estimator: Recommender) -> None:
    """One user, one item, all ones, a user with everything, an item nobody has, real numbers."""
    rng = np.random.default_rng(0)
    full = log_matrix().toarray()
    full[0], full[:, 1] = 1, 0
    cases = {
        "one user": np.ones((1, 6)),
        "one item": np.ones((6, 1)),
        "one interaction": np.eye(4)[:, :3] * (np.arange(4) == 0)[:, None],
        "all ones": np.ones((7, 5)),
        "nothing at all": np.zeros((4, 5)),
        "a user with everything, an item nobody has": full,
        "real numbers": rng.random((9, 7)) * (rng.random((9, 7)) < 0.5) * 5,
    }
    for name, case in cases.items():
        X = csr_array(case.astype(np.float32))
        items, scores = _fitted(estimator, X).recommend(X, 3)
        assert np.isfinite(scores).all(), f"{name}: a score is NaN or infinite"
        assert ((items >= -1) & (items < X.shape[1])).all(), f"{name}: no such item"


def check_bad_values_are_refused(estimator: Recommender) -> None:
    for bad in (-1.0, np.nan, np.inf):
        X = log_matrix().toarray()
        X[0, 0] = bad
        try:
            clone(estimator).fit(X)
        except ValueError:
            continue
        raise AssertionError(f"fit must refuse an entry of {bad} with a ValueError")


def check_duplicated_entries_are_summed(estimator: Recommender) -> None:
    rows, columns = log_matrix().nonzero()
    ones = np.ones(2 * len(rows), dtype=np.float32)
    twice = csr_array((ones, (np.tile(rows, 2), np.tile(columns, 2))), shape=(N_USERS, N_ITEMS))
    doubled = log_matrix() * np.float32(2)
    one, other = (_fitted(estimator, X).recommend(X, K) for X in (twice, csr_array(doubled)))
    _assert_same(one, other, "entries that are given twice in place of summed")


def check_cost_is_finite_and_grows(estimator: Recommender) -> None:
    params = estimator.get_params()
    sizes = [(100, 50, 1000), (10_000, 5_000, 500_000), (1_000_000, 3, 2_000_000)]
    costs = [type(estimator).cost(*size, **params) for size in sizes]
    for cost in costs:
        assert 0 < cost.seconds < np.inf, "cost().seconds must be finite, above 0"
        assert 0 < cost.bytes < np.inf, "cost().bytes must be finite, above 0"
    assert costs[1].seconds > costs[0].seconds, "a larger log must not cost less time"
    assert costs[1].bytes > costs[0].bytes, "a larger log must not cost less memory"


def _lies_in(value: Any, distribution: BaseDistribution) -> bool:
    if value is None:  # fit chooses
        return True
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    low, high = getattr(distribution, "low", value), getattr(distribution, "high", value)
    return bool(low <= value <= high)


def _fitted(estimator: Recommender, X: csr_array) -> Recommender:
    fresh: Any = clone(estimator)
    model: Recommender = fresh.fit(X)
    assert model is fresh, "fit must return self"
    return model


def _assert_same(one: Lists, other: Lists, what: str) -> None:
    # scores of another blocking may differ in the last bits, and with them the order of equals
    assert np.allclose(one[1], other[1], rtol=1e-4, atol=1e-6), f"{what} changed the scores"
    differ = one[0] != other[0]
    close = np.isclose(one[1], other[1], rtol=1e-4, atol=1e-6)
    assert (~differ | close).all(), f"{what} changed the items"
    assert differ.mean() < 0.1, f"{what} changed the items"
