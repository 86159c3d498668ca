"""Sums of X by clusters of rows and of columns: for CoClustering."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._sums import add_at, entry_blocks

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]


def cell_sums(X: csr_array, of_row: I64, k: int, of_column: I64, n: int) -> tuple[F64, I64]:
    """The sum and the number of the entries of each pair of clusters, (k, n)."""
    sums, counts, lengths = np.zeros(k * n), np.zeros(k * n, dtype=np.int64), np.diff(X.indptr)
    for rows in entry_blocks(X.indptr):
        part = slice(X.indptr[rows.start], X.indptr[rows.stop])
        cells = np.repeat(of_row[rows] * n, lengths[rows]) + of_column[X.indices[part]]
        add_at(cells, X.data[part], sums)
        counts += np.bincount(cells, minlength=k * n)
    return sums.reshape(k, n), counts.reshape(k, n)


def nearest_clusters(
    R: csr_array, A: Any, clusters: Any, effects: Any, rated: bool
) -> NDArray[Any]:
    """For each row i the g of the least sum over j of (r_ij - A_i - A_j - effect_gh)^2, j in h.

    That is the least sum over h of n_ih effect_gh^2 - 2 T_ih effect_gh, for the n_ih columns of h
    that count in row i, and T_ih, the sum of their r_ij - A_i - A_j.
    """
    means, lengths, n = row_means(R, rated), np.diff(R.indptr), effects.shape[1]
    totals, counts = np.empty((R.shape[0], n)), np.empty((R.shape[0], n), dtype=np.int64)
    for rows in entry_blocks(R.indptr):
        part = slice(R.indptr[rows.start], R.indptr[rows.stop])
        items, shape = R.indices[part], totals[rows].shape
        cells = np.repeat(np.arange(shape[0]) * n, lengths[rows]) + clusters[items]
        values = R.data[part] - (np.repeat(means[rows], lengths[rows]) + A[items]) * rated
        totals[rows] = np.bincount(cells, values, shape[0] * n).reshape(shape)
        counts[rows] = np.bincount(cells, minlength=shape[0] * n).reshape(shape)
    if not rated:  # all columns count
        counts = np.bincount(clusters, minlength=n)[None, :]
        totals = totals - counts * means[:, None] - np.bincount(clusters, A, n)
    return np.asarray((counts @ (effects**2).T - 2 * totals @ effects.T).argmin(axis=1))


def row_means(R: csr_array, rated: bool) -> NDArray[np.float64]:
    sums = np.asarray(R.sum(axis=1, dtype=np.float64))
    return sums / (np.maximum(np.diff(R.indptr), 1) if rated else R.shape[1])
