"""Every algorithm is a scikit-learn estimator: its checks, its searches, its pipelines."""

import runpy
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from recmeta.algorithms import BPR, EASE, ItemKNN, P3alpha, TopPopular, all_algorithms
from recmeta.metrics.accuracy import ndcg
from recmeta.testing import CHECKS, informed

# with features and times made up where an algorithm uses them: these checks have none to give
ALGORITHMS = {name: informed(algorithm) for name, algorithm in all_algorithms().items()}
EXAMPLE = Path(__file__).parents[2] / "examples" / "grid_search.py"


def made(name):
    return ALGORITHMS[name](**ALGORITHMS[name].tiny)


@parametrize_with_checks(
    [made(name) for name in ALGORITHMS],
    expected_failed_checks=lambda estimator: estimator.exceptions,
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def stale(algorithm):
    """The declared exceptions that name no check, or one that passes."""
    failing = set()
    if any(name not in CHECKS for name in algorithm.exceptions):
        results = check_estimator(
            algorithm(**algorithm.tiny),
            expected_failed_checks=algorithm.exceptions,
            on_skip=None,
            on_fail=None,
        )
        failing |= {result["check_name"] for result in results if result["status"] == "xfail"}
    for name in CHECKS.keys() & algorithm.exceptions:
        try:
            CHECKS[name](algorithm(**algorithm.tiny))
        except AssertionError:
            failing.add(name)
    return sorted(algorithm.exceptions.keys() - failing)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_declared_exception_still_fails(name):
    assert stale(ALGORITHMS[name]) == []


class Overdeclared(TopPopular):
    """Fails one check of each kind, as it says, and one of each that it passes."""

    personal = True
    exceptions: ClassVar[dict[str, str]] = {
        "check_checkerboard": "one order for all users",
        "check_fit_score_takes_y": "its score has no y",
        "check_empty_user": "passes",
        "check_fit2d_1sample": "passes",
        "check_what_is_not_there": "no such check",
    }

    def score(self, X):
        return 0.0


def test_an_exception_that_no_longer_fails_is_noticed():
    assert stale(Overdeclared) == [
        "check_empty_user",
        "check_fit2d_1sample",
        "check_what_is_not_there",
    ]


@pytest.mark.parametrize("name", ALGORITHMS)
def test_clone_and_set_params_keep_what_was_given(name):
    params = {"random_state": 7} if "random_state" in made(name).get_params() else {}
    model = made(name).set_params(**params).fit(np.eye(6) + np.eye(6, k=1))
    copy = clone(model)
    assert copy.get_params() == model.get_params() == made(name).get_params() | params
    with pytest.raises(NotFittedError):
        copy.recommend(np.eye(6))
    with pytest.raises(ValueError, match="Invalid parameter 'factors'"):
        model.set_params(factors=3)


COUNTS = [
    (name, count)
    for name in ALGORITHMS
    for count in ("n_factors", "n_neighbours", "n_epochs", "batch_size")
    if count in made(name).get_params()
]


@pytest.mark.parametrize(("name", "count"), COUNTS)
def test_a_count_of_0_is_refused(name, count):
    with pytest.raises(ValueError, match=f"{count} must be at least 1: got 0"):
        made(name).set_params(**{count: 0}).fit(np.eye(6))


ILLEGAL = [
    (name, parameter, "nonsense" if isinstance(value, str) else float("nan"))
    for name in ALGORITHMS
    for parameter, value in made(name).get_params().items()
    if isinstance(value, str | float)
]


@pytest.mark.parametrize(("name", "parameter", "value"), ILLEGAL)
def test_a_parameter_that_makes_no_sense_is_a_value_error(name, parameter, value):
    with pytest.raises(ValueError, match=parameter if isinstance(value, float) else "must be"):
        made(name).set_params(**{parameter: value}).fit(np.eye(6))


def histories(n_users=60, n_items=20):
    """Two kinds of users, each with one item withheld: X, and the withheld items as a matrix."""
    rng = np.random.default_rng(3)
    kind = np.arange(n_users)[:, None] % 2 == (np.arange(n_items)[None, :] < n_items // 2)
    log = (rng.random((n_users, n_items)) < np.where(kind, 0.7, 0.05)).astype(np.float32)
    held_out = np.zeros_like(log)
    for user in range(n_users):
        own = np.flatnonzero(log[user] * kind[user])
        held_out[user, rng.choice(own)] = 1
    return csr_array(log - held_out), csr_array(held_out)


def all_rows(X):
    """Weak generalisation: fit on the histories of all users, find what they were held out."""
    rows = np.arange(X.shape[0])
    return [(rows, rows)]


GRID = [
    {"model": [TopPopular()]},
    {"model": [EASE()], "model__l2": [1.0, 20.0]},
    {"model": [ItemKNN(shrink=0)], "model__n_neighbours": [3, 9]},
]


def pipeline(model):
    to_binary = FunctionTransformer(lambda X: csr_array((X > 0).astype(np.float32)))
    return Pipeline([("binary", to_binary), ("model", model)])


@pytest.mark.parametrize("strong", [False, True])
def test_a_grid_search_over_three_algorithms_gives_each_its_own_score(strong):
    X, y = histories()
    folds = list(KFold(3).split(X)) if strong else all_rows(X)
    search = GridSearchCV(pipeline(TopPopular()), GRID, cv=folds, error_score="raise")
    search.fit(X * 3, y)
    for params, found in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    ):
        own = {name.removeprefix("model__"): value for name, value in params.items()}
        model = clone(own.pop("model")).set_params(**own)
        by_hand = []
        for train, test in folds:
            items, _ = model.fit(X[train]).recommend(X[test], 10)
            by_hand.append(np.nanmean(ndcg(items, csr_array(y[test]), 10)))
        assert found == pytest.approx(np.mean(by_hand))
    popular, *personal = search.cv_results_["mean_test_score"]
    assert min(personal) > popular
    assert not isinstance(search.best_estimator_["model"], TopPopular)
    assert search.best_estimator_.score(X, y) > popular


def test_a_search_over_a_model_that_knows_its_users_needs_all_rows():
    X, y = histories()
    grid = {"n_epochs": [1, 60]}
    search = GridSearchCV(BPR(n_factors=4), grid, cv=all_rows(X), error_score="raise").fit(X, y)
    assert search.best_params_ == {"n_epochs": 60}
    with pytest.raises(ValueError, match=r"knows users by their training row.*pass users="):
        search.set_params(cv=KFold(3)).fit(X, y)


def test_cross_validation_over_users_ranks_for_those_left_out():
    X, y = histories()
    y = y.indices  # cross_val_score, unlike GridSearchCV, refuses a sparse y
    personal = cross_val_score(P3alpha(), X, y, cv=KFold(3), error_score="raise")
    popular = cross_val_score(TopPopular(), X, y, cv=KFold(3), error_score="raise")
    assert personal.shape == (3,)
    assert (personal > popular).all()


def test_one_held_out_item_a_row_scores_like_the_matrix_of_it():
    X, y = histories()
    model = EASE().fit(X)
    assert model.score(X, y.indices) == model.score(X, y) == model.score(X, y.toarray())


def test_held_out_items_of_another_shape_are_refused():
    X, y = histories()
    model = EASE().fit(X)
    with pytest.raises(ValueError, match=r"matrix \(60, 20\), or one item column for each of the"):
        model.score(X, y[:, :5])
    with pytest.raises(ValueError, match=r"got float32 values of shape \(60,\)"):
        model.score(X, np.ones(60, dtype=np.float32))
    with pytest.raises(ValueError, match=r"y must lie in 0\.\.19: got 0\.\.20"):
        model.score(X, np.arange(60) % 21)
    with pytest.raises(ValueError, match="a held-out item in one row at least: got none"):
        model.score(X, csr_array(X.shape))


def test_rows_without_a_held_out_item_are_left_out_of_the_mean():
    X, y = histories()
    model = EASE().fit(X)
    some = y.toarray()
    some[10:] = 0
    alone = EASE().fit(X)
    items, _ = alone.recommend(X, 10)
    values = ndcg(items, y, 10)[:10]
    assert model.score(X, some) == pytest.approx(values.mean())


def test_a_frame_gives_names_that_later_input_is_checked_against():
    X, y = histories()
    names = [f"product {number}" for number in range(X.shape[1])]
    frame = pd.DataFrame(X.toarray(), columns=names)
    model = EASE().fit(frame)
    assert model.feature_names_in_.tolist() == names
    assert model.score(frame, y) == EASE().fit(X).score(X, y)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.recommend(X)
    with pytest.raises(ValueError, match="feature names should match"):
        model.recommend(frame[names[::-1]])
    with pytest.warns(UserWarning, match="but EASE was fitted without feature names"):
        EASE().fit(X).recommend(frame)


def test_the_example_runs_and_prints_its_twelve_candidates_best_first(capsys):
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if "=" in line]
    scores = [float(row[2]) for row in rows if len(row) == 4]
    assert len(scores) == 12
    assert scores == sorted(scores, reverse=True)
