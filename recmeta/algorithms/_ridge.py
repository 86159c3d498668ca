"""The ridge inverse: what EASE, EDLAE, RDLAE and ADMMSLIM start from.

======  =============================================  ==================
symbol  meaning                                        shape
======  =============================================  ==================
G       X'X                                            (n_items, n_items)
L       l2 I + dropout / (1 - dropout) diag(G)         (n_items, n_items)
P       (G + L)^-1, dense and symmetric                (n_items, n_items)
======  =============================================  ==================
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import get_lapack_funcs
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost
from recmeta.algorithms._gram import gram, mirror


def ridge_inverse(
    X: csr_array, l2: float, dropout: float = 0.0, *, algorithm: str
) -> tuple[NDArray[Any], NDArray[Any]]:
    """P and the diagonal of L: float32, or float64 where float32's 7 digits are too few.

    ``algorithm`` is the name that errors begin with.

    Raises
    ------
    ValueError
        If l2 or dropout is out of range, or G + L is not positive definite for rounding.
    MemoryError
        With the gigabytes that it takes.
    """
    if not l2 > 0:
        raise ValueError(f"l2 must be positive: got {l2}")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must be at least 0 and below 1: got {dropout}")
    try:
        found = _inverse_of_gram(X, l2, dropout, np.float32)
        if found is None:  # l2 is too small against X'X
            found = _inverse_of_gram(X, l2, dropout, np.float64)
    except MemoryError as error:
        n_items = X.shape[1]
        raise MemoryError(
            f"{algorithm} needs {4 * n_items**2 / 1e9:.1f} GB for {n_items} items: "
            "drop rare items, or take a sparse model such as ItemKNN"
        ) from error
    if found is None:
        raise ValueError(f"X'X + {l2} I is not positive definite: take a larger l2")
    return found


def ridge_cost(n_users: int, n_items: int, nnz: int) -> Cost:
    """Of the inverse: cubic in n_items."""
    pairs = 2 * nnz * nnz / max(n_users, 1)
    return Cost(
        1e-9 * pairs + 1.2e-11 * n_items**3 + 1e-8 * n_items**2, 4.4 * n_items**2 + 30 * nnz
    )


def _inverse_of_gram(
    X: csr_array, l2: float, dropout: float, dtype: Any
) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """P in the memory of G, and diag(L); None where the Cholesky factorisation fails."""
    matrix = gram(X).astype(dtype, copy=False)
    penalty = dtype(l2) + dtype(dropout / (1 - dropout)) * matrix.diagonal()
    matrix[np.diag_indices_from(matrix)] += penalty
    lapack: Any = get_lapack_funcs(("potrf", "potri"), (matrix,))
    factorise, invert = lapack
    # the lower triangle of the transpose (Fortran order, as LAPACK wants) is our upper one
    _, failed = factorise(matrix.T, lower=1, clean=0, overwrite_a=1)
    if failed:
        return None
    _, failed = invert(matrix.T, lower=1, overwrite_c=1)
    if failed or not np.isfinite(matrix.diagonal()).all():
        return None
    mirror(matrix)
    return matrix, penalty
