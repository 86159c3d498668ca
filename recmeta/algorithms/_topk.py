"""The k best of each row of scores: the one selection that every recommender uses."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

NO_SCORE = np.float32(-3.4e38)  # finite, since comparing with -inf is unsafe under fastmath


@njit(cache=True, nogil=True)
def mask_seen(scores: NDArray[np.float32], indptr: NDArray, indices: NDArray) -> None:  # type: ignore[type-arg]
    """Put NO_SCORE where a row of the CSR pattern has an entry. Changes ``scores``."""
    for row in range(scores.shape[0]):
        for position in range(indptr[row], indptr[row + 1]):
            scores[row, indices[position]] = NO_SCORE


@njit(cache=True, nogil=True)
def select_top_k(
    scores: NDArray[np.float32],  # (n_rows, n_items)
    items: NDArray[np.int32],  # (n_rows, k), written
    values: NDArray[np.float32],  # (n_rows, k), written
) -> None:
    """The k largest scores of each row, best first; equal scores in order of the item number.

    A score of exactly 0, NaN or NO_SCORE is no candidate; the rest of a short list is -1.
    A min-heap of k entries a row: O(n_items + k log k) when few items beat the k-th best.
    """
    n_rows, n_items = scores.shape
    k = items.shape[1]
    for row in range(n_rows):
        size = 0
        for item in range(n_items):
            score = scores[row, item]
            if score == 0 or not (score > NO_SCORE):
                continue
            if size < k:
                position = size
                size += 1
                while position > 0:  # sift up: the worst (lowest score, then highest item) is root
                    parent = (position - 1) >> 1
                    worse = values[row, parent] > score or (
                        values[row, parent] == score and items[row, parent] < item
                    )
                    if not worse:
                        break
                    values[row, position] = values[row, parent]
                    items[row, position] = items[row, parent]
                    position = parent
                values[row, position] = score
                items[row, position] = item
            elif score > values[row, 0]:  # a tie keeps the earlier item
                _sift_down(values[row], items[row], size, score, item)
        for end in range(size - 1, 0, -1):  # heap sort: the worst goes to the end
            score = values[row, end]
            item_end = items[row, end]
            values[row, end] = values[row, 0]
            items[row, end] = items[row, 0]
            _sift_down(values[row], items[row], end, score, item_end)
        for position in range(size, k):
            items[row, position] = -1
            values[row, position] = 0.0


@njit(cache=True, nogil=True)
def _sift_down(values, items, size, score, item):  # type: ignore[no-untyped-def]
    """Put (score, item) in place of the root of a heap of ``size`` entries."""
    position = 0
    while True:
        child = 2 * position + 1
        if child >= size:
            break
        right = child + 1
        if right < size and (
            values[right] < values[child]
            or (values[right] == values[child] and items[right] > items[child])
        ):
            child = right
        if values[child] < score or (values[child] == score and items[child] > item):
            values[position] = values[child]
            items[position] = items[child]
            position = child
        else:
            break
    values[position] = score
    items[position] = item
