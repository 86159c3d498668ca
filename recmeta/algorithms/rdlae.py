"""RDLAE: EDLAE whose items may predict themselves, up to a limit."""

from typing import ClassVar

from optuna.distributions import FloatDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._ridge import RidgeRecommender
from recmeta.space import Space


class RDLAE(RidgeRecommender):
    """A denoising linear autoencoder with a limit on each item's own weight (Moon et al. 2023).

    B minimises ||X - X B||^2 + tr(B' L B) under B_jj <= diagonal_limit, so with P = (X'X + L)^-1

        L = l2 I + dropout / (1 - dropout) diag(X'X),
        B_ij = -P_ij max(L_jj, (1 - diagonal_limit) / P_jj)  for i != j,      scores = x B.

    A limit of 0 is EDLAE (and EASE without dropout), 1 is plain ridge regression; between them,
    popular items stay at the limit and rare ones are free.
    Cubic in n_items (2 s at 10,000 items) and hardly dependent on n_users, or with fewer users
    than items n_users^3 + n_items nnz; 4 n_items^2 bytes, with fewer users 12 n_users^2 more.
    With over four times as many items as users (and 2,000) B is not made: n_users^3 operations,
    16 n_users^2 bytes.

    Parameters
    ----------
    l2 : float
        The ridge penalty that all items have, in squared interaction counts.
    dropout : float
        Chance that an entry of the input is dropped, in [0, 1); 0 is the paper's RLAE.
    diagonal_limit : float
        xi, the largest weight that an item may have on itself, in [0, 1].

    Attributes
    ----------
    item_weights_ : float32 array, (n_items, n_items)
        B: column j holds the weights that predict item j. Its diagonal is at most diagonal_limit.
    kernel_, histories_, item_scales_ : array, (n_users, n_users), CSR array, array, (2, n_items)
        Where B is not made: K = (I + X L^-1 X')^-1, in float32 if its products keep five digits, X,
        and the diagonals of L^-1 and S in x B = x (I - S) + x L^-1 X' K X S.

    References
    ----------
    Moon, Kim, Lee, It's Enough: Relaxing Diagonal Constraints in Linear Autoencoders for
    Recommendation, SIGIR 2023, arXiv:2305.12922.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.eye(4) + np.eye(4, k=1)
    >>> RDLAE(l2=1, dropout=0.5).fit(X).recommend(np.eye(4), k=1)[0].ravel()
    array([1, 2, 3, 2], dtype=int32)
    """

    space: ClassVar[Space] = {
        "l2": FloatDistribution(1.0, 1e4, log=True),
        "dropout": FloatDistribution(0.0, 0.9),
        "diagonal_limit": FloatDistribution(0.0, 1.0),
    }
    family = "linear"
    alternative = "SANSA"

    # 0.98 of the best on four small logs, EASE's default has 0.95: benchmarks/defaults.py
    def __init__(self, l2: float = 60.0, dropout: float = 0.5, diagonal_limit: float = 0.3) -> None:
        self.l2 = l2
        self.dropout = dropout
        self.diagonal_limit = diagonal_limit

    def _fit(self, X: csr_array) -> None:
        if not 0 <= self.diagonal_limit <= 1:
            raise ValueError(f"diagonal_limit must be in [0, 1]: got {self.diagonal_limit}")
        self._learn(X, self.l2, self.dropout, self.diagonal_limit)
