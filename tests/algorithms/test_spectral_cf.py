"""SpectralCF: its sparse filter is that of the decomposed Laplacian; so are loss and gradient."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms import SpectralCF
from recmeta.algorithms._graph import graph_of, pairs

torch = pytest.importorskip("torch")


def log(n_users=30, n_items=20):
    X = (np.random.default_rng(0).random((n_users, n_items)) < 0.2).astype(np.float32)
    X[0], X[:, 2] = 0, 0
    return X


def decomposed_filter(X):
    """U U' + U diag(v) U' by a dense eigendecomposition of the Laplacian, as in the paper."""
    n_users, n_nodes = len(X), sum(X.shape)
    A = np.zeros((n_nodes, n_nodes))
    A[:n_users, n_users:], A[n_users:, :n_users] = X > 0, X.T > 0
    roots = np.sqrt(np.maximum(A.sum(axis=1), 1))
    values, U = np.linalg.eigh(np.eye(n_nodes) - A / roots[:, None] / roots)
    return U @ U.T + U @ np.diag(values) @ U.T


def paper_embeddings(X, weights):
    H, layers = decomposed_filter(X), [weights["embeddings"]]
    for name in sorted(name for name in weights if name.startswith("filter")):
        layers.append(1 / (1 + np.exp(-(H @ layers[-1] @ weights[name]))))
    return np.concatenate(layers, axis=1)


def paper_loss(X, weights, l2, batch):
    users, inside, outside = batch
    e, nodes = paper_embeddings(X, weights), len(X) + np.stack([inside, outside])
    margins = (e[users] * (e[nodes[0]] - e[nodes[1]])).sum(axis=1)
    penalties = sum((e[rows] ** 2).sum(axis=1) for rows in (users, *nodes))
    return np.mean(np.log1p(np.exp(-margins)) + l2 / 2 * penalties)


def weights_of(network):
    return {name: weight.detach().numpy().astype(np.float64) for name, weight in network.items()}


def test_factors_are_those_of_the_decomposed_laplacian():
    X = log()
    model = SpectralCF(n_factors=5, n_epochs=20).fit(X * 2)
    expected = paper_embeddings(X, weights_of(model._network()))
    assert model.user_factors_.shape == (30, 4 * 5)
    users, items = X.sum(axis=1) > 0, X.sum(axis=0) > 0
    np.testing.assert_allclose(model.user_factors_, expected[:30] * users[:, None], atol=1e-5)
    np.testing.assert_allclose(model.item_factors_, expected[30:] * items[:, None], atol=1e-5)


def test_the_loss_and_its_gradient_are_those_of_the_paper():
    X, l2 = log(), 0.2
    model = SpectralCF(n_factors=4, n_layers=2, l2=l2, n_epochs=20).fit(X)
    graph, network = graph_of(csr_array(X)), model._network()
    batch = next(pairs(csr_array(X), 50, np.random.default_rng(0)))
    weights = weights_of(network)
    loss = model._loss(network, graph, batch, np.random.default_rng(0))
    assert loss.item() == pytest.approx(paper_loss(X, weights, l2, batch), abs=1e-5)
    loss.backward()
    rng = np.random.default_rng(3)
    for name, weight in weights.items():
        gradient = network[name].grad.numpy()
        for _ in range(15):
            place = tuple(rng.integers(0, size) for size in weight.shape)
            sides = []
            for shift in (1e-4, -1e-4):
                moved = weight.copy()
                moved[place] += shift
                sides.append(paper_loss(X, weights | {name: moved}, l2, batch))
            assert gradient[place] == pytest.approx((sides[0] - sides[1]) / 2e-4, abs=1e-5)


def test_cost_is_that_of_the_sparse_filter():
    cost = SpectralCF.cost(1_000_000, 100_000, 10_000_000)
    assert cost.bytes < 0.01 * 4 * 1_100_000**2


def test_it_ranks_a_users_own_kind_first():
    liked = np.kron(np.eye(2), np.ones((15, 15))) * (
        np.random.default_rng(0).random((30, 30)) < 0.7
    )
    items, _ = SpectralCF(l2=1e-4, n_epochs=200).fit(liked).recommend(liked, k=3)
    assert ((items >= 15) == (np.arange(30)[:, None] >= 15)).mean() > 0.9
