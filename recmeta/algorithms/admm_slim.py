"""ADMMSLIM: SLIM by the alternating direction method of multipliers, all columns at once."""

from typing import Any, ClassVar

import numpy as np
from optuna.distributions import FloatDistribution
from scipy.sparse import csr_array, vstack

from recmeta.algorithms._admm_start import start_of
from recmeta.algorithms._admm_steps import advance, begin
from recmeta.algorithms._base import Cost, Recommender, _check_counts, _in_threads
from recmeta.algorithms._gram import row_blocks
from recmeta.algorithms._like_columns import most_kinds, to_items
from recmeta.algorithms._ridge import ridge_cost
from recmeta.space import Space


class ADMMSLIM(Recommender):
    """A sparse linear item-item model, all of whose columns are solved together (Steck 2020).

    Minimises 1/2 ||X - X B||^2 + l2/2 ||C||^2 + l1 ||C||_1 under B = C, diag(B) = 0 and, if
    positive, C >= 0: the objective of SLIM with alpha = l1 + l2. With P = (X'X + (l2 + rho) I)^-1,
    S the soft threshold at l1/rho and V = B + the scaled dual variable, each iteration takes

        C = S(V),   M = rho P (2 C - V),   B = I + M - P diag((1 + M_jj) / P_jj),   V += B - C,

    and scores = x C. Each costs 2 n_items^3 operations, as one matrix product, or with fewer users
    than items 2 n_items (n_users^2 + 2 nnz), a few hundred columns at a time; memory is
    4 n_items^2 bytes and C's, with fewer users 12 n_users^2 more. Of few events P is not made: its
    products are some ten sparse ones of 2 nnz n_items. Coordinate descent (SLIM) is faster where l1
    leaves few weights. With fewer users, items of the same users count as one.

    Parameters
    ----------
    l1, l2 : float
        The penalties, in squared interaction counts; l1 decides how many weights there are.
    rho : float
        How tightly C follows B, in squared interaction counts. Any value ends at the same C; one
        near the common entries of X'X gets there in the fewest iterations.
    n_iterations : int
    positive : bool
        Only non-negative weights.

    Attributes
    ----------
    item_weights_ : float32 CSR array, (n_items, n_items)
        C: column j holds the weights that predict item j.

    References
    ----------
    Steck, Dimakopoulou, Riabov, Jebara, ADMM SLIM: sparse recommendations for many users,
    WSDM 2020, doi:10.1145/3336191.3371774.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1, 1, 0, 0], [1, 1, 0, 1], [0, 0, 1, 1]])
    >>> ADMMSLIM(l1=0.1, l2=0.1, rho=1).fit(X).recommend(np.array([[1, 0, 0, 0]]), k=1)[0]
    array([[1]], dtype=int32)
    """

    space: ClassVar[Space] = {
        "l1": FloatDistribution(0.03, 100.0, log=True),
        "l2": FloatDistribution(1.0, 3e3, log=True),
    }
    family = "linear"
    alternative = "SANSA"
    tiny: ClassVar[dict[str, Any]] = {"l1": 0.1, "l2": 1.0, "rho": 5.0}

    # 0.98 of the best that SLIM, with the same objective, finds on four small logs, after 10 to
    # 30 iterations: benchmarks/defaults.py
    def __init__(
        self,
        l1: float = 0.6,
        l2: float = 30.0,
        rho: float = 300.0,
        n_iterations: int = 20,
        *,
        positive: bool = True,
    ) -> None:
        self.l1 = l1
        self.l2 = l2
        self.rho = rho
        self.n_iterations = n_iterations
        self.positive = positive

    def _fit(self, X: csr_array) -> None:
        _check_counts(n_iterations=self.n_iterations)
        if not (self.l1 >= 0 and self.l2 >= 0 and self.rho > 0):
            raise ValueError(
                "l1 and l2 must be at least 0 and rho positive: "
                f"got l1={self.l1}, l2={self.l2}, rho={self.rho}"
            )
        kinds, columns, product, n_columns, *ways = start_of(X, self.l2 + self.rho, "ADMMSLIM")
        n_kinds = len(kinds.first)
        rates = np.float32(self.rho), np.float32(self.l1 / self.rho), bool(self.positive)
        parts: dict[int, csr_array] = {}

        def one_block(block: slice) -> None:
            some = columns(block)
            own = some[np.arange(n_kinds)[block], np.arange(some.shape[1])] + ways[0]
            V, W, like = np.empty_like(some), np.empty_like(some), np.empty_like(own)
            fixed = some, own, kinds.counts, rates
            begin(block.start, *fixed, V, W, like)
            for left in range(self.n_iterations)[::-1]:
                advance(block.start, product(W), tuple(ways), *fixed, left == 0, V, W, like)
            parts[block.start] = csr_array(W.T)

        _in_threads(one_block, row_blocks(n_kinds, n_columns))
        by_target = csr_array(vstack([parts[start] for start in sorted(parts)], format="csr"))
        self.item_weights_ = csr_array(to_items(by_target, kinds).T.tocsr())

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        n_kinds = most_kinds(n_users, n_items, nnz)
        inverse, n_iterations = ridge_cost(n_users, n_kinds, nnz), cls(**params).n_iterations
        # where P is found by way of the users, it also multiplies by way of them
        if inverse.seconds < 1.2e-11 * n_kinds**3:
            narrow, n_columns = min(n_users, n_kinds), n_kinds
        else:
            inverse = ridge_cost(n_users, n_items, nnz)
            narrow = n_columns = n_items
        seconds = n_iterations * (2e-11 * narrow**2 * n_columns + 2e-9 * n_columns**2)
        return Cost(inverse.seconds + seconds, inverse.bytes + 1.6 * n_columns**2 + 8e3 * n_items)
