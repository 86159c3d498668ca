"""A heap of the k best (value, number) pairs, in two arrays: the root is the worst.

Of equal values the lower number is the better one.
"""

from numba import njit


@njit(cache=True, nogil=True)
def offered(others, values, size, value, other):  # type: ignore[no-untyped-def]
    """Add to a heap whose root is the worst, if it is better: gives the new size."""
    if not value > 0:  # 0 or NaN, where huge or tiny values leave float32
        return size
    if size == len(values):
        if value > values[0] or (value == values[0] and other < others[0]):
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
def sort_heap(others, values, size):  # type: ignore[no-untyped-def]
    """Heap sort: the worst goes to the end."""
    for end in range(size - 1, 0, -1):
        value, other = values[end], others[end]
        values[end], others[end] = values[0], others[0]
        _sink(values, others, end, value, other)


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


@njit(cache=True, nogil=True)
def sort_heaps(sizes, others, values):  # type: ignore[no-untyped-def]
    """Sort the heaps of some targets."""
    for target in range(len(sizes)):
        sort_heap(others[target], values[target], sizes[target])
