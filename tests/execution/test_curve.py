"""A learning curve that is kept changes nothing else of the fit."""

import numpy as np
import pytest

from recmeta.algorithms import IterativeRecommender, all_algorithms
from recmeta.execution import _curve
from recmeta.execution.fit import fit_one
from recmeta.execution.limits import PeakMemory, status_bytes
from recmeta.execution.task import Task

ITERATIVE = sorted(
    name
    for name, one in all_algorithms().items()
    if issubclass(one, IterativeRecommender) and not one.requires and not one.uses
)


@pytest.mark.parametrize("name", ITERATIVE)
def test_a_fit_that_is_watched_is_the_same_fit(name, bundle):
    params = dict(all_algorithms()[name].tiny)

    def task(**options):
        of = (str(bundle.path), bundle.dataset, bundle.key, bundle.split, name)
        return Task(*of, params=params, **options)

    plain, watched = fit_one(task()), fit_one(task(curve_by="ndcg@10"))
    assert plain.status == watched.status == "ok", watched.error
    assert plain.curve == {}
    assert watched.metrics == plain.metrics
    n_epochs = all_algorithms()[name](**params).n_epochs
    assert watched.curve["epochs"][-1] == n_epochs
    assert 1 <= len(watched.curve["epochs"]) <= 20
    # what the last epoch reached is what the fit reached
    reached = watched.metrics["validation"]["ndcg@10"]
    assert watched.curve["values"][-1] == pytest.approx(reached, rel=1e-6)
    assert watched.curve["seconds"] == sorted(watched.curve["seconds"])


def test_an_algorithm_without_epochs_has_no_curve(bundle):
    of = (str(bundle.path), bundle.dataset, bundle.key, bundle.split, "EASE")
    assert fit_one(Task(*of, curve_by="ndcg@10")).curve == {}


def test_measuring_is_not_fitting_time(bundle, monkeypatch):
    ticks = iter(range(1000))
    monkeypatch.setattr(_curve.time, "perf_counter", lambda: float(next(ticks)))
    monkeypatch.setattr(_curve.time, "process_time", lambda: 0.0)
    clock = _curve.Clock()  # 0
    assert clock.wall() == 1.0
    with clock.paused():  # from 2
        for _ in range(50):
            next(ticks)
    # to 53: 51 ticks that do not count, and this one
    assert clock.wall() == 3.0


@pytest.mark.skipif(status_bytes("VmHWM") == 0, reason="the peak can be set back on Linux only")
def test_memory_of_measuring_does_not_count():
    peak = PeakMemory()
    peak.start()
    with peak.paused():
        np.ones(2**23).sum()
    assert peak.read() < 16 * 2**20
    np.ones(2**23).sum()
    assert peak.read() > 48 * 2**20
    with peak.paused():
        pass
    assert peak.read() > 48 * 2**20  # what was taken before a pause is not forgotten
