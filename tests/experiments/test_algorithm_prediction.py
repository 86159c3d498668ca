"""Ranking algorithms with the predictors of architectures: the baseline by hand, what they add."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from recmeta.experiments.algorithm_prediction import _table, evaluate_on_metadata
from recmeta.metalearning.metadata import MetaData, load, of_families
from recmeta.predictors.bayesian_linear import BayesianLinear


@pytest.fixture(scope="module")
def some() -> MetaData:
    known = load()
    families = known.problems["family"]
    kept = families.isin(families.value_counts().index[1:6]).to_numpy()
    return of_families(known, kept)


def test_the_baseline_is_the_mean_share_over_the_other_families(some: MetaData) -> None:
    found = evaluate_on_metadata(some, {}).set_index("way")["spearman"]
    scores = some.scores("ndcg@10").test
    shares = scores / np.nanmax(scores, axis=1, keepdims=True)
    family = some.problems["family"].to_numpy()
    by_family = []
    for left_out in np.unique(family):
        others = shares[family != left_out]
        made = np.isfinite(others).any(axis=0)
        order = np.where(
            made, np.nansum(others, axis=0) / np.isfinite(others).sum(axis=0).clip(1), 0
        )
        ranks = []
        for row in shares[family == left_out]:
            own = np.isfinite(row)
            ranks.append(spearmanr(order[own], row[own]).statistic)
        by_family.append(np.mean(ranks))
    assert found["mean order"] == pytest.approx(np.mean(by_family), abs=1e-9)


def test_a_predictor_orders_configurations_of_logs_that_it_has_not_seen(some: MetaData) -> None:
    found = evaluate_on_metadata(some, {"linear": BayesianLinear()}).set_index("way")["spearman"]
    assert found["linear without"] > 0.4
    assert np.isfinite(found["linear with task"])


def test_runs_of_a_version_without_a_parameter_can_be_encoded() -> None:
    known = load()
    ials = known.configurations.query("algorithm == 'IALS'")["params"]
    assert any("l2_scale" not in params for params in ials)
    encoded, features, shares, problems = _table(known, "ndcg@10")
    assert len(encoded) == len(features) == len(shares) == len(problems) > 2000
