"""Costs: cost() corrected by what runs took, and the probability to go over a limit."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from recmeta.algorithms import get
from recmeta.metalearning.costs import (
    LEAST_BYTES,
    LEAST_SECONDS,
    MIN_SPREAD,
    CostModel,
    Expected,
    fit_costs,
)

SHAPE = (5000, 2000, 300_000)
FREE = {"status": "ok", "fit_s": np.nan, "total_s": np.nan, "peak_mb": np.nan}


def knows(make, runs):
    """A meta-data set with these runs, all on problems of SHAPE."""
    known = make(lambda x: np.full((len(x), 3), 0.2))
    sizes = dict(zip(("n_users", "n_items", "nnz"), SHAPE, strict=True))
    table = pd.DataFrame([FREE | run for run in runs])
    table["params"] = [json.dumps(params) for params in table["params"]]
    table["problem"] = np.arange(len(table)) % known.n_problems
    return replace(known, runs=table, problems=known.problems.assign(**sizes))


def took(factor, spread=0.0, n=9, algorithm="EASE", **more):
    """Runs that took ``factor`` times what cost() says, times exp(+-spread)."""
    cost = get(algorithm).cost(*SHAPE)
    scatter = np.exp(spread * np.linspace(-1, 1, n))
    return [
        {"algorithm": algorithm, "params": {}}
        | {"fit_s": factor * cost.seconds * s, "peak_mb": factor * cost.bytes * s / 2**20}
        | more
        for s in scatter
    ]


def test_without_a_run_it_is_what_cost_says():
    expected = CostModel({}, {}).predict("EASE", {"l2": 5.0}, SHAPE)
    cost = get("EASE").cost(*SHAPE, l2=5.0)
    assert (expected.seconds, expected.bytes) == (cost.seconds, cost.bytes)
    assert expected.spread_seconds == pytest.approx(np.log(3))


@pytest.mark.parametrize("factor", [0.2, 1.0, 7.0])
def test_the_median_of_the_runs_corrects_what_cost_says(make, factor):
    costs = fit_costs(knows(make, [*took(factor, 0.1), *took(400 * factor, n=2)]))
    expected, cost = costs.predict("EASE", {}, SHAPE), get("EASE").cost(*SHAPE)
    assert expected.seconds == pytest.approx(factor * cost.seconds, rel=0.1)
    assert expected.bytes == pytest.approx(factor * cost.bytes, rel=0.1)
    other = costs.predict("ItemKNN", {}, SHAPE)
    assert other.seconds == get("ItemKNN").cost(*SHAPE).seconds


def test_a_correction_is_a_factor_for_other_sizes_and_parameters_too(make):
    costs = fit_costs(knows(make, took(4.0, algorithm="BPR")))
    small = (100, 50, 30_000)
    expected = costs.predict("BPR", {"n_factors": 16}, small)
    cost = get("BPR").cost(*small, n_factors=16)
    assert expected.seconds == pytest.approx(4 * cost.seconds)


def test_scatter_of_the_runs_is_the_spread_and_never_less_than_another_machine_makes(make):
    rng = np.random.default_rng(0)
    runs = [run for s in rng.normal(0, 1.2, 400) for run in took(np.exp(s), n=1)]
    wide = fit_costs(knows(make, runs)).seconds["EASE"]
    assert wide.spread == pytest.approx(1.2, rel=0.15)
    assert fit_costs(knows(make, took(2.0))).seconds["EASE"].spread == MIN_SPREAD


def test_a_stopped_run_says_that_it_took_at_least_so_long(make):
    cost = get("EASE").cost(*SHAPE)
    late = {"algorithm": "EASE", "params": {}, "status": "timeout", "peak_mb": 1.0}
    slow = [late | {"total_s": 2 * 50 * cost.seconds} for _ in range(5)]
    assert fit_costs(knows(make, slow)).seconds["EASE"].shift == pytest.approx(np.log(50))
    # stopped sooner than it should have taken: nothing is known from that
    early = [late | {"total_s": 0.02 * cost.seconds} for _ in range(5)]
    assert "EASE" not in fit_costs(knows(make, early)).seconds
    assert "EASE" not in fit_costs(knows(make, slow)).bytes


def test_what_is_too_small_to_measure_is_not_corrected_to_nothing(make):
    tiny = [{"algorithm": "TopPopular", "params": {}, "fit_s": 0.0, "peak_mb": 0.0}]
    known = knows(make, tiny)
    expected = fit_costs(known).predict("TopPopular", {}, (3, 2, 4))
    assert 0 < expected.seconds <= LEAST_SECONDS
    assert 0 < expected.bytes <= LEAST_BYTES


def test_the_probability_to_go_over_is_that_of_a_log_normal():
    expected = Expected(seconds=10, bytes=2**30, spread_seconds=0.5, spread_bytes=1.0)
    assert expected.p_over(None, None) == 0
    assert expected.p_over(10, None) == pytest.approx(0.5)
    assert expected.p_over(10 * np.e, None) == pytest.approx(norm.sf(2))
    assert expected.p_over(None, 2**30) == pytest.approx(0.5)
    assert expected.p_over(10, 2**30) == pytest.approx(0.75)
    assert expected.p_over(0, None) == pytest.approx(1)
    draws = 10 * np.exp(0.5 * np.random.default_rng(0).normal(size=20_000))
    assert expected.p_over(7, None) == pytest.approx((draws > 7).mean(), abs=0.015)


def test_the_corrected_costs_of_the_shipped_set_are_nearer_to_what_runs_took(shipped):
    costs = fit_costs(shipped)
    runs = shipped.runs[shipped.runs["status"] == "ok"].sample(400, random_state=0)
    errors = []
    for run in runs.to_dict("records"):
        row = shipped.problems.iloc[run["problem"]]
        shape = (int(row["n_users"]), int(row["n_items"]), int(row["nnz"]))
        params, taken = json.loads(run["params"]), max(run["fit_s"], LEAST_SECONDS)
        promised = max(get(run["algorithm"]).cost(*shape, **params).seconds, LEAST_SECONDS)
        corrected = max(costs.predict(run["algorithm"], params, shape).seconds, LEAST_SECONDS)
        errors.append([abs(np.log(one / taken)) for one in (promised, corrected)])
    promised, corrected = np.median(errors, axis=0)
    assert corrected < promised
    assert corrected < np.log(2)
