"""Work arrays whose memory goes back to the system when they go.

glibc's malloc serves arrays below 32 MB from its heap as soon as one of their size was freed, and
keeps up to twice that size of it: what one step of a fit took then lies beside what the next takes.
"""

import contextlib
import ctypes
import math
import mmap
import sys
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

PRIVATE = getattr(mmap, "MAP_PRIVATE", 0) | getattr(mmap, "MAP_ANONYMOUS", 0)  # 0: as on Windows
HUGE = getattr(mmap, "MADV_HUGEPAGE", None)


def work_space(shape: tuple[int, int], order: Literal["C", "F"] = "C") -> NDArray[np.float32]:
    """Zeros, float32, in pages of their own: for arrays of megabytes.

    Raises
    ------
    MemoryError
        If the system has no such pages.
    """
    n_bytes = max(4 * math.prod(shape), 1)
    try:
        pages = mmap.mmap(-1, n_bytes, flags=PRIVATE) if PRIVATE else mmap.mmap(-1, n_bytes)
    except (OSError, OverflowError) as error:
        raise MemoryError(f"there are no {n_bytes:,} bytes for an array {shape}") from error
    if HUGE is not None and n_bytes >= 2**22:  # as numpy does for arrays of this size
        with contextlib.suppress(OSError):  # a kernel without huge pages
            pages.madvise(HUGE)
    return np.frombuffer(pages, np.float32, math.prod(shape)).reshape(shape, order=order)


def give_back() -> None:
    """What malloc holds and nobody uses goes back to the system, where that is glibc's."""
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Any:
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
