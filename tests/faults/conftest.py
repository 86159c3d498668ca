"""The long form of the fault tests: `make test-faults`; a plain pytest leaves them out."""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recmeta.execution.task import Task
from recmeta.experiments.sources import Preparation, find_sources, prepare

FAULTY = Path(__file__).parent.parent / "execution"


@pytest.fixture
def root(tmp_path):
    """A folder with one small data set."""
    users, items = np.nonzero(np.random.default_rng(0).random((60, 40)) < 0.3)
    (tmp_path / "one").mkdir()
    frame = pd.DataFrame({"user": users, "item": items})
    frame.to_parquet(tmp_path / "one" / "interactions.parquet")
    return tmp_path


@pytest.fixture
def environment():
    """Of a driver that knows the misbehaving algorithms."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(FAULTY), *sys.path])}


@pytest.fixture
def make_task(root, monkeypatch):
    monkeypatch.syspath_prepend(str(FAULTY))
    (source,) = find_sources(["one"], root)
    bundle = prepare(source, Preparation("random", 0, None, root / "cache"))
    of = (str(bundle.path), bundle.dataset, bundle.key, bundle.split)
    return lambda name, **options: Task(*of, f"faulty_algorithms:{name}", **options)
