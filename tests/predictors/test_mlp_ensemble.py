"""The batched networks against torch's own, trained one by one."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from recmeta.predictors import MLPEnsemble  # noqa: E402
from recmeta.predictors._batched_mlp import fold_masks, forward, glorot  # noqa: E402


def test_a_batch_of_networks_is_each_network_alone():
    rng = np.random.default_rng(0)
    tensors = glorot(torch, 3, [4, 6, 6, 1], rng)
    rows = torch.randn(10, 4)
    together = forward(torch, tensors, rows[None], torch.relu)
    for number in range(3):
        layers = []
        for weights, biases in zip(tensors[::2], tensors[1::2], strict=True):
            layer = torch.nn.Linear(*weights.shape[1:])
            layer.weight.data = weights[number].T.clone()
            layer.bias.data = biases[number, 0].clone()
            layers += [layer, torch.nn.ReLU()]
        alone = torch.nn.Sequential(*layers[:-1])(rows)
        torch.testing.assert_close(together[number], alone)


def test_the_start_is_that_of_glorot():
    weights, biases = glorot(torch, 20, [30, 50], np.random.default_rng(0))
    assert not biases.any()
    assert weights.abs().max() <= np.sqrt(6 / 80)
    assert float(weights.var()) == pytest.approx(2 / 80, rel=0.05)


def test_a_fold_is_kept_from_its_networks():
    masks = fold_masks(5, [np.array([0, 3]), np.array([1, 2, 4])], 2)
    np.testing.assert_array_equal(masks[:2], np.ones((2, 5)))
    np.testing.assert_array_equal(masks[2], [0, 1, 1, 0, 1])
    np.testing.assert_array_equal(masks[2], masks[3])
    np.testing.assert_array_equal(masks[4], [1, 0, 0, 1, 0])


def test_rows_of_a_held_out_fold_do_not_move_its_networks():
    rng = np.random.default_rng(1)
    model = MLPEnsemble(n_layers=1, n_epochs=3)
    rows, targets = torch.randn(12, 3), torch.randn(12)
    masks = torch.from_numpy(fold_masks(12, [np.arange(4)], 5))
    tensors = glorot(torch, 10, [3, 20, 1], rng)
    copies = [tensor.clone() for tensor in tensors]
    moved = targets.clone()
    moved[:4] += 100
    model._train(torch, tensors, rows, targets, masks, np.random.default_rng(2))
    model._train(torch, copies, rows, moved, masks, np.random.default_rng(2))
    for tensor, copy in zip(tensors, copies, strict=True):
        torch.testing.assert_close(tensor[5:], copy[5:])
    assert not torch.allclose(tensors[0][:5], copies[0][:5])


def test_members_differ_and_more_so_far_away():
    rng = np.random.default_rng(3)
    X = rng.random((80, 2)) * 0.5
    y = np.sin(6 * X[:, 0]) + X[:, 1]
    model = MLPEnsemble(n_layers=2, n_epochs=100).fit(X, y)
    _, near = model.predict(X)
    _, far = model.predict(X * 0.5 + np.array([1.5, 1.5]))
    assert far.mean() > 3 * near.mean()


def test_threads_and_the_global_generator_stay_as_they_are():
    torch.manual_seed(5)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    MLPEnsemble(n_layers=1, n_epochs=2).fit(np.eye(6), np.arange(6.0)).predict(np.eye(6))
    assert torch.equal(state, torch.get_rng_state())
    assert torch.get_num_threads() == threads
