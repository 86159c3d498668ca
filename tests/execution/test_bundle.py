"""Bundles: what is read is what was written, mapped and hashed."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.execution.bundle import MATRICES, VECTORS, load_fold, open_bundle, write_bundle

from .conftest import tiny_split


@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_fold_comes_back_as_it_was(split, bundle, part):
    written, read = split.fold(part), bundle.fold(part)
    for name in MATRICES:
        before, after = getattr(written, name), getattr(read, name)
        assert after.shape == before.shape
        assert after.dtype == before.dtype
        assert (after != before).nnz == 0
    for name in VECTORS:
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
    assert (read.n_cold, read.n_repeat) == (written.n_cold, written.n_repeat)


def test_large_arrays_are_mapped_and_writing_to_them_leaves_the_file_alone(tmp_path):
    bundle = write_bundle(tiny_split(n_users=300, n_items=100), tmp_path / "larger")
    data = bundle.fold("test").fit.data
    owner = data
    while isinstance(owner, np.ndarray) and not isinstance(owner, np.memmap):
        owner = owner.base
    assert isinstance(owner, np.memmap)
    assert data.flags.writeable  # numba compiles read-only arrays a second time
    data[:] = 9.0
    assert bundle.fold("test").fit.data.max() == 1.0


def test_the_key_is_of_the_content(split, bundle, tmp_path):
    assert write_bundle(tiny_split(), tmp_path / "again").key == bundle.key
    assert write_bundle(tiny_split(seed=1), tmp_path / "other").key != bundle.key


def test_an_equal_bundle_is_left_alone_and_another_replaces_it(split, tmp_path):
    first = write_bundle(split, tmp_path / "here")
    file = first.path / "test.fit.indices.npy"
    written = file.stat().st_mtime_ns
    write_bundle(split, tmp_path / "here")
    assert file.stat().st_mtime_ns == written
    second = write_bundle(tiny_split(seed=1), tmp_path / "here")
    assert open_bundle(tmp_path / "here").key == second.key != first.key
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_a_bundle_of_another_format_is_refused(split, tmp_path):
    bundle = write_bundle(split, tmp_path / "old")
    manifest = json.loads((bundle.path / "bundle.json").read_text())
    (bundle.path / "bundle.json").write_text(json.dumps(manifest | {"format": 99}))
    with pytest.raises(ValueError, match="bundle format 99, this version reads 2: delete"):
        open_bundle(bundle.path)


def test_a_missing_part_is_named(bundle):
    with pytest.raises(KeyError, match="no part 'train'; it has: validation, test"):
        load_fold(bundle.path, "train")


def test_times_and_features_travel_with_the_folds(split, tmp_path):
    data = split.data
    shape = (data.n_items, 3)
    features = csr_array((np.arange(data.n_items * 3).reshape(shape) % 2).astype(np.float32))
    when = np.random.default_rng(0).integers(0, 99, data.n_events)
    informed = replace(split, data=replace(data, item_features=features, timestamps=when))
    bundle = write_bundle(informed, tmp_path / "informed")
    assert bundle.side == ("item_features", "timestamps")
    for part in ("validation", "test"):
        ours, theirs = informed.fold(part), bundle.fold(part)
        assert (ours.item_features != theirs.item_features).nnz == 0
        assert theirs.user_features is None
        for matrix, times in (
            (theirs.fit, theirs.fit_times),
            (theirs.history, theirs.history_times),
        ):
            assert np.array_equal(matrix.indices, times.indices)
            assert np.array_equal(matrix.indptr, times.indptr)
        assert np.array_equal(ours.fit_times.data, theirs.fit_times.data)
