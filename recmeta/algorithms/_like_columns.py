"""Items whose columns are the same: of those of a few users there are many in a large catalogue."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array


class Kinds(NamedTuple):
    """Items with the same column are of one kind."""

    first: NDArray[np.int64]  # (n_kinds,): one item of each
    of_item: NDArray[np.int64]  # (n_items,)
    counts: NDArray[np.int64]  # (n_kinds,): its items


def most_kinds(n_users: int, n_items: int, nnz: int) -> int:
    """No matrix of this size has more, if all its values are equal.

    The items with one user are of n_users kinds, those without are of one, and each other item has
    two entries or more.
    """
    return min(n_items, n_users + nnz // 2 + 1)


def kinds_of(X: csr_array) -> Kinds:
    """By two sums of 64 random bits a user, times the bits of the value.

    Of 100,000 items, two that differ meet in both sums with a chance of 4e-15 where all values are
    1, and of 7e-11 at most: as bits 1.0 is a multiple of 2^23 and 2.0 one of 2^30, which leaves 40
    and 33 random bits of each sum.
    """
    signs = np.random.default_rng(0).integers(-(2**63), 2**63 - 1, size=(X.shape[0], 2))
    bits = X.data.astype(np.float32, copy=False).view(np.int32).astype(np.int64)
    entries = csr_array((bits, X.indices, X.indptr), shape=X.shape)
    sums = np.asarray(entries.T @ (2 * signs + 1))  # modulo 2^64
    _, first, of_item, counts = np.unique(
        sums, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(first)  # kinds in the order of the items: none alike, nothing moves
    place = np.argsort(order)
    return Kinds(first[order], place[of_item.ravel()], counts[order])


def between_items(sums: csr_array, kinds: Kinds) -> csr_array:
    """Weights between items, (n_items,) * 2, equal within a kind, by their sums between kinds.

    An item has none for itself: the sum within its kind is of the others.
    """
    if len(kinds.first) == len(kinds.of_item):
        return sums
    rows = np.repeat(np.arange(sums.shape[0]), np.diff(sums.indptr))
    sums.data /= kinds.counts[sums.indices] - (sums.indices == rows)
    return to_items(sums, kinds)


def to_items(weights: csr_array, kinds: Kinds) -> csr_array:
    """Weights between items, by those between an item of one kind and one of the other."""
    if len(kinds.first) == len(kinds.of_item):
        return weights
    weights = csr_array(weights[kinds.of_item][:, kinds.of_item])
    rows = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
    weights.data[weights.indices == rows] = 0
    weights.eliminate_zeros()
    return weights
