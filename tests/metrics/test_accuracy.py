"""Accuracy metrics against ranx, on random lists and random held-out items."""

import warnings

import numba
import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.metrics import accuracy

N_USERS, N_ITEMS, LENGTH = 25, 60, 30
CUTOFFS = (1, 3, 10, 20)
METRICS = ("precision", "recall", "f1", "hit_rate", "ndcg", "mrr", "map")  # so named there, too


@pytest.fixture(scope="module")
def lists():
    """Distinct items in random order; user u holds u random items out."""
    rng = np.random.default_rng(0)
    ranking = np.array([rng.permutation(N_ITEMS)[:LENGTH] for _ in range(N_USERS)], dtype=np.int32)
    relevant = np.zeros((N_USERS, N_ITEMS), dtype=np.float32)
    for user in range(N_USERS):
        relevant[user, rng.permutation(N_ITEMS)[:user]] = 1
    return ranking, csr_array(relevant)


@pytest.fixture(scope="module")
def of_ranx(lists):
    """Metric@cutoff to its value for each user, NaN for the one without a held-out item."""
    ranking, relevant = lists
    held_out = {f"u{u:02}": {f"i{i}": 1 for i in relevant[[u]].indices} for u in range(1, N_USERS)}
    ranked = {f"u{u:02}": {f"i{i}": -float(place) for place, i in enumerate(ranking[u])}
              for u in range(1, N_USERS)}  # fmt: skip
    compiling = numba.config.DISABLE_JIT
    numba.config.DISABLE_JIT = True  # compiling ranx takes half a minute, running it a millisecond
    try:
        with warnings.catch_warnings():  # its texts have escapes that Python warns of, as an error
            warnings.simplefilter("ignore")
            import ranx

        names = [f"{name}@{k}" for name in METRICS for k in CUTOFFS]
        values = ranx.evaluate(ranx.Qrels(held_out), ranx.Run(ranked), names, return_mean=False)
    finally:
        numba.config.DISABLE_JIT = compiling
    return {name: np.concatenate([[np.nan], of_users]) for name, of_users in values.items()}


@pytest.mark.parametrize("k", CUTOFFS)
@pytest.mark.parametrize("name", METRICS)
def test_each_user_has_the_value_that_ranx_gives(name, k, lists, of_ranx):
    ranking, relevant = lists
    ours = getattr(accuracy, name)(ranking, relevant, k)
    expected = of_ranx[f"{name}@{k}"]
    if name == "map":  # ranx divides by all held-out items, a list of k cannot have more than k
        n_relevant = np.diff(relevant.indptr)
        expected = expected * n_relevant / np.maximum(np.minimum(k, n_relevant), 1)
    np.testing.assert_allclose(ours, expected, rtol=1e-12)
    assert np.nanmin(ours) < np.nanmax(ours)
