"""Draws inside numba kernels, seeded from numpy, the same on every machine; visits to users."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def draw_below(limit, state):  # type: ignore[no-untyped-def]
    """A draw from 0..limit-1 by splitmix64 (Steele et al. 2014); advances ``state``."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = (z ^ (z >> np.uint64(31))) >> np.uint64(32)
    return np.int64((z * np.uint64(limit)) >> np.uint64(32))


@njit(cache=True, nogil=True)
def contains(items, low, high, item):  # type: ignore[no-untyped-def]
    """Whether the sorted items[low:high] have the item."""
    end = high
    while low < high:
        middle = (low + high) >> 1
        if items[middle] < item:
            low = middle + 1
        else:
            high = middle
    return low < end and items[low] == item


def visits_of(lengths: NDArray[np.int32], most: int) -> NDArray[Any]:
    """Visits to users, (n_visits,), of 1 to ``most`` steps each, in all as many as the user's
    history is long. A visit is one number: user * most + steps - 1."""
    n_visits = -(-lengths // most)
    dtype = np.int32 if len(lengths) * most < 2**31 else np.int64
    fullest = np.arange(len(lengths), dtype=dtype) * most + most - 1
    visits: NDArray[Any] = np.repeat(fullest, n_visits)
    last = (np.cumsum(n_visits) - 1)[lengths > 0]
    visits[last] -= ((-lengths[lengths > 0]) % most).astype(dtype)
    return visits
