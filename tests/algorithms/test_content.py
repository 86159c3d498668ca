"""Histories and features side by side, against scipy's hstack."""

import numpy as np
import pytest
from scipy.sparse import csr_array, hstack, random_array

from recmeta.algorithms._content import stacked


@pytest.mark.parametrize("shapes", [((30, 20), (30, 7)), ((30, 20), (30, 0)), ((0, 4), (0, 3))])
def test_histories_and_features_stand_side_by_side(shapes):
    rng = np.random.default_rng(0)
    H, F = (csr_array(random_array(s, density=0.3, rng=rng, format="csr")) for s in shapes)
    H, F = H.astype(np.float32), F.astype(np.float32)
    found = stacked(H, F, 0.5)
    expected = hstack([H, F * np.float32(0.5)], format="csr")
    for part in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(found, part), getattr(expected, part))
    assert found.shape == expected.shape
    assert found.has_canonical_format


@pytest.mark.parametrize("weight", [-1, np.inf, np.nan])
def test_a_weight_that_is_no_weight_is_refused(weight):
    with pytest.raises(ValueError, match="content_weight must be at least 0 and finite: got"):
        stacked(csr_array((2, 2)), csr_array((2, 2)), weight)
