"""Work arrays: zeros that can be written to, in either order, and given back when they go."""

import mmap
import re
from pathlib import Path

import numpy as np
import pytest

from recmeta.algorithms._work_space import work_space

STATUS = Path("/proc/self/status")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(3, 5), (0, 4), (1500, 1000)])
def test_are_zeros_to_be_written_to(shape, order):
    found = work_space(shape, order)
    assert found.shape == shape
    assert found.dtype == np.float32
    assert found.flags.c_contiguous if order == "C" else found.flags.f_contiguous
    assert not found.any()
    found[:] = 1
    assert found.sum() == np.prod(shape)


def test_a_system_without_huge_pages_does_without(monkeypatch):
    class Pages(mmap.mmap):
        def madvise(self, *args):
            raise OSError(22, "Invalid argument")

    monkeypatch.setattr(mmap, "mmap", Pages)
    assert work_space((2048, 1024)).sum() == 0


def test_two_are_not_the_same_memory():
    first, second = work_space((2, 2)), work_space((2, 2))
    first[:] = 1
    assert not second.any()


def test_too_large_is_a_memory_error_that_says_how_much():
    with pytest.raises(MemoryError, match=r"no 17,179,869,184,000,000 bytes"):
        work_space((2**32, 1_000_000))


@pytest.mark.skipif(not STATUS.exists(), reason="the system does not say what is resident")
def test_the_memory_goes_with_the_array():
    def resident():
        return int(re.search(r"VmRSS:\s+(\d+)", STATUS.read_text())[1]) * 1024

    before = resident()
    array = work_space((2000, 1000))
    array[:] = 1
    with_it = resident()
    del array
    assert with_it - before > 7e6
    assert resident() - before < 1e6
