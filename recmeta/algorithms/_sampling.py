"""Draws inside numba kernels, seeded from numpy, the same on every machine; visits to users."""

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


def visits_of(lengths: NDArray[np.int32], most: int) -> NDArray[np.int32]:
    """Users and steps, (n_visits, 2): ``most`` steps a visit at most, in all as many as the user's
    history is long."""
    n_visits = -(-lengths // most)
    users = np.repeat(np.arange(len(lengths), dtype=np.int32), n_visits)
    steps = np.full(len(users), most, dtype=np.int32)
    last = (np.cumsum(n_visits) - 1)[lengths > 0]
    steps[last] -= (-lengths[lengths > 0]) % most
    return np.column_stack([users, steps])
