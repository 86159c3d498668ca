"""Algorithms that use features or times, with those made up: so that any X will do for a check."""

import sys
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse

from recmeta.algorithms import Recommender


@cache
def informed(algorithm: type[Recommender]) -> type[Recommender]:
    """The algorithm, with the side information that it ``uses`` made from the shape of X.

    Rows of even and odd number, and of the first and the second half, have features in common;
    times go round. One that uses nothing comes back as it is.
    """
    if not algorithm.uses:
        return algorithm

    class Informed(algorithm):  # type: ignore[valid-type, misc]
        def fit(self, X: Any, y: Any = None) -> Any:
            return super().fit(X, y, **made_up(X))

        def epochs(self, X: Any, *, resume: bool = False) -> Any:
            return super().epochs(X, resume=resume, **made_up(X))

        def recommend(self, X: Any, k: int = 10, *, users: Any = None, **options: Any) -> Any:
            rows = None if users is None else np.asarray(users)
            times = made_up(X, rows).get("timestamps")
            return super().recommend(X, k, users=users, **{"timestamps": times, **options})

        def score(self, X: Any, y: Any) -> float:
            return float(super().score(X, y, timestamps=made_up(X).get("timestamps")))

    name = f"Informed{algorithm.__qualname__}"
    Informed.__name__ = Informed.__qualname__ = name
    setattr(sys.modules[__name__], name, Informed)  # where pickle looks for it
    return Informed


def informed_estimator(estimator: Recommender) -> Recommender:
    """The same of an estimator that was not fitted."""
    made = informed(type(estimator))
    return estimator if isinstance(estimator, made) else made(**estimator.get_params(deep=False))


def made_up(X: Any, rows: NDArray[np.int64] | None = None) -> dict[str, Any]:
    """Features and times for X; empty for an X that is no matrix, which fit then refuses."""
    if np.iscomplexobj(X):
        return {}
    try:
        matrix = csr_array(X if issparse(X) else np.asarray(X, dtype=np.float64))
        n_users, n_items = matrix.shape
    except (TypeError, ValueError):
        return {}
    matrix.sum_duplicates()
    users = np.arange(n_users) if rows is None else np.where(rows >= 0, rows, np.arange(n_users))
    owner = np.repeat(users, np.diff(matrix.indptr))
    times = (7.0 * matrix.indices + 3.0 * owner) % 11
    return {
        "item_features": _features(n_items),
        "user_features": _features(n_users),
        "timestamps": csr_array((times, matrix.indices, matrix.indptr), shape=matrix.shape),
    }


def _features(n: int) -> csr_array:
    number = np.arange(n)
    columns = np.stack([number % 2, 2 + (number >= n // 2)], axis=1)
    ones, ends = np.ones(2 * n, dtype=np.float32), np.arange(0, 2 * n + 1, 2)
    return csr_array((ones, columns.ravel(), ends), shape=(n, 4))
