"""IterativeRecommender: training in epochs that can be watched, stopped early and gone on with."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import csr_array
from sklearn.utils.validation import check_is_fitted

from recmeta.algorithms._base import Recommender, _check_counts
from recmeta.algorithms._checks import checked_side


class IterativeRecommender(Recommender):
    """A recommender that learns in epochs.

    A subclass has the parameters ``n_epochs`` and ``random_state``, and writes ``_begin(X, rng)``,
    the state before the first epoch, and ``_epoch(prepared, rng)``, after which the estimator can
    recommend; ``prepared`` is X, or what ``_prepared(X)`` makes of it. What only recommending needs
    may be left to ``_ready(prepared)``, which ``fit`` calls once, and ``epochs`` after each epoch.
    All that an epoch needs of the one before is a learned attribute, and its draws come from a
    generator of its own, so training that was stopped and gone on with gives the same bits as
    training that never stopped.

    Attributes
    ----------
    n_epochs_ : int
        Epochs done.
    seed_ : int
        ``random_state``, or what was drawn in its place.

    Examples
    --------
    >>> import numpy as np
    >>> from recmeta.algorithms import IALS
    >>> X = np.kron(np.eye(2), np.ones((3, 3))) - np.eye(6)
    >>> model = IALS(n_factors=2, n_epochs=4)
    >>> [epoch for epoch in model.epochs(X)]
    [1, 2, 3, 4]
    >>> [epoch for epoch in model.set_params(n_epochs=6).epochs(X, resume=True)]
    [5, 6]
    """

    iterative: ClassVar[bool] = True

    n_epochs: int
    random_state: int | None
    n_epochs_: int
    seed_: int

    def epochs(
        self,
        X: Any,
        *,
        resume: bool = False,
        item_features: Any = None,
        user_features: Any = None,
        timestamps: Any = None,
    ) -> Iterator[int]:
        """Train up to ``n_epochs``, and give the number of each epoch when it is done.

        Leaving the loop leaves an estimator that has learned so far.

        Parameters
        ----------
        X : sparse or dense array, (n_users, n_items)
            As for ``fit``.
        resume : bool
            Go on from the epochs done, on the same X, in place of starting anew.
        item_features, user_features, timestamps
            As for ``fit``.

        Raises
        ------
        ValueError
            If X is not fit for ``fit``, or has another number of users than the one before.
        """
        if resume:
            check_is_fitted(self)
        matrix = self._check(X, reset=not resume)
        if resume and matrix.shape[0] != self.n_users_:
            raise ValueError(
                f"training goes on with the matrix that it began with: got {matrix.shape[0]} users "
                f"for {self.n_users_}"
            )
        self._check_parameters(matrix)
        self.n_users_ = matrix.shape[0]
        given = {"item_features": item_features, "user_features": user_features}
        side = checked_side(type(self), self.uses, matrix, **given, timestamps=timestamps)
        return self._train(matrix, side, resume=resume, watched=True)

    def _fit(self, X: csr_array, *args: Any, **side: Any) -> None:
        for _ in self._train(X, side, resume=False, watched=False):
            pass

    def _train(
        self, X: csr_array, side: dict[str, csr_array], *, resume: bool, watched: bool
    ) -> Iterator[int]:
        _check_counts(n_epochs=self.n_epochs)
        if not resume:
            drawn = int(np.random.default_rng().integers(2**31))
            self.seed_ = drawn if self.random_state is None else int(self.random_state)
            self.n_epochs_ = 0
            self._begin(X, np.random.default_rng(self.seed_))
        prepared = self._prepared(X, **side)
        if resume and self.n_epochs_ >= self.n_epochs:  # an epoch may have been interrupted
            self._ready(prepared)
        while self.n_epochs_ < self.n_epochs:
            self._epoch(prepared, np.random.default_rng([self.seed_, self.n_epochs_]))
            self.n_epochs_ += 1
            if watched or self.n_epochs_ == self.n_epochs:
                self._ready(prepared)
            yield self.n_epochs_

    @abstractmethod
    def _begin(self, X: csr_array, rng: np.random.Generator) -> None:
        """Set what is learned to where the first epoch starts."""

    def _prepared(self, X: csr_array, *args: Any, **side: Any) -> Any:
        """What the epochs need of X, made once: X itself, or more.

        What ``uses`` names comes as keywords, as in ``_fit``.
        """
        return X

    @abstractmethod
    def _epoch(self, prepared: Any, rng: np.random.Generator) -> None:
        """One epoch; then the estimator can recommend, or when it is ready."""

    def _ready(self, prepared: Any) -> None:
        """Make what recommending needs and the next epoch does not."""
