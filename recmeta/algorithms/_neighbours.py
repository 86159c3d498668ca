"""The cut to the k most similar: of the rows of A B, or of the items of X'X.

======  =========================================================  ===================
symbol  meaning                                                    shape
======  =========================================================  ===================
A       targets, sparse rows                                       (n_targets, n_terms)
B       terms by others, sparse rows                               (n_terms, n_others)
G       X'X: what items t and o share, a panel of rows at a time   (n_items, n_items)
======  =========================================================  ===================

Equal similarities come in the order of the number of the other. What is 0 is no similarity.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from recmeta.algorithms._base import BLOCK_BYTES, Cost, _check_counts, _in_threads
from recmeta.algorithms._gram import is_even, row_blocks, tails, upper_rows
from recmeta.algorithms._heap import offered, sort_heap, sort_heaps
from recmeta.algorithms._similarity import F32, Form
from recmeta.algorithms._work_space import work_space

TILE = 64  # others, or targets, whose similarities are computed at once
Neighbours = tuple[NDArray[np.int32], F32]


def nearest(
    A: csr_array,
    B: csr_array,
    form: Form,
    k: int,
    *,
    itself: NDArray[np.int32] | None,
    even: bool = False,
) -> Neighbours:
    """The k most similar others of each target, the best first.

    Parameters
    ----------
    A, B : csr_array
    form : Form
    k : int
    itself : int32 array, (n_targets,), or None
        The other that is the target itself, -1 for none: never its own neighbour.
    even : bool
        Each row of B has one value, as ``is_even`` tells: it is then read once.

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
    others, values = _no_neighbours(n_targets, k)
    own = np.full(n_targets, -1, dtype=np.int32) if itself is None else itself
    a, b, coefficients = _arrays(A), _arrays(B), _coefficients(form)

    def one_block(block: slice) -> None:
        _nearest(
            block.start, block.stop, *a, *b, even, coefficients, own,
            np.zeros(n_others, dtype=np.float32), np.empty(n_others, dtype=np.uint32), others,
            values,
        )  # fmt: skip

    _in_threads(one_block, row_blocks(n_targets))
    return others, values


def nearest_items(X: csr_array, form: Form, k: int) -> Neighbours:
    """The k most similar other items of each item, by G = X'X: ``nearest`` of X' and X.

    G is symmetric, so that half of it is made, a panel of rows at a time, and each entry is offered
    to both its items: half the additions, and BLOCK_BYTES beside the answer. Where few histories
    meet, most of G is 0, and its rows are gathered one by one.
    """
    _check_counts(n_neighbours=k)
    n_items = X.shape[1]
    if (np.diff(X.indptr).astype(np.float64) ** 2).sum() < n_items**2:
        itself = np.arange(n_items, dtype=np.int32)
        return nearest(csr_array(X.T.tocsr()), X, form, k, itself=itself, even=is_even(X))
    others, values = _no_neighbours(n_items, k)
    sizes, parts, coefficients = np.zeros(n_items, np.int32), tails(X), _coefficients(form)
    height = int(min(max(BLOCK_BYTES // (4 * n_items), TILE), n_items))
    panel = work_space((height, n_items))
    for first in range(0, n_items, height):
        rows = panel[: n_items - first]
        rows[:] = 0

        def gather(block: slice, first: int = first, rows: F32 = rows) -> None:
            upper_rows(first + block.start, *parts, rows[block])

        def offer(block: slice, first: int = first, rows: F32 = rows) -> None:
            _offer_panel(
                first + block.start, first + block.stop, first, rows, coefficients, sizes, others,
                values,
            )  # fmt: skip

        _in_threads(gather, row_blocks(len(rows), 16))
        _in_threads(offer, row_blocks(n_items - first, TILE))
    _in_threads(
        lambda block: sort_heaps(sizes[block], others[block], values[block]), row_blocks(n_items)
    )
    return others, values


def weights_from(others: NDArray[np.int32], values: F32, n_others: int) -> csr_array:
    """Neighbours as a matrix (n_others, n_targets): column t has the weights of target t."""
    kept = others >= 0
    ends = np.cumsum(np.count_nonzero(kept, axis=1))
    full = kept.all()  # as they mostly are: then nothing is copied before it is turned over
    entries = (values.ravel(), others.ravel()) if full else (values[kept], others[kept])
    indptr = np.concatenate([[0], ends]).astype(np.int32 if kept.size < 2**31 else np.int64)
    columns = csc_array((*entries, indptr), shape=(n_others, len(others)))
    return csr_array(columns.tocsr())


def item_neighbours_cost(n_users: int, n_items: int, nnz: int, n_neighbours: int) -> Cost:
    """Of the n_neighbours of every item; the coefficients are those of benchmarks/costs.py."""
    kept = n_items * min(n_neighbours, n_items)
    # histories are skewed: the sum of squares is about three times that of equal ones
    meetings = 3 * nnz * nnz / max(n_users, 1)
    seconds = 0.01 + min(3e-9 * meetings, 5e-10 * meetings + 2e-9 * n_items**2)
    seconds += 5e-8 * kept + 1e-7 * nnz + 2e-6 * n_items
    return Cost(seconds, 24.0 * kept + 40 * nnz + min(4 * n_items**2, BLOCK_BYTES))


def _no_neighbours(n_targets: int, k: int) -> Neighbours:
    return np.full((n_targets, k), -1, np.int32), np.zeros((n_targets, k), np.float32)


def _arrays(matrix: csr_array) -> tuple[NDArray[np.int32], NDArray[np.uint32], F32]:
    """Row starts, columns and values; unsigned columns index faster in numba."""
    indptr, indices = matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32, copy=False)
    return indptr, indices.view(np.uint32), matrix.data.astype(np.float32, copy=False)


def _coefficients(form: Form) -> tuple[F32, F32, F32, F32, F32, np.float32, np.float32]:
    return (
        form.scale, form.left, form.right, form.left_sum, form.right_sum,
        np.float32(form.shared), np.float32(form.shrink),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _nearest(  # type: ignore[no-untyped-def]
    start, stop, a_ptr, a_terms, a_values, b_ptr, b_others, b_values, even, coefficients, own, dot,
    touched, others, values,
):  # fmt: skip
    """Targets start..stop: a dense row of d_to, then a heap of the k best. ``dot`` ends all 0."""
    n_others = len(dot)
    for target in range(start, stop):
        first, last, size, meetings = a_ptr[target], a_ptr[target + 1], 0, 0
        for place in range(first, last):
            meetings += b_ptr[a_terms[place] + 1] - b_ptr[a_terms[place]]
        if meetings >= n_others:  # most of the row is touched
            _gather(first, last, a_terms, a_values, b_ptr, b_others, b_values, even, dot)
            if own[target] >= 0:
                dot[own[target]] = 0
            size = _offer_row(
                target, 0, n_others, dot, coefficients, size, others[target], values[target]
            )
            dot[:] = 0
        else:
            n = _touch(first, last, a_terms, a_values, b_ptr, b_others, b_values, dot, touched)
            for index in range(n):
                other = touched[index]
                similarity = _similarity(target, other, dot[other], coefficients)
                dot[other] = 0
                if other != own[target]:
                    size = offered(others[target], values[target], size, similarity, other)
        sort_heap(others[target], values[target], size)


@njit(cache=True, nogil=True)
def _gather(first, last, terms, a_values, b_ptr, b_others, b_values, even, dot):  # type: ignore[no-untyped-def]
    """Add the rows of the terms to ``dot``."""
    for place in range(first, last):
        value, low, high = a_values[place], b_ptr[terms[place]], b_ptr[terms[place] + 1]
        if low == high:
            continue
        if even:
            product = value * b_values[low]
            for other in range(low, high):
                dot[b_others[other]] += product
        else:
            for other in range(low, high):
                dot[b_others[other]] += value * b_values[other]


@njit(cache=True, nogil=True)
def _touch(first, last, terms, a_values, b_ptr, b_others, b_values, dot, touched):  # type: ignore[no-untyped-def]
    """The same, and a list of those that are no longer 0: gives their number."""
    n_touched = 0
    for place in range(first, last):
        value, term = a_values[place], terms[place]
        for other_place in range(b_ptr[term], b_ptr[term + 1]):
            other = b_others[other_place]
            product = value * b_values[other_place]
            if dot[other] == 0 and product > 0:  # tiny values have a product of 0
                touched[n_touched] = other
                n_touched += 1
            dot[other] += product
    return n_touched


@njit(cache=True, nogil=True)
def _offer_panel(start, stop, first, rows, coefficients, sizes, others, values):  # type: ignore[no-untyped-def]
    """Rows first.. of the upper triangle of G: each entry to those of its items in start..stop.

    Along the row of an item that has one here, and down its column: a tile of columns at once.
    """
    n_items, found = rows.shape[1], np.empty(TILE, dtype=np.float32)
    for item in range(start, min(stop, first + len(rows))):
        sizes[item] = _offer_row(
            item, item + 1, n_items, rows[item - first], coefficients, sizes[item], others[item],
            values[item],
        )  # fmt: skip
    roots = np.zeros(
        stop - start, dtype=np.float32
    )  # what the worst kept has, 0 while there is room
    for item in range(start, stop):
        if sizes[item] == others.shape[1]:
            roots[item - start] = values[item, 0]
    for row in range(min(len(rows), stop - 1 - first)):
        other = first + row
        left = max(start, other + 1)
        shares = rows[row, left:stop]
        n_better = _of_column(left, other, shares, coefficients, roots[left - start :], found)
        if n_better == 0:
            continue
        for item in range(left, stop):
            similarity = found[item - left]
            if similarity >= roots[item - start]:
                sizes[item] = offered(others[item], values[item], sizes[item], similarity, other)
                if sizes[item] == others.shape[1]:
                    roots[item - start] = values[item, 0]


@njit(cache=True, nogil=True, error_model="numpy")
def _similarity(target, other, shares, coefficients):  # type: ignore[no-untyped-def]
    """The common form; 0 where it is undefined."""
    scale, left, right, left_sum, right_sum, shared, shrink = coefficients
    below = left[target] * right[other] + left_sum[target] + right_sum[other]
    below += shared * shares + shrink
    return shares * scale[target] / below if below > 0 else np.float32(0)


@njit(cache=True, nogil=True, error_model="numpy")
def _of_column(first, other, shares, coefficients, roots, found):  # type: ignore[no-untyped-def]
    """Similarities of targets first.. to one other, and how many may enter the heaps."""
    scale, left, right, left_sum, right_sum, shared, shrink = coefficients
    of_other, sum_of_other = right[other], right_sum[other]
    scale, left, left_sum = scale[first:], left[first:], left_sum[first:]
    n_better = 0
    for index in range(len(shares)):
        below = left[index] * of_other + left_sum[index] + sum_of_other
        below += shared * shares[index] + shrink
        value = shares[index] * scale[index] / below if below > 0 else np.float32(0)
        found[index] = value
        if value > 0 and value >= roots[index]:
            n_better += 1
    return n_better


@njit(cache=True, nogil=True, error_model="numpy")
def _offer_row(target, first, last, dot, coefficients, size, others, values):  # type: ignore[no-untyped-def]
    """Others first..last, a tile at once, to the heap of one target: gives its size."""
    scale, left, right, left_sum, right_sum, shared, shrink = coefficients
    factor, of_target, sum_of_target = scale[target], left[target], left_sum[target]
    found = np.empty(TILE, dtype=np.float32)
    for start in range(first, last, TILE):
        n = min(TILE, last - start)
        shares, rights, sums = dot[start:], right[start:], right_sum[start:]
        root = values[0] if size == len(values) else np.float32(0)
        n_better = 0
        for index in range(n):
            below = of_target * rights[index] + sum_of_target + sums[index]
            below += shared * shares[index] + shrink
            value = shares[index] * factor / below if below > 0 else np.float32(0)
            found[index] = value
            if value > 0 and value >= root:
                n_better += 1
        if n_better:
            for index in range(n):
                if found[index] >= root:
                    size = offered(others, values, size, found[index], start + index)
    return size
