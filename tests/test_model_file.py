"""The file of a model: everything comes back; a save is whole or did not happen."""

import hashlib
import json
import os
import stat
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load as parse_arrays
from scipy.sparse import csr_array

from recmeta.algorithms import EASE, ItemKNN, TopPopular, all_algorithms
from recmeta.data import Interactions
from recmeta.datasets.synthetic import generate
from recmeta.model import Model, load

LOG = generate(40, 30, 500, seed=0)
INFORMED = replace(
    LOG,
    timestamps=np.arange(LOG.n_events) % 97,
    item_features=csr_array(np.eye(30, 4, dtype=np.float32)[np.arange(30) % 4]),
    user_features=csr_array(np.eye(40, 5, dtype=np.float32)[np.arange(40) % 5]),
)
MANIFEST, ARRAYS = "manifest.json", "arrays.safetensors"


def renamed(users, items):
    """The log with other ids."""
    return Interactions(
        users=np.array(users(range(LOG.n_users)), dtype=object),
        items=np.array(items(range(LOG.n_items)), dtype=object),
        user_rows=LOG.user_rows,
        item_columns=LOG.item_columns,
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model of ItemKNN, whose weights are a CSR matrix, in its file."""
    file = tmp_path_factory.mktemp("model") / "good.recmeta"
    Model(ItemKNN(n_neighbours=9)).fit(LOG).save(file)
    return file


@pytest.mark.parametrize("algorithm", all_algorithms().values(), ids=lambda cls: cls.__name__)
def test_every_algorithm_comes_back_the_same(algorithm, tmp_path):
    model = Model(algorithm(**algorithm.tiny), metrics={"ndcg@10": 0.25}).fit(INFORMED)
    model.metrics = {"ndcg@10": 0.25}
    model.save(tmp_path / "m.recmeta")
    again = load(tmp_path / "m.recmeta")
    assert type(again.estimator) is algorithm
    assert again.estimator.get_params() == model.estimator.get_params()
    assert (again.name, again.metrics) == (model.name, model.metrics)
    pd.testing.assert_frame_equal(again.recommend(k=40), model.recommend(k=40))
    history = LOG.items[:3]
    pd.testing.assert_frame_equal(
        again.recommend_history(history), model.recommend_history(history)
    )


@pytest.mark.parametrize(
    "names",
    [
        lambda rows: ["", *(f"ü,{row}\n" for row in rows[1:])],
        lambda rows: ["\0", "日本", "👩‍👩‍👧", *(f'"{row}"' for row in rows[3:])],
        lambda rows: [str(row) for row in rows],
        lambda rows: [2**62 - row for row in rows],
    ],
)
def test_ids_come_back_as_they_were(names, tmp_path):
    numbers = not isinstance(names(range(5))[0], str)
    log = renamed(names, names)
    if numbers:
        log = Interactions(
            log.users.astype(np.int64),
            log.items.astype(np.int64),
            log.user_rows,
            log.item_columns,
        )
    model = Model(TopPopular()).fit(log)
    model.save(tmp_path / "m.recmeta")
    again = load(tmp_path / "m.recmeta")
    assert again.users.tolist() == log.users.tolist()
    assert again.items.tolist() == log.items.tolist()
    assert again.users.dtype == log.users.dtype
    pd.testing.assert_frame_equal(again.recommend(), model.recommend())


def test_one_user_with_an_empty_id_comes_back(tmp_path):
    empty = np.array([""], dtype=object)
    zero = np.zeros(1, dtype=np.int32)
    Model(TopPopular()).fit(Interactions(empty, empty, zero, zero)).save(tmp_path / "m")
    assert load(tmp_path / "m").users.tolist() == [""]


def test_the_file_is_a_plain_zip_of_a_manifest_and_of_numbers(saved):
    with zipfile.ZipFile(saved) as archive:
        assert sorted(archive.namelist()) == [ARRAYS, MANIFEST]
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        manifest = json.loads(archive.read(MANIFEST))
        arrays = parse_arrays(archive.read(ARRAYS))
    assert manifest["format"] == 1
    assert manifest["algorithm"] == "ItemKNN"
    assert manifest["params"]["n_neighbours"] == 9
    assert {array.dtype.kind for array in arrays.values()} <= set("iuf")
    assert {name: entry["sha256"] for name, entry in manifest["arrays"].items()} == {
        name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in arrays.items()
    }


def test_parameters_and_metrics_of_numpy_are_written_as_numbers(tmp_path):
    model = Model(ItemKNN(n_neighbours=np.int64(5), shrink=np.float32(2))).fit(LOG)
    model.metrics = {"ndcg@10": np.float32(0.5)}
    model.save(tmp_path / "m.recmeta")
    again = load(tmp_path / "m.recmeta")
    assert again.estimator.get_params()["n_neighbours"] == 5
    assert again.metrics == {"ndcg@10": 0.5}


def test_a_parameter_that_is_no_plain_value_is_refused_when_it_is_saved(tmp_path):
    model = Model(EASE()).fit(LOG)
    model.estimator.l2 = object()
    with pytest.raises(TypeError, match="a model file holds plain values"):
        model.save(tmp_path / "m.recmeta")
    assert list(tmp_path.iterdir()) == []


def test_others_may_read_the_file_as_they_may_any_new_file(tmp_path):
    (tmp_path / "plain").touch()
    Model(TopPopular()).fit(LOG).save(tmp_path / "m.recmeta")
    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert len(modes) == 1


def test_a_save_that_is_interrupted_leaves_the_old_file_whole(tmp_path, monkeypatch):
    file = tmp_path / "m.recmeta"
    Model(TopPopular()).fit(LOG).save(file)
    before = file.read_bytes()

    def interrupted(*_):
        raise KeyboardInterrupt

    for function in ("replace", "fsync"):
        monkeypatch.setattr(os, function, interrupted)
        with pytest.raises(KeyboardInterrupt):
            Model(EASE()).fit(LOG).save(file)
        assert file.read_bytes() == before
        assert list(tmp_path.iterdir()) == [file]
    monkeypatch.undo()
    Model(EASE()).fit(LOG).save(file)
    assert type(load(file).estimator) is EASE
