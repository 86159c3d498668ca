"""SessionKNN: what users had next to the last items of the history."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender, _check_counts
from recmeta.algorithms._sequences import in_time_order, score_by_neighbours, users_of
from recmeta.space import Space


class SessionKNN(Recommender):
    """An item is scored by where it stands in the sequences that share the history's last items.

    With r(i) the number of the history's items after i, the last n_last of them (h) and p the
    sequence of a user of fit:

        similarity(h, p) = sum over i in both of discount^r(i) idf(i)^rarity / |p|^length_exponent
        score_j = sum over the n_neighbours most similar p with j of similarity(h, p) c(j, p)

    c(j, p) = nearness^d, d the places in p between j and i*, p's item with the smallest r;
    times backward if j comes before i*; idf(i) = ln(1 + n_users / n_i). All users who share an item
    are looked at, whatever their age. A known user is not his own neighbour. Equal times come by
    item number, equally similar users by their row. The values of X do not count.

    Fit sorts the log: O(nnz log nnz). Ranking takes n_last times the users of an item, then
    n_neighbours sequences; memory is n_users + n_items a thread.

    Parameters
    ----------
    n_neighbours : int
        Known users whose sequences score.
    n_last : int
        Items of the history that are looked at, from the end.
    discount : float
        Weight of an item of the history relative to the one after it.
    nearness : float
        Weight of an item of a neighbour relative to one that is a place nearer to i*.
    backward : float
        What an item before i* counts, as a share of one after it.
    rarity, length_exponent : float
        Exponents of idf and of a neighbour's length; 0 leaves them out.

    Attributes
    ----------
    starts_ : int64 array, (n_users + 1,)
        Where each user's events begin.
    items_ : int32 array, (nnz,)
        The items of all users, each user's from first to last.
    item_starts_, item_users_ : int64 array, (n_items + 1,); int32 array, (nnz,)
        The users of each item.

    References
    ----------
    Ludewig, Jannach, Evaluation of session-based recommendation algorithms, UMUAI 28, 2018,
    doi:10.1007/s11257-018-9209-6 (V-SKNN). Garg et al., Sequence and time aware neighborhood for
    session-based recommendations: STAN, SIGIR 2019, doi:10.1145/3331184.3331322.

    Examples
    --------
    >>> import numpy as np
    >>> times = np.array([[1, 2, 3, 0], [1, 2, 0, 3]])
    >>> model = SessionKNN(backward=0.0).fit(times > 0, timestamps=times)
    >>> new = np.array([[1, 0, 2, 0]])
    >>> model.recommend(new, 2, users=[-1], timestamps=new)[0]
    array([[1, 3]], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_neighbours": IntDistribution(10, 2000, log=True),
        "n_last": IntDistribution(1, 50, log=True),
        "discount": FloatDistribution(0.3, 1.0),
        "nearness": FloatDistribution(0.3, 1.0),
        "backward": FloatDistribution(0.0, 1.0),
        "rarity": FloatDistribution(0.0, 3.0),
        "length_exponent": FloatDistribution(0.0, 1.0),
    }
    family = "sequential"
    uses: ClassVar[frozenset[str]] = frozenset({"timestamps"})

    def __init__(
        self,
        n_neighbours: int = 100,
        n_last: int = 20,
        discount: float = 0.8,
        nearness: float = 0.85,
        backward: float = 0.6,
        rarity: float = 1.5,
        length_exponent: float = 0.25,
    ) -> None:
        self.n_neighbours = n_neighbours
        self.n_last = n_last
        self.discount = discount
        self.nearness = nearness
        self.backward = backward
        self.rarity = rarity
        self.length_exponent = length_exponent

    def _fit(self, X: csr_array, timestamps: csr_array) -> None:
        _check_counts(n_neighbours=self.n_neighbours, n_last=self.n_last)
        for name in ("discount", "nearness"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in [0, 1]: got {getattr(self, name)}")
        self.starts_, self.items_ = in_time_order(timestamps)
        self.item_starts_, self.item_users_ = users_of(self.starts_, self.items_, X.shape[1])

    def _scores(
        self, X: csr_array, users: NDArray[np.int64], timestamps: csr_array
    ) -> NDArray[np.float32]:
        starts, items = in_time_order(timestamps)
        counts = np.maximum(np.diff(self.item_starts_), 1)
        rarity = np.log1p(self.n_users_ / counts) ** self.rarity
        lengths = np.diff(self.starts_)
        discounts = self.discount ** np.arange(float(self.n_last))
        nearness = self.nearness ** np.arange(lengths.max(initial=1), dtype=np.float64)
        scores = np.zeros(X.shape, dtype=np.float32)
        score_by_neighbours(
            starts, items, users, discounts, rarity,
            np.maximum(lengths, 1.0) ** -self.length_exponent, self.starts_, self.items_,
            self.item_starts_, self.item_users_, nearness, self.backward,
            min(self.n_neighbours, self.n_users_), scores,
        )  # fmt: skip
        return scores

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        return Cost(1e-3 + 2e-7 * nnz, 24.0 * nnz + 16 * (n_users + n_items))
