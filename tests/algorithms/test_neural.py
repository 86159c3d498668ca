"""NeuralRecommender: its Adam, its sparse products, its generator, its threads, its words."""

import subprocess
import sys

import numba
import numpy as np
import pytest
import torch
from scipy.sparse import csr_array, random_array

from recmeta.algorithms._histories import encoder_input, log_likelihood, sparse_product
from recmeta.algorithms._neural import NeuralRecommender
from recmeta.algorithms._state import state_of, with_state
from recmeta.algorithms.mult_vae import MultVAE
from recmeta.datasets.splits import random_holdout
from recmeta.datasets.synthetic import generate
from recmeta.evaluation import evaluate, train
from recmeta.testing import log_matrix


class Linear(NeuralRecommender):
    """Scores that a linear layer makes of the user's row, by squared error."""

    def __init__(self, learning_rate=0.05, batch_size=24, n_epochs=7, random_state=0):
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.random_state = random_state

    def _build(self, n_users, n_items):
        return torch.nn.Linear(n_items, n_items)

    def _loss(self, network, prepared, batch, rng):
        X = torch.from_numpy(prepared[batch].toarray())
        return ((network(X) - X) ** 2).mean()

    def _predict(self, network, X, users, **side):
        return network(torch.from_numpy(X.toarray()))


class Decaying(Linear):
    weight_decay = 0.1


class Frozen(Linear):
    """Whose bias learns in every second step alone."""

    def _losses(self, network, prepared, rng):
        for number, rows in enumerate(self._batches(prepared, rng)):
            network.bias.requires_grad_(number % 2 == 1)
            yield self._loss(network, prepared, rows, rng)


@pytest.mark.parametrize("algorithm", [Linear, Decaying])
def test_the_steps_are_those_of_torchs_adam(algorithm):
    X = log_matrix()
    model = algorithm().fit(X)
    torch_state = torch.random.get_rng_state()
    torch.manual_seed(int(np.random.default_rng(0).integers(2**63)))
    network = torch.nn.Linear(X.shape[1], X.shape[1])
    torch.random.set_rng_state(torch_state)
    adam = torch.optim.Adam(network.parameters(), 0.05, weight_decay=algorithm.weight_decay)
    rows = np.diff(X.indptr) > 0
    dense = torch.from_numpy(X[rows].toarray())
    for _ in range(7):
        adam.zero_grad()
        ((network(dense) - dense) ** 2).mean().backward()
        adam.step()
    for name, weights in network.state_dict().items():
        np.testing.assert_allclose(model._learned()[name], weights.numpy(), atol=2e-5)


def test_weights_that_are_frozen_in_a_step_do_not_take_it():
    model = Frozen(batch_size=4, n_epochs=1).fit(np.eye(12))
    assert model.steps_.tolist() == [3, 1]


def test_a_batch_is_a_set_of_rows_with_a_history_and_an_epoch_has_each_once():
    X = csr_array(np.eye(10, 4, dtype=np.float32))
    batches = list(Linear(batch_size=3)._batches(X, np.random.default_rng(0)))
    assert [len(batch) for batch in batches] == [3, 1]
    assert sorted(np.concatenate(batches)) == [0, 1, 2, 3]


def test_a_sparse_product_and_its_gradient_are_the_dense_ones():
    rng = np.random.default_rng(0)
    X = csr_array(random_array((9, 7), density=0.4, rng=rng, dtype=np.float32))
    target = torch.from_numpy(rng.standard_normal((9, 3), dtype=np.float32))
    weights = [torch.ones(7, 3, requires_grad=True) for _ in range(2)]
    products = sparse_product(X, weights[0]), torch.from_numpy(X.toarray()) @ weights[1]
    for product in products:
        ((product - target) ** 2).sum().backward()
    np.testing.assert_allclose(*(p.detach().numpy() for p in products), atol=1e-5)
    np.testing.assert_allclose(*(w.grad.numpy() for w in weights), atol=1e-4)


def test_the_likelihood_is_that_of_the_items_of_the_history():
    X = log_matrix()
    logits = np.random.default_rng(0).standard_normal(X.shape)
    log_softmax = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    expected = (log_softmax * (X.toarray() > 0)).sum(axis=1)
    found = log_likelihood(torch.from_numpy(logits.astype(np.float32)), csr_array(3 * X))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_dropout_keeps_the_mean_of_the_input():
    X = csr_array(np.ones((50, 400), dtype=np.float32) * 7)
    assert encoder_input(X).toarray() == pytest.approx(1 / 20)
    dropped = encoder_input(X, 0.3, np.random.default_rng(0)).toarray()
    assert set(np.unique(dropped)) == {0, np.float32(1 / 20) / np.float32(0.7)}
    assert (dropped == 0).mean() == pytest.approx(0.3, abs=0.02)  # 6 standard deviations


def test_the_global_generator_and_the_threads_of_torch_stay_as_they_were():
    before = torch.random.get_rng_state(), torch.get_num_threads()
    model = Linear().fit(log_matrix())
    model.recommend(log_matrix())
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert torch.get_num_threads() == before[1]


def test_the_global_generator_does_not_decide():
    first = Linear().fit(log_matrix()).weights_
    torch.rand(3)
    np.testing.assert_array_equal(Linear().fit(log_matrix()).weights_, first)


def test_a_model_of_saved_arrays_goes_on_to_the_same_bits_even_from_a_memory_map():
    X = log_matrix()
    stopped = Linear(n_epochs=3).fit(X)
    arrays, plain = state_of(stopped)
    for array in arrays.values():
        array.flags.writeable = False
    again = with_state(Linear, {"n_epochs": 7}, arrays, plain)
    assert list(again.epochs(X, resume=True)) == [4, 5, 6, 7]
    np.testing.assert_array_equal(again.weights_, Linear(n_epochs=7).fit(X).weights_)


def test_the_best_epoch_is_what_training_leaves():
    fold = random_holdout(generate(n_users=60, n_items=40, n_events=900, seed=0), seed=0).fold(
        "test"
    )
    model = MultVAE(n_factors=4, n_hidden=16, learning_rate=0.03, n_epochs=60)
    curve = train(model, fold)
    assert curve.best_epoch < 60  # else the test says nothing
    assert evaluate(model, fold).values["ndcg@10"] == max(curve.values)


def test_many_threads_rank_as_one_does():
    X = csr_array((np.random.default_rng(0).random((1200, 30)) < 0.3).astype(np.float32))
    model, before = Linear(n_epochs=1).fit(X), numba.get_num_threads()
    try:
        answers = []
        for n_threads in (1, before):
            numba.set_num_threads(n_threads)
            answers.append(model.recommend(X))
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(answers[0][0], answers[1][0])


def test_items_without_interactions_and_users_without_history_get_nothing():
    X = log_matrix().toarray()
    X[:, 3], X[5] = 0, 0
    items, _ = Linear().fit(X).recommend(X, 20)
    assert not (items == 3).any()
    assert (items[5] == -1).all()


def test_training_that_diverges_says_so():
    with pytest.raises(FloatingPointError, match="Linear diverged in epoch 1: lower learning_rate"):
        Linear(learning_rate=1e38).fit(log_matrix())


def test_without_torch_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"MultVAE needs recmeta\[torch\]: pip install 'recmeta"):
        MultVAE().fit(log_matrix())


def test_the_algorithms_are_listed_without_importing_torch():
    program = (
        "import sys; from recmeta.algorithms import all_algorithms; found = all_algorithms();"
        "assert found['MultVAE'].space and found['MultVAE'].__doc__; found['MultVAE']();"
        "assert found['MultVAE'].cost(10, 10, 10).seconds; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
