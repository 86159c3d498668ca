"""A tiny log as a bundle, and the folder of the misbehaving algorithms on the import path."""

from pathlib import Path

import numpy as np
import pytest

from recmeta.data import Interactions
from recmeta.datasets.folds import Split
from recmeta.datasets.splits import random_holdout
from recmeta.execution.bundle import Bundle, write_bundle
from recmeta.execution.task import Task

HERE = Path(__file__).parent
# imported by the processes of fits alone, which have this folder on their path
collect_ignore = ["ray_faults.py"]


def tiny_split(seed: int = 0, n_users: int = 60, n_items: int = 30) -> Split:
    rng = np.random.default_rng(seed)
    users, items = np.nonzero(rng.random((n_users, n_items)) < 0.3)
    data = Interactions(
        users=np.array([f"u{u}" for u in range(n_users)], dtype=object),
        items=np.array([f"i{i}" for i in range(n_items)], dtype=object),
        user_rows=users.astype(np.int32),
        item_columns=items.astype(np.int32),
        name="tiny",
    )
    return random_holdout(data, seed=seed)


@pytest.fixture(scope="session")
def split() -> Split:
    return tiny_split()


@pytest.fixture(scope="session")
def bundle(split: Split, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_bundle(split, tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture
def make_task(bundle: Bundle, monkeypatch: pytest.MonkeyPatch):
    """Task of an algorithm on the tiny bundle; a bare name is one of the misbehaving ones."""
    monkeypatch.syspath_prepend(str(HERE))
    return task_maker(bundle)


def task_maker(bundle: Bundle):
    def make(algorithm: str, **options) -> Task:
        return Task(
            bundle=str(bundle.path),
            dataset=bundle.dataset,
            data_key=bundle.key,
            split=bundle.split,
            algorithm=algorithm if ":" in algorithm else f"faulty_algorithms:{algorithm}",
            **options,
        )

    return make
