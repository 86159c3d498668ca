"""Candidates of a few models, what is known of each (user, candidate) pair, and trees over that.

Features of a pair, in this order: for each model its score over the user's largest absolute one,
and its rank (n_candidates where the model does not list the item); mean reciprocal rank, the best
rank; popularity of the item as its place among all items (0 to 1); length of the history and the
mean popularity of its items; similarity of the item to the most similar one of the history, and the
share of the history that is among its neighbours.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms import get
from recmeta.algorithms._base import Recommender, _blocks, _in_threads
from recmeta.algorithms._gram import row_blocks
from recmeta.algorithms._neighbours import nearest_items
from recmeta.algorithms._similarity import form_of, squared_lengths
from recmeta.algorithms._sums import column_counts
from recmeta.algorithms._topk import NO_SCORE, mask_seen, select_top_k

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
N_SIMILAR, SHRINK = 50, 10.0  # of the neighbours of an item
WIDER = 4  # a score of a block has its rank beside it, and what is made of both
FIXED = {
    "objective": "lambdarank", "lambdarank_norm": False, "learning_rate": 0.05, "verbosity": -1,
    "deterministic": True, "force_row_wise": True, "num_threads": 1,
}  # fmt: skip


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


class Lesson(NamedTuple):
    """Pairs of users of whose held-out items one at least is a candidate."""

    features: F32  # (n_pairs, n_features)
    is_held: NDArray[np.bool_]  # (n_pairs,)
    groups: I64  # (n_users,): how many pairs in a row are of one user


def items_of(X: csr_array) -> Items:
    """From the interactions."""
    counts = column_counts(X.indices, X.shape[1])
    popularity = np.searchsorted(np.sort(counts), counts) / max(X.shape[1], 1)
    lengths = squared_lengths(csr_array(X.T.tocsr()))
    form = form_of("cosine", lengths, lengths, SHRINK, 0.5, 0.5)
    k = min(N_SIMILAR, max(X.shape[1] - 1, 1))
    return Items(popularity.astype(np.float32), *nearest_items(X, form, k))


def held_out_share(X: csr_array, rows: I64, share: float, rng: np.random.Generator) -> csr_array:
    """A random share of the entries of some rows, one at least, of a row with two or more."""
    counts = np.diff(X.indptr)
    owner = np.repeat(np.arange(len(counts)), counts)
    rank = np.empty(X.nnz, dtype=np.int64)
    rank[np.lexsort((rng.random(X.nnz), owner))] = np.arange(X.nnz) - X.indptr[owner]
    n_held = np.minimum(np.maximum(np.rint(share * counts), 1), counts - 1)
    drawn = np.zeros(len(counts), dtype=np.bool_)
    drawn[rows] = True
    held = drawn[owner] & (rank < n_held[owner])
    ends = np.concatenate([[0], np.cumsum(held)])[X.indptr]
    return csr_array((X.data[held], X.indices[held], ends), shape=X.shape)


def fitted(names: Sequence[str], X: csr_array, random_state: int | None) -> list[Recommender]:
    """The models of the first stage, with their default parameters, fitted."""
    if not names:
        raise ValueError("candidates must name a model at least: got none")
    models = []
    for algorithm in map(get, names):
        if algorithm.uses or not algorithm.inductive or "stage" in algorithm.family:
            raise ValueError(
                f"candidates must rank from a history alone, in one stage: got {algorithm.__name__}"
            )
        model = algorithm()
        if "random_state" in model.get_params():
            model.set_params(random_state=random_state)
        models.append(model.fit(X))
    return models


def state_with_prefixes(models: Sequence[Recommender]) -> dict[str, Any]:
    """What the models have learned, by the number of the model and the attribute's name."""
    return {
        f"stage{number}_{name}": value
        for number, model in enumerate(models)
        for name, value in vars(model).items()
        if name.endswith("_") and not name.startswith("_")
    }


def models_of(names: Sequence[str], state: Mapping[str, Any]) -> list[Recommender]:
    """The fitted models of a state with prefixes."""
    models = [get(name)() for name in names]
    for number, model in enumerate(models):
        prefix = f"stage{number}_"
        for name, value in state.items():
            if name.startswith(prefix):
                setattr(model, name.removeprefix(prefix), value)
    return models


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
    ranks = np.full((len(models), *X.shape), n_candidates, dtype=np.int32)
    shares = np.empty((len(models), *X.shape), dtype=np.float32)
    top = np.empty((X.shape[0], min(n_candidates, X.shape[1])), dtype=np.int32)
    values = np.empty(top.shape, dtype=np.float32)
    for model, rank, share in zip(models, ranks, shares, strict=True):
        share[:] = model._scores(X, users)
        mask_seen(share, X.indptr, X.indices)
        select_top_k(share, top, values)
        rows, places = np.nonzero(top >= 0)
        rank[rows, top[rows, places]] = places
        share[share == NO_SCORE] = 0
        highest = np.abs(share).max(axis=1, initial=0)
        share /= np.where(highest > 0, highest, 1)[:, None]
    rows, columns = np.nonzero((ranks < n_candidates).any(axis=0))
    of_models, share_of = ranks[:, rows, columns], shares[:, rows, columns]
    reciprocal = np.where(of_models < n_candidates, 1 / (1.0 + of_models), 0).mean(axis=0)
    counts = np.diff(X.indptr)
    owner = np.repeat(np.arange(len(counts)), counts)
    taste = np.bincount(owner, items.popularity[X.indices], len(counts)) / np.maximum(counts, 1)
    similar = np.zeros((2, len(rows)), dtype=np.float32)
    _similar(
        X.indptr, X.indices, rows, columns, items.neighbours, items.similarities,
        np.zeros(X.shape[1], dtype=np.bool_), similar,
    )  # fmt: skip
    by_user = (counts[rows], taste[rows])
    by_models = [column for pair in zip(share_of, of_models, strict=True) for column in pair]
    features = [*by_models, reciprocal, of_models.min(axis=0), items.popularity[columns]]
    return Pairs(rows, columns, np.stack([*features, *by_user, *similar], 1).astype(np.float32))


def lessons(
    names: Sequence[str],
    X: csr_array,
    users: I64,
    held: csr_array,
    n_candidates: int,
    random_state: int | None,
) -> Iterator[Lesson]:
    """The pairs of some users by models that have not seen what is held out, and whether it is.

    A few users at a time, since most of their pairs are not learned from.
    """
    rest = csr_array(X - held)
    rest.eliminate_zeros()
    models, items = fitted(names, rest, random_state), items_of(rest)
    for part in _panels(len(users), X.shape[1], len(models)):
        some, put_aside = users[part], csr_array(held[users[part]])
        pairs = pairs_of(models, csr_array(rest[some]), some, items, n_candidates)
        owner = np.repeat(np.arange(len(some)), np.diff(put_aside.indptr))
        keys = pairs.rows * X.shape[1] + pairs.items
        is_held = np.isin(keys, owner * X.shape[1] + put_aside.indices)
        teaches = (np.bincount(pairs.rows, is_held, len(some)) > 0)[pairs.rows]
        sizes = np.bincount(pairs.rows[teaches])
        yield Lesson(pairs.features[teaches], is_held[teaches], sizes[sizes > 0])


def _panels(n_rows: int, n_items: int, n_models: int) -> Iterator[slice]:
    """Row ranges of as many blocks of ``pairs_of`` as there are threads."""
    width = n_items * n_models * WIDER
    steps = [block.stop - block.start for block in islice(_blocks(n_rows, width), 1)]
    return row_blocks(n_rows, sum(steps) * numba.get_num_threads() or 1)


def with_few_others(whole: Lesson, n_others: int, rng: np.random.Generator) -> Lesson:
    """Of each user all that was put aside, and at most n_others of the other pairs, at random."""
    owner = np.repeat(np.arange(len(whole.groups)), whole.groups)
    order = np.lexsort((rng.random(len(owner)), whole.is_held, owner))  # a user's others first
    place = np.empty(len(owner), dtype=np.int64)
    place[order] = np.arange(len(owner)) - (np.cumsum(whole.groups) - whole.groups)[owner]
    kept = whole.is_held | (place < n_others)
    return Lesson(whole.features[kept], whole.is_held[kept], np.bincount(owner[kept]))


def binned(lessons: Sequence[Lesson], params: Mapping[str, Any]) -> Any:
    """LightGBM's Dataset: the bin of each feature, a byte a pair; None of no pairs."""
    import lightgbm  # takes a second to import, and more with its optional parts

    some = [one for one in lessons if len(one.groups)]
    if not some:
        return None
    features, is_held, groups = zip(*some, strict=True)
    answers = {"label": np.concatenate(is_held), "group": np.concatenate(groups)}
    return lightgbm.Dataset(list(features), **answers, params={**FIXED, **params}).construct()


def trees_of(data: Any, params: Mapping[str, Any], n_trees: int) -> NDArray[np.uint8]:
    """LambdaRank: the text of LightGBM's model; empty if there was nothing to learn."""
    nothing = np.zeros(0, dtype=np.uint8)
    if data is None:
        return nothing
    import lightgbm  # as above

    trees = lightgbm.train({**FIXED, **params}, data, n_trees)
    if not trees.feature_importance().any():  # not one split: too few pairs for min_leaf
        return nothing
    return np.frombuffer(trees.model_to_string().encode(), dtype=np.uint8).copy()


def values_of(text: NDArray[np.uint8], features: F32, n_models: int) -> NDArray[Any]:
    """ln(1 + exp(f)) by the trees, above 0; without trees the mean reciprocal rank: (n_pairs,)."""
    if not len(text):
        return features[:, 2 * n_models]
    import lightgbm  # as above

    trees = lightgbm.Booster(model_str=text.tobytes().decode())
    return np.logaddexp(0, trees.predict(features, num_threads=1))


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
