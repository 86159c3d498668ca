"""A synthetic log: power-law popularity, clusters of taste, drift over time, repeated purchases.

======  =====================================================  ======================
symbol  meaning                                                shape
======  =====================================================  ======================
c_g     centre of cluster g                                    (n_clusters, n_factors)
p_u     taste of user u: his cluster's centre, and his own     (n_users, n_factors)
q_i     character of item i: likewise                          (n_items, n_factors)
a_i     popularity of item i: rank^-popularity                 (n_items,)
z_i     trend of item i: whether it rises or falls             (n_items,)
======  =====================================================  ======================

In period t of PERIODS, user u takes as his next new item i with a probability proportional to

    a_i exp(taste p_u' q_i / sqrt(n_factors) + drift z_i (t / PERIODS - 1/2)),

each new item once. Any event but his first repeats one of his earlier items with probability
``repeat``. The number of events of a user is log-normal: many have few, few have many.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recmeta.data import Interactions

PERIODS = 12
START = 1_704_067_200  # 2024-01-01, in Unix seconds
YEAR = 366 * 86_400
BLOCK = 256  # users whose odds are held at one time
TINY = np.float32(1e-30)  # an exponential draw of 0 has no logarithm
OWN = 0.6  # what is a user's or an item's own, over what its cluster shares
F64 = NDArray[np.float64]
Rng = np.random.Generator


@dataclass(frozen=True)
class World:
    """How people and items behave.

    Parameters
    ----------
    popularity : float
        Exponent of the power law over items; 0: all alike.
    activity : float
        Standard deviation of the logarithm of a user's number of events.
    n_clusters, n_factors : int
    taste : float
        What liking counts against popularity; 0: everybody takes what is popular.
    drift : float
        How far popularity moves within the log, in logarithms of odds.
    repeat : float
        Probability that an event repeats an earlier item of the user.
    """

    popularity: float = 0.8
    activity: float = 0.9
    n_clusters: int = 8
    n_factors: int = 12
    taste: float = 1.6
    drift: float = 1.0
    repeat: float = 0.1


def generate(
    n_users: int = 500,
    n_items: int = 300,
    n_events: int = 12_000,
    *,
    world: World | None = None,
    seed: int = 0,
) -> Interactions:
    """A log of purchases with times, drawn as the head of this file says.

    Parameters
    ----------
    n_users, n_items : int
        Every user has an event; an item may have none, and is then left out.
    n_events : int
        About so many: each user's number is rounded, and at least 2.
    world : World or None
        None: the defaults.
    seed : int

    Returns
    -------
    Interactions
        Ids are ``"customer-0001"`` and ``"product-0001"``; events in the order of time.

    Raises
    ------
    ValueError
        If there is no user, no item or no event.

    Notes
    -----
    O(PERIODS n_users n_items + n_events n_items) time, O(PERIODS n_items) memory besides the log.
    A world without drift and repeats is drawn in blocks of users, O(n_users n_items): a log of
    MovieLens-10M's size (70,000 users, 10,700 items) in seconds.

    Examples
    --------
    >>> log = generate(50, 40, 600, seed=1)
    >>> log.n_users, log.users[0]
    (50, 'customer-0001')
    """
    if min(n_users, n_items, n_events) < 1:
        raise ValueError(
            f"a log needs users, items and events: got {n_users}, {n_items} and {n_events}"
        )
    how = world or World()
    rng = np.random.default_rng(seed)
    tastes, items = _tastes(how, n_users, n_items, rng)
    ranks = rng.permutation(n_items) + 1.0
    base = -how.popularity * np.log(ranks)
    trend = how.drift * rng.standard_normal(n_items)
    amounts = np.exp(how.activity * rng.standard_normal(n_users))
    lengths = np.maximum(np.rint(amounts * n_events / amounts.sum()), 2).astype(np.int64)
    if how.drift == 0 and how.repeat == 0:
        return _log(*_still(base, how, tastes, items, lengths, rng), n_users)
    rows, columns, times = [], [], []
    for user in range(n_users):  # a matrix of all users' odds would be users x items
        liking = base + how.taste * (items @ tastes[user]) / np.sqrt(how.n_factors)
        when = np.sort(rng.integers(0, YEAR, lengths[user]))
        columns.append(_history(liking, trend, when, how.repeat, rng))
        rows.append(np.full(len(when), user))
        times.append(when)
    return _log(np.concatenate(rows), np.concatenate(columns), np.concatenate(times), n_users)


def _tastes(how: World, n_users: int, n_items: int, rng: Rng) -> tuple[F64, F64]:
    """p and q: each a cluster's centre with something of its own."""
    centres = rng.standard_normal((how.n_clusters, how.n_factors))

    def around(n: int) -> F64:
        own = rng.standard_normal((n, how.n_factors))
        return centres[rng.integers(0, how.n_clusters, n)] + OWN * own

    return around(n_users), around(n_items)


def _history(
    liking: F64, trend: F64, when: NDArray[np.int64], repeat: float, rng: Rng
) -> NDArray[np.int64]:
    """One user's items in the order of time."""
    again = rng.random(len(when)) < repeat
    again[0] = False
    period = when * PERIODS // YEAR
    noise = rng.gumbel(size=(PERIODS, len(liking)))  # Gumbel-max: the largest key is the draw
    free = np.ones(len(liking), dtype=np.bool_)
    history = np.empty(len(when), dtype=np.int64)
    for place, t in enumerate(period):
        if again[place] or not free.any():
            history[place] = history[rng.integers(0, place)]
            continue
        keys = liking + trend * (t / PERIODS - 0.5) + noise[t]
        history[place] = int(np.argmax(np.where(free, keys, -np.inf)))
        free[history[place]] = False
    return history


def _still(
    base: F64, how: World, tastes: F64, items: F64, lengths: NDArray[np.int64], rng: Rng
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Rows, columns and times where odds don't move: a history is the largest of one set of keys.

    Successive draws without replacement are the items in the order of liking plus Gumbel noise.
    """
    n_users, n_items = len(tastes), len(items)
    scaled = (how.taste / np.sqrt(how.n_factors) * items.T).astype(np.float32)
    columns = []
    for start in range(0, n_users, BLOCK):
        block = slice(start, start + BLOCK)
        keys = tastes[block].astype(np.float32) @ scaled + base.astype(np.float32)
        keys -= np.log(rng.standard_exponential(keys.shape, dtype=np.float32) + TINY)
        for row, length in zip(keys, lengths[block], strict=True):
            cut = max(n_items - length, 0)
            top = np.argpartition(row, cut)[cut:]
            again = rng.integers(0, n_items, max(length - n_items, 0))  # who has all repeats
            columns.append(np.concatenate([top[np.argsort(-row[top])], again]))
    rows = np.repeat(np.arange(n_users), lengths)
    times = rng.integers(0, YEAR, len(rows))
    return rows, np.concatenate(columns), times[np.lexsort((times, rows))]


def _log(
    rows: NDArray[np.int64], columns: NDArray[np.int64], times: NDArray[np.int64], n_users: int
) -> Interactions:
    order = np.lexsort((rows, times))
    taken, item_columns = np.unique(columns[order], return_inverse=True)
    return Interactions(
        users=_names("customer", np.arange(n_users)),
        items=_names("product", taken),
        user_rows=rows[order].astype(np.int32),
        item_columns=item_columns.astype(np.int32),
        timestamps=START + times[order],
        name="synthetic",
    )


def _names(kind: str, numbers: NDArray[np.int64]) -> NDArray[np.object_]:
    return np.array([f"{kind}-{number + 1:04d}" for number in numbers], dtype=object)
