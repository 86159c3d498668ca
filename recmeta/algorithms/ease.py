"""EASE: a linear item-item model in closed form."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution
from scipy.linalg.lapack import get_lapack_funcs
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender
from recmeta.algorithms._gram import gram, mirror
from recmeta.space import Space


class EASE(Recommender):
    """Every item is predicted from all others by one ridge regression (Steck 2019).

    B minimises ||X - X B||^2 + l2 ||B||^2 under diag(B) = 0, so with P = (X'X + l2 I)^-1

        B_ij = -P_ij / P_jj  for i != j,      scores = x B.

    Cubic in n_items (2 s at 10,000 items), 4 n_items^2 bytes; hardly depends on n_users.

    Parameters
    ----------
    l2 : float
        The ridge penalty, in squared interaction counts: added to the diagonal of X'X.

    Attributes
    ----------
    item_weights_ : float32 array, (n_items, n_items)
        B: column j holds the weights that predict item j. Its diagonal is 0.

    References
    ----------
    Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019, arXiv:1905.03375.

    Examples
    --------
    >>> import numpy as np
    >>> items, scores = EASE(l2=1).fit(np.eye(4) + np.eye(4, k=1)).recommend(np.eye(4), k=1)
    >>> items.ravel()
    array([1, 2, 3, 2], dtype=int32)
    """

    space: ClassVar[Space] = {"l2": FloatDistribution(1.0, 1e5, log=True)}
    family = "linear"

    def __init__(self, l2: float = 300.0) -> None:
        self.l2 = l2

    def _fit(self, X: csr_array) -> None:
        if not self.l2 > 0:
            raise ValueError(f"l2 must be positive: got {self.l2}")
        try:
            inverse = _inverse_of_gram(X, self.l2, np.float32)
            if inverse is None:  # l2 is too small against X'X for float32's 7 digits
                inverse = _inverse_of_gram(X, self.l2, np.float64)
        except MemoryError as error:
            n_items = X.shape[1]
            raise MemoryError(
                f"EASE needs {4 * n_items**2 / 1e9:.1f} GB for {n_items} items: "
                "drop rare items, or take a sparse model such as ItemKNN"
            ) from error
        if inverse is None:
            raise ValueError(f"X'X + {self.l2} I is not positive definite: take a larger l2")
        inverse /= -inverse.diagonal()
        # Steck 2019, eq. 8: the diagonal must be zero or each item predicts itself
        np.fill_diagonal(inverse, 0.0)
        self.item_weights_ = inverse.astype(np.float32, copy=False)

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        pairs = 2 * nnz * nnz / max(n_users, 1)
        return Cost(
            1e-9 * pairs + 1.2e-11 * n_items**3 + 1e-8 * n_items**2, 4.4 * n_items**2 + 30 * nnz
        )


def _inverse_of_gram(X: csr_array, l2: float, dtype: Any) -> NDArray[Any] | None:
    """(X'X + l2 I)^-1 in the memory of X'X, or None where the Cholesky factorisation fails."""
    matrix = gram(X).astype(dtype, copy=False)
    matrix[np.diag_indices_from(matrix)] += dtype(l2)
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
    return matrix
