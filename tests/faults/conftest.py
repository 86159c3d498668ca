"""The long form of the fault tests: `make test-faults`; a plain pytest leaves them out."""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

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
