"""EDLAE: EASE with a penalty on each item that grows with its popularity, as dropout gives."""

from typing import ClassVar

from optuna.distributions import FloatDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._ridge import RidgeRecommender
from recmeta.space import Space


class EDLAE(RidgeRecommender):
    """A linear autoencoder that learns to fill in what dropout took from its input (Steck 2020).

    With the dropped entries averaged out, B minimises ||X - X B||^2 + tr(B' L B) under diag(B) = 0,
    so with P = (X'X + L)^-1

        L = l2 I + dropout / (1 - dropout) diag(X'X),
        B_ij = -P_ij / P_jj  for i != j,      scores = x B:

    the paper's full-rank form, all of whose error is on the dropped entries.
    Cubic in n_items (2 s at 10,000 items) and hardly dependent on n_users, or with fewer users
    than items n_users^3 + n_items nnz; 4 n_items^2 bytes, with fewer users 12 n_users^2 more.
    With over four times as many items as users (and 2,000) B is not made: n_users^3 operations,
    16 n_users^2 bytes.

    Parameters
    ----------
    l2 : float
        The ridge penalty that all items have, in squared interaction counts.
    dropout : float
        Chance that an entry of the input is dropped, in [0, 1); 0 is EASE.

    Attributes
    ----------
    item_weights_ : float32 array, (n_items, n_items)
        B: column j holds the weights that predict item j. Its diagonal is 0.
    kernel_, histories_, item_scales_ : array, (n_users, n_users), CSR array, array, (2, n_items)
        Where B is not made: K = (I + X L^-1 X')^-1, in float32 if its products keep five digits, X,
        and the diagonals of L^-1 and S in x B = x (I - S) + x L^-1 X' K X S.

    References
    ----------
    Steck, Autoencoders that don't overfit towards the Identity, NeurIPS 2020,
    https://proceedings.neurips.cc/paper/2020/hash/e33d974aae13e4d877477d51d8bafdc4-Abstract.html.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.eye(4) + np.eye(4, k=1)
    >>> EDLAE(l2=1, dropout=0.5).fit(X).recommend(np.eye(4), k=1)[0].ravel()
    array([1, 2, 3, 2], dtype=int32)
    """

    space: ClassVar[Space] = {
        "l2": FloatDistribution(1.0, 1e4, log=True),
        "dropout": FloatDistribution(0.0, 0.9),
    }
    family = "linear"
    alternative = "SANSA"

    # 0.99 of the best on four small logs, EASE's default has 0.96: benchmarks/defaults.py
    def __init__(self, l2: float = 50.0, dropout: float = 0.5) -> None:
        self.l2 = l2
        self.dropout = dropout

    def _fit(self, X: csr_array) -> None:
        self._learn(X, self.l2, self.dropout)
