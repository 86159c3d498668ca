"""Scores, loss and gradient of autoencoders against their definition in dense numpy."""

from math import erf

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recmeta.algorithms._autoencoder_network import Autoencoder
from recmeta.algorithms.autoencoder import AutoencoderRecommender
from recmeta.algorithms.mult_vae import MultVAE
from recmeta.architectures import AutoencoderSpace
from recmeta.architectures.autoencoder import CHOICES, NAMES
from recmeta.predictors.zero_cost import PROXIES, zero_cost
from recmeta.testing import log_matrix

SPACE = AutoencoderSpace()
TINY = {"width_1": 5, "width_2": 4, "bottleneck": 3, "input_dropout": 0.0, "hidden_dropout": 0.0}
PLAIN = {"variational": False, "input_norm": "none"}
DESIGNS = {
    "shallow": {"depth": 1, **PLAIN, "activation": "sigmoid", "loss": "mse"},
    "shallow variational": {"depth": 1, "variational": True, "loss": "multinomial"},
    "layer norm": {"depth": 2, **PLAIN, "normalisation": "layer", "activation": "swish"},
    "batch norm": {"depth": 3, **PLAIN, "normalisation": "batch", "activation": "selu"},
    "skip": {"depth": 3, "skip": True, "variational": False, "activation": "gelu", "loss": "bce"},
    "tied": {"depth": 3, "tied": True, **PLAIN, "activation": "tanh", "loss": "weighted_mse"},
    "tied variational": {"depth": 2, "tied": True, "variational": True, "loss": "bce"},
    "all": {"depth": 3, "skip": True, "tied": True, "variational": True, "normalisation": "batch"},
    "linear": {"depth": 2, "activation": "linear", **PLAIN, "loss": "mse"},
    "relu": {"depth": 2, "activation": "relu", "variational": False, "input_norm": "l2"},
}
FUNCTIONS = {
    "linear": lambda a: a,
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "tanh": np.tanh,
    "relu": lambda a: np.maximum(a, 0),
    # Klambauer et al. 2017, arXiv:1706.02515, eq. 2 and the constants of its appendix
    "selu": lambda a: 1.0507009873554805 * np.where(a > 0, a, 1.6732632423543772 * np.expm1(a)),
    "gelu": lambda a: a * (1 + np.vectorize(erf)(a / np.sqrt(2))) / 2,
    "swish": lambda a: a / (1 + np.exp(-a)),
}


class Reference:
    """The docstring of AutoencoderSpace, on weights by their name in the network."""

    def __init__(self, model, weights, *, training=False, noise=None):
        self.model, self.weights, self.training, self.noise = model, weights, training, noise

    def scores(self, X):
        model = self.model
        h = (X > 0).astype(np.float64)
        if model.input_norm == "l2":
            h = h / np.linalg.norm(h, axis=1, keepdims=True)
        outputs = []
        for layer in range(model.depth - 1):
            h = self.activated(f"encoder.{layer}", self.product(f"encoder.{layer}.0", h))
            outputs.append(h)
        z = self.code(h)
        mirrors = [f"encoder.{layer}.0" for layer in range(model.depth - 1)] + [self.last()]
        for layer in range(model.depth - 1):
            a = self.decoded(f"decoder.{layer}.0", mirrors.pop(), z)
            z = self.activated(f"decoder.{layer}", a) + (outputs.pop() if model.skip else 0)
        return self.decoded("output", mirrors.pop(), z)

    def last(self):
        return "bottleneck" if self.model.variational else "bottleneck.0"

    def code(self, h):
        if not self.model.variational:
            return self.activated("bottleneck", self.product("bottleneck.0", h))
        self.means = self.product("bottleneck", h)
        self.log_variances = self.product("log_variance", h)
        if self.noise is None:
            return self.means
        return self.means + np.exp(self.log_variances / 2) * self.noise

    def product(self, name, h):
        return h @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def decoded(self, name, mirror, h):
        if not self.model.tied:
            return self.product(name, h)
        return h @ self.weights[f"{mirror}.weight"] + self.weights[f"{name}.bias"]

    def activated(self, name, a):
        if self.model.normalisation == "layer":
            mean, variance = a.mean(1, keepdims=True), a.var(1, keepdims=True)
        elif self.model.normalisation == "batch" and self.training:
            mean, variance = a.mean(0), a.var(0)
        elif self.model.normalisation == "batch":
            mean = self.weights[f"{name}.1.running_mean"]
            variance = self.weights[f"{name}.1.running_var"]
        if self.model.normalisation != "none":
            a = (a - mean) / np.sqrt(variance + 1e-5)
            a = a * self.weights[f"{name}.1.weight"] + self.weights[f"{name}.1.bias"]
        return FUNCTIONS[self.model.activation](a)

    def loss(self, X, weight):
        x, s = (X > 0).astype(np.float64), self.scores(X)
        rows = {
            "multinomial": -(x * (s - np.log(np.exp(s).sum(1, keepdims=True)))).sum(1),
            "bce": (np.log1p(np.exp(s)) - x * s).sum(1),
            "mse": ((s - x) ** 2).sum(1),
            "weighted_mse": (np.where(x > 0, 10, 1) * (s - x) ** 2).sum(1),
        }[self.model.loss]
        if self.model.variational:
            m, v = self.means, np.exp(self.log_variances)
            rows = rows + weight * (m**2 + v - 1 - np.log(v)).sum(1) / 2
        return rows.mean()


def model_of(name, **params):
    own = {"learning_rate": 0.01, "n_epochs": 5} | params
    return AutoencoderRecommender(**TINY | DESIGNS[name] | own)


def trained(name, **params):
    return model_of(name, **params).fit(log_matrix())


def learned(model):
    return {name: array.astype(np.float64) for name, array in model._learned().items()}


@pytest.mark.parametrize("name", DESIGNS)
def test_scores_are_those_of_the_space_s_docstring(name):
    X, model = log_matrix(), trained(name)
    expected = Reference(model, learned(model)).scores(X.toarray())
    np.testing.assert_allclose(model._scores(X, np.arange(24)), expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("name", DESIGNS)
def test_loss_and_gradient_are_those_of_the_definition(name):
    X = log_matrix().toarray()[:7]
    model = trained(name)
    network = model._network().double().train()
    weights = {name: t.numpy().copy() for name, t in network.state_dict().items()}
    torch.manual_seed(3)
    loss = network.loss(torch.from_numpy((X > 0).astype(np.float64)), 0.3)
    loss.backward()
    torch.manual_seed(3)
    noise = torch.randn(7, 3, dtype=torch.float64).numpy()
    reference = Reference(model, weights, training=True, noise=noise)
    assert loss.item() == pytest.approx(reference.loss(X, 0.3), rel=1e-9)
    rng, step = np.random.default_rng(0), 1e-5
    for key, weight in network.named_parameters():
        place = tuple(int(rng.integers(n)) for n in weight.shape)
        sides = []
        for sign in (1, -1):
            moved = weights | {key: weights[key].copy()}
            moved[key][place] += sign * step
            moved_reference = Reference(model, moved, training=True, noise=noise)
            sides.append(moved_reference.loss(X, 0.3))
        slope = (sides[0] - sides[1]) / (2 * step)
        assert weight.grad[place].item() == pytest.approx(slope, rel=1e-5, abs=1e-7), key


@pytest.mark.parametrize(("n_epochs", "weight"), [(1, 0.02), (5, 0.1), (20, 0.4), (25, 0.4)])
def test_the_weight_of_the_divergence_rises_to_beta(n_epochs, weight):
    X, model = log_matrix(), trained("shallow variational", n_epochs=n_epochs, beta=0.4)
    torch.manual_seed(3)
    loss = model._loss(model._network(), X, np.arange(24), np.random.default_rng(0))
    torch.manual_seed(3)
    reference = Reference(model, learned(model), noise=torch.randn(24, 3).numpy())
    assert loss.item() == pytest.approx(reference.loss(X.toarray(), weight), rel=1e-5)


def test_with_the_weights_of_mult_vae_it_is_mult_vae():
    X = log_matrix()
    peer = MultVAE(3, 5, n_epochs=20, learning_rate=0.01).fit(X)
    model = trained("tied variational", tied=False, activation="tanh", loss="multinomial")
    weights = peer._learned()
    whole = slice(None)
    state = {"bottleneck": ("encoder_1", slice(0, 3)), "log_variance": ("encoder_1", slice(3, 6))}
    state |= {"encoder.0.0": ("encoder_0", whole), "decoder.0.0": ("decoder_0", whole)}
    state |= {"output": ("decoder_1", whole)}
    network = model._network()
    network.load_state_dict(
        {f"{to}.weight": torch.from_numpy(weights[a][:, part].T) for to, (a, part) in state.items()}
        | {
            f"{to}.bias": torch.from_numpy(weights[f"{a}_bias"][part])
            for to, (a, part) in state.items()
        }
    )
    np.testing.assert_allclose(
        model._scores(X, np.arange(24)), peer._scores(X, np.arange(24)), rtol=1e-4, atol=1e-5
    )


def test_tied_weights_are_learned_once():
    untied, tied = (trained("tied", tied=choice) for choice in (False, True))
    products = 18 * 5 + 5 * 4 + 4 * 3
    assert len(untied.weights_) - len(tied.weights_) == products
    assert len(tied.first_moments_) == len(tied.weights_)


def test_the_space_is_that_of_the_architectures():
    space = AutoencoderRecommender.space
    assert {name: space[name].choices for name in NAMES} == CHOICES


architectures = st.tuples(*(st.integers(0, n - 1) for n in SPACE.n_values))


@given(architectures)
@settings(max_examples=25, deadline=None)
def test_the_layers_are_the_vertices_of_the_graph(arch):
    network = network_of(arch)
    drawn = [SPACE.vertex_labels[label] for label in SPACE.graph(arch)[1]]
    kinds = {"dense", "tied", "mean", "log"}
    wanted = [label.rsplit(" ", 1)[1] for label in drawn if label.split()[0] in kinds]
    layers = [m for m in network.modules() if isinstance(m, torch.nn.Linear)]
    sizes = ["items" if m.out_features == 6 else str(m.out_features) for m in layers]
    assert sorted(sizes) == sorted(wanted)
    drawn_as = {"LayerNorm": "layer norm", "BatchNorm1d": "batch norm", "SELU": "selu"}
    for module, text in drawn_as.items():
        of_kind = [m for m in network.modules() if isinstance(m, getattr(torch.nn, module))]
        assert len(of_kind) == drawn.count(text)
    rates = [m.p for m in network.modules() if isinstance(m, torch.nn.Dropout) and m.p]
    assert sorted(f"dropout {p}" for p in rates) == sorted(
        label for label in drawn if label.startswith("dropout")
    )


@given(architectures)
@settings(max_examples=25, deadline=None)
def test_what_is_without_effect_changes_no_score(arch):
    x = torch.eye(6)[:4] + torch.eye(6)[1:5]
    scores = []
    for one in (arch, SPACE.canonical(arch)):
        network = network_of(one).eval()
        with torch.no_grad():
            scores.append(network(x))
    torch.testing.assert_close(*scores, rtol=0, atol=0)


def network_of(arch):
    torch.manual_seed(0)
    return Autoencoder(6, SPACE.to_dict(arch))


@pytest.mark.parametrize("name", ["batch norm", "all"])
def test_training_goes_on_with_the_running_moments_and_a_batch_of_one_row(name):
    X = log_matrix()
    model = model_of(name, batch_size=23, n_epochs=3)
    assert list(model.fit(X).set_params(n_epochs=6).epochs(X, resume=True)) == [4, 5, 6]
    never_stopped = model_of(name, batch_size=23, n_epochs=6).fit(X)
    np.testing.assert_array_equal(model.weights_, never_stopped.weights_)
    assert np.abs(model._learned()["encoder.0.1.running_mean"]).max() > 0


def test_dropout_spares_the_bottleneck_and_is_off_when_ranking():
    X = log_matrix()
    model = trained("layer norm", input_dropout=0.5, hidden_dropout=0.5)
    network = model._network()
    assert [m.p for m in network.modules() if isinstance(m, torch.nn.Dropout)] == [0.5] * 2 + [
        0.0,
        0.5,
    ]
    expected = Reference(model, learned(model)).scores(X.toarray())
    np.testing.assert_allclose(model._scores(X, np.arange(24)), expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("loss", CHOICES["loss"])
def test_training_lowers_every_loss(loss):
    X, found = log_matrix(), []
    for n_epochs in (1, 60):
        model = trained("layer norm", loss=loss, n_epochs=n_epochs)
        found.append(Reference(model, learned(model)).loss(X.toarray(), 0.0))
    assert found[1] < 0.9 * found[0]


def test_the_proxies_read_it_and_count_the_products_of_tied_layers():
    found = {}
    for tied in (False, True):
        # with few units two rows would have the same pattern, and nwot no logarithm
        network = trained("all", tied=tied, n_epochs=1, width_1=50, width_2=40)._network()
        x = network.rows(log_matrix())
        found[tied] = zero_cost(network, x, x, network.criterion, labels=torch.arange(24) % 2)
        assert all(np.isfinite(found[tied][name].value) for name in PROXIES)
    products = 2 * (18 * 50 + 50 * 40 + 40 * 3)  # nothing reads the log variance
    for scores in found.values():
        assert scores["flops"].value * 1e6 == pytest.approx(products)
    assert found[True]["params"].value < found[False]["params"].value


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"depth": 4}, "depth must be 1, 2 or 3: got 4"),
        ({"bottleneck": 0}, "bottleneck must be at least 1: got 0"),
        ({"loss": "hinge"}, "loss must be one of multinomial, bce, mse, weighted_mse: got 'hinge'"),
    ],
)
def test_errors_say_what_there_is(params, message):
    with pytest.raises(ValueError, match=message):
        AutoencoderRecommender(**params).fit(log_matrix())
