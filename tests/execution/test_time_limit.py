"""The limit of a task begins when all is loaded and compiled; that has a limit of its own."""

import re

from recmeta.execution import _pool
from recmeta.execution._zygote import _Child
from recmeta.execution.local import run

from .test_local import seconds_stopped_after


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


def test_the_deadline_of_all_holds_while_it_compiles_and_after():
    child = _Child(n=1, pid=1, started=0.0, limit_s=5.0, warm_up_s=600.0, ends=100.0)
    assert child.deadline == 100.0
    child.warm = 50.0
    assert child.deadline == 55.0
    child.warm = 98.0
    assert child.deadline == 100.0
