"""Neighbours by features, alone or beside the histories: what the four content models share.

======  ========================================================  ==========================
symbol  meaning                                                   shape
======  ========================================================  ==========================
H       histories: of items (X') or of users (X)                  (n_rows, n_others)
F       features: of items or of users                            (n_rows, n_features)
c       content_weight                                            scalar
[H, cF] side by side, each part weighted (tf-idf, BM25) by itself (n_rows, n_others + n_features)
======  ========================================================  ==========================

Ferrari Dacrema et al. (2019) weight the stacked matrix as a whole. BM25 levels large values off, so
that a large c would do nothing there; here c multiplies what the weighting gives.
"""

import numpy as np
from numba import njit
from scipy.sparse import csr_array

from recmeta.algorithms._base import BLOCK_BYTES, Cost
from recmeta.algorithms._neighbours import nearest_items, weights_from
from recmeta.algorithms._similarity import form_of, squared_lengths, weigh

FEATURES = 10  # of an item or a user, for cost(), and what two of them have in common on average:
SHARED = 0.7  # from 0.08 (a city) to 1.1 (brand, category, size) in the tables of six public logs


def checked_features(name: str, features: csr_array) -> csr_array:
    """Features that a similarity can be made of: none is negative."""
    if features.nnz and features.data.min() < 0:
        raise ValueError(
            f"{name} must not be negative: got {features.data.min():g}; what two rows have in "
            "common is counted, so make ranges of such a number, a feature each"
        )
    return features


def stacked(histories: csr_array, features: csr_array, content_weight: float) -> csr_array:
    """[H, cF], both already weighted; scipy's hstack takes 16 bytes an entry beside the result."""
    if not 0 <= content_weight < np.inf:
        raise ValueError(f"content_weight must be at least 0 and finite: got {content_weight}")
    n_rows, n_others = histories.shape
    n_entries, n_columns = histories.nnz + features.nnz, n_others + features.shape[1]
    dtype = np.int32 if max(n_entries, n_columns) < 2**31 else np.int64
    starts = (histories.indptr.astype(dtype) + features.indptr).astype(dtype)
    indices, data = np.empty(n_entries, dtype=dtype), np.empty(n_entries, dtype=np.float32)
    after = starts[:-1] + np.diff(histories.indptr)
    _put_rows(histories.indptr, histories.indices, starts, indices)
    _put_rows(histories.indptr, histories.data, starts, data)
    _put_rows(features.indptr, features.indices + dtype(n_others), after, indices)
    _put_rows(features.indptr, features.data * np.float32(content_weight), after, data)
    return csr_array((data, indices, starts), shape=(n_rows, n_columns))


@njit(cache=True, nogil=True)
def _put_rows(indptr, values, starts, out):  # type: ignore[no-untyped-def]
    """The values of each row go to ``out``, from the row's start there."""
    for row in range(len(indptr) - 1):
        for place in range(indptr[row], indptr[row + 1]):
            out[starts[row] + place - indptr[row]] = values[place]


def neighbour_weights(
    rows: csr_array, n_neighbours: int, shrink: float, similarity: str, alpha: float, beta: float
) -> csr_array:
    """The most similar other rows of each row, (n_rows, n_rows): column t has those of row t."""
    n_rows = rows.shape[0]
    lengths = squared_lengths(rows)
    form = form_of(similarity, lengths, lengths, shrink, alpha, beta)
    k, columns = min(n_neighbours, max(n_rows - 1, 1)), csr_array(rows.T.tocsr())
    del rows  # as large as X, and mostly made for this call
    return weights_from(*nearest_items(columns, form, k), n_rows)


def content_of(name: str, features: csr_array, weighting: str) -> csr_array:
    """Weighted features: rows are the documents, features the terms. A new matrix, or the same."""
    return weigh(checked_features(name, features), weighting)


def content_cost(n_rows: int, n_neighbours: int) -> Cost:
    """Of the neighbours of n_rows rows by FEATURES features each."""
    kept = n_rows * min(n_neighbours, n_rows)
    seconds = 0.01 + 1.7e-8 * SHARED * n_rows**2 + 1.5e-7 * kept
    panel = min(4.0 * n_rows**2, BLOCK_BYTES)
    return Cost(seconds, 24.0 * kept + 40.0 * FEATURES * n_rows + panel)
