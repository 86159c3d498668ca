"""What tuning proposes, from nothing but attempts."""

import math

from recmeta.algorithms import get
from recmeta.automl import Attempt
from recmeta.automl.tuning import PATIENCE, propose
from recmeta.space import contains


def attempt(algorithm, score, status="ok", **params):
    params = get(algorithm)().get_params() | params
    params.pop("random_state", None)
    return Attempt(algorithm, params, status, score, 0.1, 1e6)


def tuned(score_of, n, seed=0):
    """The attempts after n proposals for EASE, whose scores are a function of its l2."""
    attempts = [attempt("EASE", score_of(300.0), l2=300.0)]
    for _ in range(n):
        proposal = propose(attempts, seed)
        if proposal is None:
            break
        attempts.append(attempt(proposal[0], score_of(proposal[1]["l2"]), **proposal[1]))
    return attempts


def test_the_algorithm_of_those_still_in_the_race_that_was_tried_least_is_next():
    attempts = [attempt("EASE", 0.10), attempt("EASE", 0.09, l2=20.0), attempt("SLIM", 0.097)]
    assert propose([*attempts, attempt("PureSVD", 0.05)], 0)[0] == "SLIM"


def test_a_proposal_lies_in_the_space_and_keeps_what_has_no_range():
    attempts = [attempt("SLIM", 0.10, positive=False, n_neighbours=50), attempt("SLIM", 0.09)]
    _, params = propose(attempts, 0)
    assert contains(get("SLIM").space, params)
    assert params["positive"] is False
    assert params["n_neighbours"] == 50


def test_constants_of_a_space_that_is_no_more_do_not_lie_below_what_is_drawn():
    old = Attempt("IALS", {"l2": 0.1, "unobserved_weight": 0.9, "n_factors": 9}, "ok", 0.2, 1, 1)
    _, params = propose([old], 0)
    assert set(params) == set(get("IALS").space)
    _, params = propose([old, attempt("IALS", 0.1, exponent=0.2)], 0)
    assert (params["l2"], params["unobserved_weight"]) == (None, None)


def test_it_stops_where_nothing_better_has_come_for_long():
    best, worse = attempt("EASE", 0.1), attempt("EASE", 0.09, l2=20.0)
    assert propose([best] + [worse] * (PATIENCE - 1), 0) is not None
    assert propose([best] + [worse] * PATIENCE, 0) is None
    # what was on the list does not use patience up
    assert propose([best] + [worse] * PATIENCE, 0, n_listed=PATIENCE) is not None


def test_an_exhausted_algorithm_makes_room_for_another():
    every_one = [attempt("PureSVD", 0.1, n_factors=n) for n in range(1, 351)]
    proposal = propose([*every_one, *[attempt("EASE", 0.099)] * 400], 0, n_listed=750)
    assert proposal is not None
    assert proposal[0] == "EASE"


def test_there_is_nothing_to_propose_without_a_score_or_a_range():
    assert propose([], 0) is None
    assert propose([attempt("EASE", math.nan, status="oom")], 0) is None
    assert propose([attempt("TopPopular", 0.1)], 0) is None


def test_the_same_attempts_and_seed_give_the_same_proposal():
    attempts = tuned(lambda l2: 1 / (1 + math.log10(l2 / 50) ** 2), 8)
    assert propose(attempts, 3) == propose(attempts, 3)
    assert propose(attempts, 3) != propose(attempts, 4)


def test_it_comes_near_the_best_of_a_smooth_score():
    for seed in range(5):
        attempts = tuned(lambda l2: 1 / (1 + math.log10(l2 / 20) ** 2), 25, seed)
        best = max(attempts, key=lambda one: one.score)
        assert 10 < best.params["l2"] < 40  # the default, 300, is where it starts


def test_it_keeps_away_from_what_went_over_the_limits():
    # all that is above 1000 ends in a timeout: proposals there become rare
    attempts = [attempt("EASE", 0.1, l2=300.0)]
    for _ in range(24):
        _, params = propose(attempts, 0)
        over = params["l2"] > 1000
        score = math.nan if over else 0.1 + 1e-4 * len(attempts)
        attempts.append(attempt("EASE", score, status="timeout" if over else "ok", **params))
    late = [one.params["l2"] > 1000 for one in attempts[13:]]
    assert sum(late) <= len(late) / 4  # uniform draws of log l2 in 1..1e5 would be two fifths
