"""The forest's leaves: their variances by hand, and never below zero."""

import numpy as np
import pytest

from recmeta.predictors import RandomForest


def rows(n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((n, 3)), rng.random(n)


def test_a_leaf_has_the_variance_of_the_rows_that_fell_into_it() -> None:
    X, y = rows()
    model = RandomForest(n_trees=5, min_leaf=6, normal_scores=False).fit(X, y)
    t = (y - y.mean()) / y.std()
    trees = zip(model.forest_, model.forest_.estimators_samples_, strict=True)
    for (tree, drawn), variances in zip(trees, model.leaf_variances_, strict=True):
        leaves = tree.apply(X)
        for leaf in np.unique(leaves):
            inside = drawn[leaves[drawn] == leaf]
            assert variances[leaf] == pytest.approx(np.var(t[inside]), abs=1e-9)


def test_no_variance_is_negative_by_rounding() -> None:
    X, y = rows()
    model = RandomForest(n_trees=50).fit(X, y)
    # scikit-learn 1.9 has impurities of -2e-15 here
    assert min(variances.min() for variances in model.leaf_variances_) >= 0
