"""EASE: a linear item-item model in closed form."""

from typing import ClassVar

from optuna.distributions import FloatDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._ridge import RidgeRecommender
from recmeta.space import Space


class EASE(RidgeRecommender):
    """Every item is predicted from all others by one ridge regression (Steck 2019).

    B minimises ||X - X B||^2 + l2 ||B||^2 under diag(B) = 0, so with P = (X'X + l2 I)^-1

        B_ij = -P_ij / P_jj  for i != j,      scores = x B.

    Cubic in n_items (2 s at 10,000 items) and hardly dependent on n_users, or with fewer users
    than items n_users^3 + n_items nnz; 4 n_items^2 bytes, with fewer users 12 n_users^2 more.
    With over four times as many items as users (and 2,000) B is not made: n_users^3 operations,
    16 n_users^2 bytes.

    Parameters
    ----------
    l2 : float
        The ridge penalty, in squared interaction counts: added to the diagonal of X'X.

    Attributes
    ----------
    item_weights_ : float32 array, (n_items, n_items)
        B: column j holds the weights that predict item j. Its diagonal is 0.
    kernel_, histories_, item_scales_ : array, (n_users, n_users), CSR array, array, (2, n_items)
        Where B is not made: K = (I + X L^-1 X')^-1, in float32 if its products keep five digits, X,
        and the diagonals of L^-1 and S in x B = x (I - S) + x L^-1 X' K X S, L = l2 I.

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
    alternative = "SANSA"

    def __init__(self, l2: float = 300.0) -> None:
        self.l2 = l2

    def _fit(self, X: csr_array) -> None:
        self._learn(X, self.l2)
