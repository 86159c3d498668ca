"""TopPopular against counting by hand."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from recmeta.algorithms.top_popular import TopPopular


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=40))
def test_items_come_by_their_number_of_interactions_then_by_their_own(events):
    ones, pairs = np.ones(len(events)), np.array(events, dtype=int).reshape(-1, 2)
    X = csr_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(5, 7))
    counts = Counter(item for _, item in events)
    by_hand = sorted(counts, key=lambda item: (-counts[item], item))
    items, scores = TopPopular().fit(X).recommend(np.zeros((1, 7)), 7)
    assert items[0].tolist() == by_hand + [-1] * (7 - len(by_hand))
    assert scores[0, : len(by_hand)].tolist() == [counts[item] for item in by_hand]


def test_amounts_are_summed():
    model = TopPopular().fit([[1, 0.5, 0], [1, 4, 0]])
    np.testing.assert_array_equal(model.popularity_, [2, 4.5, 0])


def test_each_user_gets_the_first_of_the_one_order_that_he_has_not():
    X = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 1], [0, 1, 0, 0]])  # 3, 3, 1, 1
    items, _ = TopPopular().fit(X).recommend(X, 2)
    np.testing.assert_array_equal(items, [[3, -1], [2, 3], [1, 2], [0, 2]])


def test_large_counts_keep_their_order():
    # float32 has no odd numbers from 2^24 on: sums in it would stop at the first million
    counts = np.array([[2**24 + 2, 2**24, 2**24 + 4]])
    halves = np.vstack([counts / 2, counts / 2])
    items, _ = TopPopular().fit(halves).recommend(np.zeros((1, 3)), 3)
    np.testing.assert_array_equal(items, [[2, 0, 1]])
