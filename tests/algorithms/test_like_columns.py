"""How many kinds of items there are, against numpy's count of different columns."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms._like_columns import kinds_of, most_kinds


@pytest.mark.parametrize("n_events", [30, 300, 3000])
def test_there_are_as_many_kinds_as_different_columns_and_no_more_than_is_said(n_events):
    rng = np.random.default_rng(0)
    X = np.zeros((20, 1000), dtype=np.float32)
    X[rng.integers(0, 20, n_events), rng.integers(0, 1000, n_events)] = 1
    n_kinds = len(kinds_of(csr_array(X)).first)
    assert n_kinds == len(np.unique(X, axis=1).T)
    assert n_kinds <= most_kinds(20, 1000, np.count_nonzero(X))


def test_no_size_has_more_kinds_than_is_said_and_some_have_as_many():
    one_user_each, none, pair = np.eye(3), np.zeros((3, 1)), np.ones((3, 1)) - np.eye(3)[:, :1]
    X = np.hstack([one_user_each, none, pair]).astype(np.float32)
    assert len(kinds_of(csr_array(X)).first) == 5
    assert most_kinds(3, 5, int(X.sum())) == 5
    assert most_kinds(3, 4, 200) == 4
