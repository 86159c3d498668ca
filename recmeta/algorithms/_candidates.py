"""Candidates of a few models for each user, and what is known of each (user, candidate) pair.

Features of a pair, in this order: for each model its score over the user's largest absolute one,
and its rank (n_candidates where the model does not list the item); mean reciprocal rank, the best
rank; popularity of the item as its place among all items (0 to 1); length of the history and the
mean popularity of its items; similarity of the item to the most similar one of the history, and the
share of the history that is among its neighbours.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._base import Recommender, _blocks, _in_threads
from recmeta.algorithms._neighbours import nearest_items
from recmeta.algorithms._similarity import form_of, squared_lengths
from recmeta.algorithms._sums import column_counts
from recmeta.algorithms._topk import mask_seen, select_top_k

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
N_SIMILAR, SHRINK = 50, 10.0  # of the neighbours of an item
WIDER = 4  # a score of a block takes as much as these, with what is made of it


class Items(NamedTuple):
    """What is known of the items, whoever asks."""

    popularity: F32  # (n_items,): share of the items with fewer interactions
    neighbours: NDArray[np.int32]  # (n_items, N_SIMILAR): the most similar first, -1 pads
    similarities: F32  # (n_items, N_SIMILAR): cosine, shrunk


class Pairs(NamedTuple):
    """Candidates of users: those of a row together, by item number."""

    rows: I64  # (n_pairs,)
    items: I64  # (n_pairs,)
    features: F32  # (n_pairs, n_features)


def items_of(X: csr_array) -> Items:
    """From the interactions."""
    counts = column_counts(X.indices, X.shape[1])
    popularity = np.searchsorted(np.sort(counts), counts) / max(X.shape[1], 1)
    lengths = squared_lengths(csr_array(X.T.tocsr()))
    form = form_of("cosine", lengths, lengths, SHRINK, 0.5, 0.5)
    k = min(N_SIMILAR, max(X.shape[1] - 1, 1))
    return Items(popularity.astype(np.float32), *nearest_items(X, form, k))


def pairs_of(
    models: Sequence[Recommender], X: csr_array, users: I64, items: Items, n_candidates: int
) -> Pairs:
    """The n_candidates best new items of each model for each row, and their features.

    Memory: the scores of a block of rows by each model.
    """
    parts: dict[int, Pairs] = {}

    def one_block(block: slice) -> None:
        part = csr_array(X[block])
        found = _pairs_of_block(models, part, users[block], items, n_candidates)
        parts[block.start] = found._replace(rows=found.rows + block.start)

    _in_threads(one_block, _blocks(X.shape[0], X.shape[1] * len(models) * WIDER))
    columns = zip(*(parts[start] for start in sorted(parts)), strict=True)
    return Pairs(*(np.concatenate(column) for column in columns))


def _pairs_of_block(
    models: Sequence[Recommender], X: csr_array, users: I64, items: Items, n_candidates: int
) -> Pairs:
    n_items, counts = X.shape[1], np.diff(X.indptr)
    owner = np.repeat(np.arange(len(counts)), counts)
    scores = np.empty((len(models), *X.shape), dtype=np.float32)
    lists = np.empty((len(models), X.shape[0], min(n_candidates, n_items)), dtype=np.int32)
    values = np.empty(lists.shape[1:], dtype=np.float32)
    for model, of_model, best in zip(models, scores, lists, strict=True):
        of_model[:] = model._scores(X, users)
        mask_seen(of_model, X.indptr, X.indices)
        select_top_k(of_model, best, values)
        of_model[owner, X.indices] = 0
    highest = np.maximum(scores.max(axis=2, initial=0), -scores.min(axis=2, initial=0))
    listed = [np.arange(len(counts))[:, None] * n_items + best for best in lists]
    rows, columns = np.divmod(np.unique(np.stack(listed)[lists >= 0]), n_items)
    ranks = np.full((len(models), len(rows)), n_candidates, dtype=np.int32)
    _ranks(lists, rows, columns, np.full(n_items, -1, dtype=np.int32), ranks)
    shares = scores[:, rows, columns] / np.where(highest > 0, highest, 1)[:, rows]
    reciprocal = np.where(ranks < n_candidates, 1 / (1.0 + ranks), 0).mean(axis=0)
    taste = np.bincount(owner, items.popularity[X.indices], len(counts)) / np.maximum(counts, 1)
    similar = np.zeros((2, len(rows)), dtype=np.float32)
    _similar(
        X.indptr, X.indices, rows, columns, items.neighbours, items.similarities,
        np.zeros(X.shape[1], dtype=np.bool_), similar,
    )  # fmt: skip
    by_user = (counts[rows], taste[rows])
    by_models = [column for pair in zip(shares, ranks, strict=True) for column in pair]
    features = [*by_models, reciprocal, ranks.min(axis=0), items.popularity[columns]]
    return Pairs(rows, columns, np.stack([*features, *by_user, *similar], 1).astype(np.float32))


@njit(cache=True, nogil=True)
def _ranks(lists, rows, items, places, ranks):  # type: ignore[no-untyped-def]
    """Places of the pairs in each model's lists; what no list has stays. ``places`` is all -1."""
    for model in range(len(lists)):
        pair = 0
        for row in range(lists.shape[1]):
            for place, item in enumerate(lists[model, row]):
                if item >= 0:
                    places[item] = place
            while pair < len(rows) and rows[pair] == row:
                if places[items[pair]] >= 0:
                    ranks[model, pair] = places[items[pair]]
                places[items[pair]] = -1  # each listed item is a pair of its row
                pair += 1


@njit(cache=True, nogil=True)
def _similar(indptr, indices, rows, items, neighbours, similarities, has, similar):  # type: ignore[no-untyped-def]
    """Similarity to the most similar item of the history, and share of it among the neighbours."""
    pair = 0
    for row in range(len(indptr) - 1):
        history = indices[indptr[row] : indptr[row + 1]]
        for item in history:
            has[item] = True
        while pair < len(rows) and rows[pair] == row:
            item = items[pair]
            for place in range(neighbours.shape[1]):
                other = neighbours[item, place]
                if other >= 0 and has[other]:
                    if similar[1, pair] == 0:
                        similar[0, pair] = similarities[item, place]
                    similar[1, pair] += 1
            if len(history):
                similar[1, pair] /= len(history)
            pair += 1
        for item in history:
            has[item] = False
