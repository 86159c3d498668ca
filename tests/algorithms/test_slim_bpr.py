"""SLIMBPR against finite differences of the objective, and the optimisers' papers in numpy."""

import numpy as np
import pytest

from recmeta.algorithms._sampling import draw_below
from recmeta.algorithms._weight_steps import weight_steps
from recmeta.algorithms.slim_bpr import SLIMBPR

N_ITEMS, HISTORY, POSITIVES = 7, [1, 2, 4, 5], {1, 2, 4, 5}


def two_camps(n=20):
    """Users and items of two kinds; each likes most items of its own kind."""
    liked = np.kron(np.eye(2), np.ones((n, n))) * (
        np.random.default_rng(0).random((2 * n, 2 * n)) < 0.7
    )
    return liked.astype(np.float32)


def goal(weights, i, j, penalties, symmetric):
    """ln sigmoid(x_ui - x_uj) - penalties, of weights[target, source]; one triangle counts."""
    if symmetric:
        weights = np.tril(weights) + np.tril(weights).T
    sources = [item for item in HISTORY if item != i]
    margin = weights[i, sources].sum() - weights[j, sources].sum()
    sizes = np.array([(weights[row, sources] ** 2).sum() for row in (i, j)])
    return -np.log1p(np.exp(-margin)) - 0.5 * sizes @ penalties


def gradient_of(weights, i, j, penalties, symmetric):
    slope = np.zeros_like(weights)
    for place in np.ndindex(*weights.shape):
        sides = []
        for shift in (1e-6, -1e-6):
            moved = weights.copy()
            moved[place] += shift
            sides.append(goal(moved, i, j, penalties, symmetric))
        slope[place] = (sides[0] - sides[1]) / 2e-6
    return slope


def steps(weights, moments, symmetric, rate, penalties, seed, n_done=0):
    """As many steps as the history is long, by the kernel, on copies: weights and moments."""
    items, indptr = np.array(HISTORY, dtype=np.int32), np.array([0, len(HISTORY)], dtype=np.int32)
    weights, moments = weights.astype(np.float32), moments.astype(np.float32)
    rates, state = np.array([rate, *penalties], np.float32), np.array([seed], dtype=np.uint64)
    user = np.zeros(1, dtype=np.int32)
    weight_steps(user, items, indptr, rates, n_done, symmetric, state, moments, weights)
    return weights, moments


def start(symmetric):
    weights = np.random.default_rng(0).standard_normal((N_ITEMS, N_ITEMS))
    np.fill_diagonal(weights, 0)
    return np.tril(weights) if symmetric else weights


def drawn(seed):
    """The pairs that the kernel draws with this seed."""
    state, pairs = np.array([seed], dtype=np.uint64), []
    for _ in HISTORY:
        i, j = HISTORY[draw_below(len(HISTORY), state)], draw_below(N_ITEMS, state)
        while j in POSITIVES:
            j = draw_below(N_ITEMS, state)
        pairs.append((i, j))
    return pairs


def by_the_papers(weights, pairs, optimiser, symmetric, rate, penalties):
    """Every step with a finite-difference gradient and the optimiser's update, weight by weight."""
    weights = weights.copy()
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    for step, (i, j) in enumerate(pairs, start=1):
        slope = gradient_of(weights, i, j, penalties, symmetric)
        touched = slope != 0
        if optimiser == "adagrad":  # Duchi et al. 2011, eq. 1 with a diagonal matrix
            square += slope**2
            slope = slope / np.where(touched, np.sqrt(square) + 1e-8, 1)
        if optimiser == "adam":  # Kingma & Ba 2015, algorithm 1, where there is a gradient
            mean = np.where(touched, 0.9 * mean + 0.1 * slope, mean)
            square = np.where(touched, 0.999 * square + 0.001 * slope**2, square)
            corrected = np.sqrt(square / (1 - 0.999**step)) + 1e-8
            slope = touched * (mean / (1 - 0.9**step)) / corrected
        weights += rate * slope
    return weights


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize(("optimiser", "n_moments"), [("sgd", 0), ("adagrad", 1), ("adam", 2)])
def test_steps_go_along_the_gradient_of_the_objective(symmetric, optimiser, n_moments):
    rate, penalties = 0.1, (0.3, 0.2)
    for seed in (1, 2):
        expected = by_the_papers(
            start(symmetric), drawn(seed), optimiser, symmetric, rate, penalties
        )
        moments = np.zeros((n_moments, N_ITEMS, N_ITEMS))
        found, _ = steps(start(symmetric), moments, symmetric, rate, penalties, seed)
        np.testing.assert_allclose(found, expected, atol=2e-4)


@pytest.mark.parametrize("optimiser", ["sgd", "adagrad", "adam"])
@pytest.mark.parametrize("symmetric", [True, False])
def test_recommends_items_of_the_users_own_kind(optimiser, symmetric):
    X = two_camps()
    model = SLIMBPR(optimiser=optimiser, symmetric=symmetric).fit(X)
    items, _ = model.recommend(X, k=3)
    own = (items >= 20) == (np.arange(40)[:, None] >= 20)
    assert own.mean() > 0.95


@pytest.mark.parametrize("symmetric", [True, False])
def test_each_scored_item_keeps_its_largest_weights(symmetric):
    X = two_camps()
    model = SLIMBPR(n_neighbours=4, n_epochs=2, symmetric=symmetric).fit(X)
    scored = model.scored_weights_.T  # (source, target)
    if symmetric:
        assert not np.triu(model.scored_weights_).any()
        scored = scored + scored.T
    item = np.argsort(model.items_by_popularity_)
    scored = scored[np.ix_(item, item)]
    kept = model.item_weights_.toarray()
    for target in range(40):
        place = kept[:, target] != 0
        assert place.sum() == 4
        np.testing.assert_array_equal(kept[place, target], scored[place, target])
        assert kept[place, target].min() >= scored[~place, target].max()


def test_the_diagonal_stays_zero():
    model = SLIMBPR(n_epochs=3, symmetric=False).fit(two_camps())
    assert not np.diag(model.scored_weights_).any()


def test_a_seed_gives_the_same_bits_and_another_seed_others():
    X = two_camps()
    first, again, other = (
        SLIMBPR(n_epochs=3, random_state=s).fit(X).scored_weights_ for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_an_item_without_interactions_is_never_recommended_and_an_empty_history_gets_no_list():
    X = two_camps()
    X[5], X[:, 3] = 0, 0
    items, _ = SLIMBPR(n_epochs=3).fit(X).recommend(X, k=40)
    assert not (items == 3).any()
    assert (items[5] == -1).all()


def test_unknown_optimisers_are_refused():
    with pytest.raises(ValueError, match="optimiser must be one of sgd, adagrad, adam: got 'rms'"):
        SLIMBPR(optimiser="rms").fit(two_camps())


@pytest.mark.parametrize("X", [np.ones((1, 1)), np.ones((1, 4)), np.ones((5, 1)), np.ones((4, 4))])
def test_users_who_have_every_item_are_left_out(X):
    assert np.isfinite(SLIMBPR(n_epochs=2).fit(X).scored_weights_).all()


def test_a_log_of_another_width_is_learned_as_if_it_were_the_first():
    narrow, wide = two_camps(10), two_camps(13)
    model = SLIMBPR(n_epochs=2, n_neighbours=3)
    for X in (narrow, wide, narrow):
        expected = SLIMBPR(n_epochs=2, n_neighbours=3).fit(X).item_weights_.toarray()
        np.testing.assert_array_equal(model.fit(X).item_weights_.toarray(), expected)


def test_training_that_broke_off_in_its_last_epoch_is_ready_after_resuming(monkeypatch):
    X = two_camps()
    expected = SLIMBPR(n_epochs=3).fit(X).item_weights_.toarray()
    model = SLIMBPR(n_epochs=5)
    epoch = SLIMBPR._epoch

    def broken(self, prepared, rng):
        if self.n_epochs_ == 3:
            raise KeyboardInterrupt
        epoch(self, prepared, rng)

    monkeypatch.setattr(SLIMBPR, "_epoch", broken)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    assert list(model.set_params(n_epochs=3).epochs(X, resume=True)) == []
    np.testing.assert_array_equal(model.item_weights_.toarray(), expected)
