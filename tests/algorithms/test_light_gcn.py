"""LightGCN: products, losses and gradients are those of the paper's formulas, written densely."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.algorithms import LightGCN
from recmeta.algorithms._graph import graph_of, mean_of_layers, pairs, smoothed

torch = pytest.importorskip("torch")


def log(n_users=30, n_items=20, seed=0):
    """With a user without history, one with every item, and an item that nobody has."""
    X = (np.random.default_rng(seed).random((n_users, n_items)) < 0.2).astype(np.float32)
    X[0], X[1], X[:, 2] = 0, 1, 0
    X[1, 2] = 0
    return X


def dense_filter(X):
    """D^-1/2 A D^-1/2, in float64."""
    n_users, n_nodes = len(X), sum(X.shape)
    A = np.zeros((n_nodes, n_nodes))
    A[:n_users, n_users:], A[n_users:, :n_users] = X > 0, X.T > 0
    roots = np.sqrt(np.maximum(A.sum(axis=1), 1))
    return A / roots[:, None] / roots


def dense_embeddings(X, start, n_layers):
    S, layer, total = dense_filter(X), start.astype(np.float64), start.astype(np.float64)
    for _ in range(n_layers):
        layer = S @ layer
        total = total + layer
    return total / (n_layers + 1)


@pytest.mark.parametrize("n_layers", [1, 2, 3])
def test_layers_are_those_of_the_dense_matrix(n_layers):
    X = log()
    E = np.random.default_rng(1).standard_normal((sum(X.shape), 7)).astype(np.float32)
    graph = graph_of(csr_array(X * 3))
    np.testing.assert_allclose(smoothed(graph, E), dense_filter(X) @ E, atol=1e-5)
    expected = dense_embeddings(X, E, n_layers)
    np.testing.assert_allclose(mean_of_layers(graph, E, n_layers), expected, atol=1e-5)


def paper_loss(X, start, n_layers, l2, batch):
    users, inside, outside = batch
    e, nodes = dense_embeddings(X, start, n_layers), len(X) + np.stack([inside, outside])
    margins = (e[users] * (e[nodes[0]] - e[nodes[1]])).sum(axis=1)
    penalties = sum((start[rows] ** 2).sum(axis=1) for rows in (users, *nodes))
    return np.mean(np.log1p(np.exp(-margins)) + l2 / 2 * penalties)


def test_the_loss_and_its_gradient_are_those_of_the_paper():
    X, l2 = log(), 0.3
    model = LightGCN(n_factors=4, n_layers=2, l2=l2, n_epochs=2).fit(X)
    graph, network = graph_of(csr_array(X)), model._network()
    batch = next(pairs(csr_array(X), 50, np.random.default_rng(0)))
    start = network["embeddings"].detach().numpy().astype(np.float64)
    loss = model._loss(network, graph, batch, np.random.default_rng(0))
    assert loss.item() == pytest.approx(paper_loss(X, start, 2, l2, batch), abs=1e-5)
    loss.backward()
    gradient = network["embeddings"].grad.numpy()
    rng = np.random.default_rng(2)
    for node, factor in zip(rng.integers(0, len(start), 40), rng.integers(0, 4, 40), strict=True):
        up, down = start.copy(), start.copy()
        up[node, factor] += 1e-4
        down[node, factor] -= 1e-4
        slope = paper_loss(X, up, 2, l2, batch) - paper_loss(X, down, 2, l2, batch)
        assert gradient[node, factor] == pytest.approx(slope / 2e-4, abs=1e-5)


def test_negatives_are_no_positives_and_uniform_and_each_interaction_comes_once():
    X = csr_array(log())
    drawn = [pair for seed in range(200) for pair in pairs(X, 16, np.random.default_rng(seed))]
    users, inside, outside = (np.concatenate(column) for column in zip(*drawn, strict=True))
    dense = X.toarray() > 0
    assert dense[users, inside].all()
    assert not dense[users, outside].any()
    counts = np.zeros(X.shape, dtype=int)
    np.add.at(counts, (users, inside), 1)
    assert (counts[dense] == 200).all()
    user = 5
    drawn_items = np.bincount(outside[users == user], minlength=20)[~dense[user]]
    expected = drawn_items.mean()
    assert ((drawn_items - expected) ** 2 / expected).sum() < 45  # chi-square, < 20 degrees, 1e-3


def test_a_user_with_every_item_trains_nothing():
    X = log()
    X[1] = 1
    users = np.concatenate([batch[0] for batch in pairs(csr_array(X), 9, np.random.default_rng(0))])
    assert 1 not in users
    assert len(users) == X.sum() - 20


def test_ranking_folds_users_in_by_the_papers_formula_without_their_own_embedding():
    X, n_layers = log(), 3
    model = LightGCN(n_factors=6, n_layers=n_layers, n_epochs=5).fit(X)
    start = model._learned()["embeddings"].copy()
    known = X.sum(axis=1) > 0
    final = dense_embeddings(X, start, n_layers)
    np.testing.assert_allclose(model.user_factors_[known], final[:30][known], atol=1e-5)
    np.testing.assert_allclose(
        model.item_factors_, final[30:] * (X.sum(axis=0) > 0)[:, None], atol=1e-5
    )
    without = final[:30] - start[:30] / (n_layers + 1)
    scores = model._scores(csr_array(X), np.full(30, -1))
    np.testing.assert_allclose(scores[known], (without @ model.item_factors_.T)[known], atol=1e-5)
    assert not scores[~known].any()


def test_one_thread_or_two_give_the_same_bits():
    import numba

    X, before = log(400, 300), numba.get_num_threads()
    found = []
    for n_threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
        numba.set_num_threads(n_threads)
        found.append(LightGCN(n_epochs=3, batch_size=512).fit(X).item_factors_)
    numba.set_num_threads(before)
    np.testing.assert_array_equal(*found)


def test_a_learning_rate_that_diverges_is_said():
    with pytest.raises(FloatingPointError, match="lower learning_rate"):
        LightGCN(learning_rate=1e30, n_epochs=20).fit(log())
