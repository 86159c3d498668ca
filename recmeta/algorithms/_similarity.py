"""Similarities of rows, and the weights of their entries, for every neighbourhood model.

======  =========================================================  ===================
symbol  meaning                                                    shape
======  =========================================================  ===================
A       targets, sparse rows                                       (n_targets, n_terms)
B       terms by others, sparse rows                               (n_terms, n_others)
d_to    A B: what target t and other o share
n_t     squared length of t (for 0/1 data: its number of entries)  (n_targets,)
======  =========================================================  ===================

All similarities have one form, so the same kernels compute them (``_neighbours.py``):

    s_to = d_to scale_t / (left_t right_o + left_sum_t + right_sum_o + shared d_to + shrink)

The cut is per target: each keeps its own k best others. For item models the target is the item that
is scored, which ranks better than cutting per item of the history.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._sums import column_counts, entry_blocks, row_squares

F32 = NDArray[np.float32]
SIMILARITIES = ("cosine", "jaccard", "dice", "tversky", "asymmetric")
WEIGHTINGS = ("none", "tf-idf", "bm25")


@dataclass(frozen=True)
class Form:
    """The coefficients of the common form: arrays over targets (left) and others (right)."""

    scale: F32
    left: F32
    right: F32
    left_sum: F32
    right_sum: F32
    shared: float = 0.0
    shrink: float = 0.0


def form_of(
    similarity: str, targets: F32, others: F32, shrink: float, alpha: float, beta: float
) -> Form:
    """A similarity's coefficients, from the squared lengths of targets and others.

    cosine      d / (sqrt(n_t n_o) + shrink)
    asymmetric  d / (n_t^alpha n_o^(1 - alpha) + shrink)            Aiolli, RecSys 2013
    jaccard     d / (n_t + n_o - d + shrink)
    dice        d / ((n_t + n_o) / 2 + shrink)
    tversky     d / (d + alpha (n_t - d) + beta (n_o - d) + shrink)
    """
    none_t, none_o = np.zeros_like(targets), np.zeros_like(others)
    ones = np.ones_like(targets)
    if similarity in ("cosine", "asymmetric"):
        power = 0.5 if similarity == "cosine" else alpha
        left, right = _power(targets, power), _power(others, 1 - power)
        return Form(ones, left, right, none_t, none_o, 0.0, shrink)
    sums = {"jaccard": (1.0, 1.0, -1.0), "dice": (0.5, 0.5, 0.0)}
    sums["tversky"] = (alpha, beta, 1 - alpha - beta)
    if similarity not in sums:
        raise ValueError(f"similarity must be one of {', '.join(SIMILARITIES)}: got {similarity!r}")
    a, b, shared = sums[similarity]
    return Form(
        ones, none_t, none_o, np.float32(a) * targets, np.float32(b) * others, shared, shrink
    )


def _power(lengths: F32, exponent: float) -> F32:
    """0 stays 0, whatever the exponent."""
    return np.where(lengths > 0, np.maximum(lengths, 1e-30) ** exponent, 0).astype(np.float32)


def squared_lengths(rows: csr_array) -> F32:
    """n of each row."""
    return row_squares(rows).astype(np.float32)


def weigh(rows: csr_array, weighting: str) -> csr_array:
    """tf-idf or BM25 weights for rows as documents and columns as terms: a new matrix."""
    return weigh_like(rows, rows, weighting)


def weigh_like(rows: csr_array, known: csr_array, weighting: str) -> csr_array:
    """The weights of ``rows`` by the term frequencies and lengths of the documents in ``known``.

    idf of a term = ln(1 + documents / those that have it). tf-idf: sqrt(tf) idf. BM25 (k1 = 1.2,
    b = 0.75): idf tf (k1 + 1) / (tf + k1 (1 - b + b length / mean length)).
    """
    if weighting == "none":
        return rows
    if weighting not in WEIGHTINGS:
        raise ValueError(
            f"feature_weighting must be one of {', '.join(WEIGHTINGS)}: got {weighting!r}"
        )
    counts = column_counts(known.indices, known.shape[1])
    idf = np.log1p(known.shape[0] / np.maximum(counts, 1))
    mean = max(known.data.sum() / known.shape[0], 1e-12)  # length
    data, lengths = np.empty(rows.nnz, dtype=np.float32), np.diff(rows.indptr)
    for block in entry_blocks(rows.indptr):
        part = slice(rows.indptr[block.start], rows.indptr[block.stop])
        frequencies, rarity = rows.data[part], idf[rows.indices[part]]
        if weighting == "tf-idf":
            data[part] = np.sqrt(frequencies) * rarity
        else:
            data[part] = _bm25(frequencies, rarity, lengths[block], mean)
    return csr_array((data, rows.indices, rows.indptr), shape=rows.shape)


def _bm25(
    frequencies: F32, rarity: NDArray[np.float64], lengths: NDArray[np.int32], mean: float
) -> NDArray[np.float64]:
    """Of the documents with so many terms each, one after the other."""
    document = np.repeat(np.arange(len(lengths)), lengths)
    length = np.bincount(document, frequencies, len(lengths))
    relative = length[document] / mean
    return rarity * frequencies * 2.2 / (frequencies + 1.2 * (0.25 + 0.75 * relative))
