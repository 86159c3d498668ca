"""The two frameworks on tables of curves: epochs are counted, and crossing curves are seen."""

import numpy as np
import pytest

from recmeta.predictors import CurveTrees, LastValue
from recmeta.predictors.termination import chance_of_beating, hopeless
from recmeta.search.extrapolation import extrapolate_then_train, regret, single_fidelity, table_of


def crossing(n=80, t=20, seed=0):
    """Half of the curves begin high and fall, half begin low and rise: X says nothing of it."""
    rng = np.random.default_rng(seed)
    rises = rng.random((n, 1)) < 0.5
    steps = np.arange(1, t + 1)
    curves = rng.random((n, 1)) + np.where(rises, steps / 10, 1 - steps / 40)
    return np.zeros((n, 1)), curves


class Counting:
    """Trains go on from where they stopped: the epochs that were really run."""

    def __init__(self, curves):
        self.curves, self.done = curves, np.zeros(len(curves), dtype=int)

    def __call__(self, candidate, epochs):
        self.done[candidate] = max(self.done[candidate], epochs)
        return self.curves[candidate, :epochs]


def test_single_fidelity_spends_its_budget_on_the_first_candidates():
    _, curves = crossing()
    train = Counting(curves)
    spent = single_fidelity(range(80), train, horizon=20, budget=210)
    assert spent.n_epochs == train.done.sum() == 200
    assert spent.best == curves[:10, -1].argmax()
    assert spent.value == curves[spent.best, -1]
    assert np.isnan(spent.curves[10:]).all()


def test_epochs_of_extrapolation_are_those_that_were_run():
    X, curves = crossing()
    train, predictor = Counting(curves), LastValue()
    spent = extrapolate_then_train(
        range(80), train, predictor, X, horizon=20, few=4, n_known=10, n_full=5
    )
    assert vars(predictor) == vars(LastValue())  # not changed
    assert spent.n_epochs == train.done.sum() == 10 * 20 + 70 * 4 + 5 * 16
    picked = 10 + np.argsort(-curves[10:, 3])[:5]
    np.testing.assert_array_equal(np.flatnonzero(train.done == 20), [*range(10), *sorted(picked)])


@pytest.mark.parametrize("sign", [1, -1])
def test_a_predictor_that_learns_finds_the_curves_that_rise(sign):
    X, curves = crossing()
    regrets = {}
    for kind in (LastValue, CurveTrees):
        spent = extrapolate_then_train(
            range(80),
            table_of(sign * curves),
            kind(),
            X,
            horizon=20,
            few=4,
            n_known=20,
            n_full=5,
            larger_is_better=sign > 0,
        )
        best = (sign * curves[:, -1]).max() if sign > 0 else (sign * curves[:, -1]).min()
        regrets[kind] = regret(spent, best, larger_is_better=sign > 0)
    single = single_fidelity(
        range(80),
        table_of(sign * curves),
        horizon=20,
        budget=spent.n_epochs,
        larger_is_better=sign > 0,
    )
    assert 0 <= regrets[CurveTrees] <= regrets[LastValue]
    assert regrets[CurveTrees] <= regret(single, best, larger_is_better=sign > 0)
    assert regrets[CurveTrees] < 0.05


def test_what_diverges_is_last():
    X, curves = crossing(20)
    curves[::2, 5:] = np.nan
    curves[1, 8:] = np.inf
    spent = extrapolate_then_train(
        range(20), table_of(curves), LastValue(), X, horizon=20, few=10, n_known=6, n_full=4
    )
    assert np.isfinite(spent.value)
    assert spent.best % 2 == 1
    assert spent.best != 1
    none = single_fidelity([0, 2], table_of(curves), horizon=20, budget=40)
    assert none.value == -np.inf


def test_numbers_that_do_not_fit_are_said():
    X, curves = crossing(5)
    with pytest.raises(ValueError, match="enough to train one candidate"):
        single_fidelity(range(5), table_of(curves), horizon=20, budget=19)
    with pytest.raises(ValueError, match="0 < few < horizon"):
        extrapolate_then_train(
            range(5), table_of(curves), LastValue(), X, horizon=20, few=20, n_known=2, n_full=1
        )
    with pytest.raises(ValueError, match="must give 30 values"):
        single_fidelity(range(5), table_of(curves), horizon=30, budget=60)


def test_hopeless_is_a_chance_below_five_percent():
    mean, std = np.array([0.5, 0.6, 0.8]), np.array([0.1, 0.1, 0.1])
    draws = np.random.default_rng(0).normal(mean, std, size=(100_000, 3))
    chances = chance_of_beating(mean, std, 0.7)
    np.testing.assert_allclose(chances, (draws > 0.7).mean(axis=0), atol=0.01)
    np.testing.assert_array_equal(hopeless(mean, std, 0.7), [True, False, False])
    losses = chance_of_beating(-mean, std, -0.7, larger_is_better=False)
    np.testing.assert_allclose(losses, chances)
