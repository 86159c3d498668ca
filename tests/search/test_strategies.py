"""What holds for every strategy, and what each of them does on spaces whose answer is known."""

import inspect
import math
from collections import Counter
from zlib import crc32

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from recmeta.architectures.nas_bench_201 import NasBench201
from recmeta.predictors.random_forest import RandomForest
from recmeta.search import Strategy, Trial, all_strategies, get, incumbent
from recmeta.search.acquisition import thompson
from recmeta.search.bananas import BANANAS
from recmeta.search.configurations import ConfigurationSpace
from recmeta.search.local_search import LocalSearch
from recmeta.search.loop import search
from recmeta.search.npenas import NPENAS
from recmeta.search.random_search import RandomSearch
from recmeta.search.regularised_evolution import RegularisedEvolution

CELLS = NasBench201()
KNOBS = ConfigurationSpace({
    "A": {"x": FloatDistribution(0.1, 10.0, log=True), "n": IntDistribution(1, 9)},
    "B": {"kind": CategoricalDistribution(["red", "green"]), "y": FloatDistribution(-1.0, 1.0)},
})  # fmt: skip
SPACES = {"cells": CELLS, "configurations": KNOBS}
STRATEGIES = sorted(all_strategies())


GUIDED = ["LocalSearch", "RegularisedEvolution", "BANANAS", "NPENAS", "TPE"]


def made(name: str) -> Strategy:
    kind = get(name)
    names = inspect.signature(kind).parameters
    small: dict[str, object] = {"n_initial": 4} if "n_initial" in names else {}
    small |= {"min_fidelity": 1 / 9} if "min_fidelity" in names else {}
    small |= {"n_first": 9} if "n_first" in names else {}
    small |= {"predictor": RandomForest(n_trees=5)} if "predictor" in names else {}
    return kind(**small)


def value(candidate: tuple[object, ...], fidelity: float = 1.0) -> float:
    """A number that the candidate decides, smooth in its entries."""
    if candidate[0] == "A":
        return -abs(math.log(candidate[1])) - abs(candidate[2] - 5)
    if candidate[0] == "B":
        return 1.0 + candidate[2] if candidate[1] == "green" else -1.0
    return float(sum(candidate))


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("name", STRATEGIES)
class TestEveryStrategy:
    def test_never_proposes_what_is_known_or_pending(self, name: str, space: str) -> None:
        here, strategy = SPACES[space], made(name)
        rng = np.random.default_rng(0)
        trials: list[Trial] = []
        for _ in range(8):
            first = strategy.propose(here, trials, rng, k=3)
            second = strategy.propose(here, trials, rng, k=3, pending=first)
            batch = [*first, *second]
            keys = [(here.canonical(one.candidate), one.fidelity) for one in batch]
            known = {(here.canonical(one.candidate), one.fidelity) for one in trials}
            assert len(set(keys)) == len(keys)
            assert not known & set(keys)
            trials += [Trial(one.candidate, value(one.candidate), one.fidelity) for one in batch]

    def test_the_same_trials_and_seed_give_the_same_proposals(self, name: str, space: str) -> None:
        here = SPACES[space]
        whole = search(here, made(name), value, 20, k=2, seed=3)
        half = search(here, made(name), value, 10, k=2, seed=3)
        assert search(here, made(name), value, 20, k=2, trials=half, seed=3) == whole
        other = search(here, made(name), value, 20, k=2, seed=4)
        assert [one.candidate for one in other] != [one.candidate for one in whole]

    def test_failed_trials_are_survived(self, name: str, space: str) -> None:
        here = SPACES[space]
        trials = search(here, made(name), lambda candidate, fidelity: math.nan, 25, k=5)
        assert len(trials) == 25
        some = search(here, made(name), _fails_at_times, 40, k=5)
        assert len(some) == 40

    def test_a_small_space_is_exhausted_without_an_error(self, name: str, space: str) -> None:
        two = ConfigurationSpace({"B": {"kind": CategoricalDistribution(["red", "green"])}})
        trials = search(two, made(name), lambda candidate, fidelity: 0.0, 50)
        full = [one.candidate for one in trials if one.fidelity == trials[0].fidelity]
        assert Counter(full) == {("B", "red"): 1, ("B", "green"): 1}


def _fails_at_times(candidate: tuple[object, ...], fidelity: float) -> float:
    # hash() of a text is another one in each process
    return math.nan if crc32(repr(candidate).encode()) % 3 == 0 else value(candidate)


@pytest.mark.parametrize("name", GUIDED)
def test_a_guided_search_beats_a_random_one_on_a_sum(name: str) -> None:
    def best(strategy: Strategy) -> float:
        found = [search(CELLS, strategy, value, 60, k=10, seed=seed) for seed in range(3)]
        return float(np.mean([max(one.value for one in trials) for trials in found]))

    assert best(made(name)) > best(RandomSearch()) + 0.5


def test_random_search_draws_each_cell_as_often() -> None:
    first = Counter(
        RandomSearch().propose(CELLS, [], np.random.default_rng(seed))[0].candidate[0]
        for seed in range(1000)
    )
    assert all(
        abs(first[operation] - 200) < 4 * np.sqrt(1000 * 0.2 * 0.8) for operation in range(5)
    )


def test_local_search_stays_at_the_best_until_its_neighbours_are_known() -> None:
    centre = (3, 3, 3, 3, 3, 1)
    around = CELLS.neighbours(centre)
    trials = [Trial((0,) * 6, 0.0), Trial(centre, 9.0)]
    proposed = LocalSearch(n_initial=1).propose(CELLS, trials, np.random.default_rng(0), k=5)
    assert {one.candidate for one in proposed} <= set(around)
    trials += [Trial(one, 1.0) for one in around]
    later = LocalSearch(n_initial=1).propose(CELLS, trials, np.random.default_rng(0), k=1)
    assert any(later[0].candidate in CELLS.neighbours(one) for one in around)


def test_whole_numbers_of_a_short_range_have_neighbours() -> None:
    ranges = {"few": IntDistribution(1, 4), "even": IntDistribution(2, 6, step=2)}
    space = ConfigurationSpace({"A": ranges})
    around = space.neighbours(("A", 2, 6))
    assert Counter(around) == Counter([("A", 1, 6), ("A", 3, 6), ("A", 2, 4)])
    # so that a local search comes through the whole space
    trials = search(space, LocalSearch(n_initial=1), lambda arch, fidelity: -arch[1] * arch[2], 12)
    assert len({trial.candidate for trial in trials}) == 12


def test_the_oldest_dies_however_good_it_is() -> None:
    old = (4,) * 6
    trials = [Trial(old, 100.0), *(Trial((0, 0, 0, 0, 0, i % 5), float(i)) for i in range(30))]
    strategy = RegularisedEvolution(n_population=30, n_tournament=200)
    children = {
        strategy.propose(CELLS, trials, np.random.default_rng(seed))[0].candidate
        for seed in range(30)
    }
    winner = (0, 0, 0, 0, 0, 4)
    assert all(sum(a != b for a, b in zip(child, winner, strict=True)) == 1 for child in children)


def test_mutants_are_one_edit_from_a_trial_and_the_trials_are_not_changed() -> None:
    # NASLib's loop went on from the mutant: a random walk away from the parent (A.8.5)
    rng = np.random.default_rng(0)
    trials = [Trial(CELLS.sample(rng), float(i)) for i in range(12)]
    before = list(trials)
    for strategy in (BANANAS(n_candidates=200), NPENAS(n_candidates=200)):
        for one in strategy.propose(CELLS, trials, rng, k=200):
            distances = [
                sum(a != b for a, b in zip(one.candidate, trial.candidate, strict=True))
                for trial in trials
            ]
            assert min(distances) == 1
    assert trials == before


def test_the_incumbent_is_the_best_at_the_highest_fidelity() -> None:
    trials = [Trial("a", 9.0, 0.1), Trial("b", 1.0, 1.0), Trial("c", 2.0, 1.0)]
    best = incumbent([*trials, Trial("d", math.nan)])
    assert best is not None
    assert best.candidate == "c"
    assert incumbent([Trial("d", math.nan)]) is None


def test_proposals_carry_the_full_fidelity_where_there_are_no_rungs() -> None:
    for name in ("RandomSearch", *GUIDED):
        trials = search(CELLS, made(name), value, 12, k=3)
        assert {one.fidelity for one in trials} == {1.0}


def test_thompson_sampling_follows_one_function_of_the_posterior() -> None:
    strategy = BANANAS(predictor=RandomForest(n_trees=20), acquisition=thompson, n_initial=10)
    runs = [search(CELLS, strategy, value, 50, k=10, seed=seed) for seed in range(3)]
    best = np.mean([max(one.value for one in trials) for trials in runs])
    at_random = [search(CELLS, RandomSearch(), value, 50, seed=seed) for seed in range(3)]
    assert best > np.mean([max(one.value for one in trials) for trials in at_random])


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_search_goes_on_from_a_default_that_leaves_a_number_to_fit(name: str) -> None:
    space = ConfigurationSpace(
        {"A": {"x": FloatDistribution(0.0, 1.0), "n": IntDistribution(1, 9)}}
    )
    first = [Trial(("A", 0.5, None), 0.0)]
    trials = search(space, made(name), lambda arch, fidelity: arch[1], 12, trials=first)
    assert trials[0] == first[0]
    assert all(1 <= trial.candidate[2] <= 9 for trial in trials[1:] if trial.candidate[2])
    assert len(trials) == 12
