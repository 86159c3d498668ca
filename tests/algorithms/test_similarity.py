"""Similarities, weightings and the cut to the nearest, pair by pair in float64."""

import math

import numpy as np
import pytest
from implicit.nearest_neighbours import bm25_weight, tfidf_weight
from scipy.sparse import csr_array

from recmeta.algorithms import _neighbours
from recmeta.algorithms._neighbours import nearest, nearest_items, weights_from
from recmeta.algorithms._similarity import (
    SIMILARITIES,
    form_of,
    squared_lengths,
    weigh,
    weigh_like,
)

ALPHA, BETA = 0.3, 1.4


def pair(similarity, t, o, shrink):
    """One similarity of two vectors, as in the literature; None where it is undefined."""
    d, n_t, n_o = t @ o, t @ t, o @ o
    if d == 0:
        return None
    below = {
        "cosine": lambda: math.sqrt(n_t) * math.sqrt(n_o),
        "asymmetric": lambda: n_t**ALPHA * n_o ** (1 - ALPHA),
        "jaccard": lambda: n_t + n_o - d,
        "dice": lambda: (n_t + n_o) / 2,
        "tversky": lambda: d + ALPHA * (n_t - d) + BETA * (n_o - d),
    }[similarity]()
    return d / (below + shrink) if below + shrink > 0 else None


def vectors(kind, n, n_terms=25, seed=0):
    rng = np.random.default_rng(seed)
    X = (rng.random((n, n_terms)) < 0.3).astype(np.float32)
    if kind == "amounts":
        X *= rng.integers(1, 100, X.shape).astype(np.float32) / 20
    return X


def found(similarity, targets, others, k, shrink, itself=None):
    A, B = csr_array(targets), csr_array(others)
    form = form_of(similarity, squared_lengths(A), squared_lengths(B), shrink, ALPHA, BETA)
    return nearest(A, csr_array(B.T.tocsr()), form, k, itself=itself)


@pytest.mark.parametrize("kind", ["binary", "amounts"])
@pytest.mark.parametrize("shrink", [0.0, 7.5])
@pytest.mark.parametrize("k", [1, 6, 40])
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_the_nearest_are_those_of_the_formula_pair_by_pair(similarity, k, shrink, kind):
    targets, others = vectors(kind, 30), vectors(kind, 40, seed=1)
    neighbours, values = found(similarity, targets, others, k, shrink)
    for t, target in enumerate(targets.astype(np.float64)):
        exact = [pair(similarity, target, o.astype(np.float64), shrink) for o in others]
        largest = sorted((value for value in exact if value is not None), reverse=True)[:k]
        kept = [int(o) for o in neighbours[t] if o >= 0]
        np.testing.assert_allclose(values[t, : len(kept)], largest, rtol=1e-5)
        np.testing.assert_allclose([exact[o] for o in kept], largest, rtol=1e-5)
        assert len(set(kept)) == len(kept) == len(largest)
        assert (neighbours[t, len(kept) :] == -1).all()
        assert (values[t, len(kept) :] == 0).all()


def test_asymmetric_is_cosine_at_a_half_and_a_conditional_probability_at_1():
    rows = csr_array(vectors("binary", 20))
    lengths = squared_lengths(rows)
    terms = csr_array(rows.T.tocsr())
    dots = (rows @ terms).toarray()

    def dense(name, alpha):
        form = form_of(name, lengths, lengths, 0.0, alpha, 0.0)
        return weights_from(*nearest(rows, terms, form, 20, itself=None), 20).toarray().T

    np.testing.assert_allclose(dense("asymmetric", 0.5), dense("cosine", 0.5), rtol=1e-6)
    np.testing.assert_allclose(dense("asymmetric", 1.0), dots / lengths[:, None], rtol=1e-5)


def test_tversky_is_jaccard_at_1_and_dice_at_a_half():
    rows = csr_array(vectors("amounts", 20))
    lengths = squared_lengths(rows)
    for weight, name in ((1.0, "jaccard"), (0.5, "dice")):
        tversky = form_of("tversky", lengths, lengths, 3.0, weight, weight)
        other = form_of(name, lengths, lengths, 3.0, 0.0, 0.0)
        assert tversky.shared == other.shared
        np.testing.assert_array_equal(tversky.left_sum, other.left_sum)
        np.testing.assert_array_equal(tversky.right_sum, other.right_sum)


def test_equal_similarities_keep_the_lower_number_and_come_in_its_order():
    same = np.ones((9, 4), dtype=np.float32)
    neighbours, values = found("cosine", same, same, 3, 0.0, np.arange(9, dtype=np.int32))
    np.testing.assert_array_equal(neighbours[0], [1, 2, 3])
    np.testing.assert_array_equal(neighbours[5], [0, 1, 2])
    assert (values == values[0, 0]).all()


def test_a_target_is_not_its_own_neighbour_unless_it_is_a_stranger():
    rows = vectors("binary", 12)
    for itself, own in ((np.arange(12), 0), (np.full(12, -1), 12)):
        neighbours, _ = found("cosine", rows, rows, 12, 0.0, itself.astype(np.int32))
        assert (neighbours == np.arange(12)[:, None]).sum() == own


def test_many_blocks_of_targets_give_what_one_target_gives():
    rows = vectors("amounts", 200, n_terms=60)
    neighbours, values = found("jaccard", rows, rows, 10, 1.0)
    for target in (0, 63, 64, 150, 199):
        alone = found("jaccard", rows[[target]], rows, 10, 1.0)
        np.testing.assert_array_equal(alone[0][0], neighbours[target])
        np.testing.assert_array_equal(alone[1][0], values[target])


@pytest.mark.parametrize("size", [1e-25, 1e-42])
def test_values_whose_products_are_0_in_float32_have_no_neighbours(size):
    # each of the 500 terms adds a product of 0 to the same 3 pairs
    rows = np.full((3, 500), size, dtype=np.float32)
    neighbours, _ = found("cosine", rows, rows, 2, 0.0)
    assert (neighbours == -1).all()


def test_weights_have_a_column_for_each_target():
    others, values = np.array([[2, 0], [1, -1]], np.int32), np.array([[0.9, 0.5], [0.7, 0]], "f4")
    expected = [[0.5, 0], [0, 0.7], [0.9, 0]]
    np.testing.assert_allclose(weights_from(others, values, 3).toarray(), expected)


def documents():
    rows, known = vectors("amounts", 20), vectors("amounts", 35, seed=2)
    known[:, 3] = 0  # a term of nobody
    known[:, 4] = 1  # a term of everybody
    return rows, known


@pytest.mark.parametrize("weighting", ["tf-idf", "bm25"])
def test_weights_are_those_of_the_formula_entry_by_entry(weighting):
    rows, known = documents()
    found = weigh_like(csr_array(rows), csr_array(known), weighting).toarray()
    mean_length = known.sum() / len(known)
    for (d, t), tf in np.ndenumerate(rows.astype(np.float64)):
        idf = math.log(1 + len(known) / max((known[:, t] > 0).sum(), 1))
        length = rows[d].sum() / mean_length
        expected = {
            "tf-idf": math.sqrt(tf) * idf,
            "bm25": idf * tf * 2.2 / (tf + 1.2 * (1 - 0.75 + 0.75 * length)),
        }[weighting]
        assert found[d, t] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("weighting", ["tf-idf", "bm25"])
def test_weights_are_those_of_implicit_but_for_the_idf(weighting):
    # implicit's idf is ln(N) - ln(1 + n), negative for a term of everybody; ours ln(1 + N / n)
    known = documents()[1]
    theirs = tfidf_weight(known) if weighting == "tf-idf" else bm25_weight(known, K1=1.2, B=0.75)
    n = np.maximum((known > 0).sum(axis=0), 1)
    of_ours, of_theirs = np.log1p(len(known) / n), np.log(len(known)) - np.log1p(n)
    ours = weigh(csr_array(known), weighting).toarray()
    np.testing.assert_allclose(ours / of_ours, theirs.toarray() / of_theirs, rtol=1e-5)
    assert (ours[known > 0] > 0).all()
    assert (theirs.toarray()[:, 4] < 0).all()


@pytest.mark.parametrize("weighting", ["none", "tf-idf", "bm25"])
def test_weighting_changes_neither_matrix(weighting):
    rows, known = (csr_array(matrix) for matrix in documents())
    before = rows.toarray(), known.toarray()
    weigh_like(rows, known, weighting)
    np.testing.assert_array_equal(rows.toarray(), before[0])
    np.testing.assert_array_equal(known.toarray(), before[1])


def test_names_that_are_unknown_and_cuts_that_keep_nothing_are_refused():
    rows = vectors("binary", 3)
    with pytest.raises(ValueError, match="similarity must be one of cosine, jaccard"):
        found("cos", rows, rows, 2, 0.0)
    with pytest.raises(ValueError, match="feature_weighting must be one of none, tf-idf, bm25"):
        weigh(csr_array(rows), "idf")
    with pytest.raises(ValueError, match="n_neighbours must be at least 1: got 0"):
        found("cosine", rows, rows, 0, 0.0)


@pytest.mark.parametrize("kind", ["binary", "amounts"])
@pytest.mark.parametrize("n_users", [4, 90])  # few enough meetings for rows one by one, or not
@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("block_bytes", [1, 2**24])  # many panels of rows, or one
def test_half_of_a_symmetric_product_gives_the_neighbours_of_all_of_it(
    similarity, n_users, kind, block_bytes, monkeypatch
):
    monkeypatch.setattr(_neighbours, "BLOCK_BYTES", block_bytes)
    X = csr_array(vectors(kind, n_users, n_terms=150))
    items = csr_array(X.T.tocsr())
    lengths = squared_lengths(items)
    form = form_of(similarity, lengths, lengths, 2.0, ALPHA, BETA)
    expected = nearest(items, X, form, 12, itself=np.arange(150, dtype=np.int32))
    found = nearest_items(X, form, 12)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-6)
    if kind == "binary":  # whole numbers have one sum in any order
        np.testing.assert_array_equal(found[0], expected[0])
