"""Sums of rows and columns against numpy's, bit for bit; and what work arrays are allowed."""

import tracemalloc

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from recmeta.algorithms import _sums
from recmeta.algorithms._gram import is_even, tails
from recmeta.algorithms._neighbours import weights_from
from recmeta.algorithms._rank import hide
from recmeta.algorithms._sequences import in_time_order
from recmeta.algorithms._similarity import squared_lengths, weigh
from recmeta.algorithms._squared_error import of_length_one
from recmeta.algorithms._walks import _steps
from recmeta.algorithms.top_popular import TopPopular


@pytest.fixture(scope="module")
def X():
    drawn = random_array((20_000, 300), density=0.05, rng=np.random.default_rng(0), format="csr")
    matrix = csr_array(drawn, dtype=np.float32)
    matrix.sort_indices()
    return matrix


def test_counts_of_columns_are_those_of_numpy_in_blocks_too(X, monkeypatch):
    monkeypatch.setattr(_sums, "BLOCK", 1000)
    found = _sums.column_counts(X.indices, 301)
    np.testing.assert_array_equal(found, np.bincount(X.indices, minlength=301))
    assert _sums.column_counts(X.indices[:0], 4).tolist() == [0, 0, 0, 0]


def test_sums_of_columns_have_the_bits_of_numpy(X):
    found = _sums.column_sums(X.indices, X.data, 300)
    np.testing.assert_array_equal(found, np.bincount(X.indices, X.data, 300))


def test_squares_of_rows_have_the_bits_of_numpy(X):
    owner = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    np.testing.assert_array_equal(_sums.row_squares(X), np.bincount(owner, X.data**2, X.shape[0]))


def test_entries_by_column_are_found_where_they_stand(X):
    places = _sums.by_column(X.indptr, X.indices, X.shape[1])
    turned = X.tocsc()
    np.testing.assert_array_equal(places.indices, turned.indices)
    np.testing.assert_array_equal(X.data[places.data], turned.data)


@pytest.mark.parametrize(
    ("rows", "even"),
    [
        ([[1, 1, 0], [2, 0, 2], [0, 0, 0], [3, 0, 0]], True),
        ([[0, 0, 0], [1, 1, 2]], False),
        ([[0, 0, 0]], True),
        ([[1, 2, 1]], False),
        ([[2, 2, 0], [0, 0, 0], [0, 2, 1]], False),
    ],
)
def test_a_matrix_is_even_when_each_row_has_one_value(rows, even):
    matrix = csr_array(np.array(rows, dtype=np.float32))
    assert is_even(matrix) == even
    assert (len(tails(matrix).values) == 0) == even


def neighbours(n, k):
    others = np.tile(np.arange(k, dtype=np.int32), (n, 1))
    return others, np.ones((n, k), dtype=np.float32)


# what numpy's own ways took: 5.8, 3.9, 4.4, 4.0, 2.5, 2.2, 1.9, 3.5
@pytest.mark.parametrize(
    ("work", "most"),
    [
        (lambda X: hide(X, np.random.default_rng(0)), 2.0),
        (lambda X: _steps(X, 1.0, 0.4), 1.0),
        (lambda X: in_time_order(csr_array(X, dtype=np.float64)), 3.5),
        (lambda X: weigh(X, "bm25"), 1.5),
        (squared_lengths, 0.5),
        (of_length_one, 1.5),
        (TopPopular()._fit, 0.5),
        (lambda X: weights_from(*neighbours(3000, 100), 3000), 2.5),
    ],
)
def test_work_arrays_are_small_beside_the_matrix(X, work, most):
    work(X)  # compiles
    tracemalloc.start()
    try:
        work(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most * (X.data.nbytes + X.indices.nbytes + X.indptr.nbytes)


@pytest.mark.parametrize("lengths", [[], [0], [0, 0, 3], [5, 0, 0, 9, 1, 1, 1, 0], [1] * 20])
def test_blocks_of_entries_are_all_rows_in_order(lengths, monkeypatch):
    monkeypatch.setattr(_sums, "BLOCK", 4)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    blocks = list(_sums.entry_blocks(indptr))
    rows = [row for block in blocks for row in range(block.start, block.stop)]
    assert rows == list(range(len(lengths)))
    longest = max(lengths, default=0)
    assert all(indptr[block.stop] - indptr[block.start] < 4 + longest for block in blocks)


def test_rows_by_column_are_those_of_scipy(X):
    starts, rows = _sums.rows_by_column(X.indptr, X.indices, X.shape[1])
    turned = X.tocsc()
    np.testing.assert_array_equal(starts, turned.indptr)
    np.testing.assert_array_equal(rows, turned.indices)
