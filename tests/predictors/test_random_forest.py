"""The forest's leaves: their variances by hand, and never below zero."""

from typing import Any

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
    for tree, root in zip(model.forest_.trees, model.forest_.roots, strict=True):
        drawn = np.random.RandomState(tree.random_state).randint(0, len(y), len(y))
        leaves = tree.apply(X)
        for leaf in np.unique(leaves):
            inside = drawn[leaves[drawn] == leaf]
            variance = model.forest_.variances[root + leaf]
            assert variance == pytest.approx(np.var(t[inside]), abs=1e-9)


def test_no_variance_is_negative_by_rounding() -> None:
    X, y = rows()
    model = RandomForest(n_trees=50).fit(X, y)
    # scikit-learn 1.9 has impurities of -2e-15 here
    assert model.forest_.variances.min() >= 0


@pytest.mark.parametrize("wrong", [{"n_trees": 0}, {"min_leaf": 0}, {"max_features": "all"}])
def test_a_parameter_that_makes_no_forest_is_named(wrong: dict[str, Any]) -> None:
    name = {"min_leaf": "min_samples_leaf"}.get(*wrong, *wrong)
    with pytest.raises(ValueError, match=name):
        RandomForest(**wrong).fit(*rows())


@pytest.mark.parametrize(("n_trees", "n"), [(1, 40), (2, 3)])
def test_a_forest_too_small_to_leave_rows_out_has_a_deviation(n_trees: int, n: int) -> None:
    X, y = rows(n)
    mean, std = RandomForest(n_trees=n_trees).fit(X, y).predict(X)
    assert np.isfinite(mean).all()
    assert (std > 0).all()
    assert np.isfinite(std).all()
