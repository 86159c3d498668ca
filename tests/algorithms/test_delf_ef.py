"""DELFEF's fusion against the paper's, pair by pair; the rest is as DELFMLP's."""

import numpy as np
import pytest
import torch

from recmeta.algorithms.delf_ef import DELFEF
from recmeta.testing import log_matrix


def test_towers_are_weighed_by_how_long_the_histories_are():
    rng = np.random.default_rng(0)
    towers = rng.standard_normal((4, 6, 3))
    n_items, n_users = np.array([0, 1, 2, 3, 4, 9]), np.array([5, 4, 3, 2, 1, 0])
    counts = tuple(torch.tensor(n, dtype=torch.float64)[:, None] for n in (n_items, n_users))
    found = DELFEF()._fused([torch.from_numpy(tower) for tower in towers], counts)
    for pair in range(6):
        a, b = (min(np.sqrt(n[pair]) / 2, 1) for n in (n_items, n_users))
        pq, pn, mq, mn = towers[:, pair]
        expected = a * b * pq + a * (1 - b) * pn + (1 - a) * b * mq + (1 - a) * (1 - b) * mn
        np.testing.assert_allclose(found[pair], expected, atol=1e-12)


def test_who_has_little_is_known_by_what_he_has_alone():
    X = log_matrix()
    model = DELFEF(**DELFEF.tiny).fit(X)
    network = model._network()
    counts = torch.zeros(1, 1), torch.zeros(1, 1)
    halves = [torch.ones(1, 16) * number for number in range(4)]
    changed = [halves[0] + 1, halves[1] + 1, halves[2] + 1, halves[3]]
    before = model._logits(network, halves, halves, counts).item()
    assert model._logits(network, changed, halves, counts).item() == pytest.approx(before)
