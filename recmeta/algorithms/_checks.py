"""What comes in besides the matrix, checked at the door: side information, what was held out.

=============  =========================================================  =====================
name           meaning                                                    shape
=============  =========================================================  =====================
item_features  what is known of the items: a row each                     (n_items, n_features)
user_features  what is known of the users of ``fit``: a row each          (n_users, n_features)
timestamps     when (or at which place) each entry of X came, per user    as X
=============  =========================================================  =====================
"""

import math
import os
from collections.abc import Collection
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse


def checked_side(
    algorithm: type,
    uses: Collection[str],
    X: csr_array,
    *,
    item_features: Any = None,
    user_features: Any = None,
    timestamps: Any = None,
) -> dict[str, csr_array]:
    """Of what was given what an algorithm uses, as CSR of the right shape.

    Parameters
    ----------
    algorithm : type
        Named in the errors.
    uses : collection of str
        What it needs; the rest is not looked at.
    X : csr_array, (n_users, n_items)
    item_features, user_features, timestamps : array or None

    Returns
    -------
    dict of str to csr_array
        By the names in ``uses``. Features: float32. Timestamps: float64, with the indices of X.

    Raises
    ------
    ValueError
        If something is missing, not finite or of another shape.
    """
    given = {
        "item_features": item_features,
        "user_features": user_features,
        "timestamps": timestamps,
    }
    side: dict[str, csr_array] = {}
    for name in uses:
        if given[name] is None:
            raise ValueError(
                f"{algorithm.__name__} needs {name}: got none; pass {name}=, a matrix "
                f"{_shape_text(name, X)}"
            )
        checked = _times_of if name == "timestamps" else _features
        side[name] = checked(name, given[name], X)
    return side


def _shape_text(name: str, X: csr_array) -> str:
    if name == "timestamps":
        return f"of X's shape {X.shape} with the time of each of its entries"
    which = "items" if name == "item_features" else "users"
    return f"with a row for each of the {X.shape[int(which == 'items')]:,} {which}"


def _features(name: str, given: Any, X: csr_array) -> csr_array:
    try:
        features = csr_array(given if issparse(given) else np.atleast_1d(given), dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be a matrix of numbers: got {type(given).__name__}; "
            f"recmeta.read(log, {name}=table) makes one of a table"
        ) from error
    if features.ndim != 2 or features.shape[0] != X.shape[int(name == "item_features")]:
        raise ValueError(f"{name} must come {_shape_text(name, X)}: got {features.shape}")
    if not np.isfinite(features.data).all():
        raise ValueError(f"{name} must be finite: got NaN or infinity")
    if not features.has_canonical_format or (features.data == 0).any():
        features = features.copy()
        features.sum_duplicates()
        features.eliminate_zeros()
    return features


def _times_of(name: str, given: Any, X: csr_array) -> csr_array:
    """The times of X's entries: entries that X lacks are left out, one without a time refused."""
    times = csr_array(given) if issparse(given) else csr_array(np.asarray(given, dtype=np.float64))
    if times.shape != X.shape:
        raise ValueError(f"timestamps must come {_shape_text(name, X)}: got {times.shape}")
    if not times.has_canonical_format:
        n_given = times.nnz
        times = times.copy()
        times.sum_duplicates()
        if times.nnz < n_given:
            raise ValueError("timestamps must have one time for each entry: some have several")
    data = np.asarray(times.data, dtype=np.float64)
    if not (_same(times.indptr, X.indptr) and _same(times.indices, X.indices)):
        data = data[_places(times, X)]
    if not np.isfinite([data.min(initial=0), data.max(initial=0)]).all():
        raise ValueError("timestamps must be finite: got NaN or infinity")
    return csr_array((data, X.indices, X.indptr), shape=X.shape)


def _same(left: NDArray[Any], right: NDArray[Any]) -> bool:
    """Whether two arrays are equal, without as many bytes of truth values."""
    steps = range(0, len(left), 2**15)
    return left.shape == right.shape and all(
        np.array_equal(left[start : start + 2**15], right[start : start + 2**15]) for start in steps
    )


def _places(times: csr_array, X: csr_array) -> NDArray[np.int64]:
    """Where ``times`` has each entry of X."""
    have, wanted = _keys(times), _keys(X)
    places = np.searchsorted(have, wanted)
    missing = np.append(have, -1)[places] != wanted
    if missing.any():
        raise ValueError(
            f"timestamps must have the time of each entry of X: {int(missing.sum()):,} of "
            f"{X.nnz:,} are missing"
        )
    return places


def _keys(matrix: csr_array) -> NDArray[np.int64]:
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    return rows * matrix.shape[1] + matrix.indices


def check_memory(algorithm: Any, needed: float, shape: tuple[int, ...]) -> None:
    """Refuse a fit that takes more bytes than this machine has, with the class's alternative."""
    if needed > _physical_memory():
        use = f"; {algorithm.alternative} is for such a size" if algorithm.alternative else ""
        raise MemoryError(
            f"{algorithm.__name__} takes about {needed / 2**30:,.0f} GiB for {shape[0]:,} users "
            f"and {shape[1]:,} items: this machine has {_physical_memory() / 2**30:,.0f} GiB{use}"
        )


@cache
def _physical_memory() -> float:
    """Bytes; infinite where the system doesn't say."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES")) * float(os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):  # such as Windows
        return math.inf


def held_out(y: Any, shape: tuple[int, int]) -> csr_array:
    """y as a matrix: leave-one-out gives one item a row, as scikit-learn gives one label."""
    if not issparse(y):
        y = np.asarray(y)
    if y.ndim == 1 and len(y) == shape[0] and np.issubdtype(y.dtype, np.integer):
        if not (y.min() >= 0 and y.max() < shape[1]):
            raise ValueError(f"y must lie in 0..{shape[1] - 1}: got {y.min()}..{y.max()}")
        ones = np.ones(len(y), dtype=np.float32)
        return csr_array((ones, y, np.arange(len(y) + 1)), shape=shape)
    if y.shape != shape:
        raise ValueError(
            f"y must have the held-out items as a matrix {shape}, or one item column for each of "
            f"the {shape[0]} rows: got {y.dtype} values of shape {y.shape}"
        )
    return csr_array(y)


def checked_exclude(exclude: Any, shape: tuple[int, ...]) -> csr_array:
    """What must not be recommended, without stored zeros."""
    excluded = csr_array(exclude)
    if excluded.shape != shape:
        raise ValueError(f"exclude must have the shape of X: got {excluded.shape} for {shape}")
    if (excluded.data == 0).any():
        excluded = excluded.copy()
        excluded.eliminate_zeros()
    return excluded
