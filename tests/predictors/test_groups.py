"""Groups are drawn and left out whole, and deviations hold on groups that nobody saw."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

from recmeta.predictors import OMNI, BayesianLinear, RandomForest, all_predictors, lacking
from recmeta.predictors._features import FeaturePredictor
from recmeta.predictors._forest import MANY, Forest, grown
from recmeta.predictors._groups import (
    bootstrap_counts,
    checked_groups,
    held_out_folds,
    left_out_group,
    shared,
)
from recmeta.predictors.bayesian_linear import _with_ones

LEARNERS = {
    name: kind
    for name, kind in all_predictors().items()
    if issubclass(kind, (FeaturePredictor, OMNI)) and not lacking(kind)
}

some_groups = st.lists(st.integers(0, 9), min_size=2, max_size=50).map(np.array)


@given(groups=some_groups, n_folds=st.integers(2, 6), seed=st.integers(0, 2**32 - 1))
def test_a_group_is_in_one_fold_and_each_row_once(groups, n_folds, seed):
    folds = held_out_folds(groups, np.random.default_rng(seed), n_folds)
    assert sorted(np.concatenate(folds)) == list(range(len(groups)))
    if len(set(groups)) == 1:
        return
    assert len(folds) == min(n_folds, len(set(groups)))
    for fold in folds:
        assert len(fold)
        assert not np.isin(groups[np.setdiff1d(np.arange(len(groups)), fold)], groups[fold]).any()


def test_without_groups_folds_are_those_of_rows():
    folds = held_out_folds(checked_groups(None, 11), np.random.default_rng(5), 3)
    parts = np.array_split(np.random.default_rng(5).permutation(11), 3)
    for fold, part in zip(folds, parts, strict=True):
        np.testing.assert_array_equal(fold, np.sort(part))


@given(groups=some_groups, seed=st.integers(0, 2**32 - 1))
def test_a_bootstrap_draws_whole_groups_as_many_as_there_are(groups, seed):
    n = len(set(groups))
    counts = bootstrap_counts(groups, 4, np.random.default_rng(seed))
    assert counts.shape == (4, len(groups))
    if n == 1:
        return
    first = [np.flatnonzero(groups == name)[0] for name in set(groups)]
    assert (counts[:, first].sum(axis=1) == n).all()
    for name in set(groups):
        assert (np.ptp(counts[:, groups == name], axis=1) == 0).all()


@given(groups=some_groups)
def test_shared_are_the_groups_of_several_rows(groups):
    expected = [np.flatnonzero(groups == name).tolist() for name in sorted(set(groups))]
    found = [rows.tolist() for rows in shared(groups)]
    assert found == [rows for rows in expected if len(rows) > 1]


def test_labels_may_be_of_any_kind():
    np.testing.assert_array_equal(checked_groups(["b", "a", "b"], 3), [1, 0, 1])
    np.testing.assert_array_equal(checked_groups(None, 3), [0, 1, 2])


@pytest.mark.parametrize("missing", [np.nan, None, pd.NA])
def test_labels_that_are_missing_are_refused_and_not_one_group(missing):
    for others in (["a", "b", "c"], [1.0, 2.0, 3.0]):
        with pytest.raises(ValueError, match="groups"):
            checked_groups(pd.Series([missing, missing, *others], dtype=object), 5)
    if missing is np.nan:
        with pytest.raises(ValueError, match="groups has 2 missing labels"):
            checked_groups([missing, missing, 1.0, 2.0], 4)


def test_labels_that_cannot_be_compared_are_refused():
    with pytest.raises(ValueError, match="labels of one type"):
        checked_groups(np.array([1, "a", 2], dtype=object), 3)


@pytest.mark.parametrize("name", sorted(all_predictors()))
def test_groups_of_another_length_or_one_alone_are_refused(name):
    kind = all_predictors()[name]
    if lacking(kind):
        pytest.skip("an extra is missing")
    X, y = np.random.default_rng(0).random((20, 3)), np.arange(20.0)
    sides = {"curves": y[:, None] + np.zeros((20, 4))} if "curves" in kind.needs else {}
    model = kind(**kind.tiny)
    with pytest.raises(ValueError, match=r"groups must be \(20,\).*got shape \(19,\)"):
        model.fit(X, y, **sides, groups=np.arange(19))
    with pytest.raises(ValueError, match="groups has one group"):
        model.fit(X, y, **sides, groups=np.zeros(20))


def families(n_groups: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Four rows a group, all but equal; no other group knows anything of a group's performance."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_groups), 4)
    X = rng.integers(2, size=(n_groups, 12))[groups].astype(float)
    y = rng.normal(size=n_groups)[groups] + 0.02 * rng.normal(size=len(groups))
    order = rng.permutation(len(groups))
    return X[order], y[order], groups[order]


@pytest.mark.parametrize("name", sorted(LEARNERS))
def test_deviations_hold_on_groups_that_were_not_seen(name):
    kind = LEARNERS[name]
    X, y, groups = families(40, seed=0)
    new, unseen, _ = families(300, seed=50)
    within = []
    for given_groups in (None, groups):
        mean, std = kind(**kind.tiny).fit(X, y, groups=given_groups).predict(new)
        within.append(np.mean(np.abs(unseen - mean) <= std))
    assert 0.5 < within[1] < 0.85
    assert abs(within[1] - 0.683) < abs(within[0] - 0.683) - 0.03


@pytest.mark.parametrize("name", ["CurveSVR", "CurveTrees"])
def test_curve_predictors_leave_out_whole_groups(name):
    kind = all_predictors()[name]
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(12), 8)
    gains = rng.normal(size=12)
    X = rng.random((12, 6))[groups]
    curves = np.cumsum(0.01 * rng.normal(size=(96, 6)), axis=1)
    y = curves[:, -1] + gains[groups]
    std = [
        kind(**kind.tiny).fit(X, y, curves=curves, groups=given).predict(X, curves=curves)[1].mean()
        for given in (None, groups)
    ]
    assert std[1] > 1.2 * std[0]


def test_chains_of_a_curve_network_leave_out_whole_groups():
    kind = all_predictors()["CurveNetwork"]
    if lacking(kind):
        pytest.skip("an extra is missing")
    groups = np.repeat(np.arange(5), 4)
    curves = np.random.default_rng(0).random((20, 6))
    model = kind(**kind.tiny).fit(curves[:, :2], curves[:, -1], curves=curves, groups=groups)
    assert sorted(len(fold) for fold in model.folds_) == [4, 4, 4, 8]
    for fold in model.folds_:
        assert set(np.bincount(groups[fold], minlength=5)) <= {0, 4}


def test_leaving_a_group_out_of_a_linear_model_is_a_fit_without_it():
    rng = np.random.default_rng(0)
    X, groups = rng.random((30, 4)), np.arange(30) // 3
    y = X @ [3.0, -2.0, 0, 1.0] + 0.3 * rng.normal(size=30)
    model = BayesianLinear(normal_scores=False).fit(X, y, groups=groups)
    features, t = _with_ones(X), (y - y.mean()) / y.std()
    errors = t - features @ model.weights_
    rows, rest = groups == 4, groups != 4
    S = np.linalg.inv(model.beta_ * features[rest].T @ features[rest] + np.diag(model.alphas_))
    mean = features[rows] @ (model.beta_ * S @ features[rest].T @ t[rest])
    variance = np.diag(features[rows] @ S @ features[rows].T) + 1 / model.beta_
    block = np.eye(3) - model.beta_ * features[rows] @ model.covariance_ @ features[rows].T
    found = left_out_group(model.beta_ * block, model.beta_ * errors[rows])
    np.testing.assert_allclose(t[rows] - found[0], mean, atol=1e-7)
    np.testing.assert_allclose(found[1], variance, rtol=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_so_it_is_where_the_model_goes_through_all_points(seed):
    # 1 - leverage is 1e-8 there, and the closed form is of nothing but rounding
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(4), [1, 1, 2, 16])
    X = rng.integers(2, size=(20, 60)).astype(float)
    model = BayesianLinear(normal_scores=False).fit(X, rng.normal(size=20), groups=groups)
    features, t = _with_ones(X), rng.normal(size=20)
    model.alphas_, model.beta_ = np.append(np.full(60, 2.0), 1e8), 1e8
    model._condition(features.T @ features, features.T @ t)
    for labels in (groups, np.arange(20)):
        errors, variances = model._left_out(features, t, labels)
        for name in np.unique(labels):
            rows, rest = labels == name, labels != name
            prior = features / model.alphas_ @ features.T
            K = prior[np.ix_(rest, rest)] + np.eye(rest.sum()) / model.beta_
            across = np.linalg.solve(K, prior[np.ix_(rest, rows)]).T
            expected = np.diag(prior)[rows] - (across * prior[np.ix_(rows, rest)]).sum(axis=1)
            np.testing.assert_allclose(
                errors[rows], t[rows] - across @ t[rest], rtol=1e-3, atol=1e-3
            )
            np.testing.assert_allclose(variances[rows], expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("extremely_random", [False, True])
def test_without_groups_the_forest_is_that_of_scikit_learn(extremely_random):
    rng = np.random.default_rng(0)
    X, y = rng.random((60, 4)), rng.random(60)
    X[::7, 1] = np.nan
    model = RandomForest(n_trees=20, normal_scores=False, extremely_random=extremely_random)
    mean, _ = model.fit(np.empty((60, 0)), y, proxies=X).predict(np.empty((60, 0)), proxies=X)
    kind = ExtraTreesRegressor if extremely_random else RandomForestRegressor
    theirs = kind(
        n_estimators=20, max_features=0.5, bootstrap=True,
        random_state=int(np.random.default_rng(0).integers(2**31)),
    ).fit(X, np.round((y - y.mean()) / y.std(), 10))  # fmt: skip
    np.testing.assert_allclose(mean, y.mean() + y.std() * theirs.predict(X), atol=1e-7)


def test_many_rows_fall_into_the_leaves_that_scikit_learn_says():
    from sklearn.tree import DecisionTreeRegressor

    rng = np.random.default_rng(0)
    Z = rng.normal(size=(200, 5)).round(1)
    Z[rng.random(Z.shape) < 0.1] = np.nan
    t = np.nansum(Z, axis=1) + np.isnan(Z[:, 0])
    groups = rng.integers(60, size=200)
    trees, counts = grown(DecisionTreeRegressor(max_features=0.5), Z, t, groups, 12, seed=3)
    for name in np.unique(groups):
        assert (np.ptp(counts[:, groups == name], axis=1) == 0).all()
    forest = Forest.of(trees)
    new = rng.normal(size=(MANY + 7, 5)).round(1).astype(np.float32)
    new[rng.random(new.shape) < 0.1] = np.nan
    expected = np.stack([one.tree_.apply(new) for one in trees]) + forest.roots[:, None]
    np.testing.assert_array_equal(forest.leaves(new), expected)
    np.testing.assert_array_equal(forest.leaves(new[:9]), expected[:, :9])
    np.testing.assert_allclose(
        forest.means[expected], [one.predict(new) for one in trees], rtol=1e-12
    )
