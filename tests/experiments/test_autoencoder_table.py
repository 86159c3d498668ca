"""The committed table of autoencoders: loads, hangs together, and can be asked and predicted."""

import json
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from recmeta.algorithms import AutoencoderRecommender
from recmeta.architectures import AutoencoderSpace
from recmeta.experiments.nas_prediction import evaluate_predictors, task_of
from recmeta.experiments.nas_tables import autoencoders
from recmeta.experiments.surrogate import Surrogate
from recmeta.experiments.table import BenchmarkTable
from recmeta.predictors import RandomForest
from recmeta.predictors.zero_cost import PROXIES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks" / "autoencoders"
LOG = ROOT.parent / "shared" / "datasets" / "amazon-digital-music" / "interactions.parquet"
SPACE = AutoencoderSpace()


@pytest.fixture(scope="module")
def table():
    return BenchmarkTable.from_export(FOLDER)


@pytest.fixture(scope="module")
def runs():
    return pd.read_parquet(FOLDER / "runs.parquet")


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(FOLDER.parent / "autoencoder_table.py"))


def test_all_data_sets_have_the_same_canonical_architectures(runs):
    archs = [
        [tuple(map(int, arch)) for arch in rows["architecture"]]
        for _, rows in runs.groupby("dataset")
    ]
    assert len(archs) == 3
    assert archs[0] == archs[1] == archs[2]
    assert len(set(archs[0])) == len(archs[0])
    assert all(SPACE.canonical(arch) == arch for arch in archs[0])


def test_parameters_are_the_architecture_s_and_the_algorithm_takes_them(runs):
    for arch, params in zip(runs["architecture"], runs["params"], strict=True):
        model = AutoencoderRecommender(**json.loads(params))
        design = {name: getattr(model, name) for name in SPACE.to_dict((0,) * 13)}
        assert SPACE.from_dict(design) == tuple(map(int, arch))


def test_a_configuration_is_looked_up_with_its_curve_and_its_proxies(table, runs):
    for row in runs.iloc[:: len(runs) // 20].itertuples():
        answer = table.query(row.dataset, row.algorithm, json.loads(row.params))
        assert answer.status == "ok"
        assert len(answer.curve.values) == 20
        assert answer.curve.values[-1] == answer.metrics["validation:ndcg@10"]
        assert max(answer.curve.values) == answer.metrics["validation:best_ndcg@10"]
        assert answer.curve.values[row.best_epoch - 1] == max(answer.curve.values)
        assert answer.curve.seconds[-1] == answer.seconds
        assert np.all(np.diff(answer.curve.seconds) > 0)
        assert "proxy:params" in answer.metrics


def test_only_proxies_that_can_be_undefined_are(runs):
    undefined = {name for name in PROXIES if runs[f"proxy:{name}"].isna().any()}
    # nwot: no activation, or two rows of one pattern
    assert undefined <= {"nwot", "epe_nas", "jacob_cov"}


def test_the_proxy_params_counts_the_weights_of_the_design(runs):
    for _, row in runs.iloc[:: len(runs) // 20].iterrows():
        design = json.loads(row["params"])
        sizes = [300, design["width_1"], design["width_2"]][: design["depth"]]
        sizes += [design["bottleneck"]]
        n_weights = sum(map(int.__mul__, sizes, sizes[1:])) * (1 if design["tied"] else 2)
        n_weights += sum(sizes[1:]) + sum(sizes[:-1])  # biases
        n_normalised = 2 * sum(sizes[1:-1]) + (0 if design["variational"] else sizes[-1])
        n_weights += 2 * n_normalised * (design["normalisation"] != "none")
        n_weights += (sizes[-2] + 1) * sizes[-1] * design["variational"]
        assert row["proxy:params"] * 1e6 == pytest.approx(n_weights, rel=1e-6)


def test_a_surrogate_of_half_of_the_runs_ranks_the_other_half(runs):
    own = runs[runs["dataset"] == "foursquare-nyc"]
    known, rest = own.iloc[::2], own.iloc[1::2]
    surrogate = Surrogate("test:ndcg@10", predictor=RandomForest(n_trees=50))
    surrogate.fit(BenchmarkTable.from_frame(known), "foursquare-nyc")
    asked = [("AutoencoderRecommender", json.loads(params)) for params in rest["params"]]
    mean, std = surrogate.predict(asked)
    assert spearmanr(mean, rest["test:ndcg@10"]).statistic > 0.4
    assert (std > 0).all()


def test_what_runs_on_the_published_tables_runs_on_it(table):
    archs = autoencoders(FOLDER)
    tasks = [
        task_of(archs, name, SPACE, "test:ndcg@10", with_proxies=True) for name in archs.problems
    ]
    for task in tasks:
        np.testing.assert_array_equal(task.y, table.problem(task.name).metrics["test:ndcg@10"])
        assert task.classes.max() == len(task.y) - 1  # no two are the same network
        assert task.proxies.shape == (len(task.y), len(PROXIES))
    scores = evaluate_predictors(
        [task for task in tasks if task.name == "foursquare-nyc/random"],
        {"RandomForest": RandomForest(n_trees=20)},
        inputs=("one_hot", "path+proxies"),
        sizes=(60,),
        n_seeds=1,
    )
    assert (scores["spearman"] > 0.3).all()


@pytest.mark.skipif(not LOG.exists(), reason="needs the data sets, which are not in the repository")
def test_a_run_made_again_has_the_same_losses(runs, script):
    own = runs[runs["dataset"] == "amazon-digital-music"]
    row = own.loc[own["proxy:params"].idxmin()]
    curves = pd.read_parquet(FOLDER / "curves.parquet").set_index("id")
    model = script["model_of"](tuple(map(int, row["architecture"])), row["seed"])
    found = script["trained"](model.set_params(n_epochs=4), *script["folds"](LOG))
    # not to the last bit: another processor sums in another order
    np.testing.assert_allclose(found["losses"], curves.loc[row["id"], "losses"][:4], rtol=1e-3)


def test_the_generation_goes_on_where_it_was_cut_off(script, tmp_path):
    archs, names = script["architectures"](3), script["DATASETS"]
    lines = [
        {"architecture": list(arch), "dataset": name, "seed": 0}
        for arch, name in [(arch, name) for arch in archs for name in names][:5]
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    store = tmp_path / "runs.jsonl"
    store.write_text(text[:-10])
    found = script["stored"](store)
    assert found == lines[:4]
    left = list(script["missing"]({script["key"](line) for line in found}, 3, 0))
    assert left == [(archs[1], names[1]), (archs[1], names[2]), *((archs[2], n) for n in names)]
    assert script["complete"](found) == lines[:3]
    assert script["architectures"](2) == archs[:2]  # more keep the first ones
