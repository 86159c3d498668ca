"""On real architectures: ranks as good as the published ones, deviations that are true."""

from ast import literal_eval
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from recmeta.architectures.nas_bench_201 import NasBench201
from recmeta.predictors import all_predictors

TABLES = Path(__file__).parents[3] / "shared" / "nas"
N_TEST = 1500

pytestmark = pytest.mark.skipif(not TABLES.exists(), reason="the tables are not here")


@pytest.fixture(scope="module")
def table():
    """Encodings of all cells, proxies (NaN where one failed) of those without dead edges, y."""
    space = NasBench201()
    cells = pd.read_csv(TABLES / "nb201_accuracy.csv", usecols=["arch", "c10_val_e200"])
    archs = [space.from_string(text) for text in cells["arch"]]
    y = cells["c10_val_e200"].to_numpy()
    scores = pd.read_csv(TABLES / "nb201_zc13_cifar10_9445.csv")
    place = {arch: at for at, arch in enumerate(archs)}
    alive = np.array([place[space.from_naslib(literal_eval(text))] for text in scores["net"]])
    proxies = scores.drop(columns=["net", "net_str"]).to_numpy(float)
    proxies[proxies <= -1e8] = np.nan
    one_hot, path = (space.encode(archs, name) for name in ("one_hot", "path"))
    nothing = np.empty((len(alive), 0))
    return {
        "one-hot": (one_hot, None, y),
        "path": (path, None, y),
        "proxies": (nothing, proxies, y[alive]),
        "both": (one_hot[alive], proxies, y[alive]),
    }


def held_out(model, rows, n_train, seed):
    """Mean, deviation and truth of cells that were not learned from."""
    X, proxies, y = rows
    order = np.random.default_rng(seed).permutation(len(y))
    train, test = order[:n_train], order[n_train : n_train + N_TEST]
    known, new = (None if proxies is None else proxies[at] for at in (train, test))
    model.fit(X[train], y[train], proxies=known)
    return *model.predict(X[test], proxies=new), y[test]


# Spearman's correlation that XGBoost reaches with NASLib's settings on the same tables: .626 and
# .715 for the encodings of all cells, .904 and .904 with the 13 proxies; .933 and .941 from 400
@pytest.mark.parametrize(
    ("inputs", "n_train", "least"),
    [
        ("one-hot", 100, 0.74),
        ("path", 100, 0.76),
        ("proxies", 100, 0.905),
        ("both", 100, 0.91),
        ("proxies", 400, 0.938),
        ("both", 400, 0.945),
    ],
)
def test_boosting_ranks_better_than_the_published_settings(table, inputs, n_train, least):
    found = []
    for seed in range(8 if n_train == 100 else 4):
        mean, _, truth = held_out(all_predictors()["Boosting"](), table[inputs], n_train, seed)
        found.append(spearmanr(mean, truth)[0])
    assert np.mean(found) >= least


@pytest.mark.parametrize("n_train", [100, 400])
@pytest.mark.parametrize("inputs", ["one-hot", "proxies"])
@pytest.mark.parametrize(
    "name", ["BayesianLinear", "Boosting", "GaussianProcessRegression", "RandomForest"]
)
def test_as_many_cells_lie_within_the_deviation_as_should(table, name, inputs, n_train):
    params = {"n_starts": 1} if name == "GaussianProcessRegression" else {}
    inner, outer = [], []
    for seed in range(3):
        model = all_predictors()[name](**params)
        mean, std, truth = held_out(model, table[inputs], n_train, seed)
        inner.append(np.abs(truth - mean) < std)
        outer.append(np.abs(truth - mean) < 1.645 * std)
    # of a normal .683 and .900; calibrated on 100 rows, a share has a standard error of about .03
    assert np.mean(inner) == pytest.approx(0.683, abs=0.09)
    assert np.mean(outer) == pytest.approx(0.9, abs=0.06)


@pytest.mark.parametrize("name", ["BOHAMIANN", "MLPEnsemble", "NaturalGradientBoosting"])
def test_so_they_do_for_what_takes_longer_to_learn(table, name):
    pytest.importorskip("torch")
    kind = all_predictors()[name]
    mean, std, truth = held_out(kind(**kind.tiny), table["proxies"], 100, 0)
    # one split: the shares of one calibration
    assert np.mean(np.abs(truth - mean) < std) == pytest.approx(0.683, abs=0.13)
    assert np.mean(np.abs(truth - mean) < 1.645 * std) == pytest.approx(0.9, abs=0.09)
    assert spearmanr(mean, truth)[0] > 0.85


def test_normal_scores_are_what_makes_the_ranks(table):
    kind = all_predictors()["BayesianLinear"]
    with_scores, without = (
        np.mean([
            spearmanr(*held_out(kind(normal_scores=given), table["one-hot"], 100, seed)[::2])[0]
            for seed in range(4)
        ])
        for given in (True, False)
    )  # fmt: skip
    assert with_scores > without + 0.1
