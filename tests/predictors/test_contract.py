"""Every predictor keeps the contract."""

import numpy as np
import pytest
from sklearn.base import clone

from recmeta.predictors import Predictor, all_predictors, get, lacking
from recmeta.registry import UnknownNameError

PREDICTORS = {name: kind for name, kind in all_predictors().items() if not lacking(kind)}
N, NEW = 30, 12

each_predictor = pytest.mark.parametrize("name", PREDICTORS)


def problem(seed=0):
    """A smooth function of three columns, with curves, proxies (some missing) and a task."""
    rng = np.random.default_rng(seed)
    X = rng.random((N + NEW, 3))
    y = 2 * X[:, 0] - X[:, 1] + 0.1 * rng.normal(size=N + NEW)
    curves = y[:, None] - 1 / np.arange(2, 7) + 0.05 * rng.normal(size=(N + NEW, 5))
    proxies = np.column_stack([np.exp(5 * y), rng.normal(size=N + NEW)])
    proxies[::7, 0] = np.nan
    sides = {"curves": curves, "proxies": proxies, "task": rng.normal(size=(N + NEW, 2))}
    known = {key: value[:N] for key, value in sides.items()}
    new = {key: value[N:] for key, value in sides.items()}
    return X[:N], y[:N], known, X[N:], new


def made(name, **params) -> Predictor:
    return PREDICTORS[name](**{**PREDICTORS[name].tiny, **params})


def only_needed(name, sides):
    return {key: value for key, value in sides.items() if key in PREDICTORS[name].needs}


@pytest.fixture(autouse=True)
def _exceptions(request):
    name = request.node.callspec.params.get("name") if hasattr(request.node, "callspec") else None
    test = request.node.originalname
    if name and test in PREDICTORS[name].exceptions:
        pytest.skip(PREDICTORS[name].exceptions[test])


def test_exceptions_name_tests_and_give_reasons():
    for kind in PREDICTORS.values():
        for test, reason in kind.exceptions.items():
            assert test in globals()
            assert len(reason) > 10


@each_predictor
def test_mean_and_deviation_are_finite_and_the_deviation_is_positive(name):
    X, y, known, new_X, new = problem()
    for sides, new_sides in ((known, new), (only_needed(name, known), only_needed(name, new))):
        mean, std = made(name).fit(X, y, **sides).predict(new_X, **new_sides)
        assert mean.shape == std.shape == (NEW,)
        assert mean.dtype == std.dtype == np.float64
        assert np.isfinite(mean).all()
        assert np.isfinite(std).all()
        assert (std > 0).all()


@each_predictor
def test_init_only_stores_and_clone_keeps_parameters(name):
    model = made(name)
    assert set(vars(model)) == set(model.get_params(deep=False))
    assert clone(model).get_params(deep=False).keys() == model.get_params(deep=False).keys()
    assert model.set_params(**model.get_params(deep=False)) is model


@each_predictor
def test_reads_names_arguments(name):
    assert PREDICTORS[name].reads <= {"curves", "proxies", "task"}


@each_predictor
def test_the_seed_decides(name):
    X, y, known, new_X, new = problem()
    first = made(name).fit(X, y, **known).predict(new_X, **new)
    again = made(name).fit(X, y, **known).predict(new_X, **new)
    np.testing.assert_array_equal(first, again)


@each_predictor
def test_rows_that_are_groups_of_their_own_are_rows(name):
    X, y, known, new_X, new = problem()
    first = made(name).fit(X, y, **known).predict(new_X, **new)
    alone = made(name).fit(X, y, **known, groups=np.arange(N)).predict(new_X, **new)
    np.testing.assert_array_equal(first, alone)


@each_predictor
def test_a_second_fit_forgets_the_first(name):
    X, y, known, new_X, new = problem()
    other = problem(seed=1)
    model = made(name).fit(other[0][:, :2], other[1], **only_needed(name, other[2]))
    again = model.fit(X, y, **known).predict(new_X, **new)
    np.testing.assert_array_equal(made(name).fit(X, y, **known).predict(new_X, **new), again)


@each_predictor
def test_arguments_stay_as_they_are(name):
    given = problem()
    X, y, known, new_X, new = given
    arrays = [X, y, new_X, *known.values(), *new.values()]
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.setflags(write=False)
    made(name).fit(X, y, **known).predict(new_X, **new)
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


@each_predictor
def test_new_rows_do_not_know_one_another(name):
    X, y, known, new_X, new = problem()
    model = made(name).fit(X, y, **known)
    order = np.random.default_rng(3).permutation(NEW)
    mean, std = model.predict(new_X, **new)
    moved = model.predict(new_X[order], **{key: value[order] for key, value in new.items()})
    np.testing.assert_allclose(moved[0], mean[order], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(moved[1], std[order], rtol=1e-6, atol=1e-8)
    few = model.predict(new_X[:2], **{key: value[:2] for key, value in new.items()})
    np.testing.assert_allclose(few[0], mean[:2], rtol=1e-6, atol=1e-8)


@each_predictor
def test_units_of_y_do_not_matter(name):
    X, y, known, new_X, new = problem()
    mean, std = made(name).fit(X, y, **known).predict(new_X, **new)
    # a curve has the units of y; powers of two: no rounding that a tree could split by
    scaled, scaled_new = ({**sides, "curves": sides["curves"] * 64} for sides in (known, new))
    mean_64, std_64 = made(name).fit(X, y * 64, **scaled).predict(new_X, **scaled_new)
    np.testing.assert_allclose(mean_64 / 64, mean, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(std_64 / 64, std, rtol=1e-2, atol=1e-3)


@each_predictor
def test_the_origin_of_y_does_not_matter(name):
    X, y, known, new_X, new = problem()
    known, new = only_needed(name, known), only_needed(name, new)
    mean, std = made(name).fit(X, y, **known).predict(new_X, **new)
    moved, moved_new = (
        {key: value + 8 if key == "curves" else value for key, value in sides.items()}
        for sides in (known, new)
    )
    mean_8, std_8 = made(name).fit(X, y + 8, **moved).predict(new_X, **moved_new)
    np.testing.assert_allclose(mean_8 - 8, mean, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(std_8, std, rtol=1e-2, atol=1e-3)


@each_predictor
def test_a_function_of_what_it_reads_is_learned(name):
    X, y, known, new_X, new = problem()
    rng = np.random.default_rng(0)
    mean, _ = made(name).fit(X, y, **known).predict(new_X, **new)
    fresh = 2 * new_X[:, 0] - new_X[:, 1]
    assert np.corrcoef(mean, fresh)[0, 1] > 0.6
    shuffled, _ = made(name).fit(X, rng.permutation(y), **known).predict(new_X, **new)
    assert np.corrcoef(shuffled, fresh)[0, 1] < np.corrcoef(mean, fresh)[0, 1]


@each_predictor
def test_two_rows_equal_values_and_missing_values_do_no_harm(name):
    X, y, known, new_X, new = problem()
    two = {key: value[:2] for key, value in known.items()}
    for mean, std in (
        made(name).fit(X[:2], y[:2], **two).predict(new_X, **new),
        made(name).fit(X, np.full(N, 3.0), **known).predict(new_X, **new),
        made(name)
        .fit(X, y, **{**known, "proxies": np.full((N, 2), np.nan)})
        .predict(new_X, **{**new, "proxies": np.full((NEW, 2), np.nan)}),
    ):
        assert np.isfinite(mean).all()
        assert np.isfinite(std).all()
        assert (std > 0).all()


@each_predictor
def test_equal_values_are_predicted(name):
    X, _, known, new_X, new = problem()
    mean, std = made(name).fit(X, np.full(N, 3.0), **known).predict(new_X, **new)
    np.testing.assert_allclose(mean, 3.0, atol=1e-3)
    assert (std < 0.1).all()


@each_predictor
def test_what_cannot_be_learned_from_is_named(name):
    X, y, known, new_X, new = problem()
    model, one = made(name), {key: value[:1] for key, value in known.items()}
    with pytest.raises(ValueError, match="two candidates"):
        model.fit(X[:1], y[:1], **one)
    with pytest.raises(ValueError, match="y has values that are not finite"):
        model.fit(X, np.where(np.arange(N) == 3, np.nan, y), **known)
    with pytest.raises(ValueError, match="y must be"):
        model.fit(X, y[:-1], **known)
    with pytest.raises(ValueError, match="X"):
        model.fit(X[:, 0], y, **known)
    model.fit(X, y, **known)
    if "proxies" in model.reads:
        with pytest.raises(ValueError, match="proxies"):
            model.predict(new_X, **{**new, "proxies": None})


@each_predictor
def test_a_predictor_without_training_says_so(name):
    with pytest.raises(ValueError, match="fit"):
        made(name).predict(problem()[3])


@each_predictor
def test_it_is_found_by_name(name):
    assert get(name.lower()) is PREDICTORS[name]


def test_a_name_that_there_is_none_of_lists_those_there_are():
    with pytest.raises(UnknownNameError, match="RandomForest"):
        get("CrystalBall")
