"""Simple predictors of a curve's end, and what all of them do with gaps and divergence."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau, linregress, norm, rankdata

from recmeta.predictors import BestValue, CurveTrees, LastValue, SumOfLosses
from recmeta.predictors._curve_features import curve_features
from recmeta.predictors._curve_scores import CurveScores
from recmeta.predictors._curve_trends import trend_features
from recmeta.predictors._curves import filled, lengths

TASKSET = Path(__file__).parents[3] / "shared" / "nas" / "taskset_learning_curves.npz"
NAN, INF = np.nan, np.inf


def rising(n=60, t=20, seed=0):
    """Exponential curves of different rates, with noise."""
    rng = np.random.default_rng(seed)
    X = rng.random((n, 2))
    steps = np.arange(1, t + 1)
    curves = X[:, :1] * (1 - np.exp(-(0.05 + 0.5 * X[:, 1:]) * steps))
    return X, curves + 0.01 * rng.normal(size=curves.shape)


def test_length_is_the_last_value_that_is_no_nan():
    curves = np.array([[1, NAN, 2, NAN], [NAN] * 4, [1, 2, 3, 4], [NAN, INF, NAN, NAN]])
    np.testing.assert_array_equal(lengths(curves), [3, 0, 4, 2])


def test_a_gap_has_the_value_before_and_divergence_the_worst_known():
    curves = np.array([[NAN, 1, NAN, NAN, 2, NAN], [3, INF, NAN, -INF, NAN, NAN], [NAN] * 6])
    expected = [[1, 1, 1, 1, 2, NAN], [3, 9, 9, -5, NAN, NAN], [NAN] * 6]
    np.testing.assert_array_equal(filled(curves, -5.0, 9.0), expected)


@pytest.mark.parametrize("kind", [LastValue, BestValue, SumOfLosses, CurveTrees])
def test_curves_with_gaps_divergence_or_nothing_seen_get_finite_answers(kind):
    X, curves = rising()
    holes = curves.copy()
    holes[::3, 4] = NAN
    holes[1::7, 5:] = INF
    holes[2, :] = NAN
    y = np.clip(np.nan_to_num(holes[:, -1], nan=0.5), -1, 1)
    new = holes.copy()
    new[:, 10:] = NAN
    model = kind().fit(X, y, curves=holes)
    mean, std = model.predict(X, curves=new)
    assert np.isfinite(mean).all()
    assert np.isfinite(std).all()
    assert mean[2] == pytest.approx(y.mean())
    assert std[2] == pytest.approx(y.std())


def test_the_last_value_is_that_of_each_row_whatever_its_length():
    X, curves = rising(6)
    new = curves.copy()
    ends = np.array([1, 3, 3, 10, 20, 7])
    for row, end in enumerate(ends):
        new[row, end:] = NAN
    mean, _ = LastValue().fit(X, curves[:, -1], curves=curves).predict(X, curves=new)
    np.testing.assert_array_equal(mean, curves[np.arange(6), ends - 1])


def test_the_deviation_is_that_of_training_curves_of_the_same_length():
    X, curves = rising(200)
    model = LastValue().fit(X, curves[:, -1], curves=curves)
    for length in (2, 8, 15):
        _, std = model.predict(X[:3], curves=curves[:3, :length])
        errors = np.abs(curves[:, -1] - curves[:, length - 1])
        assert np.mean(errors <= std[0]) == pytest.approx(0.6827, abs=0.01)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_best_value_goes_up_or_down_as_is_said(sign):
    X, curves = rising(20)
    model = BestValue(larger_is_better=sign > 0).fit(X, sign * curves[:, -1], curves=sign * curves)
    mean, _ = model.predict(X, curves=sign * curves[:, :9])
    np.testing.assert_array_equal(mean, sign * curves[:, :9].max(axis=1))


def test_the_sum_of_losses_is_scipys_regression_on_it():
    X, curves = rising(40)
    line = linregress(curves[:, :7].sum(axis=1), curves[:, -1])
    model = SumOfLosses().fit(X, curves[:, -1], curves=curves)
    mean, _ = model.predict(X, curves=curves[:, :7])
    np.testing.assert_allclose(mean, line.intercept + line.slope * curves[:, :7].sum(axis=1))


def test_the_sum_over_the_last_step_ranks_as_the_last_value():
    X, curves = rising(40)
    mean, _ = SumOfLosses(window=1).fit(X, curves[:, -1], curves=curves).predict(X, curves=curves)
    np.testing.assert_array_equal(rankdata(mean), rankdata(curves[:, -1]))


def test_smoothed_losses_are_running_means():
    X, curves = rising(10)
    model = SumOfLosses(window=1, smoothing=0.6).fit(X, curves[:, -1], curves=curves)
    mean = curves[:, 0]
    for step in range(1, 20):
        mean = 0.6 * mean + 0.4 * curves[:, step]
    np.testing.assert_allclose(model._sums(curves), mean)


@pytest.mark.parametrize("t", [1, 2, 3, 4, 5, 6, 11])
def test_features_of_a_line_are_its_level_and_slope_at_any_length(t):
    features = curve_features(np.arange(t)[None, :] * 2.0 + 1)
    assert features.shape == (1, 25)
    assert features[0, 0] == 2 * t - 1
    slopes = features[0, 16:18]
    np.testing.assert_allclose(slopes, 2.0 if t > 1 else 0.0)


def test_scores_of_trees_are_normal_scores_of_ranks():
    X, curves = rising(30)
    model = CurveTrees(n_trees=5).fit(X, curves[:, -1], curves=curves)
    values = np.concatenate([curves.ravel(), curves[:, -1]])
    expected = norm.ppf(rankdata(values) / (len(values) + 1))
    np.testing.assert_allclose(model.scores_(values), expected)


@pytest.mark.parametrize("t", [1, 2, 3, 4, 6, 11])
def test_trends_of_a_line_lead_to_where_it_ends(t):
    scores = CurveScores.learned(np.arange(0.0, 200.0)[None, :], np.zeros(0))
    curves = np.arange(t)[None, :] * 2.0 + 1
    features = trend_features(curves, scores, 30)
    assert features.shape == (1, 28)
    level = curves[:, -3:].mean()
    ends = level + (2.0 if t > 1 else 0.0) * (30 - t) * np.array([0.1, 0.25, 0.5, 1.0])
    for start in (0, 8, 16):  # lines over the steps, of the last 3, 5 and all
        np.testing.assert_allclose(
            features[0, start : start + 4], scores(ends) - scores(level), atol=1e-12
        )
    assert (features[0, [24, 26]] == (50 if t > 1 else 0)).all()  # a line has no noise


def test_trends_over_logarithms_and_their_noise_are_those_of_least_squares():
    rng = np.random.default_rng(0)
    curves = rng.random((4, 9))
    scores = CurveScores.learned(curves, np.zeros(0))
    features = trend_features(curves, scores, 30)
    steps = np.arange(5, 10)
    for row, curve in enumerate(curves[:, -5:]):
        led = curve[-3:].mean() + 0.5 * linregress(np.log(steps), curve).slope * np.log(30 / 9)
        expected = scores(np.array(led)) - scores(np.array(curve[-3:].mean()))
        assert features[row, 14] == pytest.approx(expected)
        line = linregress(steps, curve)
        noise = (curve - line.intercept - line.slope * steps).std()
        assert features[row, 25] == pytest.approx(np.log(noise), abs=1e-4)
        assert features[row, 24] == pytest.approx(line.slope * np.sqrt(10) / noise, rel=1e-4)


def test_trends_do_not_depend_on_the_unit_and_end_with_the_curve():
    _, curves = rising(30)
    plain, scaled = (
        trend_features(unit[:, :8], CurveScores.learned(unit, unit[:, -1]), 20)
        for unit in (curves, 1000 * curves - 7)
    )
    scaled[:, [25, 27]] -= np.log(1000)
    np.testing.assert_allclose(plain, scaled, atol=1e-8)
    ended = trend_features(curves, CurveScores.learned(curves, curves[:, -1]), 20)
    assert (ended[:, :24] == 0).all()


def test_scores_lead_back_to_the_values_and_halves_grow_with_the_spread():
    _, curves = rising(30)
    scores = CurveScores.learned(curves, curves[:, -1])
    np.testing.assert_allclose(scores.inverse(scores(curves)), curves)
    mean, halves = scores.around(np.zeros(3), np.array([0.0, 0.5, 1.0]))
    assert mean == pytest.approx(np.median(scores.values), abs=1e-6)
    assert halves[0] == 0
    assert (np.diff(halves) > 0).all()


def test_trees_learn_that_curves_cross():
    rng = np.random.default_rng(1)
    kind = rng.random(150) < 0.5
    level = rng.random(150)
    # steep ones begin low and end high: the last value seen ranks the two kinds wrongly
    steps = np.arange(1, 21)
    curves = level[:, None] + np.where(kind[:, None], steps / 10, 1 - steps / 40)
    X = np.zeros((150, 1))
    model = CurveTrees(n_trees=50).fit(X[:100], curves[:100, -1], curves=curves[:100])
    mean, _ = model.predict(X[100:], curves=curves[100:, :6])
    assert kendalltau(mean, curves[100:, -1])[0] > 0.75
    assert kendalltau(curves[100:, 5], curves[100:, -1])[0] < 0.3


def test_trees_rank_losses_as_well_as_scores():
    X, curves = rising(80)
    taus = []
    for sign in (1, -1):
        model = CurveTrees(n_trees=50).fit(
            X[:50], sign * curves[:50, -1], curves=sign * curves[:50]
        )
        mean, _ = model.predict(X[50:], curves=sign * curves[50:, :4])
        taus.append(kendalltau(mean, sign * curves[50:, -1])[0])
    assert min(taus) > 0.8


@pytest.mark.skipif(not TASKSET.exists(), reason="needs the learning curves of TaskSet")
def test_trees_beat_the_last_value_on_a_task_of_taskset():
    # one of 12 tasks, one seed: benchmarks/curves.py has the table
    with np.load(TASKSET) as file:
        name = "imdb_patch128_LSTM128_avg_bs64"
        losses, X = file[f"{name}__valid"], np.log10(file[f"{name}__hp"])
    kept = np.isfinite(losses[:, :10]).all(axis=1)
    curves = np.log(np.clip(np.nan_to_num(losses[kept].astype(float), nan=INF), 1e-8, 10))
    order = np.random.default_rng(0).permutation(len(curves))
    X, curves = X[kept][order], curves[order]
    taus = {}
    for kind in (LastValue, CurveTrees):
        model = kind().fit(X[:100], curves[:100, -1], curves=curves[:100])
        mean, std = model.predict(X[100:], curves=curves[100:, :10])
        taus[kind] = kendalltau(mean, curves[100:, -1])[0]
        assert 0.55 < np.mean(np.abs(mean - curves[100:, -1]) <= std) < 0.9
    assert taus[CurveTrees] > taus[LastValue] + 0.01


def test_what_cannot_be_read_is_said():
    X, curves = rising(5)
    with pytest.raises(ValueError, match="reads learning curves; pass curves="):
        LastValue().fit(X, curves[:, -1])
    with pytest.raises(ValueError, match="curves has 4 rows for 5 of X"):
        LastValue().fit(X, curves[:, -1], curves=curves[:4])
    with pytest.raises(ValueError, match="NaN alone"):
        LastValue().fit(X, curves[:, -1], curves=np.full((5, 3), NAN))
    with pytest.raises(ValueError, match="window=0"):
        SumOfLosses(window=0).fit(X, curves[:, -1], curves=curves)
    with pytest.raises(ValueError, match="smoothing=1"):
        SumOfLosses(smoothing=1).fit(X, curves[:, -1], curves=curves)
