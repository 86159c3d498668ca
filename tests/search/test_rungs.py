"""Successive halving, Hyperband and ASHA against the published schedules."""

import math
from itertools import pairwise

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution

from recmeta.architectures.nas_bench_201 import NasBench201
from recmeta.search import Proposal, Strategy, Trial
from recmeta.search.asha import ASHA
from recmeta.search.configurations import ConfigurationSpace
from recmeta.search.hyperband import Hyperband
from recmeta.search.loop import search
from recmeta.search.regularised_evolution import RegularisedEvolution
from recmeta.search.successive_halving import SuccessiveHalving

CELLS = NasBench201()


def value(candidate: tuple[int, ...], fidelity: float) -> float:
    return float(np.dot(candidate, 5.0 ** np.arange(6))) * fidelity


def test_hyperband_has_the_brackets_of_table_1() -> None:
    # Li et al. 2018, table 1: R = 81, eta = 3
    brackets = Hyperband(min_fidelity=1 / 81).brackets()
    assert [one.sizes for one in brackets] == [
        (81, 27, 9, 3, 1), (34, 11, 3, 1), (15, 5, 1), (8, 2), (5,)
    ]  # fmt: skip
    assert [round(81 * one.fidelities[0]) for one in brackets] == [1, 3, 9, 27, 81]
    assert all(one.fidelities[-1] == 1.0 for one in brackets)


def test_a_bracket_halves_and_keeps_the_best() -> None:
    trials = search(CELLS, SuccessiveHalving(n_first=9, min_fidelity=1 / 9), value, 26, k=4)
    rungs = [round(9 * one.fidelity) for one in trials]
    assert rungs == [1] * 9 + [3] * 3 + [9] + [1] * 9 + [3] * 3 + [9]
    first, second, last = trials[:9], trials[9:12], trials[12]
    best = sorted(first, key=lambda one: -one.value)[:3]
    assert [one.candidate for one in second] == [one.candidate for one in best]
    assert last.candidate == best[0].candidate


def test_a_rung_waits_for_its_last_trial() -> None:
    strategy = SuccessiveHalving(n_first=3, min_fidelity=1 / 3)
    rng = np.random.default_rng(0)
    begun = strategy.propose(CELLS, [], rng, k=10)
    assert len(begun) == 3
    done = [Trial(one.candidate, 1.0, one.fidelity) for one in begun[:2]]
    assert strategy.propose(CELLS, done, rng, k=10, pending=begun[2:]) == []
    done.append(Trial(begun[2].candidate, 2.0, begun[2].fidelity))
    assert strategy.propose(CELLS, done, rng, k=10) == [Proposal(begun[2].candidate, 1.0)]


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (SuccessiveHalving(), [1] * 8 + [3] * 2 + [9, 27]),
        (Hyperband(), [1] * 8 + [3] * 2 + [9, 27]),
        (ASHA(), [1] * 8 + [3] * 2 + [9, 27]),
        (SuccessiveHalving(n_first=6, min_fidelity=1 / 3), [9] * 6 + [27] * 2 + [9] * 2 + [27]),
    ],
)
@pytest.mark.parametrize("k", [1, 3])
def test_a_bracket_goes_on_with_what_a_small_space_has(
    strategy: Strategy, expected: list[int], k: int
) -> None:
    eight = ConfigurationSpace({"A": {"x": CategoricalDistribution(range(8))}})
    trials = search(eight, strategy, lambda arch, fidelity: float(arch[1]), 100, k=k)
    found = [round(27 * one.fidelity) for one in trials]
    assert (sorted(found) if isinstance(strategy, ASHA) else found) == expected
    assert max(one.candidate[1] for one in trials if one.fidelity == 1.0) == 7


def test_a_short_rung_waits_for_its_last_trial() -> None:
    two = ConfigurationSpace({"A": {"x": CategoricalDistribution(range(2))}})
    strategy, rng = SuccessiveHalving(n_first=9, min_fidelity=1 / 3), np.random.default_rng(0)
    begun = strategy.propose(two, [], rng, k=10)
    assert len(begun) == 2
    done = [Trial(begun[0].candidate, 1.0, begun[0].fidelity)]
    assert strategy.propose(two, done, rng, k=10, pending=begun[1:]) == []
    done.append(Trial(begun[1].candidate, 2.0, begun[1].fidelity))
    promoted = strategy.propose(two, done, rng, k=10)
    assert promoted == [Proposal(begun[1].candidate, 1.0)]
    assert strategy.propose(two, done, rng, k=10, pending=promoted) == []


def test_failed_candidates_are_promoted_last() -> None:
    strategy = SuccessiveHalving(n_first=3, min_fidelity=1 / 3)
    rng = np.random.default_rng(0)
    begun = strategy.propose(CELLS, [], rng, k=3)
    values = (math.nan, -5.0, math.nan)
    done = [
        Trial(one.candidate, value, one.fidelity) for one, value in zip(begun, values, strict=True)
    ]
    assert strategy.propose(CELLS, done, rng)[0].candidate == begun[1].candidate


def test_asha_promotes_the_best_third_and_else_starts_new_ones() -> None:
    strategy = ASHA(min_fidelity=1 / 9)
    low, middle, _ = 1 / 9, 1 / 3, 1.0
    rng = np.random.default_rng(0)
    cells = [(0, 0, 0, 0, 3, i) for i in range(5)]
    two = [Trial(cell, float(i), low) for i, cell in enumerate(cells[:2])]
    assert strategy.propose(CELLS, two, rng)[0].fidelity == low  # a third of two is nobody
    three = [*two, Trial(cells[2], 7.0, low)]
    assert strategy.propose(CELLS, three, rng) == [Proposal(cells[2], middle)]
    # who is being promoted is not promoted twice
    pending = [Proposal(cells[2], middle)]
    assert strategy.propose(CELLS, three, rng, pending=pending)[0].fidelity == low
    gone = [
        *three,
        *(Trial(cell, v, middle) for cell, v in zip(cells[:3], (1.0, 2.0, 3.0), strict=True)),
    ]
    assert strategy.propose(CELLS, gone, rng) == [Proposal(cells[2], 1.0)]


def test_asha_spends_about_as_much_on_each_rung() -> None:
    trials = search(CELLS, ASHA(min_fidelity=1 / 9), value, 130)
    counts = [sum(one.fidelity == rung for one in trials) for rung in (1 / 9, 1 / 3, 1.0)]
    # a promotion is not taken back when better ones come later, so a few more than a third go on
    for rung, above in pairwise(counts):
        assert rung // 3 <= above <= 1.5 * rung / 3


def test_an_inner_strategy_proposes_the_new_candidates() -> None:
    inner = RegularisedEvolution(n_initial=5, n_tournament=50)

    def best(strategy: ASHA) -> float:
        runs = [search(CELLS, strategy, lambda c, f: sum(c) * f, 120, seed=s) for s in range(5)]
        return float(np.mean([max(one.value for one in trials) for trials in runs]))

    assert best(ASHA(min_fidelity=1 / 3, inner=inner)) > best(ASHA(min_fidelity=1 / 3)) + 1


def test_an_inner_strategy_sees_values_of_one_fidelity_and_repeats_no_other() -> None:
    seen: list[tuple[list[Trial], list[Proposal]]] = []

    class Watched(RegularisedEvolution):
        def propose(self, space, trials, rng, *, k=1, pending=()):  # type: ignore[no-untyped-def]
            seen.append((list(trials), list(pending)))
            return super().propose(space, trials, rng, k=k, pending=pending)

    trials = search(CELLS, ASHA(min_fidelity=1 / 3, inner=Watched()), value, 60)
    assert all(len({one.fidelity for one in known}) <= 1 for known, _ in seen)
    known, others = seen[-1]
    assert {one.candidate for one in [*known, *others]} >= {one.candidate for one in trials[:-2]}
    assert known[0].fidelity == 1.0


@pytest.mark.parametrize(("min_fidelity", "eta"), [(0.0, 3.0), (1.5, 3.0), (0.1, 1.0)])
def test_illegal_rungs_are_refused(min_fidelity: float, eta: float) -> None:
    with pytest.raises(ValueError, match=r"min_fidelity in \(0, 1\] and eta above 1 are needed"):
        ASHA(min_fidelity=min_fidelity, eta=eta).propose(CELLS, [], np.random.default_rng(0))
