"""The catalogue against itself, and against the files where they are at hand."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from recmeta.datasets.catalogue import catalogue, known

FILES = Path(__file__).parents[3] / "shared" / "datasets"


def test_names_families_and_sizes_are_there_for_all() -> None:
    assert len(catalogue()) >= 60
    for facts in catalogue().values():
        assert facts.name
        assert facts.family
        assert min(facts.n_users, facts.n_items, facts.n_interactions) > 0


def test_a_name_that_is_not_known_lists_those_that_are() -> None:
    with pytest.raises(KeyError, match="movielens-100k"):
        known("movielens-1000k")


@pytest.mark.skipif(not FILES.exists(), reason="the data sets are not at hand")
@pytest.mark.parametrize("name", ["movielens-100k", "foursquare-nyc", "jester-5k"])
def test_sizes_are_those_of_the_file(name: str) -> None:
    table = pq.read_table(FILES / name / "interactions.parquet")
    assert table.num_rows == known(name).n_interactions
    assert len(table["user"].unique()) == known(name).n_users
