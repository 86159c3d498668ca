"""Tokens, the networks against torch's own LSTM, what is generated, and unlabelled rows."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

torch = pytest.importorskip("torch")

from recmeta.architectures import NasBench201  # noqa: E402
from recmeta.predictors import NAO, SemiNAO  # noqa: E402
from recmeta.predictors import _sequence_network as network  # noqa: E402
from recmeta.predictors._tokens import Tokens  # noqa: E402

CHEAP = {"n_members": 4, "n_units": 16, "n_epochs": 40}
FIRSTS = np.array([0, 3, 6, 9])


def networks(seed=0, n=5):
    """Two networks of 9 tokens, three a column, and n sequences of three."""
    rng = np.random.default_rng(seed)
    tensors = network.start(torch, 2, 9, 4, rng)
    x = torch.from_numpy(rng.integers(2, size=(n, 3)) + FIRSTS[:-1])
    return tensors, x


def test_each_encoder_is_an_lstm_of_torch():
    tensors, x = networks()
    states = network.encoded(torch, tensors, x)
    for number in range(2):
        lstm = torch.nn.LSTM(9, 4, bias=False, batch_first=True)
        lstm.weight_ih_l0.data = tensors["E"][number].T.clone()
        lstm.weight_hh_l0.data = tensors["U_E"][number].T.clone()
        outputs, _ = lstm(torch.nn.functional.one_hot(x, 9).float())
        unit = outputs / outputs.norm(dim=2, keepdim=True)
        torch.testing.assert_close(states[number], unit)
        mean = unit.mean(dim=1)
        e = network.embedded(torch, states)[number]
        torch.testing.assert_close(e, mean / mean.norm(dim=1, keepdim=True))


def test_what_the_decoder_says_of_a_column_are_probabilities_of_its_tokens():
    tensors, x = networks(n=1)
    states = network.encoded(torch, tensors, x)
    total = 0.0
    for tokens in product(range(3), repeat=3):
        said = torch.tensor([tokens]) + torch.from_numpy(FIRSTS[:-1])
        total = total + (-3 * network.surprise(torch, tensors, states, said, FIRSTS)).exp()
    torch.testing.assert_close(total, torch.ones(2, 1))


def test_decoding_takes_the_likeliest_token_after_those_before_it():
    tensors, x = networks()
    states = network.encoded(torch, tensors, x)
    read = network.decoded(torch, tensors, states, FIRSTS)
    assert read.shape == (2, 5, 3)
    for number in range(2):
        own = {name: tensor[number : number + 1] for name, tensor in tensors.items()}
        for row in range(5):
            at = states[number : number + 1, row : row + 1]
            for column in range(3):
                said = read[number, row].clone()
                # only tokens up to the column differ, and the third of each is for missing values
                losses = []
                for token in FIRSTS[column] + np.arange(2):
                    said[column] = int(token)
                    total = prefix_surprise(own, at, said[None], column)
                    losses.append(total)
                assert int(read[number, row, column]) == FIRSTS[column] + int(np.argmin(losses))


def prefix_surprise(own, states, said, column):
    """-log p of the tokens up to a column: what comes later is summed over."""
    total = 0.0
    later = [FIRSTS[at] + np.arange(3) for at in range(column + 1, 3)]
    for rest in product(*later):
        whole = said.clone()
        whole[0, column + 1 :] = torch.tensor(rest, dtype=torch.int64)
        total += float((-3 * network.surprise(torch, own, states, whole, FIRSTS)).exp())
    return -np.log(total)


def test_climbing_raises_the_prediction():
    tensors, x = networks(seed=3, n=20)
    states = network.encoded(torch, tensors, x)
    before, after, down = (
        network.predicted(torch, tensors, network.embedded(torch, moved))
        for moved in (
            states,
            network.climbed(torch, tensors, states, 0.1),
            network.climbed(torch, tensors, states, -0.1),
        )
    )
    assert (after >= before - 1e-6).all()
    assert (down <= before + 1e-6).all()
    assert (after > before).any()


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_columns_of_few_values_are_read_back_and_others_are_near(seed):
    rng = np.random.default_rng(seed)
    table = np.column_stack([rng.integers(4, size=50), rng.normal(size=50), rng.random(50)])
    table[rng.random(50) < 0.2, 2] = np.nan
    tokens = Tokens.learned(table, 6)
    numbers = tokens(table)
    assert ((numbers >= tokens.firsts[:-1]) & (numbers < tokens.firsts[1:])).all()
    back = tokens.table(numbers)
    np.testing.assert_array_equal(back[:, 0], table[:, 0])
    np.testing.assert_array_equal(np.isnan(back), np.isnan(table))
    assert spearmanr(back[:, 1], table[:, 1])[0] > 0.9
    assert len(np.unique(back[:, 1])) == 6
    counts = np.bincount(numbers[:, 1] - tokens.firsts[1], minlength=6)
    assert counts.min() >= 50 // 6 - 1


def test_a_value_not_seen_has_the_token_of_the_nearest():
    tokens = Tokens.learned(np.array([[0.0], [4.0], [10.0]]), 8)
    assert tokens(np.array([[-5.0], [1.9], [2.1], [99.0], [np.nan]]))[:, 0].tolist() == [
        *(0, 0, 1, 2, 3)
    ]


def toy(n, seed):
    """Rows of 5 choices of 4; the best of all 1,024 has the fifth choice's 0 and 3 elsewhere."""
    X = np.random.default_rng(seed).integers(4, size=(n, 5)).astype(float)
    return X, X[:, :4].sum(axis=1) - 2 * X[:, 4]


def test_generated_rows_are_new_and_lead_to_the_optimum():
    X, y = toy(100, 0)
    first = y.mean() + y.std()
    for _ in range(3):
        model = NAO(**CHEAP).fit(X, y)
        best = X[np.argsort(-y, kind="stable")[:10]]
        rows = model.generate(best, 20)
        assert len(rows) == len(np.unique(rows, axis=0)) <= 20
        assert not (rows[:, None] == best).all(axis=2).any()
        assert np.isin(rows, range(4)).all()
        values = rows[:, :4].sum(axis=1) - 2 * rows[:, 4]
        assert values.mean() > first
        mean, _ = model.predict(rows)
        assert (np.diff(mean) <= 1e-6).all()
        X, y = np.concatenate([X, rows]), np.concatenate([y, values])
    # 60 rows drawn at random have it with a probability of 6 %
    np.testing.assert_array_equal(X[np.argmax(y)], [3, 3, 3, 3, 0])


def test_smaller_can_be_better():
    X, y = toy(100, 4)
    rows = NAO(**CHEAP).fit(X, -y).generate(X[np.argsort(-y)[:10]], 20, largest=False)
    assert (rows[:, :4].sum(axis=1) - 2 * rows[:, 4]).mean() > y.mean() + y.std()


def test_nothing_is_generated_beside_proxies_or_before_fitting():
    X, y = toy(12, 1)
    with pytest.raises(ValueError, match="fit"):
        NAO().generate(X, 3)
    model = NAO(**CHEAP | {"n_epochs": 1}).fit(X, y, proxies=X[:, :2])
    with pytest.raises(ValueError, match="columns of proxies"):
        model.generate(X, 3)


def test_cells_are_ranked_from_their_sequences():
    space, rng = NasBench201(), np.random.default_rng(5)
    cells = [space.sample(rng) for _ in range(200)]
    X = space.encode(cells, "sequence")
    y = np.array([cell.count(3) + 0.5 * cell.count(2) - (cell[3] == 0) for cell in cells])
    mean, _ = NAO(**CHEAP | {"n_epochs": 60}).fit(X[:100], y[:100]).predict(X[100:])
    assert spearmanr(mean, y[100:])[0] > 0.8


def test_without_unlabelled_rows_semi_nao_is_nao():
    X, y = toy(40, 2)
    plain, semi = (kind(**CHEAP).fit(X, y).predict(X) for kind in (NAO, SemiNAO))
    np.testing.assert_array_equal(plain, semi)


def test_rows_without_label_help():
    ranks = {NAO: [], SemiNAO: []}
    for seed in range(2, 5):
        X, y = toy(80, seed)
        known = np.arange(80) < 40
        given = {NAO: (X[known], y[known]), SemiNAO: (X, np.where(known, y, np.nan))}
        for kind, rows in given.items():
            mean, std = kind(**CHEAP).fit(*rows).predict(X[~known])
            assert (std > 0).all()
            ranks[kind].append(spearmanr(mean, y[~known])[0])
    assert np.mean(ranks[SemiNAO]) > np.mean(ranks[NAO])


def test_what_semi_nao_cannot_learn_from_is_named():
    X, y = toy(6, 3)
    with pytest.raises(ValueError, match="two candidates or more: got 1"):
        SemiNAO().fit(X, np.where(np.arange(6) == 2, y, np.nan))
    with pytest.raises(ValueError, match=r"y must be \(6,\), NaN if unknown"):
        SemiNAO().fit(X, y[:-1])
    with pytest.raises(ValueError, match="not finite"):
        SemiNAO().fit(X, np.where(np.arange(6) == 2, np.inf, y))


def test_gradients_are_those_of_differences():
    tensors, x = networks(n=2)
    names = list(tensors)
    exact = [tensors[name].double().requires_grad_() for name in names]

    def loss(*given):
        own = dict(zip(names, given, strict=True))
        states = network.encoded(torch, own, x)
        said = network.surprise(torch, own, states, x, FIRSTS)
        return said + network.predicted(torch, own, network.embedded(torch, states))

    torch.set_default_dtype(torch.float64)
    try:
        assert torch.autograd.gradcheck(loss, exact, fast_mode=True)
    finally:
        torch.set_default_dtype(torch.float32)
