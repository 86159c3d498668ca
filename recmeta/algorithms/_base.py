"""Recommender: the contract that every algorithm keeps, and all that they share."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Self

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import ThreadpoolController

from recmeta.algorithms._checks import check_memory, checked_exclude, checked_side, held_out
from recmeta.algorithms._topk import mask_seen, select_top_k
from recmeta.metrics.accuracy import ndcg
from recmeta.space import Space

Lists = tuple[NDArray[np.int32], NDArray[np.float32]]
BLOCK_BYTES = 16 * 2**20  # scores of one block: fits the shared cache of common processors


@dataclass(frozen=True)
class Cost:
    """What a fit takes: seconds on one thread of a 2024 server core, and bytes at the peak."""

    seconds: float
    bytes: float


class Recommender(BaseEstimator, ABC):
    """A recommender on a matrix of interactions: users in rows, items in columns.

    A subclass writes ``__init__`` (stores its arguments), ``_fit(X)`` and ``_scores(X, users)``.
    In place of ``_scores`` it may learn ``item_weights_`` (n_items, n_items), dense or CSR, with
    scores X @ item_weights_; or ``user_factors_`` (n_users, n_factors) and ``item_factors_``
    (n_items, n_factors), with their inner products.

    A score of exactly 0 says that the model knows nothing of this item for this user: such items
    are not recommended, so a list can be shorter than k; -1 pads it. Equal scores come in the order
    of the item number.
    """

    space: ClassVar[Space] = {}
    inductive: ClassVar[bool] = True
    iterative: ClassVar[bool] = False
    # what it needs besides the matrix: "item_features", "user_features", "timestamps"
    uses: ClassVar[frozenset[str]] = frozenset()
    requires: ClassVar[str] = ""  # the extra that has to be installed: pip install 'recmeta[torch]'
    family: ClassVar[str] = ""
    personal: ClassVar[bool] = True  # False: what a user has seen does not move his ranking
    alternative: ClassVar[str] = ""  # what to use where cost() says too much
    # parameters for the tiny logs of recmeta.testing, where the defaults make no sense
    tiny: ClassVar[dict[str, Any]] = {}
    # sklearn's check_estimator and recmeta.testing: the name of a check that cannot hold -> why
    exceptions: ClassVar[dict[str, str]] = {}

    n_features_in_: int
    n_users_: int

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        item_features: Any = None,
        user_features: Any = None,
        timestamps: Any = None,
    ) -> Self:
        """Learn from the interactions.

        Parameters
        ----------
        X : sparse or dense array, (n_users, n_items)
            Finite and not negative; converted to float32 CSR. Not changed.
        y : ignored
            There for Pipeline and GridSearchCV.
        item_features, user_features : array, (n_items, n_features), (n_users, n_features), or None
        timestamps : CSR array, (n_users, n_items), or None
            The time of each entry of X: seconds, or places in the user's sequence. Like the
            features, needed by an algorithm whose ``uses`` names it, and not looked at by others.

        Raises
        ------
        ValueError
            If X has NaN, infinite or negative entries, or no row or column; or if what the
            algorithm uses is missing or does not fit X.
        MemoryError
            If ``cost()`` says that the fit takes more than this machine has.
        """
        matrix = self._check(X, reset=True)
        self._check_parameters(matrix)
        self.n_users_ = matrix.shape[0]
        given = {"item_features": item_features, "user_features": user_features}
        side = checked_side(type(self), self.uses, matrix, **given, timestamps=timestamps)
        self._fit(matrix, **side)
        return self

    def recommend(
        self,
        X: Any,
        k: int = 10,
        *,
        users: Any = None,
        exclude_seen: bool = True,
        exclude: Any = None,
        timestamps: Any = None,
    ) -> Lists:
        """The k best items for each row of X, best first.

        Parameters
        ----------
        X : array, (n_rows, n_items)
            The histories.
        k : int
        users : int array, (n_rows,), or None
            Each row's row in the matrix of ``fit``, -1 for a user who was not there. Needed by
            algorithms that are not ``inductive``, unless X has all the rows of ``fit`` in order.
            None takes the rows of X for the first of ``fit``.
        exclude_seen : bool
            Leave out the items of the history.
        exclude : CSR array, (n_rows, n_items), or None
            More items to leave out, such as those rated low.
        timestamps : CSR array, (n_rows, n_items), or None
            The time of each entry of X, for an algorithm that uses times.

        Returns
        -------
        items : int32 array, (n_rows, k)
            Item columns; -1 pads a short list.
        scores : float32 array, (n_rows, k)
            0 where the item is -1.
        """
        check_is_fitted(self)
        if k < 1:
            raise ValueError(f"k must be at least 1: got {k}")
        matrix = self._check(X, reset=False)
        rows = self._user_rows(matrix, users)
        excluded = None if exclude is None else checked_exclude(exclude, matrix.shape)
        when = self.uses & {"timestamps"}
        times = checked_side(type(self), when, matrix, timestamps=timestamps)
        items = np.empty((matrix.shape[0], k), dtype=np.int32)
        values = np.empty((matrix.shape[0], k), dtype=np.float32)

        def one_block(block: slice) -> None:
            part = matrix[block]
            part_times = {name: matrix_[block] for name, matrix_ in times.items()}
            scores = self._scores(part, rows[block], **part_times)
            scores = np.ascontiguousarray(scores, dtype=np.float32)
            if exclude_seen:
                mask_seen(scores, part.indptr, part.indices)
            if excluded is not None:
                more = excluded[block]
                mask_seen(scores, more.indptr, more.indices)
            select_top_k(scores, items[block], values[block])

        _in_threads(one_block, _blocks(matrix.shape[0], matrix.shape[1]))
        return items, values

    def score(self, X: Any, y: Any, *, timestamps: Any = None) -> float:
        """Mean NDCG@10 of the lists for the histories X against the held-out items y.

        Parameters
        ----------
        X : array, (n_rows, n_items)
        y : array, (n_rows, n_items), or int array, (n_rows,)
            All held-out items of each row, or the column of the one that it has. Rows without an
            entry are left out of the mean.
        timestamps : CSR array, (n_rows, n_items), or None
            As for ``recommend``.

        Notes
        -----
        There is no ``users`` here, so in a cross-validation an algorithm that is not ``inductive``
        can only be scored on the users that it was fitted on: ``cv=[(rows, rows)]`` with all rows.
        """
        items, _ = self.recommend(X, 10, timestamps=timestamps)
        relevant = held_out(y, (len(items), self.n_features_in_))
        if not relevant.data.any():
            raise ValueError("y must have a held-out item in one row at least: got none")
        return float(np.nanmean(ndcg(items, relevant, 10)))

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        """Seconds and bytes of a fit, to within a factor of about 3: to refuse before it hurts."""
        return Cost(1e-8 * nnz, 16.0 * nnz)

    @abstractmethod
    def _fit(self, X: csr_array, *args: Any, **side: Any) -> None:
        """Learn from a canonical float32 CSR matrix, which must not be changed.

        What ``uses`` names comes as keywords: write ``_fit(self, X, item_features)``, or
        ``_fit(self, X)`` where it names nothing.
        """

    def _scores(
        self, X: csr_array, users: NDArray[np.int64], *args: Any, **side: Any
    ) -> NDArray[np.float32]:
        """Scores of all items for each row: a new float32 array, (n_rows, n_items).

        ``timestamps`` comes as a keyword where ``uses`` names it.
        """
        if hasattr(self, "item_weights_"):
            scores = X @ self.item_weights_
            return np.asarray(scores.toarray() if issparse(scores) else scores)
        known = users >= 0
        factors = self.user_factors_[np.where(known, users, 0)] * known[:, None]
        return np.asarray(factors @ self.item_factors_.T, dtype=np.float32)

    def _check(self, X: Any, *, reset: bool) -> csr_array:
        """X as float32 CSR: sorted, duplicates summed, no stored zeros; a copy if changed."""
        checked = validate_data(self, X, reset=reset, accept_sparse="csr", dtype=np.float32)
        matrix = csr_array(checked)
        if (lowest := matrix.data.min(initial=np.inf)) < 0:
            raise ValueError(
                f"Negative values in data passed to X: {type(self).__name__} learns from positive "
                "interactions; leave dislikes out, or shift the ratings"
            )
        if not matrix.has_canonical_format or lowest == 0:
            matrix = matrix.copy()
            matrix.sum_duplicates()
            matrix.eliminate_zeros()
        return matrix

    def _check_parameters(self, X: csr_array) -> None:
        """Refuse what is no number, and what cannot fit into this machine before it is tried."""
        params = self.get_params()
        for name, value in params.items():
            if isinstance(value, float) and value != value:
                raise ValueError(f"{name} must be a number: got nan")
        n_users, n_items = X.shape
        try:
            needed = self.cost(n_users, n_items, X.nnz, **params).bytes
        except (ArithmeticError, KeyError):  # an illegal parameter: _fit says which
            return
        check_memory(type(self), needed, X.shape)

    def _user_rows(self, X: csr_array, users: Any) -> NDArray[np.int64]:
        if users is not None:
            rows = np.asarray(users, dtype=np.int64)
            if rows.shape != (X.shape[0],):
                raise ValueError(
                    f"users must have one entry a row of X: got {rows.shape} for {X.shape[0]} rows"
                )
            if len(rows) and (rows.max() >= self.n_users_ or rows.min() < -1):
                raise ValueError(
                    f"users must lie in -1..{self.n_users_ - 1}: got {rows.min()}..{rows.max()}"
                )
            return rows
        if not self.inductive and X.shape[0] != self.n_users_:
            raise ValueError(
                f"{type(self).__name__} knows users by their training row: got {X.shape[0]} rows "
                f"for {self.n_users_} users; pass users="
            )
        return np.arange(X.shape[0], dtype=np.int64)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        tags.target_tags.required = False
        return tags


def _check_counts(**counts: int) -> None:
    """Such as n_factors and n_epochs, by name."""
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} must be at least 1: got {count}")
        if isinstance(count, bool) or count != int(count):
            raise ValueError(f"{name} must be a whole number: got {count}")


def _blocks(n_rows: int, n_items: int) -> Iterator[slice]:
    """Row ranges whose float32 scores fill BLOCK_BYTES: at least 1 row, at most 256."""
    step = int(min(max(BLOCK_BYTES // (4 * max(n_items, 1)), 1), 256))
    return (slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step))


def _in_threads(work: Any, parts: Iterator[slice]) -> None:
    """Run ``work`` on each part: a few Python threads, each with a one-thread BLAS inside."""
    n_threads = numba.get_num_threads()
    with _threadpools().limit(limits=1, user_api="blas"):
        if n_threads == 1:
            for part in parts:
                work(part)
            return
        with ThreadPoolExecutor(n_threads) as pool:
            for _ in pool.map(work, parts):  # the loop raises what a thread raised
                pass


@cache
def _threadpools() -> ThreadpoolController:
    return ThreadpoolController()
