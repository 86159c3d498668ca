"""Each proxy against a transcription of its definition: finite differences, loops, closed forms."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from recmeta.predictors.zero_cost import PROXIES, zero_cost  # noqa: E402
from recmeta.registry import UnknownNameError  # noqa: E402

N = 6


def _mlp(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).double()


def _relu_conv(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    parts = [nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU()]
    parts += [nn.Conv2d(4, 3, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(12, 3)]
    return nn.Sequential(*parts)


def _batch(shape: tuple[int, ...], dtype: "torch.dtype") -> tuple["torch.Tensor", "torch.Tensor"]:
    rng = np.random.default_rng(1)
    inputs = torch.as_tensor(rng.standard_normal((N, *shape)), dtype=dtype)
    return inputs, torch.as_tensor(rng.integers(0, 3, N))


def _values(network: nn.Module, names: list[str], **more: object) -> dict[str, float]:
    is_mlp = isinstance(network[0], nn.Linear)
    inputs, targets = _batch((4,) if is_mlp else (2, 6, 6), next(network.parameters()).dtype)
    found = zero_cost(network, inputs, targets, nn.functional.cross_entropy, proxies=names, **more)
    return {name: score.value for name, score in found.items()}


def _loss_at(network: nn.Module, flat: np.ndarray) -> float:
    """The loss with the weights (not the biases) of the linear layers set to ``flat``."""
    inputs, targets = _batch((4,), torch.float64)
    place = 0
    with torch.no_grad():
        for layer in (network[0], network[2]):
            n = layer.weight.numel()
            part = torch.as_tensor(flat[place : place + n]).reshape(layer.weight.shape)
            layer.weight.copy_(part)
            place += n
        return float(nn.functional.cross_entropy(network(inputs), targets))


def _flat(network: nn.Module) -> np.ndarray:
    return np.concatenate([network[i].weight.detach().numpy().ravel() for i in (0, 2)])


def _numeric_gradient(network: nn.Module, at: np.ndarray, step: float = 1e-5) -> np.ndarray:
    moves = np.eye(len(at)) * step
    both = [(_loss_at(network, at + m), _loss_at(network, at - m)) for m in moves]
    return np.array([(up - down) / (2 * step) for up, down in both])


def test_gradient_proxies_equal_finite_differences() -> None:
    network = _mlp()
    found = _values(network, ["grad_norm", "snip", "plain", "l2_norm", "grasp"])
    at = _flat(network)
    g = _numeric_gradient(_mlp(), at)
    first, second = slice(0, 20), slice(20, 35)
    assert found["grad_norm"] == pytest.approx(
        np.linalg.norm(g[first]) + np.linalg.norm(g[second]), rel=1e-6
    )
    assert found["snip"] == pytest.approx(np.abs(at * g).sum(), rel=1e-6)
    assert found["plain"] == pytest.approx((at * g).sum(), rel=1e-6)
    assert found["l2_norm"] == pytest.approx(
        np.linalg.norm(at[first]) + np.linalg.norm(at[second]), rel=1e-9
    )
    step = 1e-4  # the Hessian times g as a difference of gradients along g
    hg = _numeric_gradient(_mlp(), at + step * g) - _numeric_gradient(_mlp(), at - step * g)
    assert found["grasp"] == pytest.approx(-(at * hg).sum() / (2 * step), rel=1e-4)


def test_fisher_is_the_squared_product_of_activation_and_its_gradient() -> None:
    network = _mlp()
    inputs, targets = _batch((4,), torch.float64)
    hidden = network[0](inputs).detach().numpy()
    output = network(inputs).detach().numpy()
    # cross-entropy by hand: dL/do = (softmax - one-hot) / n; then back through tanh
    odds = np.exp(output - output.max(axis=1, keepdims=True))
    to_output = (odds / odds.sum(axis=1, keepdims=True) - np.eye(3)[targets.numpy()]) / N
    to_hidden = (to_output @ network[2].weight.detach().numpy()) * (1 - np.tanh(hidden) ** 2)
    expected = sum(
        0.5 * ((a * g) ** 2).mean(axis=0).sum()
        for a, g in ((hidden, to_hidden), (output, to_output))
    )
    assert _values(network, ["fisher"])["fisher"] == pytest.approx(expected, rel=1e-9)


def test_synflow_of_linear_layers_is_layers_times_the_sum_over_paths() -> None:
    network = _mlp()
    first, second = (network[i].weight.detach().abs().numpy() for i in (0, 2))
    bias = network[0].bias.detach().abs().numpy()
    inner = first.sum(axis=1) + bias
    slope = second.sum(axis=0) * (1 - np.tanh(inner) ** 2)
    # W dR/dW of each layer: the first through tanh, the second through its inputs
    total = (first * slope[:, None]).sum() + (second * np.tanh(inner)[None, :]).sum()
    assert _values(network, ["synflow"])["synflow"] == pytest.approx(np.log1p(total), rel=1e-9)


def test_jacob_cov_and_epe_nas_from_a_jacobian_by_loops() -> None:
    network = _mlp()
    inputs, labels = _batch((4,), torch.float64)
    W, V = (network[i].weight.detach().numpy() for i in (0, 2))
    hidden = inputs.numpy() @ W.T + network[0].bias.detach().numpy()
    jacobian = ((1 - np.tanh(hidden) ** 2) * V.sum(axis=0)) @ W  # (n, 4)
    r = np.corrcoef(jacobian)
    v = np.linalg.eigvalsh(r).clip(0)
    names = ["jacob_cov", "epe_nas"]
    found = _values(network, names, labels=labels)
    expected = -(np.log(v + 1e-5) + 1 / (v + 1e-5)).sum()
    assert found["jacob_cov"] == pytest.approx(expected, rel=1e-4)
    within = 0.0
    for one in set(labels.tolist()):
        rows = np.flatnonzero(labels.numpy() == one)
        within += abs(sum(math.log(abs(r[i, j]) + 1e-5) for i in rows for j in rows))
    assert found["epe_nas"] == pytest.approx(within, rel=1e-6)


def test_nwot_counts_agreeing_activations() -> None:
    network = _relu_conv()
    inputs, _ = _batch((2, 6, 6), torch.float32)
    with torch.no_grad():
        network.train()
        first = network[:2](inputs).flatten(1).numpy() > 0
        second = network[:4](inputs).flatten(1).numpy() > 0
    agree = np.array([
        [(first[i] == first[j]).sum() + (second[i] == second[j]).sum() for j in range(N)]
        for i in range(N)
    ])  # fmt: skip
    expected = np.log(abs(np.linalg.det(agree.astype(float))))
    assert _values(network, ["nwot"])["nwot"] == pytest.approx(expected, rel=1e-6)


def test_sizes_of_a_convolutional_net_by_hand() -> None:
    found = _values(_relu_conv(), ["params", "flops"])
    assert found["params"] == pytest.approx((2 * 4 * 9 + 8 + 4 * 3 * 9 + 3 + 12 * 3 + 3) / 1e6)
    assert found["flops"] == pytest.approx((36 * 4 * 2 * 9 + 4 * 3 * 4 * 9 + 12 * 3) / 1e6)


def test_zen_grows_by_the_logarithm_of_a_factor_on_the_outputs() -> None:
    class Scaled(nn.Module):
        def __init__(self, factor: float) -> None:
            super().__init__()
            self.layer, self.factor = nn.Linear(4, 3), factor

        def __getitem__(self, place: int) -> nn.Module:
            return self.layer

        def forward(self, x: "torch.Tensor") -> "torch.Tensor":
            return self.factor * self.layer(x)

    small, large = (_values(Scaled(factor), ["zen"])["zen"] for factor in (1.0, 10.0))
    assert large - small == pytest.approx(math.log(10.0), rel=1e-4)


def test_zen_of_a_linear_layer_is_the_mean_of_the_half_normal() -> None:
    # f(x) - f(x + 0.01 e) = 0.01 W e: each output is 0.01 |e| times a normal, whose mean is known
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(400, 500))
    inputs = torch.randn(N, 400)
    found = zero_cost(network, inputs, inputs, nn.functional.mse_loss, proxies=["zen"])
    expected = math.log(0.01 * math.sqrt(400) * math.sqrt(2 / math.pi) * 500)
    assert found["zen"].value == pytest.approx(expected, abs=0.05)


def test_a_proxy_that_cannot_be_computed_is_nan() -> None:
    network = nn.Sequential(nn.Linear(4, 3)).double()
    inputs, targets = _batch((4,), torch.float64)
    with torch.no_grad():
        network[0].weight.zero_()
    found = zero_cost(network, inputs, targets, nn.functional.cross_entropy)
    missing = {name for name, score in found.items() if math.isnan(score.value)}
    # no classes, no variance in the Jacobian, no activation; zen draws weights of its own
    assert missing == {"epe_nas", "jacob_cov", "nwot"}
    assert found["snip"].value == 0.0


def test_the_network_is_left_as_it_was_and_the_same_call_gives_the_same() -> None:
    network = _relu_conv()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    one, same = (_values(network, list(PROXIES)) for _ in range(2))
    assert one == pytest.approx(same, nan_ok=True)
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_tied_weight_counts_once() -> None:
    network = nn.Sequential(nn.Linear(4, 4, bias=False), nn.ReLU(), nn.Linear(4, 4, bias=False))
    network = network.double()
    network[2].weight = network[0].weight
    norm = float(network[0].weight.detach().norm())
    found = _values(network, ["l2_norm", "params"])
    assert found == pytest.approx({"l2_norm": norm, "params": 16 / 1e6})


def test_unknown_proxies_and_empty_batches_are_refused() -> None:
    network = _mlp()
    inputs, targets = _batch((4,), torch.float64)
    with pytest.raises(UnknownNameError, match="no proxy is named 'magic'; there are: epe_nas"):
        zero_cost(network, inputs, targets, nn.functional.cross_entropy, proxies=["magic"])
    with pytest.raises(ValueError, match="at least one sample"):
        zero_cost(network, inputs[:0], targets[:0], nn.functional.cross_entropy)
