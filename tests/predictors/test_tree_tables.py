"""Tables of trees against LightGBM's own predictions."""

import lightgbm
import numpy as np
import pytest

from recmeta.predictors import Boosting
from recmeta.predictors import boosting as module
from recmeta.predictors._tree_tables import BLOCK, TreeTables


def trained(X, y, n_rounds=20, **params):
    fixed = {"verbosity": -1, "num_threads": 1, "min_data_in_leaf": 1, "num_leaves": 8}
    return lightgbm.train(fixed | params, lightgbm.Dataset(X, y), n_rounds)


def rows(seed, n, share_missing=0.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    X[:, 1] = rng.integers(2, size=n)
    X[rng.random(X.shape) < share_missing] = np.nan
    return X, np.nan_to_num(X).sum(axis=1) + rng.normal(size=n)


@pytest.mark.parametrize("share_missing", [0.0, 0.3])
@pytest.mark.parametrize("asked_missing", [0.0, 0.3])
def test_answers_are_those_of_lightgbm(share_missing, asked_missing):
    # a gap where training had none counts as 0, another goes to the side that training chose
    X, y = rows(0, 150, share_missing)
    boosters = [trained(X, y, n_rounds, seed=n_rounds) for n_rounds in (20, 1, 35)]
    asked, _ = rows(1, 2 * BLOCK + 7, asked_missing)
    expected = np.array([booster.predict(asked) for booster in boosters])
    assert expected.std(axis=1).min() > 0.1
    np.testing.assert_allclose(TreeTables.of(boosters)(asked), expected, rtol=1e-12, atol=1e-12)


def test_values_that_are_a_threshold_go_to_the_left():
    X = np.repeat(np.arange(6.0), 5)[:, None]
    booster = trained(X, X[:, 0] ** 2)
    text = booster.model_to_string()
    lines = [line for line in text.split("\n") if line.startswith("threshold=")]
    thresholds = np.array(lines[0].split("=")[1].split(), dtype=float)[:, None]
    np.testing.assert_allclose(TreeTables.of([booster])(thresholds)[0], booster.predict(thresholds))


def test_a_tree_that_is_one_leaf_has_its_value():
    X = np.ones((20, 2))
    booster = trained(X, np.arange(20.0))
    asked = np.zeros((3, 2))
    np.testing.assert_allclose(TreeTables.of([booster])(asked)[0], booster.predict(asked))


def test_large_trees_have_no_tables():
    X, y = rows(2, 300)
    assert TreeTables.of([trained(X, y, num_leaves=31)]) is None


def test_boosting_says_the_same_with_tables_and_without(monkeypatch):
    X, y = rows(3, 100)
    asked, _ = rows(4, 1200)
    asked = np.nan_to_num(asked)
    for n_leaves in (8, 31):
        model = Boosting(n_leaves=n_leaves, quantiles=True).fit(np.nan_to_num(X), y)
        with_tables = model.predict(asked)
        monkeypatch.setattr(module, "MANY", len(asked) + 1)
        without = model.predict(asked)
        monkeypatch.undo()
        np.testing.assert_allclose(with_tables, without, rtol=1e-10)
