"""An algorithm that needs times or features is judged, and chosen, where there are such."""

from dataclasses import replace

import numpy as np
import pytest

from recmeta.metalearning.evaluation import leave_one_family_out
from recmeta.metalearning.performance import LEAST_FAMILIES, performance

KNN = 1  # its column, as conftest writes them


def knn_is_best(x):
    rng = np.random.default_rng(0)
    return np.tile([0.25, 0.40, 0.10], (len(x), 1)) + 0.001 * rng.normal(size=(len(x), 3))


def renamed(known, name, n_run):
    """ItemKNN becomes another algorithm, which was run on the first problems alone."""
    names = {"ItemKNN": name}
    runs = known.runs.assign(algorithm=known.runs["algorithm"].replace(names))
    runs = runs[(runs["algorithm"] != name) | (runs["problem"] < n_run)]
    configurations = known.configurations.assign(
        algorithm=known.configurations["algorithm"].replace(names)
    )
    return replace(known, runs=runs, configurations=configurations)


@pytest.mark.parametrize(
    ("name", "n_run", "known_well"),
    [
        ("SessionKNN", 12, True),  # needs times
        ("ItemKNNCBF", LEAST_FAMILIES, True),  # needs features
        ("SessionKNN", LEAST_FAMILIES - 1, False),
        ("P3alpha", 12, False),  # needs nothing: it was not run where it could have been
        ("P3alpha", 30, True),
    ],
)
def test_coverage_counts_where_an_algorithm_can_be_fitted(make, name, n_run, known_well):
    known = renamed(make(knn_is_best), name, n_run)
    assert (KNN in performance(known, "ndcg@10").columns) == known_well


def test_it_is_the_choice_where_it_can_be_fitted_and_nowhere_else(make):
    known = renamed(make(knn_is_best), "SessionKNN", 12)
    choices = leave_one_family_out(known).problems.set_index("dataset")["choice"]
    assert set(choices[[f"d{i}" for i in range(12)]]) == {"SessionKNN"}
    assert set(choices[[f"d{i}" for i in range(12, 30)]]) == {"EASE"}
