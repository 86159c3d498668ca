"""All rows sifted down a tree together: at each node their list is parted in two.

A row that walks down alone waits at each node for a branch that nobody foresees. Parting a list
has no branch: each row is written to both sides, and only one side moves on.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True)
def sift(
    sides: NDArray[np.float32],
    roots: NDArray[np.int64],
    columns: NDArray[np.int64],
    lefts: NDArray[np.int64],
    rights: NDArray[np.int64],
    thresholds: NDArray[np.float64],
    missing_left: NDArray[np.uint8],
    depth: int,
    found: NDArray[np.int32],
) -> None:  # pragma: no cover - compiled
    """Write into ``found`` (T, n) the leaves of rows, whose columns are in ``sides``, (2, d, n):
    with a large value in place of what is missing, for nodes that send it to the right, and with a
    small one. The others are as of ``_forest.Forest``; ``depth`` is that of the deepest tree.

    O(n) for each level of each tree.
    """
    n = sides.shape[2]
    order, spare = np.empty(n, np.uint32), np.empty(n, np.uint32)
    nodes = np.empty(depth + 2, np.int64)
    spans = np.empty((depth + 2, 2), np.uint32)
    for tree in range(len(roots)):
        for i in range(n):
            order[i] = i
        nodes[0], spans[0, 0], spans[0, 1] = roots[tree], 0, n
        waiting = 1
        while waiting:
            waiting -= 1
            node, first, last = nodes[waiting], spans[waiting, 0], spans[waiting, 1]
            if lefts[node] < 0:
                for k in range(first, last):
                    found[tree, order[k]] = node
                continue
            column = sides[missing_left[node], columns[node]]
            middle = _part(column, thresholds[node], order, spare, first, last)
            if middle > first:
                nodes[waiting], spans[waiting, 0], spans[waiting, 1] = lefts[node], first, middle
                waiting += 1
            if last > middle:
                nodes[waiting], spans[waiting, 0], spans[waiting, 1] = rights[node], middle, last
                waiting += 1


@numba.njit(cache=True)
def _part(
    column: NDArray[np.float32],
    threshold: float,
    order: NDArray[np.uint32],
    spare: NDArray[np.uint32],
    first: int,
    last: int,
) -> Any:  # pragma: no cover - compiled
    """Where those begin that go to the right, once ``order[first:last]`` has them last."""
    # unsigned: an index that could be negative is looked at twice
    left, right, one = np.uint64(first), np.uint64(0), np.uint64(1)
    for k in range(np.uint64(first), np.uint64(last)):
        row = order[k]
        goes = np.uint64(column[row] <= threshold)
        order[left] = row
        spare[right] = row
        left += goes
        right += one - goes
    order[left : np.uint64(last)] = spare[:right]
    return left
