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
    Places are dealt to 3 k groups or more. The k-th of the groups' best scores is no higher than
    the k-th score, so that only groups with a better one are looked through, and few of their
    scores are above it: O(n_items + k log k) in any order of the scores.
    """
    n_items, k = scores.shape[1], items.shape[1]
    n_groups = max(min((max(3 * k, n_items // 24) // 64 + 1) * 64, n_items), 1)
    best, work = np.empty(n_groups, dtype=np.float32), np.empty(n_groups, dtype=np.float32)
    keys, bits = np.empty(n_items + 1, dtype=np.int64), scores.view(np.int32)
    for row in range(len(scores)):
        _best_of_groups(scores[row], best)
        floor = NO_SCORE
        if n_groups >= k:
            work[:] = -best
            _smallest_first(work, n_groups, k)
            floor = np.nextafter(-work[k - 1], NO_SCORE)
        size = 0
        for group in range(n_groups):
            if best[group] > floor:
                for item in range(group, n_items, n_groups):
                    keys[size] = _key(bits[row, item], item)
                    size += scores[row, item] > floor and scores[row, item] != 0
        if size > k:
            _smallest_first(keys, size, k)
            size = k
        kept = keys[:size]
        kept.sort()
        for place, key in enumerate(kept):
            items[row, place] = key & 0xFFFFFFFF
            values[row, place] = scores[row, items[row, place]]
        items[row, size:] = -1
        values[row, size:] = 0


@njit(cache=True, nogil=True)
def _best_of_groups(scores, best):  # type: ignore[no-untyped-def]
    """The best candidate of each group, in a few vector instructions; NO_SCORE of none.

    A place of the row is in the group of its remainder.
    """
    best[:] = NO_SCORE
    for start in range(0, len(scores), len(best)):
        part = scores[start : start + len(best)]
        for group in range(len(part)):
            highest = best[group]
            score = part[group] if part[group] != np.float32(0) else highest
            best[group] = score if score > highest else highest


@njit(cache=True, nogil=True)
def _key(bits, item):  # type: ignore[no-untyped-def]
    """A number that is smaller for a higher score, then for a lower item number.

    The bits of a float, read as an integer, rise with it; those of a negative one fall.
    """
    order = np.int64(bits)
    order ^= (order >> 63) & np.int64(0x7FFFFFFF)
    return (-order << 32) | np.int64(item)


@njit(cache=True, nogil=True)
def _smallest_first(values, size, k):  # type: ignore[no-untyped-def]
    """The k smallest of the first ``size`` values come first, in any order, the k-th at its place.

    Hoare's quickselect, from the median of three.
    """
    first, last = 0, size - 1
    while first < last:
        low, high = values[first], values[last]
        middle = values[(first + last) >> 1]
        pivot = max(min(low, high), min(max(low, high), middle))
        left, right = first, last
        while left <= right:
            while values[left] < pivot:
                left += 1
            while values[right] > pivot:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left += 1
                right -= 1
        if k - 1 <= right:
            last = right
        elif k - 1 >= left:
            first = left
        else:
            return
