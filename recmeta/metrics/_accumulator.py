"""Accumulator: 315 numbers from blocks of ranked lists, one pass, a few arrays of state."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.metrics import beyond_accuracy
from recmeta.metrics._kernel import OF_LISTS, PER_USER, first_faulty, walk

CUTOFFS: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 30, 40, 50)


class Accumulator:
    """Add blocks of users; take the result at the end. The cut into blocks changes nothing.

    Parameters
    ----------
    n_items : int
    item_counts : array, (n_items,)
        Interactions of each item in what was learned from: its popularity.
    cutoffs : sequence of int
        Ascending.
    n_other_users : int
        Users without a held-out item who are in no block; ``users_in_gt`` counts them.

    Notes
    -----
    O(n_rows k_max) time; O(n_items n_cutoffs) memory, whatever the number of users.
    """

    def __init__(
        self,
        n_items: int,
        item_counts: NDArray[np.generic],
        cutoffs: Sequence[int] = CUTOFFS,
        *,
        n_other_users: int = 0,
    ) -> None:
        if not cutoffs or list(cutoffs) != sorted(set(cutoffs)) or cutoffs[0] < 1:
            raise ValueError(f"cutoffs must be ascending and at least 1: got {tuple(cutoffs)}")
        counts = np.asarray(item_counts, dtype=np.float64)
        if counts.shape != (n_items,):
            raise ValueError(f"item_counts must be ({n_items},): got {counts.shape}")
        self.cutoffs = tuple(int(k) for k in cutoffs)
        # an item that nobody has would be infinitely surprising: it counts as if one user had it
        shares = np.maximum(counts, 1) / max(counts.sum(), 1)
        self._information = -np.log2(shares)
        self._popularity = counts / max(counts.max(initial=0), 1)
        n_cutoffs = len(self.cutoffs)
        self._discount = 1 / np.log2(np.arange(2, self.cutoffs[-1] + 2))
        self._stamp = np.full(n_items, -1, dtype=np.int64)
        self._stamped = 0
        self._sums = np.zeros((len(PER_USER), n_cutoffs))
        self._totals = np.zeros(2, dtype=np.int64)
        self._exposure = np.zeros((n_cutoffs, n_items), dtype=np.int64)
        self._hit_exposure = np.zeros((n_cutoffs, n_items), dtype=np.int64)
        self._user_counts = np.zeros((2, n_cutoffs), dtype=np.int64)
        self._held_out = np.zeros(n_items, dtype=np.bool_)
        self.n_rows = n_other_users

    @property
    def n_users(self) -> int:
        """Users so far with at least one held-out item: those who are averaged over."""
        return int(self._totals[0])

    def add(
        self, ranking: NDArray[np.int32], relevant: csr_array, *, per_user: bool = False
    ) -> NDArray[np.float64] | None:
        """Add a block of users.

        Parameters
        ----------
        ranking : int32 array, (n_rows, k)
            Item columns, best first; -1 pads. A shorter k than the largest cutoff is a short list.
        relevant : csr_array, (n_rows, n_items)
            The held-out items: its entries that are not 0, whatever their value. A row without one
            is left out of all means.
        per_user : bool
            Return the values of each user.

        Returns
        -------
        float64 array, (n_rows, len(PER_USER), n_cutoffs), or None
            NaN for users without a held-out item; novelty and popularity also where the list is
            empty.

        Raises
        ------
        ValueError
            If the shapes don't fit, or a row is no list: an item twice would be two hits.
        """
        lists, held_out = self._checked(ranking, relevant)
        n_rows = ranking.shape[0] if per_user else 0
        values = np.full((n_rows, *self._sums.shape), np.nan)
        walk(
            lists,
            held_out.indptr.astype(np.int32, copy=False),
            held_out.indices.astype(np.int32, copy=False),
            np.asarray(self.cutoffs, dtype=np.int64),
            self._information,
            self._popularity,
            self._discount,
            self._stamp,
            self._stamped,
            self._sums,
            self._totals,
            self._exposure,
            self._hit_exposure,
            self._user_counts,
            self._held_out,
            values,
        )
        self._stamped += len(lists)
        self.n_rows += len(lists)
        return values if per_user else None

    def _checked(
        self, ranking: NDArray[np.int32], relevant: csr_array
    ) -> tuple[NDArray[np.int32], csr_array]:
        lists, held_out = np.ascontiguousarray(ranking, dtype=np.int32), csr_array(relevant)
        shape = (len(lists), len(self._stamp))
        if lists.ndim != 2 or held_out.shape != shape:
            raise ValueError(
                f"ranking must be (n_rows, k) and relevant (n_rows, {shape[1]}): "
                f"got {lists.shape} and {held_out.shape}"
            )
        if not held_out.has_canonical_format or (held_out.data == 0).any():
            held_out = held_out.copy()
            held_out.sum_duplicates()
            held_out.eliminate_zeros()
        row = first_faulty(lists, self._stamp, self._stamped)
        self._stamped += len(lists)
        if row >= 0:
            raise ValueError(
                f"a list has items in 0..{shape[1] - 1}, each once, then -1 to the end: "
                f"got {lists[row].tolist()} in row {row}"
            )
        return lists, held_out

    def result(self) -> dict[str, float]:
        """``"ndcg@10"`` and the like to value, for every metric and cutoff; NaN without users."""
        counted = self._totals[[int(name in OF_LISTS) for name in PER_USER]]
        with np.errstate(invalid="ignore"):
            means = self._sums / counted[:, None]
        found = {
            f"{name}@{k}": float(means[row, column])
            for row, name in enumerate(PER_USER)
            for column, k in enumerate(self.cutoffs)
        }
        exposure, hits = self._exposure.cumsum(axis=0), self._hit_exposure.cumsum(axis=0)
        for column, k in enumerate(self.cutoffs):
            seen = beyond_accuracy.Exposure(
                k=k,
                counts=exposure[column],
                hits=hits[column],
                n_full_lists=int(self._user_counts[0, column]),
                n_hit_users=int(self._user_counts[1, column]),
                n_users=self.n_users,
                n_rows=self.n_rows,
                n_held_out_items=int(self._held_out.sum()),
            )
            for name, formula in beyond_accuracy.FORMULAS.items():
                found[f"{name}@{k}"] = formula(seen)
        return found
