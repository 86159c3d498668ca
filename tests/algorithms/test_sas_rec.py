"""SASRec's ranking and loss against the papers' formulas in dense numpy, one sequence at a time."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from recmeta.algorithms.markov_chain import MarkovChain
from recmeta.algorithms.sas_rec import SASRec
from recmeta.testing import log_matrix

N_LAYERS, N_HEADS = 2, 2


def timed(X, seed=0):
    """X with the times of its entries, from 0 on, many of them equal."""
    times = np.random.default_rng(seed).integers(0, 6, X.nnz).astype(np.float64)
    return csr_array((times, X.indices, X.indptr), shape=X.shape)


def trained(X, times, n_epochs=4, **params):
    sizes = {"n_factors": 8, "n_layers": N_LAYERS, "n_heads": N_HEADS, "max_length": 5}
    options = {"learning_rate": 0.01, "batch_size": 6, "dropout": 0.0}
    return SASRec(**(sizes | options | params), n_epochs=n_epochs).fit(X, timestamps=times)


def learned(model):
    return {name: array.astype(np.float64) for name, array in model._learned().items()}


def sequence(times, row):
    entries = slice(times.indptr[row], times.indptr[row + 1])
    return [
        item for _, item in sorted(zip(times.data[entries], times.indices[entries], strict=True))
    ]


def normed(weights, number, x):
    centred = x - x.mean(axis=1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    return scaled * weights[f"norm_{number}"] + weights[f"norm_{number}_bias"]


def encoded(weights, items):
    """States after each of the items: (len(items), n_factors)."""
    x = weights["embeddings"][items] + weights["positions"][-len(items) :]
    for layer in range(N_LAYERS):
        linear = lambda part, y, n=layer: y @ weights[f"{part}_{n}"] + weights[f"{part}_{n}_bias"]  # noqa: E731
        y = normed(weights, 2 * layer, x)
        query, key, value = (linear(part, y) for part in ("query", "key", "value"))
        attended = np.zeros_like(x)
        width = x.shape[1] // N_HEADS
        for head in range(N_HEADS):
            columns = slice(head * width, (head + 1) * width)
            for place in range(len(items)):
                products = key[: place + 1, columns] @ query[place, columns] / np.sqrt(width)
                shares = np.exp(products) / np.exp(products).sum()
                attended[place, columns] = shares @ value[: place + 1, columns]
        x = x + attended
        inner = np.maximum(linear("inner", normed(weights, 2 * layer + 1, x)), 0)
        x = x + linear("outer", inner)
    return normed(weights, 2 * N_LAYERS, x)


def test_ranking_is_by_the_state_after_the_last_item():
    X = log_matrix()
    times = timed(X)
    model = trained(X, times)
    weights = learned(model)
    scores = model._scores(X, np.arange(24), timestamps=times)
    assert max(len(sequence(times, row)) for row in range(24)) > 5  # longer than it looks back
    for row in range(24):
        state = encoded(weights, sequence(times, row)[-5:])[-1]
        np.testing.assert_allclose(scores[row], weights["embeddings"] @ state, atol=1e-5)


def losses_by_loops(weights, times, max_length, others):
    """-log softmax of what came next, among what is outside the piece and drawn, for all items."""
    losses = []
    n_items = len(weights["embeddings"])
    for row in range(times.shape[0]):
        items = sequence(times, row)
        stop = len(items)
        while stop > 1:
            piece = items[max(stop - max_length - 1, 0) : stop]
            logits = encoded(weights, piece[:-1]) @ weights["embeddings"].T
            for place, target in enumerate(piece[1:]):
                negatives = [item for item in others if item not in piece]
                total = n_items / len(others) * np.exp(logits[place, negatives]).sum()
                losses.append(np.log(np.exp(logits[place, target]) + total) - logits[place, target])
            stop -= max_length
    return losses


@pytest.mark.parametrize("n_negatives", [18, 100, 7])
def test_the_loss_is_the_cross_entropy_of_each_next_item(n_negatives):
    X = log_matrix()
    times = timed(X)
    model = trained(X, times, n_negatives=n_negatives)
    prepared = model._prepared(X, times)
    every = np.arange(len(prepared.first))
    loss = model._loss(model._network(), prepared, every, np.random.default_rng(3))
    drawn = np.random.default_rng(3).integers(18, size=n_negatives)
    others = set(drawn) if n_negatives < 18 else range(18)
    expected = losses_by_loops(learned(model), times, 5, others)
    assert len(expected) == X.nnz - 24  # each event but the first of a user
    assert loss.item() == pytest.approx(np.mean(expected), rel=1e-5)


def test_an_epoch_has_each_piece_once():
    X = log_matrix()
    model = trained(X, timed(X), n_epochs=1)
    prepared = model._prepared(X, timed(X))
    batches = list(model._batches(prepared, np.random.default_rng(0)))
    assert sorted(np.concatenate(batches)) == list(range(len(prepared.first)))


def test_what_comes_later_does_not_change_what_was_known():
    X = log_matrix()
    model = trained(X, timed(X))
    items = torch.tensor([[3, 5, 7, 1]])
    before = model._states(model._network(), items)
    after = model._states(model._network(), torch.tensor([[3, 5, 7, 2]]))
    torch.testing.assert_close(before[:, :3], after[:, :3])
    assert not torch.allclose(before[:, 3], after[:, 3])


def test_items_before_the_longest_history_do_not_count():
    shape, rng = (4, 30), np.random.default_rng(0)
    X = csr_array(np.ones(shape, dtype=np.float32))
    times = csr_array(np.argsort(rng.random(shape), axis=1) + 1.0)
    model = trained(X, times)
    last = csr_array((times.toarray() > 25) * times.toarray())
    known = csr_array((last > 0).astype(np.float32))
    np.testing.assert_allclose(
        model._scores(known, np.arange(4), timestamps=last),
        model._scores(X, np.arange(4), timestamps=times),
        atol=1e-6,
    )


def circle(n_items=12, n_users=60, length=5):
    """Item i is followed by i + 5, whoever has it: what a chain of first order knows."""
    starts = np.arange(n_users) % n_items
    times = np.zeros((n_users, n_items))
    for step in range(length):
        times[np.arange(n_users), (starts + 5 * step) % n_items] = step + 1
    return csr_array((times > 0).astype(np.float32)), csr_array(times), starts


def test_it_learns_what_follows_what():
    X, times, starts = circle()
    model = SASRec(**SASRec.tiny).fit(X, timestamps=times)
    items, _ = model.recommend(X, 1, timestamps=times)
    np.testing.assert_array_equal(items[:, 0], (starts + 25) % 12)
    chain = MarkovChain(window=1, backward=0.0, n_last=1).fit(X, timestamps=times)
    np.testing.assert_array_equal(chain.recommend(X, 1, timestamps=times)[0], items)


def test_training_lowers_the_loss():
    X = log_matrix()
    times, losses = timed(X), []
    for n_epochs in (1, 30):
        model = trained(X, times, n_epochs=n_epochs)
        prepared = model._prepared(X, times)
        every = np.arange(len(prepared.first))
        rng = np.random.default_rng(0)
        losses.append(model._loss(model._network(), prepared, every, rng).item())
    assert losses[1] < 0.9 * losses[0]


def test_heads_must_divide_the_factors():
    with pytest.raises(ValueError, match="n_factors=9 must be a multiple of n_heads=2"):
        SASRec(n_factors=9, n_heads=2).fit(log_matrix(), timestamps=timed(log_matrix()))
