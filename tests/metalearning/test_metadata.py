"""The shipped meta-data set is what the package says it is."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from recmeta.algorithms import all_algorithms, get
from recmeta.metalearning import metadata
from recmeta.metalearning.metadata import of_families
from recmeta.metrics import CUTOFFS, METRICS


def test_it_has_at_least_forty_data_sets_and_twelve_algorithms(shipped):
    assert shipped.n_datasets >= 40
    assert set(shipped.configurations["algorithm"]) <= set(all_algorithms())
    assert shipped.configurations["algorithm"].nunique() >= 12
    assert shipped.problems["family"].nunique() >= 25


def test_it_has_all_metrics_at_all_cutoffs(shipped):
    assert len(shipped.metrics()) == len(METRICS) * len(CUTOFFS) == 315


def test_every_configuration_can_be_made_again(shipped):
    for row in shipped.configurations.itertuples():
        get(row.algorithm)(**json.loads(row.params))


def test_no_run_is_there_twice(shipped):
    assert not shipped.runs.duplicated(["problem", "configuration"]).any()


def test_scores_are_those_of_the_file(shipped):
    scores = shipped.scores("ndcg@10")
    table = pq.read_table(shipped.folder / "runs.parquet", columns=["test:ndcg@10"])
    for place in (0, 17, len(shipped.runs) - 1):
        run = shipped.runs.iloc[place]
        value = table["test:ndcg@10"][place].as_py()
        expected = np.nan if value is None else value
        np.testing.assert_equal(scores.test[run["problem"], run["configuration"]], expected)
        assert scores.failed[run["problem"], run["configuration"]] == (run["status"] != "ok")


def test_a_part_of_the_families_has_their_scores_and_no_others(shipped):
    kept = (shipped.problems["family"] != "movielens").to_numpy()
    part = of_families(shipped, kept)
    np.testing.assert_array_equal(part.scores("ndcg@10").test, shipped.scores("ndcg@10").test[kept])
    assert "movielens" not in set(part.problems["family"])
    weights = part.family_weights
    assert weights.sum() == pytest.approx(part.problems["family"].nunique())


def test_a_metric_that_it_lacks_is_refused_with_what_it_has(shipped):
    with pytest.raises(ValueError, match="cutoff of"):
        shipped.scores("ndcg@11")


def test_a_folder_without_it_says_what_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"lacks problems\.parquet"):
        metadata.load(tmp_path)


def test_what_was_not_run_counts_as_failed_only_where_all_of_its_algorithm_failed(shipped):
    scores = shipped.scores("ndcg@10")
    status = shipped.table((shipped.runs["status"] == "ok").astype(float))
    algorithms = shipped.configurations["algorithm"].to_numpy()
    for problem, column in zip(*np.nonzero(np.isnan(status)), strict=True):
        own = status[problem, algorithms == algorithms[column]]
        expected = np.isfinite(own).any() and not (own == 1).any()
        assert scores.failed[problem, column] == expected
