"""One task in this process: what of it needs no process of its own."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms import EASE
from recmeta.execution.fit import (
    _refuse_if_too_large,
    _share_of_users,
    find_algorithm,
    fit_one,
)
from recmeta.execution.task import Task


def test_a_lower_fidelity_fits_on_whole_histories_of_fewer_users(bundle, make_task):
    X = bundle.fold("validation").fit
    part = _share_of_users(X, make_task("Steady", fidelity=0.5))
    assert part.shape == X.shape
    counts, all_counts = np.diff(part.indptr), np.diff(X.indptr)
    kept = counts > 0
    np.testing.assert_array_equal(counts[kept], all_counts[kept])
    assert 0.25 < kept.mean() < 0.75
    assert (part[kept] != X[kept]).nnz == 0


@pytest.mark.parametrize(("params", "expected"), [({}, 5), ({"random_state": 2}, 2)])
def test_the_seed_is_the_random_state_unless_the_parameters_set_it(make_task, params, expected):
    result = fit_one(make_task("TellsItsSeed", seed=5, params=params))
    assert f"random_state is {expected}" in result.error


def test_vectors_over_users_are_kept_where_asked_for(bundle, make_task):
    result = fit_one(make_task("Steady", per_user=("ndcg@10",), parts=("test",)))
    vector = result.per_user["test"]["ndcg@10"].astype(np.float64)
    assert len(vector) == result.n_users["test"] == len(bundle.fold("test").rows)
    assert np.nanmean(vector) == pytest.approx(result.metrics["test"]["ndcg@10"], abs=1e-3)
    assert set(result.metrics) == {"test"}


@pytest.mark.parametrize(
    ("n_bytes", "said"),
    [(10, "GB needed, 10 bytes allowed$"), (10**9, "allowed; SANSA is for such a size$")],
)
def test_a_refusal_names_another_algorithm_where_that_would_not_be_refused(n_bytes, said):
    task = Task("", "shop", "k", "random", "EASE", memory_bytes=n_bytes)
    with pytest.raises(MemoryError, match=said):
        _refuse_if_too_large(EASE(), csr_array((10_000, 20_000)), task)


def test_an_unknown_algorithm_lists_the_known_ones(make_task):
    result = fit_one(replace(make_task("Steady"), algorithm="Eas"))
    assert result.status == "error"
    assert "no algorithm is named 'Eas'; there are:" in result.error
    assert "EASE" in result.error


def test_a_class_of_ones_own_must_be_a_recommender():
    with pytest.raises(TypeError, match="collections:OrderedDict must be a subclass of"):
        find_algorithm("collections:OrderedDict")


def test_an_iterative_algorithm_stops_where_validation_is_best(make_task):
    params = {"n_factors": 4, "n_epochs": 40}
    task = replace(make_task("Steady"), algorithm="BPR", params=params, stop_by="ndcg@10")
    result = fit_one(task)
    assert result.status == "ok", result.error
    curve = result.curve
    assert curve["epochs"][0] == 4  # measured ten times
    assert result.n_epochs == curve["epochs"][int(np.argmax(curve["values"]))]
    assert result.metrics["validation"]["ndcg@10"] == max(curve["values"])
    assert curve["seconds"] == sorted(curve["seconds"])
    alone = replace(task, params=params | {"n_epochs": result.n_epochs}, stop_by=None)
    assert fit_one(alone).metrics == result.metrics  # the test part trained for as many epochs
    assert alone.id != task.id


def test_what_has_no_epochs_is_fitted_whatever_is_watched(make_task):
    task = replace(make_task("Steady"), algorithm="EASE")
    watched = fit_one(replace(task, stop_by="ndcg@10"))
    assert (watched.n_epochs, watched.curve) == (None, {})
    assert watched.metrics == fit_one(task).metrics
