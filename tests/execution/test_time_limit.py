"""The limits of a task begin when all is loaded and compiled; that has limits of its own."""

import re

import pytest

from recmeta.execution import _pool
from recmeta.execution._zygote import _Child
from recmeta.execution.fit import COMPILING_BYTES
from recmeta.execution.local import run

from .test_local import seconds_stopped_after

MIB = 2**20


def test_a_timeout_says_what_compiling_took(make_task):
    task = make_task("CompilesThenHangs", time_limit_s=0.5)
    ((_, result),) = run([task])
    assert result.status == "timeout"
    assert 0.5 <= seconds_stopped_after(result) < 1.5
    [compiling] = re.findall(r"without the (\S+) s of loading and compiling", result.error)
    assert 1.0 <= float(compiling) < 2.0
    assert result.total_s > 1.5


def test_a_hang_while_compiling_ends_too(make_task, monkeypatch):
    monkeypatch.setattr(_pool, "WARM_UP_S", 1.0)
    ((_, result),) = run([make_task("HangsInItsWarmUp", time_limit_s=0.2)])
    assert result.status == "timeout"
    assert re.fullmatch(
        r"stopped after 1\.\d s of loading and compiling, before the fit", result.error
    )


def test_a_limit_longer_than_that_of_compiling_holds_for_compiling_as_well(make_task, monkeypatch):
    monkeypatch.setattr(_pool, "WARM_UP_S", 0.2)
    ((_, result),) = run([make_task("CompilesLong", time_limit_s=30.0)])
    assert result.status == "ok"


@pytest.mark.parametrize("allowed", [300 * MIB, 4096 * MIB])
def test_what_is_allowed_for_the_fit_holds_while_compiling_but_never_less_than_2_gib(
    make_task, tmp_path, allowed
):
    note = tmp_path / "note"
    task = make_task("HogsInItsWarmUp", params={"note": str(note)}, memory_bytes=allowed)
    ((_, result),) = run([task])
    assert result.status == "ok"
    assert result.peak_mb < 300
    taken = int(note.read_text()) * MIB
    assert 0.9 * max(allowed, COMPILING_BYTES) < taken <= max(allowed, COMPILING_BYTES)


def test_the_deadline_of_all_holds_while_it_compiles_and_after():
    child = _Child(n=1, pid=1, started=0.0, limit_s=5.0, warm_up_s=600.0, ends=100.0)
    assert child.deadline == 100.0
    child.warm = 50.0
    assert child.deadline == 55.0
    child.warm = 98.0
    assert child.deadline == 100.0
