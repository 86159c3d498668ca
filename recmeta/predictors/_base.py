"""The contract of a predictor: from what is known of a candidate to a mean and its uncertainty.

======  ====================================================================  =========
symbol  meaning                                                               shape
======  ====================================================================  =========
X       encodings of the candidates (flat hyperparameters, algorithm and      (n, d)
        hyperparameters, or a flattened architecture graph), finite
y       their performance; larger or smaller is better as the caller says     (n,)
curves  partial learning curves, NaN where a step was not reached             (n, t)
proxies zero-cost scores, NaN where one failed                                (n, p)
task    meta-features of the task of each row, or of all of them              (n, m), (m,)
groups  labels, equal for rows that are variants of one thing                 (n,)
======  ====================================================================  =========
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

F64 = NDArray[np.float64]


class Predictor(ABC, BaseEstimator):
    """Performance of candidates from a few that were evaluated.

    A subclass declares in ``reads`` which of ``curves``, ``proxies`` and ``task`` it looks at; the
    others are accepted and ignored, so that predictors can be exchanged. What was there for ``fit``
    must be there, with as many columns, for ``predict``.

    ``needs`` are those of them without which it cannot do anything. ``encoding`` is the one of a
    space of architectures that it understands, None if any will do. ``requires`` is the extra that
    it is in, ``tiny`` are parameters that make it cheap enough for a test, and ``exceptions`` are
    tests of the contract that do not hold, each with the reason: all as of a Recommender.

    A regression on one table of numbers is a ``FeaturePredictor``, which does all but learning.
    """

    reads: ClassVar[frozenset[str]] = frozenset()
    encoding: ClassVar[str | None] = None
    needs: ClassVar[frozenset[str]] = frozenset()
    requires: ClassVar[str | None] = None
    tiny: ClassVar[dict[str, Any]] = {}
    exceptions: ClassVar[dict[str, str]] = {}

    @abstractmethod
    def fit(
        self,
        X: F64,
        y: F64,
        *,
        curves: F64 | None = None,
        proxies: F64 | None = None,
        task: F64 | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Learn from candidates whose performance is known; whatever was learned before is gone.

        With ``groups``, the deviation is that of a candidate that is no variant of a known one:
        rows of one group (isomorphic cells, runs on logs of one family) are learned from together,
        and left out together where errors on left-out rows calibrate it.

        Raises
        ------
        ValueError
            For fewer than two candidates or groups, shapes that do not fit together, or values that
            are no number where a number is needed.
        """

    @abstractmethod
    def predict(
        self,
        X: F64,
        *,
        curves: F64 | None = None,
        proxies: F64 | None = None,
        task: F64 | None = None,
    ) -> tuple[F64, F64]:
        """Mean and standard deviation of a new candidate's observed performance, both (n,).

        The deviation is that of an observation (what is not known of the function, and noise), in
        the units of y, positive: about 68 % of new observations lie within one of it.

        Raises
        ------
        ValueError
            If something that ``fit`` had is missing or has other columns.
        """

    def _check_fitted(self, learned: str) -> None:
        """Raise a ValueError if there is no attribute ``learned``."""
        if not hasattr(self, learned):
            raise ValueError(f"{type(self).__name__} has learned nothing yet: call fit first")
