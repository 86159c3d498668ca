"""CurveNetwork: its last layer against conditioned normals, its basis, and what it learns."""

import numpy as np
import pytest

from recmeta.predictors import CurveNetwork
from recmeta.predictors._curve_network import N_OUTPUTS, conditioned, design

torch = pytest.importorskip("torch")


def test_what_was_seen_conditions_the_end_as_a_joint_normal_does():
    rng = np.random.default_rng(0)
    phi, end, w = rng.normal(size=(4, 6)), rng.normal(size=6), rng.normal(size=6)
    spread, noise, seen = rng.uniform(0.1, 2, 6), 0.3, rng.normal(size=4)
    mean, variance = conditioned(
        phi[None, None],
        w[None, None],
        np.full((1, 1), noise),
        spread[None],
        seen[None],
        end[None, None],
    )
    # the joint normal of (seen, end), conditioned by the textbook's formula
    rows = np.vstack([phi, end])
    joint = rows @ np.diag(spread) @ rows.T + noise * np.eye(5)
    gain = joint[4, :4] @ np.linalg.inv(joint[:4, :4])
    assert mean[0, 0] == pytest.approx(end @ w + gain @ (seen - phi @ w))
    assert variance[0, 0] == pytest.approx(joint[4, 4] - gain @ joint[:4, 4])


def test_basis_curves_fade_away_and_leave_the_asymptote():
    outputs = torch.zeros(1, 1, N_OUTPUTS)
    phi = design(torch, outputs, torch.tensor([1.0, 10.0, 1e6]), 20.0)[0, 0].numpy()
    np.testing.assert_array_equal(phi[:, 0], 1)
    assert (phi[0, 1:] > phi[1, 1:]).all()
    assert (phi[2, 1:] < 0.1).all()


def test_curves_that_the_configuration_decides_are_known_before_they_cross():
    rng = np.random.default_rng(1)
    X = rng.random((50, 1))
    steps = np.arange(1, 21)
    # who begins low ends high
    curves = X * (1 - 0.9**steps) * 3 - X + 0.02 * rng.normal(size=(50, 20))
    model = CurveNetwork(n_units=10, n_burn_in=400, n_samples=16, n_points=8)
    model.fit(X[:35], curves[:35, -1], curves=curves[:35])
    mean, std = model.predict(X[35:], curves=curves[35:, :2])
    assert np.corrcoef(mean, curves[35:, -1])[0, 1] > 0.8
    assert np.corrcoef(curves[35:, 1], curves[35:, -1])[0, 1] < 0
    assert (std > 0).all()
