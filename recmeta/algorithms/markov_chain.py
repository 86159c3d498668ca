"""MarkovChain: what follows the last items of the history."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender, _check_counts
from recmeta.algorithms._neighbours import weights_from
from recmeta.algorithms._sequences import in_time_order, last_items, transitions
from recmeta.space import Space


class MarkovChain(Recommender):
    """An item is scored by how often it followed the last items of the history.

    N_ij = sum over users of d^-decay for each i that comes d <= window places before j, and of
    backward d^-decay for each that comes d places after. P_ij = N_ij / n_i^alpha with n_i = sum_j
    N_ij, kept for the n_neighbours items i with the largest N_ij of each j. scores = sum_r
    discount^r P_(i_r) over the n_last last items i_0 (the last), i_1, ... of the history. With
    window = n_last = 1, backward = 0 and alpha = 1 it is the Markov chain of first order; with
    decay = 1 and a wide window the sequential rules of Kamehkhosh et al.

    Only the order counts, not the values of X; equal times come by item number. Time grows with
    nnz * window, memory with n_items * n_neighbours.

    Parameters
    ----------
    window : int
        The largest distance that counts; 1: only the next item.
    decay : float
        Exponent of the distance: 0 counts all within the window alike.
    backward : float
        What a step back counts, as a share of a step ahead.
    alpha : float
        1 makes probabilities; less favours items with many followers.
    n_last : int
        Items of the history that are looked at, from the end.
    discount : float
        Weight of an item of the history relative to the one after it.
    n_neighbours : int
        Items before it that each item keeps.

    Attributes
    ----------
    item_weights_ : float32 csr_array, (n_items, n_items)
        P: row i has what follows i.

    References
    ----------
    Rendle, Freudenthaler, Schmidt-Thieme, Factorizing personalized Markov chains for next-basket
    recommendation, WWW 2010, doi:10.1145/1772690.1772773. Kamehkhosh, Jannach, Ludewig, A
    comparison of frequent pattern techniques and a deep learning method for session-based
    recommendation, RecTemp 2017 (1/d). Ludewig, Jannach, Evaluation of session-based recommendation
    algorithms, UMUAI 28, 2018, doi:10.1007/s11257-018-9209-6.

    Examples
    --------
    >>> import numpy as np
    >>> model = MarkovChain(window=1, backward=0.0, alpha=1.0)
    >>> times = np.array([[1, 2, 3], [2, 3, 1]])
    >>> model.fit(np.ones((2, 3)), timestamps=times).item_weights_.toarray()
    array([[0., 1., 0.], [0., 0., 1.], [1., 0., 0.]], dtype=float32)
    """

    space: ClassVar[Space] = {
        "window": IntDistribution(1, 50, log=True),
        "decay": FloatDistribution(0.0, 2.0),
        "backward": FloatDistribution(0.0, 1.0),
        "alpha": FloatDistribution(0.0, 1.0),
        "n_last": IntDistribution(1, 50, log=True),
        "discount": FloatDistribution(0.3, 1.0),
        "n_neighbours": IntDistribution(20, 1000, log=True),
    }
    family = "sequential"
    uses: ClassVar[frozenset[str]] = frozenset({"timestamps"})

    def __init__(
        self,
        window: int = 20,
        decay: float = 1.0,
        backward: float = 0.75,
        alpha: float = 0.25,
        n_last: int = 50,
        discount: float = 0.92,
        n_neighbours: int = 500,
    ) -> None:
        self.window = window
        self.decay = decay
        self.backward = backward
        self.alpha = alpha
        self.n_last = n_last
        self.discount = discount
        self.n_neighbours = n_neighbours

    def _fit(self, X: csr_array, timestamps: csr_array) -> None:
        _check_counts(window=self.window, n_last=self.n_last, n_neighbours=self.n_neighbours)
        exponents = np.array([self.decay, self.alpha, self.backward])
        if not (np.isfinite(exponents) & (exponents >= 0)).all() or not 0 <= self.discount <= 1:
            raise ValueError(
                "decay, alpha and backward must be at least 0 and finite, discount in [0, 1]: got "
                f"{self.decay}, {self.alpha}, {self.backward} and {self.discount}"
            )
        n_items = X.shape[1]
        longest = int(np.diff(X.indptr).max(initial=0)) - 1
        distances = np.arange(1.0, max(min(self.window, longest), 1) + 1)
        k = min(self.n_neighbours, max(n_items - 1, 1))
        sequences = in_time_order(timestamps)
        sources, amounts, totals = transitions(
            sequences, n_items, distances**-self.decay, self.backward, k
        )
        scale = np.maximum(totals, 1e-30) ** -self.alpha
        weights = (amounts * scale[sources]).astype(np.float32)
        self.item_weights_ = weights_from(sources, weights, n_items)

    def _scores(
        self, X: csr_array, users: NDArray[np.int64], timestamps: csr_array
    ) -> NDArray[np.float32]:
        last = last_items(timestamps, self.n_last, self.discount)
        return np.asarray((last @ self.item_weights_).toarray())

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        model = cls(**params)
        k = min(model.n_neighbours, n_items)
        pairs = nnz * min(model.window, nnz / max(n_users, 1)) * (2 if model.backward else 1)
        kept = min(n_items * k, pairs)
        seconds = 0.01 + 2e-7 * nnz + 5e-9 * pairs + 5e-8 * kept
        return Cost(seconds, 8.0 * n_items * k + 24 * kept + 24 * nnz)
