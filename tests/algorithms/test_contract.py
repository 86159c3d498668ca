"""Every algorithm keeps the contract, and the suite catches those who don't."""

from typing import ClassVar

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms import BPR, EASE, Recommender, TopPopular, all_algorithms
from recmeta.testing import CHECKS, check_recommender

ALGORITHMS = all_algorithms()


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_keeps_the_contract(name, check):
    algorithm = ALGORITHMS[name]
    if check in algorithm.exceptions:
        pytest.skip(algorithm.exceptions[check])
    CHECKS[check](algorithm(**algorithm.tiny))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_exceptions_name_checks_and_give_reasons(name):
    for check, reason in ALGORITHMS[name].exceptions.items():
        assert check.startswith("check_")
        assert len(reason) > 10


class Popular(TopPopular):
    """Right by itself: each class below breaks one rule of it."""

    def __init__(self) -> None:
        pass


class DefaultOutsideSpace(EASE):
    def __init__(self, l2: float = 0.0) -> None:
        self.l2 = l2


class WorksInInit(Popular):
    def __init__(self) -> None:
        self.ready = True


class RecommendsSeen(Popular):
    def recommend(self, X, k=10, *, users=None, exclude_seen=True, exclude=None):
        return super().recommend(X, k, users=users, exclude_seen=False, exclude=exclude)


class IgnoresExclude(Popular):
    def recommend(self, X, k=10, *, users=None, exclude_seen=True, exclude=None):
        return super().recommend(X, k, users=users, exclude_seen=exclude_seen)


class WorstFirst(Popular):
    def recommend(self, X, k=10, **options):
        items, scores = super().recommend(X, k, **options)
        return items[:, ::-1], scores[:, ::-1]


class DependsOnPlace(Popular):
    def _scores(self, X, users):
        return super()._scores(X, users) * np.arange(1, X.shape[0] + 1)[:, None]


class Remembers(Popular):
    def _fit(self, X: csr_array) -> None:
        self.calls_ = getattr(self, "calls_", 0) + 1
        super()._fit(X)

    def _scores(self, X, users):
        return super()._scores(X, users) * self.calls_


class NeverTheSame(Popular):
    def _scores(self, X, users):
        return np.random.default_rng().random(X.shape, dtype=np.float32)


class ChangesItsInput(Popular):
    def _fit(self, X: csr_array) -> None:
        super()._fit(X)
        X.data *= 2


class ClaimsToBePersonal(Popular):
    personal = True


class Declared(ClaimsToBePersonal):
    exceptions: ClassVar[dict[str, str]] = {"check_checkerboard": "one order for all users"}


class ForgetsNewUsers(Popular):
    def _scores(self, X, users):
        return super()._scores(X, users) * (users >= 0)[:, None]


class CannotBePickled(Popular):
    def __getstate__(self):
        raise AssertionError("no pickle")


class LearnsAList(Popular):
    def _fit(self, X: csr_array) -> None:
        super()._fit(X)
        self.names_ = ["a"]


class DividesByZero(Popular):
    def _scores(self, X, users):
        scores = super()._scores(X, users)
        scores[np.diff(X.indptr) == 0] = np.inf
        return scores


class TakesAnything(Popular):
    def _check(self, X, *, reset):
        return csr_array(np.abs(np.nan_to_num(csr_array(X).toarray(), posinf=1.0)))

    def fit(self, X, y=None, **features):
        self._fit(self._check(X, reset=True))
        return self


class ForgetsWhenItStops(BPR):
    def _prepared(self, X):
        self.item_factors_ = self.item_factors_ * 0.5
        return super()._prepared(X)


class CostsNothing(Popular):
    @classmethod
    def cost(cls, n_users, n_items, nnz, **params):
        return super().cost(1, 1, 1)


BROKEN = {
    "check_defaults_lie_in_the_space": DefaultOutsideSpace,
    "check_init_only_stores": WorksInInit,
    "check_recommends_only_new_items": RecommendsSeen,
    "check_leaves_out_what_is_excluded": IgnoresExclude,
    "check_lists_are_sorted_and_padded_at_the_end": WorstFirst,
    "check_batching_does_not_matter": DependsOnPlace,
    "check_refit_equals_a_fresh_fit": Remembers,
    "check_same_seed_same_answer": NeverTheSame,
    "check_input_is_unchanged": ChangesItsInput,
    "check_checkerboard": ClaimsToBePersonal,
    "check_empty_user": DividesByZero,
    "check_unseen_user": ForgetsNewUsers,
    "check_pickles": CannotBePickled,
    "check_its_state_is_plain_arrays": LearnsAList,
    "check_extreme_inputs": DividesByZero,
    "check_bad_values_are_refused": TakesAnything,
    "check_training_goes_on_where_it_stopped": ForgetsWhenItStops,
    "check_cost_is_finite_and_grows": CostsNothing,
}


@pytest.mark.parametrize("check", BROKEN)
def test_the_suite_catches_who_breaks_a_rule(check):
    with pytest.raises((AssertionError, TypeError)):
        CHECKS[check](BROKEN[check]())


def test_what_breaks_one_rule_keeps_the_others_so_that_the_right_check_speaks():
    CHECKS["check_recommends_only_new_items"](Popular())
    CHECKS["check_same_seed_same_answer"](Popular())


def test_a_declared_exception_is_passed_over():
    check_recommender(Declared)
    with pytest.raises(AssertionError, match="withheld item comes first"):
        check_recommender(ClaimsToBePersonal)


def test_the_suite_takes_instances_of_the_users_own_algorithm():
    check_recommender(EASE(l2=20.0))
    assert isinstance(EASE(), Recommender)
