"""Elastic-net regressions of each column of X on the others, from X'X alone.

Column j:  min over w, w_j = 0 (and w >= 0 if positive), of
           1/2 ||x_j - X w||^2 + l1 ||w||_1 + sum_i ridge_i / 2 w_i^2

========  ==============================================================  ==========
symbol    meaning                                                         shape
========  ==============================================================  ==========
G         X'X: row i is values[row_start[i]:row_start[i + 1]], of the     n x n
          items columns[...], or of all items in order if columns is
          empty
counts    how many items there are like each                              (n_items,)
place     where the arrays below have an item; -1 for no candidate        (n_items,)
goal      column j of G, of the candidates                                (n,)
gradient  X'(x_j - X w): minus the gradient of the squared error          (n,)
ridge     l2 / counts, of the candidates                                  (n,)
members   the working set: places of items that may have a weight         (size,)
rows      their rows of G, if G is sparse                                 (size, n)
sub       G among the members, side by side in memory                     size x size
========  ==============================================================  ==========

The working set starts with the items of the largest gradient. Coordinate descent solves it, the
gradient of all items follows, and items that violate the optimality condition |gradient| <= l1
join, until the duality gap over all items is small. So most work happens in a few hundred squared
entries that fit the cache, and no screening rule can lose an item.

Of k items with the same column one stands for all, with the sum of their weights: each has w / k,
since the ridge penalty is strictly convex, and k l2 / 2 (w / k)^2 = l2 / k / 2 w^2. (Without a
ridge penalty, equal shares are as good as any.) A target is predicted by the others like it.

Where neither G nor w has a negative entry, weights only lower gradients, so an item that shares no
row with the target never violates the condition: only those of the target's row are candidates.
"""

import numpy as np
from numba import njit

CLOSE = {"reassoc", "contract", "nsz"}  # sums in any order, but NaN and infinity stay what they are
FIRST = 64  # members to start with
MAX_ROUNDS = 100
MAX_SWEEPS = 10_000
# of each coordinate's step: co-occurrences are all positive, so full steps overshoot together along
# popularity; half of them took half as many sweeps on MovieLens-1M
RELAXATION = 0.5


@njit(cache=True, nogil=True)
def elastic_nets(  # type: ignore[no-untyped-def]
    first, row_start, columns, values, counts, l1, l2, positive, own_row, tolerance, weights
):
    """Solve columns first, first + 1, ..., one row of ``weights`` (zeros at the start) each.

    ``own_row``: only items of the target's own row are candidates.

    Stops at a duality gap of tolerance * ||x_j||^2, as scikit-learn does.
    """
    n_items, own_row = weights.shape[1], own_row and len(columns) > 0
    candidates, sub = np.arange(n_items).astype(np.int32), np.empty((128, 128), np.float32)
    place = np.full(n_items, -1, np.int32) if own_row else candidates.copy()
    for row in range(weights.shape[0]):
        target, size = first + row, 0
        if own_row:
            candidates = columns[row_start[target] : row_start[target + 1]]
            _number(candidates, place)
        if place[target] < 0:
            continue  # nobody has it
        n, matrix = len(candidates), (row_start, columns, values, candidates, place)
        rows = np.empty((128 if len(columns) else 0, n), np.float32)
        outside, members = np.ones(n, np.bool_), np.empty(n, np.int32)
        goal, w = np.empty(n, np.float32), np.zeros(n, np.float32)
        _copy_row(matrix, place[target], goal)
        total, ridge = goal[place[target]], l2 / counts[candidates]
        alone = counts[target] == 1
        if alone:  # the target is no candidate: its gradient stays out of the gap
            goal[place[target]], outside[place[target]] = 0, False
        else:
            ridge[place[target]] = l2 / (counts[target] - 1)
        for _ in range(MAX_ROUNDS):
            gradient = goal.copy()
            for a in range(size):
                _subtract(w[members[a]], _row(matrix, members, a, rows), gradient)
            if alone:
                gradient[place[target]] = 0
            if _gap(goal, gradient, w, total, l1, ridge, positive) <= tolerance * total:
                break
            before = size
            size = _add_violators(gradient, l1, positive, outside, members, size)
            if size > len(sub):
                sub = _grown(sub, before, (2 * size, 2 * size))
            if len(columns) and size > len(rows):
                rows = _grown(rows, before, (2 * size, n))
            _extend(matrix, members, before, size, rows, sub)
            _descend(goal, gradient, members[:size], sub, total, l1, ridge, positive, tolerance, w)
        for a in range(size):
            weights[row, candidates[members[a]]] = w[members[a]]
        if own_row:
            place[candidates] = -1


@njit(cache=True, nogil=True)
def _number(candidates, place):  # type: ignore[no-untyped-def]
    for number in range(len(candidates)):
        place[candidates[number]] = number


@njit(cache=True, nogil=True)
def _copy_row(matrix, member, out):  # type: ignore[no-untyped-def]
    """The row of G of a candidate, among the candidates."""
    row_start, columns, values, candidates, place = matrix
    start, end = row_start[candidates[member]], row_start[candidates[member] + 1]
    if len(columns) == 0:
        out[:] = values[start:end]
        return
    out[:] = 0
    for entry in range(start, end):
        if place[columns[entry]] >= 0:
            out[place[columns[entry]]] = values[entry]


@njit(cache=True, nogil=True)
def _row(matrix, members, a, rows):  # type: ignore[no-untyped-def]
    """That of member number a."""
    row_start, columns, values, candidates, _ = matrix
    if len(columns) == 0:
        start = row_start[candidates[members[a]]]
        return values[start : start + len(candidates)]
    return rows[a]


@njit(cache=True, nogil=True, fastmath=CLOSE)
def _subtract(weight, row, gradient):  # type: ignore[no-untyped-def]
    if weight != 0:
        for other in range(len(gradient)):
            gradient[other] -= weight * row[other]


@njit(cache=True, nogil=True)
def _add_violators(gradient, l1, positive, outside, members, size):  # type: ignore[no-untyped-def]
    """Append the items outside the set whose gradient exceeds l1: the worst, about doubling."""
    worst, wanted = 0.0, size + max(size, FIRST)
    for item in range(len(gradient)):
        if outside[item]:
            worst = max(worst, (gradient[item] if positive else abs(gradient[item])) - l1)
    floor = worst
    while worst > 0 and size < wanted:
        floor = 0.7 * floor if floor > 1e-3 * worst else 0.0
        for item in range(len(gradient)):
            if outside[item]:
                excess = (gradient[item] if positive else abs(gradient[item])) - l1
                if excess > 0 and excess >= floor:
                    members[size] = item
                    outside[item] = False
                    size += 1
        if floor == 0:
            break
    return size


@njit(cache=True, nogil=True)
def _grown(matrix, n_rows, shape):  # type: ignore[no-untyped-def]
    larger = np.empty(shape, np.float32)
    larger[:n_rows, : min(shape[1], matrix.shape[1])] = matrix[:n_rows]
    return larger


@njit(cache=True, nogil=True)
def _extend(matrix, members, before, size, rows, sub):  # type: ignore[no-untyped-def]
    """Fill ``rows`` from ``before`` to ``size``, and the rows and columns of ``sub``."""
    for a in range(before, size):
        if len(rows):
            _copy_row(matrix, members[a], rows[a])
        row = _row(matrix, members, a, rows)
        for b in range(a + 1):
            sub[a, b] = row[members[b]]
            sub[b, a] = sub[a, b]


@njit(cache=True, nogil=True, fastmath=CLOSE)
def _descend(goal, slope, members, sub, total, l1, ridge, positive, tolerance, w):  # type: ignore[no-untyped-def]
    """Coordinate descent over the members until their own gap is small; updates ``w``."""
    size = len(members)
    q, v = np.empty(size, np.float32), np.empty(size, np.float32)
    gradient, length = np.empty(size, np.float32), np.empty(size, np.float32)
    threshold, shrink = np.float32(l1), ridge[members].astype(np.float32)
    for a in range(size):
        q[a], v[a], gradient[a] = goal[members[a]], w[members[a]], slope[members[a]]
        length[a] = RELAXATION / (sub[a, a] + shrink[a])
    for sweep in range(MAX_SWEEPS):
        for a in range(size):
            new = v[a] + length[a] * (gradient[a] - shrink[a] * v[a])
            size1 = abs(new) - length[a] * threshold
            if size1 <= 0 or (positive and new < 0):
                size1 = np.float32(0)
            step = (size1 if new > 0 else -size1) - v[a]
            if step != 0:
                v[a] += step
                for b in range(size):
                    gradient[b] -= step * sub[a, b]
        if sweep % 3 == 2 and _gap(q, gradient, v, total, l1, shrink, positive) <= (
            0.3 * tolerance * total
        ):
            break
    for a in range(size):
        w[members[a]] = v[a]


@njit(cache=True, nogil=True, fastmath=CLOSE)
def _gap(q, gradient, w, total, l1, ridge, positive):  # type: ignore[no-untyped-def]
    """Primal minus dual objective at w, as in scikit-learn, for q = X'x_j, total = ||x_j||^2."""
    explained, fitted, size1, size2, dual = 0.0, 0.0, 0.0, 0.0, 0.0
    for a in range(len(w)):
        explained += w[a] * q[a]
        fitted += w[a] * gradient[a]
        size1 += abs(w[a])
        size2 += ridge[a] * w[a] * w[a]
        slope = gradient[a] - ridge[a] * w[a]
        dual = max(dual, slope if positive else abs(slope))
    residual = total - explained - fitted
    scale = l1 / dual if dual > l1 else 1.0
    gap = 0.5 * residual * (1 + scale * scale) + l1 * size1 - scale * (total - explained)
    return gap + 0.5 * (1 + scale * scale) * size2
