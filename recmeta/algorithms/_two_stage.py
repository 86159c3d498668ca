"""The models of a first stage, and lessons for trees: what they list that they have not seen."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numba
import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms import get
from recmeta.algorithms._base import Recommender, _blocks
from recmeta.algorithms._boosted_trees import Lesson
from recmeta.algorithms._candidates import WIDER, items_of, pairs_of
from recmeta.algorithms._gram import row_blocks
from recmeta.algorithms._sums import entries_where, entry_blocks
from recmeta.algorithms._work_space import give_back

I64 = NDArray[np.int64]
MOST_DRAWS = 3  # of what is put aside, where there are few users


def held_out_share(X: csr_array, rows: I64, share: float, rng: np.random.Generator) -> csr_array:
    """A random share of the entries of some rows, one at least, of a row with two or more."""
    counts, held = np.diff(X.indptr), np.empty(X.nnz, dtype=np.bool_)
    n_held = np.zeros(len(counts), dtype=np.int64)
    wanted = np.maximum(np.rint(share * counts[rows]).astype(np.int64), 1)
    n_held[rows] = np.maximum(np.minimum(wanted, counts[rows] - 1), 0)
    for block in entry_blocks(X.indptr):
        owner = np.repeat(np.arange(block.start, block.stop), counts[block])
        first, rank = X.indptr[block.start], np.empty(len(owner), dtype=np.int64)
        order = np.lexsort((rng.random(len(owner)), owner))
        rank[order] = np.arange(len(owner)) - (X.indptr[owner] - first)
        held[first : first + len(owner)] = rank < n_held[owner]
    return entries_where(X, held)


def draws_of(
    X: csr_array, n_train_users: int, share: float, rng: np.random.Generator
) -> tuple[I64, list[csr_array]]:
    """Users to learn from, and what is put aside of theirs: anew where there are few users."""
    users = np.flatnonzero(np.diff(X.indptr) > 1)
    users = np.sort(rng.permutation(users)[:n_train_users])
    n_draws = min(max(n_train_users // max(len(users), 1), 1), MOST_DRAWS, len(users))
    return users, [held_out_share(X, users, share, rng) for _ in range(n_draws)]


def without(X: csr_array, held: csr_array) -> csr_array:
    """The entries of X that ``held`` does not have."""
    left = np.ones(X.nnz, dtype=np.bool_)
    _drop(X.indptr, X.indices, held.indptr, held.indices, left)
    return entries_where(X, left)


def fitted(
    names: Sequence[str],
    X: csr_array,
    random_state: int | None,
    chosen: Sequence[Mapping[str, Any]] | None = None,
) -> list[Recommender]:
    """The models of the first stage, fitted: with their default parameters, or what was chosen."""
    if not names:
        raise ValueError("candidates must name a model at least: got none")
    give_back()
    models: list[Recommender] = []
    for algorithm, params in zip(map(get, names), chosen or [{}] * len(names), strict=True):
        if algorithm.uses or not algorithm.inductive or "stage" in algorithm.family:
            raise ValueError(
                f"candidates must rank from a history alone, in one stage: got {algorithm.__name__}"
            )
        model = algorithm(**params)
        if "random_state" in model.get_params():
            model.set_params(random_state=random_state)
        models.append(model.fit(X))
        give_back()  # or what one fit took lies beside the next
    return models


def chosen_by(models: Sequence[Recommender]) -> list[dict[str, Any]]:
    """What each fitted model has chosen for parameters that are None: so the next need not."""
    return [
        {
            name: getattr(model, f"{name}_")
            for name, value in model.get_params().items()
            if value is None and hasattr(model, f"{name}_")
        }
        for model in models
    ]


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


def lessons(
    models: Sequence[Recommender], rest: csr_array, users: I64, held: csr_array, n_candidates: int
) -> Iterator[Lesson]:
    """The pairs of some users by models that were fitted on the rest, and whether it is held out.

    A few users at a time, since most of their pairs are not learned from.
    """
    items = items_of(rest)
    give_back()
    for part in _panels(len(users), rest.shape[1], len(models)):
        some, put_aside = users[part], csr_array(held[users[part]])
        pairs = pairs_of(models, csr_array(rest[some]), some, items, n_candidates)
        owner = np.repeat(np.arange(len(some)), np.diff(put_aside.indptr))
        keys = pairs.rows * rest.shape[1] + pairs.items
        is_held = np.isin(keys, owner * rest.shape[1] + put_aside.indices)
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


@njit(cache=True, nogil=True)
def _drop(indptr, indices, held_indptr, held, left):  # type: ignore[no-untyped-def]
    """``left`` becomes False at the entries that are held; both matrices are sorted."""
    for row in range(len(indptr) - 1):
        place = indptr[row]
        for entry in range(held_indptr[row], held_indptr[row + 1]):
            while indices[place] < held[entry]:
                place += 1
            left[place] = False
