"""The file of a model: what is damaged or forged is refused, and says why."""

import hashlib
import json
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load as parse_arrays
from safetensors.numpy import save as arrays_bytes

from recmeta.algorithms import EASE, ItemKNN, TopPopular
from recmeta.data import Interactions
from recmeta.datasets.synthetic import generate
from recmeta.model import Model, ModelFileError, load

LOG = generate(40, 30, 500, seed=0)
MANIFEST, ARRAYS = "manifest.json", "arrays.safetensors"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model of ItemKNN, whose weights are a CSR matrix, in its file."""
    file = tmp_path_factory.mktemp("model") / "good.recmeta"
    Model(ItemKNN(n_neighbours=9)).fit(LOG).save(file)
    return file


def opened(file):
    with zipfile.ZipFile(file) as archive:
        manifest = json.loads(archive.read(MANIFEST))
        arrays = parse_arrays(archive.read(ARRAYS))
    return manifest, {name: array.copy() for name, array in arrays.items()}


def forged(file, out, change):
    """A file whose checksums are right: what a careful attacker would write."""
    manifest, arrays = opened(file)
    change(manifest, arrays)
    if isinstance(manifest.get("arrays"), dict):
        manifest["arrays"] = {name: described(array) for name, array in arrays.items()}
    return packed(out, manifest, arrays)


def described(array):
    digest = hashlib.sha256(array.tobytes()).hexdigest()
    return {"dtype": array.dtype.str, "shape": list(array.shape), "sha256": digest}


def packed(out, manifest, arrays, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(out, "w", compression) as archive:
        archive.writestr(MANIFEST, json.dumps(manifest))
        archive.writestr(ARRAYS, arrays_bytes(arrays))
    return out


def test_a_file_that_is_not_there_says_what_makes_one(tmp_path):
    with pytest.raises(ModelFileError, match=r"there is no file .*`recmeta fit --out"):
        load(tmp_path / "none.recmeta")


@pytest.mark.parametrize("content", [b"", b"user,item\na,b\n", b"PK\x03\x04" + 40 * b"x"])
def test_what_is_no_zip_is_no_model(tmp_path, content):
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(ModelFileError, match="is no model file, or is damaged"):
        load(tmp_path / "m")
    with pytest.raises(ModelFileError, match="is no model file, or is damaged"):
        load(tmp_path)  # a folder


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_bytes_that_are_cut_or_changed_are_refused_or_do_not_matter(saved, tmp_path, data):
    good = saved.read_bytes()
    content = bytearray(good)
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(good) - 1)) :]
    # the ends of the file hold what is parsed first
    places = st.one_of(st.integers(0, len(good) - 1), st.integers(-400, -1), st.integers(0, 4000))
    for place in data.draw(st.lists(places, min_size=1, max_size=3)):
        if -len(content) <= place < len(content):
            content[place] = data.draw(st.integers(0, 255))
    file = tmp_path / "changed"
    file.write_bytes(content)
    try:
        model = load(file)
    except ModelFileError:
        return
    assert model.users.tolist() == LOG.users.tolist()
    pd.testing.assert_frame_equal(model.recommend(), load(saved).recommend())


def test_another_format_is_refused_with_the_way_out(saved, tmp_path):
    file = forged(saved, tmp_path / "m", lambda manifest, _: manifest.update(format=2))
    with pytest.raises(ModelFileError, match="has format 2, this version of recmeta reads 1: fit"):
        load(file)


def test_a_manifest_that_is_a_list_is_refused(saved, tmp_path):
    file = packed(tmp_path / "m", [1], opened(saved)[1])
    with pytest.raises(ModelFileError, match="has format None"):
        load(file)


def test_a_manifest_too_deep_to_read_is_refused(saved, tmp_path):
    with zipfile.ZipFile(tmp_path / "m", "w") as archive:
        archive.writestr(MANIFEST, "[" * 10**5)
        archive.writestr(ARRAYS, arrays_bytes(opened(saved)[1]))
    with pytest.raises(ModelFileError, match="is damaged"):
        load(tmp_path / "m")


def test_an_array_that_is_not_what_the_manifest_says_is_refused(saved, tmp_path):
    manifest, arrays = opened(saved)
    arrays["estimator/item_weights_.data"][3] += 1
    with pytest.raises(ModelFileError, match=r"item_weights_\.data is not what the manifest says"):
        load(packed(tmp_path / "m", manifest, arrays))
    del arrays["seen.data"]
    with pytest.raises(ModelFileError, match="its arrays are not those of its manifest"):
        load(packed(tmp_path / "m", manifest, arrays))


def test_more_entries_than_two_are_refused(saved, tmp_path):
    for extra in ("evil.py", "../evil.py", MANIFEST):
        file = packed(tmp_path / "m", *opened(saved))
        with zipfile.ZipFile(file, "a") as archive:
            if extra == MANIFEST:
                with pytest.warns(UserWarning, match="Duplicate name"):
                    archive.writestr(extra, "{}")
            else:
                archive.writestr(extra, "x")
        with pytest.raises(ModelFileError, match=r"is no model file: it holds .*safetensors"):
            load(file)
    with zipfile.ZipFile(file, "w"):
        pass
    with pytest.raises(ModelFileError, match="it holds nothing"):
        load(file)


def test_a_compressed_file_is_refused_before_it_is_read(saved, tmp_path):
    file = packed(tmp_path / "m", *opened(saved), zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelFileError, match="is compressed, which no model file is"):
        load(file)


@pytest.mark.parametrize(
    "name", ["antigravity.fly", "os.system", "os:system", "recmeta.algorithms.ease.EASE", "", 5]
)
def test_only_an_installed_algorithm_is_looked_up_and_nothing_imported(saved, tmp_path, name):
    file = forged(saved, tmp_path / "m", lambda manifest, _: manifest.update(algorithm=name))
    with pytest.raises(ModelFileError, match=r"no algorithm is named|has no algorithm"):
        load(file)
    assert "antigravity" not in sys.modules


def swap(name, value):
    """A forgery that puts ``value`` for an array, or what a function makes of it."""

    def change(_, arrays):
        array = value(arrays[name]) if callable(value) else value
        arrays[name] = np.ascontiguousarray(array)

    return change


def put(**fields):
    return lambda manifest, _: manifest.update(fields)


def lose(*names):
    def change(manifest, arrays):
        for name in names:
            manifest.pop(name, None)
            arrays.pop(name, None)

    return change


def attribute(**values):
    return lambda manifest, _: manifest["attributes"].update(values)


def reversed_ends(array):
    return array[::-1]


WEIGHTS = "estimator/item_weights_"
PARTS = ("shape", "data", "indices", "indptr")
FORGERIES = {
    "row starts out of order": (swap("histories.indptr", reversed_ends), "is damaged"),
    "columns that are not there": (swap("histories.indices", lambda a: a + 10**6), "indices must"),
    "columns below 0": (swap("seen.indices", lambda a: a - 5), "indices must be"),
    "row starts too few": (swap("seen.indptr", lambda a: a[:-1]), "row starts for 40 rows"),
    "more values than columns": (swap("seen.data", lambda a: a[:-1]), "row starts"),
    "columns that are no integers": (swap("seen.indices", lambda a: a.astype("f4")), "no row of"),
    "a shape of three": (swap("seen.shape", [40, 30, 1]), "is damaged"),
    "a huge shape": (swap(f"{WEIGHTS}.shape", [2**62, 30]), "row starts"),
    "weights for more items": (swap(f"{WEIGHTS}.shape", [30, 2**40]), "is damaged"),
    "weights for fewer items": (swap(f"{WEIGHTS}.indptr", lambda a: a[:-1]), "row starts"),
    "NaN": (swap(f"{WEIGHTS}.data", lambda a: a * np.nan), "data has NaN or infinite values"),
    "infinity": (swap(f"{WEIGHTS}.data", lambda a: a + np.inf), "data has NaN or infinite values"),
    "no weights": (lose(*(f"{WEIGHTS}.{part}" for part in PARTS)), "is damaged: it cannot score"),
    "weights without a shape": (lose(f"{WEIGHTS}.shape"), "cannot score"),
    "no users": (lose("users.ends", "users.utf8"), "is damaged"),
    "a user twice": (
        swap("users.utf8", lambda a: np.tile(a[:13], 40)),
        "two users have the same id",
    ),
    "an item more": (swap("items.ends", lambda a: np.append(a, a[-1])), "31 items, but histories"),
    "ends beyond the text": (swap("users.ends", lambda a: a + 1), "the ends of users don't fit"),
    "ends out of order": (swap("users.ends", lambda a: a[[1, 0, *range(2, 40)]]), "don't fit"),
    "ids that are no text": (swap("users.utf8", lambda a: a * 0 + 255), "utf-8"),
    "a parameter too many": (put(params={"n_neighbours": 3, "cmd": "id"}), "unexpected keyword"),
    "parameters in a list": (put(params=[3]), "its manifest has no params"),
    "arrays in a list": (put(arrays=[1]), "its manifest has no arrays"),
    "no metrics": (lose("metrics"), "its manifest has no metrics"),
    "no name": (put(name=None), "its manifest has no name"),
    "another size": (attribute(n_users_=41), "and the estimator"),
    "a method replaced": (attribute(recommend="x"), "recommend is nothing that a fit learns"),
    "a private name": (attribute(__class__="x"), "__class__ is nothing that a fit learns"),
    "a method that is an array": (swap("estimator/fit", [1.0]), "fit is nothing that a fit learns"),
    "an attribute in a list": (attribute(more_=[1]), "more_ is no plain value"),
    "an attribute that is NaN": (attribute(more_=float("nan")), "more_ is no plain value"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forgery_with_the_right_checksums_is_refused(saved, tmp_path, forgery):
    change, said = FORGERIES[forgery]
    with pytest.raises(ModelFileError, match=said):
        load(forged(saved, tmp_path / "m", change))


def test_arrays_too_small_for_the_items_never_reach_a_kernel(tmp_path):
    Model(EASE()).fit(LOG).save(tmp_path / "ease")
    narrow = swap("estimator/item_weights_", lambda a: a[:, :-3])
    with pytest.raises(ModelFileError, match=r"scores have the shape \(2, 27\)"):
        load(forged(tmp_path / "ease", tmp_path / "m", narrow))
    Model(TopPopular()).fit(LOG).save(tmp_path / "popular")
    with pytest.raises(ModelFileError, match="scores have the shape"):
        load(forged(tmp_path / "popular", tmp_path / "m", swap("estimator/popularity_", [1.0])))


def test_numbers_as_ids_must_be_one_row_of_integers(tmp_path):
    numbers = Interactions(
        np.arange(LOG.n_users), np.arange(LOG.n_items), LOG.user_rows, LOG.item_columns
    )
    Model(TopPopular()).fit(numbers).save(tmp_path / "good")
    for wrong in (lambda a: a.astype(float), lambda a: np.stack([a, a])):
        with pytest.raises(ModelFileError, match="users are no row of integers"):
            load(forged(tmp_path / "good", tmp_path / "m", swap("users", wrong)))
    with pytest.raises(ModelFileError, match="two items have the same id"):
        load(forged(tmp_path / "good", tmp_path / "m", swap("items", lambda a: a * 0)))
