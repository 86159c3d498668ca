"""Neighbours: the k most similar others of each target, for every neighbourhood model.

======  =========================================================  ===================
symbol  meaning                                                    shape
======  =========================================================  ===================
A       targets, sparse rows                                       (n_targets, n_terms)
B       terms by others, sparse rows                               (n_terms, n_others)
d_to    A B: what target t and other o share
n_t     squared length of t (for 0/1 data: its number of entries)  (n_targets,)
======  =========================================================  ===================

All similarities have one form, so one kernel computes them:

    s_to = d_to scale_t / (left_t right_o + left_sum_t + right_sum_o + shared d_to + shrink)

The cut is per target: each keeps its own k best others. For item models the target is the item that
is scored, which ranks better than cutting per item of the history.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, _check_counts, _in_threads

BLOCK = 64  # targets a thread takes at once
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
    users = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    return np.bincount(users, rows.data**2, rows.shape[0]).astype(np.float32)


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
    counts = np.bincount(known.indices, minlength=known.shape[1])
    idf = np.log1p(known.shape[0] / np.maximum(counts, 1))
    if weighting == "tf-idf":
        data = np.sqrt(rows.data) * idf[rows.indices]
    elif weighting == "bm25":
        document = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        length = np.bincount(document, rows.data, rows.shape[0])
        relative = length[document] / max(known.data.sum() / known.shape[0], 1e-12)
        data = idf[rows.indices] * rows.data * 2.2 / (rows.data + 1.2 * (0.25 + 0.75 * relative))
    else:
        raise ValueError(
            f"feature_weighting must be one of {', '.join(WEIGHTINGS)}: got {weighting!r}"
        )
    return csr_array((data.astype(np.float32), rows.indices, rows.indptr), shape=rows.shape)


def walk_weights(X: csr_array, n_neighbours: int, alpha: float, beta: float) -> csr_array:
    """sum_u (x_ui / n_i)^alpha (x_uj / n_u)^alpha / n_j^beta, the largest of each column j."""
    if not (alpha >= 0 and beta >= 0):
        raise ValueError(f"the exponents must be at least 0: got alpha={alpha}, beta={beta}")
    n_items = X.shape[1]
    items = csr_array(X.T.tocsr())
    of_user = X.sum(axis=1, dtype=np.float64)
    of_item = items.sum(axis=1, dtype=np.float64)
    to_item = items.copy()  # rows j: (x_uj / n_u)^alpha
    to_item.data = ((items.data / of_user[items.indices]) ** alpha).astype(np.float32)
    from_item = X.copy()  # entries (u, i): (x_ui / n_i)^alpha
    from_item.data = ((X.data / of_item[X.indices]) ** alpha).astype(np.float32)
    scale = (np.maximum(of_item, 1e-30) ** -beta).astype(np.float32)
    zeros, ones = np.zeros(n_items, dtype=np.float32), np.ones(n_items, dtype=np.float32)
    form = Form(scale, zeros, zeros, ones, zeros)
    k = min(n_neighbours, max(n_items - 1, 1))
    itself = np.arange(n_items, dtype=np.int32)
    return weights_from(*nearest(to_item, from_item, form, k, itself=itself), n_items)


def nearest(
    A: csr_array, B: csr_array, form: Form, k: int, *, itself: NDArray[np.int32] | None
) -> tuple[NDArray[np.int32], F32]:
    """The k most similar others of each target, the best first; equal ones by their number.

    Parameters
    ----------
    A, B : csr_array
    form : Form
    k : int
    itself : int32 array, (n_targets,), or None
        The other that is the target itself, -1 for none: never its own neighbour.

    Returns
    -------
    others : int32 array, (n_targets, k)
        -1 pads where fewer share anything.
    similarities : float32 array, (n_targets, k)

    Notes
    -----
    One addition for each pair of entries that meet in a term; (k + n_others) memory a thread.
    """
    _check_counts(n_neighbours=k)
    n_targets, n_others = A.shape[0], B.shape[1]
    others = np.full((n_targets, k), -1, dtype=np.int32)
    values = np.zeros((n_targets, k), dtype=np.float32)
    own = np.full(n_targets, -1, dtype=np.int32) if itself is None else itself
    a, b = _arrays(A), _arrays(B)

    def one_block(block: slice) -> None:
        _nearest(
            block.start, block.stop, *a, *b, form.scale, form.left, form.right, form.left_sum,
            form.right_sum, np.float32(form.shared), np.float32(form.shrink), own,
            np.zeros(n_others, dtype=np.float32), np.empty(n_others, dtype=np.int32), others,
            values,
        )  # fmt: skip

    _in_threads(one_block, _blocks(n_targets))
    return others, values


def weights_from(others: NDArray[np.int32], values: F32, n_others: int) -> csr_array:
    """Neighbours as a matrix (n_others, n_targets): column t has the weights of target t."""
    n_targets, k = others.shape
    kept = others.ravel() >= 0
    targets = np.repeat(np.arange(n_targets, dtype=np.int32), k)[kept]
    entries = (values.ravel()[kept], (others.ravel()[kept], targets))
    weights = csr_array(entries, shape=(n_others, n_targets))
    weights.sort_indices()
    return weights


def item_neighbours_cost(n_users: int, n_items: int, nnz: int, n_neighbours: int) -> Cost:
    """Of the n_neighbours of every item; the coefficients are those of benchmarks/costs.py."""
    kept = n_items * min(n_neighbours, n_items)
    # histories are skewed: the sum of squares is about three times that of equal ones
    meetings = 3 * nnz * nnz / max(n_users, 1)
    seconds = 0.01 + 2e-9 * meetings + 5e-8 * kept + 1.5e-7 * nnz + 2e-6 * n_items
    return Cost(seconds, 24.0 * kept + 40 * nnz)


def _arrays(matrix: csr_array) -> tuple[NDArray[np.int32], NDArray[np.int32], F32]:
    indptr, indices = matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32, copy=False)
    return indptr, indices, matrix.data.astype(np.float32, copy=False)


def _blocks(n: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK))


@njit(cache=True, nogil=True)
def _nearest(  # type: ignore[no-untyped-def]
    start, stop, a_ptr, a_terms, a_values, b_ptr, b_others, b_values, scale, left, right,
    left_sum, right_sum, shared, shrink, own, dot, touched, others, values,
):  # fmt: skip
    """Targets start..stop: a dense row of d_to, then a heap of the k best. ``dot`` ends all 0."""
    k = others.shape[1]
    for target in range(start, stop):
        n_touched = 0
        for place in range(a_ptr[target], a_ptr[target + 1]):
            value, term = a_values[place], a_terms[place]
            for other_place in range(b_ptr[term], b_ptr[term + 1]):
                other = b_others[other_place]
                product = value * b_values[other_place]
                if dot[other] == 0 and product > 0:  # tiny values have a product of 0
                    touched[n_touched] = other
                    n_touched += 1
                dot[other] += product
        size = 0
        for index in range(n_touched):
            other = touched[index]
            shares = dot[other]
            dot[other] = 0
            if other == own[target]:
                continue
            below = left[target] * right[other] + left_sum[target] + right_sum[other]
            below += shared * shares + shrink
            if below <= 0:
                continue
            similarity = shares * scale[target] / below
            if not similarity > 0:  # 0 or NaN, where huge or tiny values leave float32
                continue
            if size == k and (
                similarity < values[target, 0]
                or (similarity == values[target, 0] and other > others[target, 0])
            ):
                continue
            size = _push(values[target], others[target], size, similarity, other)
        for end in range(size - 1, 0, -1):  # heap sort: the worst goes to the end
            similarity, other = values[target, end], others[target, end]
            values[target, end], others[target, end] = values[target, 0], others[target, 0]
            _sink(values[target], others[target], end, similarity, other)


@njit(cache=True, nogil=True)
def _push(values, others, size, value, other):  # type: ignore[no-untyped-def]
    """Add to a heap whose root is the worst; a full heap loses its root. Gives the new size."""
    if size == len(values):
        _sink(values, others, size, value, other)
        return size
    place = size
    while place > 0:
        parent = (place - 1) >> 1
        if values[parent] < value or (values[parent] == value and others[parent] > other):
            break
        values[place], others[place] = values[parent], others[parent]
        place = parent
    values[place], others[place] = value, other
    return size + 1


@njit(cache=True, nogil=True)
def _sink(values, others, size, value, other):  # type: ignore[no-untyped-def]
    """Put (value, other) in place of the root."""
    place = 0
    while 2 * place + 1 < size:
        child = 2 * place + 1
        right = child + 1
        if right < size and (
            values[right] < values[child]
            or (values[right] == values[child] and others[right] > others[child])
        ):
            child = right
        if values[child] > value or (values[child] == value and others[child] < other):
            break
        values[place], others[place] = values[child], others[child]
        place = child
    values[place], others[place] = value, other
