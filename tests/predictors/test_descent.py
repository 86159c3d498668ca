"""Training step by step against a loop of its own; who learns from which rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from recmeta.predictors._descent import Adam, calibration_of, descend, left_out  # noqa: E402

ADAM = Adam(n_epochs=6, batch_size=4, learning_rate=0.1, weight_decay=0.01)


def regression(seed=0, n_networks=3, n=10, d=2):
    rng = np.random.default_rng(seed)
    rows = torch.from_numpy(rng.normal(size=(n, d)).astype(np.float32))
    targets = rows @ torch.tensor([1.0, -2.0])
    weights = torch.from_numpy(rng.normal(size=(n_networks, d)).astype(np.float32))
    return rows, targets, weights


def trained(weights, rows, targets, shares, seed=1):
    own = weights.clone()
    descend(
        torch,
        [own],
        lambda batch: (own @ rows[batch].T - targets[batch]).square(),
        shares,
        ADAM,
        np.random.default_rng(seed),
    )
    return own


def adam_by_hand(w, rows, targets, share, seed=1):
    """Kingma and Ba's Adam with a fresh gradient at each step, written out for one network."""
    rows, targets, w = rows.numpy().astype(float), targets.numpy().astype(float), w.astype(float)
    rng = np.random.default_rng(seed)
    first, second, n_steps, step = np.zeros_like(w), np.zeros_like(w), 18, 0
    for _ in range(ADAM.n_epochs):
        order = rng.permutation(len(rows))
        for at in range(0, len(rows), ADAM.batch_size):
            batch = order[at : at + ADAM.batch_size]
            counted = share[batch] / max(share[batch].sum(), 1e-6)
            error = rows[batch] @ w - targets[batch]
            gradient = 2 * (counted * error) @ rows[batch] + ADAM.weight_decay * w
            rate = ADAM.learning_rate * (1 + np.cos(np.pi * step / n_steps)) / 2
            step += 1
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient**2
            scaled = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
            w = w - rate * scaled
    return w


def test_each_step_has_its_own_gradient():
    # NASLib's graph network never sets gradients to zero: they add up over all steps
    rows, targets, weights = regression()
    shares = np.ones((3, 10), dtype=np.float32)
    shares[1, :4] = 0
    shares[2, 5] = 10
    found = trained(weights, rows, targets, shares)
    for network in range(3):
        alone = adam_by_hand(weights[network].numpy(), rows, targets, shares[network])
        np.testing.assert_allclose(found[network], alone, rtol=1e-4, atol=1e-5)


def test_rows_left_out_do_not_move_a_network():
    rows, targets, weights = regression()
    shares = np.ones((3, 10), dtype=np.float32)
    shares[0, :4] = 0
    moved = targets.clone()
    moved[:4] += 100
    one, other = (trained(weights, rows, given, shares) for given in (targets, moved))
    torch.testing.assert_close(one[0], other[0])
    assert not torch.allclose(one[1:], other[1:])


@given(n=st.integers(2, 60), half=st.integers(2, 6), seed=st.integers(0, 2**32 - 1))
def test_each_row_is_left_out_by_two_networks_and_none_leaves_out_all(n, half, seed):
    out = left_out(np.arange(n), 2 * half, np.random.default_rng(seed))
    assert out.shape == (2 * half, n)
    assert (out[:half].sum(axis=0) == 1).all()
    assert (out[half:].sum(axis=0) == 1).all()
    assert not out.all(axis=1).any()


def test_the_calibration_is_of_rows_that_were_not_seen():
    rng = np.random.default_rng(0)
    t = rng.normal(size=400)
    out = left_out(np.arange(400), 6, rng)
    # networks that know by heart what they learned from, and are wrong by about 1 elsewhere
    outputs = t + np.where(out, rng.normal(size=(6, 400)), 0.0)
    calibration = calibration_of(outputs, out, t)
    variance = calibration(outputs[:2].var(axis=0, ddof=1)).mean()
    assert 0.2 < variance < 1.0
    assert calibration_of(t + np.zeros((6, 400)), out, t)(np.zeros(1))[0] < 1e-6


def test_odd_and_few_networks_are_refused():
    for n_members in (2, 5):
        with pytest.raises(ValueError, match=f"even and 4 or more: got {n_members}"):
            left_out(np.arange(10), n_members, np.random.default_rng(0))
