"""What ``recmeta fit`` says of its test, in words."""

import math

import pytest

from recmeta.automl.recommender import TestScore
from recmeta.cli.fit import _say_test

POPULAR = "Nothing that was tried ranks better than popularity"
UNSURE = "These test users do not show that it beats popularity"


@pytest.mark.parametrize(
    ("algorithm", "gain", "error", "remark"),
    [
        ("EASE", 0.1, 0.04, None),
        ("EASE", 0.1, 0.06, UNSURE),
        ("EASE", -0.1, 0.01, UNSURE),
        ("EASE", math.nan, math.nan, UNSURE),
        ("TopPopular", 0.0, 0.0, POPULAR),
    ],
)
def test_it_says_when_the_best_is_not_above_popularity(capsys, algorithm, gain, error, remark):
    test = TestScore("ndcg@10", 0.3, 0.2, 0.4, 0.2, gain, error, n_users=1)
    _say_test(test, algorithm)
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("Test (1 user, untouched until now): ndcg@10 0.3000")
    assert len(said) == (1 if remark is None else 2)
    assert remark is None or said[1].startswith(remark)
