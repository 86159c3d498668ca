"""TimeDecayedPopular: what most people have had lately."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, Recommender
from recmeta.algorithms._gram import row_blocks
from recmeta.algorithms._sequences import span
from recmeta.algorithms._sums import add_at
from recmeta.space import Space

DAY = 86_400.0
FAINTEST = 1e-30  # weight of the oldest events: their items come last, by their count
DATED = 2**13  # events at once: their weights take several numbers of 8 bytes each


class TimeDecayedPopular(Recommender):
    """Everyone gets the items with the most recent interactions.

    score_i = sum over users of x_ui 2^(-(t_last - t_ui) / h), with t_last the latest time of all
    and h = half_life times the span from the first time to t_last, or half_life_days days. Where
    there are only places in the users' sequences, the late ones of long histories count.

    O(nnz) time, O(nnz) memory.

    Parameters
    ----------
    half_life : float
        After which an interaction counts half: a share of the log's span.
    half_life_days : float or None
        The same in days, for times in seconds; in place of half_life if given.

    Attributes
    ----------
    popularity_ : float32 array, (n_items,)
        Decayed interactions of each item.

    References
    ----------
    Ji, Sun, Zhang, Li, A re-visit of the popularity baseline in recommender systems, SIGIR 2020,
    doi:10.1145/3397271.3401233 (why time belongs in it). Ding, Li, Time weight collaborative
    filtering, CIKM 2005, doi:10.1145/1099554.1099689 (exponential decay by half life).

    Examples
    --------
    >>> import numpy as np
    >>> X, times = np.array([[1, 1], [1, 0]]), np.array([[1.0, 9.0], [1.0, 0.0]])
    >>> model = TimeDecayedPopular(half_life=0.25).fit(X, timestamps=times)
    >>> model.popularity_
    array([0.125, 1.   ], dtype=float32)
    """

    space: ClassVar[Space] = {"half_life": FloatDistribution(0.003, 3.0, log=True)}
    family = "baseline"
    personal = False
    uses: ClassVar[frozenset[str]] = frozenset({"timestamps"})

    def __init__(self, half_life: float = 0.2, half_life_days: float | None = None) -> None:
        self.half_life = half_life
        self.half_life_days = half_life_days

    def _fit(self, X: csr_array, timestamps: csr_array) -> None:
        in_days = self.half_life_days is not None
        given = self.half_life_days if self.half_life_days is not None else self.half_life
        if not given > 0:
            name = "half_life_days" if in_days else "half_life"
            raise ValueError(f"{name} must be above 0: got {given}")
        times = timestamps.data
        half_life = given * (DAY if in_days else span(times))
        now, popularity = times.max(initial=-np.inf), np.zeros(X.shape[1])
        for part in row_blocks(X.nnz, DATED):
            age = now - times[part]
            halvings = age / half_life if half_life > 0 else age  # no span: all of one time
            weights = X.data[part] * np.maximum(np.exp2(-halvings), FAINTEST)
            add_at(X.indices[part], weights, popularity)
        self.popularity_ = popularity.astype(np.float32)

    def _scores(
        self, X: csr_array, users: NDArray[np.int64], timestamps: csr_array
    ) -> NDArray[np.float32]:
        return np.repeat(self.popularity_[None, :], X.shape[0], axis=0)

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        return Cost(1e-4 + 2e-8 * nnz, 8.0 * nnz + 16.0 * n_items)
