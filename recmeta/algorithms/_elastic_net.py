"""Elastic-net regressions of each column of X on the others, from X'X alone.

Column j:  min over w, w_j = 0 (and w >= 0 if positive), of
           1/2 ||x_j - X w||^2 + l1 ||w||_1 + l2 / 2 ||w||^2

========  ==============================================================  ==========
symbol    meaning                                                         shape
========  ==============================================================  ==========
G         X'X: row i is values[row_start[i]:row_start[i + 1]], of the     n x n
          items columns[...], or of all items in order if columns is
          empty
goal      column j of G                                                   (n_items,)
gradient  X'(x_j - X w): minus the gradient of the squared error          (n_items,)
members   the working set: items that may have a weight                   (size,)
sub       G among the members, side by side in memory                     size x size
========  ==============================================================  ==========

The working set starts with the items of the largest gradient. Coordinate descent solves it, the
gradient of all items follows, and items that violate the optimality condition |gradient| <= l1
join, until the duality gap over all items is small. So most work happens in a few hundred squared
entries that fit the cache, and no screening rule can lose an item.
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
def elastic_nets(first, row_start, columns, values, l1, l2, positive, tolerance, weights):  # type: ignore[no-untyped-def]
    """Solve columns first, first + 1, ..., one row of ``weights`` (zeros at the start) each.

    Stops at a duality gap of tolerance * ||x_j||^2, as scikit-learn does.
    """
    n_items = weights.shape[1]
    goal, gradient = np.empty(n_items, np.float32), np.empty(n_items, np.float32)
    scratch, members = np.zeros(n_items, np.float32), np.empty(n_items, np.int32)
    outside, sub = np.empty(n_items, np.bool_), np.empty((128, 128), np.float32)
    for row in range(weights.shape[0]):
        target, w, size = first + row, weights[row], 0
        for item in range(n_items):
            goal[item], outside[item] = 0, item != target
        _add_row(row_start, columns, values, target, 1.0, goal)
        total = goal[target]
        goal[target] = 0  # the target is no candidate: its gradient stays out of the gap
        for _ in range(MAX_ROUNDS):
            for item in range(n_items):
                gradient[item] = goal[item]
            for a in range(size):
                _add_row(row_start, columns, values, members[a], -w[members[a]], gradient)
            gradient[target] = 0
            if _gap(goal, gradient, w, total, l1, l2, positive) <= tolerance * total:
                break
            before = size
            size = _add_violators(gradient, l1, positive, outside, members, size)
            if size > len(sub):
                sub = _grown(sub, before, 2 * size)
            _extend(row_start, columns, values, members, before, size, scratch, sub)
            _descend(goal, gradient, members[:size], sub, total, l1, l2, positive, tolerance, w)


@njit(cache=True, nogil=True, fastmath=CLOSE)
def _add_row(row_start, columns, values, item, scale, out):  # type: ignore[no-untyped-def]
    """out += scale * row ``item`` of G."""
    start, factor = row_start[item], np.float32(scale)
    if factor == 0:
        return
    if len(columns) == 0:
        row = values[start : start + len(out)]
        for other in range(len(out)):
            out[other] += factor * row[other]
    else:
        for entry in range(start, row_start[item + 1]):
            out[columns[entry]] += factor * values[entry]


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
def _grown(sub, size, capacity):  # type: ignore[no-untyped-def]
    larger = np.empty((capacity, capacity), np.float32)
    for a in range(size):
        for b in range(size):
            larger[a, b] = sub[a, b]
    return larger


@njit(cache=True, nogil=True)
def _extend(row_start, columns, values, members, before, size, scratch, sub):  # type: ignore[no-untyped-def]
    """Fill the rows and columns of ``sub`` from ``before`` to ``size``; scratch is zeros."""
    for a in range(before, size):
        start = row_start[members[a]]
        if len(columns) == 0:
            for b in range(a + 1):
                sub[a, b] = values[start + members[b]]
        else:
            _add_row(row_start, columns, values, members[a], 1.0, scratch)
            for b in range(a + 1):
                sub[a, b] = scratch[members[b]]
            for entry in range(start, row_start[members[a] + 1]):
                scratch[columns[entry]] = 0
        for b in range(a):
            sub[b, a] = sub[a, b]


@njit(cache=True, nogil=True, fastmath=CLOSE)
def _descend(goal, slope, members, sub, total, l1, l2, positive, tolerance, w):  # type: ignore[no-untyped-def]
    """Coordinate descent over the members until their own gap is small; updates ``w``."""
    size = len(members)
    q, v = np.empty(size, np.float32), np.empty(size, np.float32)
    gradient, length = np.empty(size, np.float32), np.empty(size, np.float32)
    threshold, shrink = np.float32(l1), np.float32(l2)
    for a in range(size):
        q[a], v[a], gradient[a] = goal[members[a]], w[members[a]], slope[members[a]]
        length[a] = RELAXATION / (sub[a, a] + l2)
    for sweep in range(MAX_SWEEPS):
        for a in range(size):
            new = v[a] + length[a] * (gradient[a] - shrink * v[a])
            size1 = abs(new) - length[a] * threshold
            if size1 <= 0 or (positive and new < 0):
                size1 = np.float32(0)
            step = (size1 if new > 0 else -size1) - v[a]
            if step != 0:
                v[a] += step
                for b in range(size):
                    gradient[b] -= step * sub[a, b]
        if sweep % 3 == 2 and _gap(q, gradient, v, total, l1, l2, positive) <= (
            0.3 * tolerance * total
        ):
            break
    for a in range(size):
        w[members[a]] = v[a]


@njit(cache=True, nogil=True, fastmath=CLOSE)
def _gap(q, gradient, w, total, l1, l2, positive):  # type: ignore[no-untyped-def]
    """Primal minus dual objective at w, as in scikit-learn, for q = X'x_j, total = ||x_j||^2."""
    explained, fitted, size1, size2, dual = 0.0, 0.0, 0.0, 0.0, 0.0
    for a in range(len(w)):
        explained += w[a] * q[a]
        fitted += w[a] * gradient[a]
        size1 += abs(w[a])
        size2 += w[a] * w[a]
        slope = gradient[a] - l2 * w[a]
        dual = max(dual, slope if positive else abs(slope))
    residual = total - explained - fitted
    scale = l1 / dual if dual > l1 else 1.0
    gap = 0.5 * residual * (1 + scale * scale) + l1 * size1 - scale * (total - explained)
    return gap + 0.5 * l2 * (1 + scale * scale) * size2
