"""What an estimator has learned, as plain arrays and plain values: for files that run no code."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse

from recmeta.algorithms._base import Recommender

CSR_ARRAYS = ("data", "indices", "indptr")
Arrays = dict[str, NDArray[Any]]


def state_of(estimator: Recommender) -> tuple[Arrays, dict[str, Any]]:
    """The learned attributes (whose names end in ``_``): arrays, and the other, plain values.

    A CSR matrix becomes four arrays: ``name.data``, ``.indices``, ``.indptr`` and ``.shape``.

    Raises
    ------
    TypeError
        If an attribute is neither an array of numbers, a CSR matrix nor a plain value.
    """
    arrays: Arrays = {}
    plain: dict[str, Any] = {}
    for name, value in vars(estimator).items():
        if not name.endswith("_") or name.startswith("_"):
            continue
        if issparse(value):
            arrays |= matrix_arrays(name, csr_array(value))
        elif isinstance(value, np.ndarray) and value.dtype != object:
            arrays[name] = value
        elif isinstance(value, np.generic):
            plain[name] = value.item()
        elif value is None or isinstance(value, bool | int | float | str):
            plain[name] = value
        else:
            raise TypeError(
                f"{type(estimator).__name__}.{name} cannot be saved: a learned attribute must be "
                f"an array of numbers, a CSR matrix or a plain value, not {type(value).__name__}"
            )
    return arrays, plain


def with_state(
    algorithm: type[Recommender],
    params: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    plain: Mapping[str, Any],
) -> Recommender:
    """The fitted estimator of a state.

    Raises
    ------
    ValueError
        If a CSR matrix is malformed.
    """
    # JSON, which both kinds of files are written in, has no tuples
    given = {name: tuple(v) if isinstance(v, list) else v for name, v in params.items()}
    estimator = algorithm(**given)
    for name, value in plain.items():
        setattr(estimator, name, value)
    for name, array in arrays.items():
        attribute, dot, piece = name.partition(".")
        if not dot:
            setattr(estimator, name, array)
        elif piece == "shape":
            setattr(estimator, attribute, matrix_of(attribute, arrays))
    return estimator


def matrix_arrays(name: str, matrix: csr_array) -> Arrays:
    """A CSR matrix as four arrays."""
    pieces = {f"{name}.{piece}": getattr(matrix, piece) for piece in CSR_ARRAYS}
    return pieces | {f"{name}.shape": np.asarray(matrix.shape, dtype=np.int64)}


def matrix_of(name: str, arrays: Mapping[str, NDArray[Any]]) -> csr_array:
    """The CSR matrix of four arrays, every index checked: scipy doesn't, and would crash."""
    n_rows, n_columns = (int(n) for n in arrays[f"{name}.shape"])
    data, indices, indptr = (arrays[f"{name}.{piece}"] for piece in CSR_ARRAYS)
    if len(indptr) != n_rows + 1 or len(data) != len(indices):
        raise ValueError(f"{name}: {len(indptr)} row starts for {n_rows} rows")
    matrix = csr_array((data, indices, indptr), shape=(n_rows, n_columns))
    matrix.check_format(full_check=True)
    return matrix
