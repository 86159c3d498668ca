"""Samples of a log that keep what decides on an algorithm: whole users with all their items."""

from dataclasses import replace

import numpy as np

from recmeta.data import Interactions, Notice

MIN_USERS = 1500
SAMPLED = "N113"  # code of the notice of a sample


def sample_users(
    data: Interactions, max_events: int, *, min_users: int = MIN_USERS, seed: int = 0
) -> Interactions:
    """Whole users drawn at random until their events reach about ``max_events``.

    At least ``min_users`` are drawn where there are as many, whatever their events: a mean over
    fewer says little.

    The sample is stratified by activity: users are sorted by their number of events and one is
    drawn from each run of neighbours, so the distribution of history lengths stays, and with it the
    share that each item has of the events (in expectation). Items that no drawn user has are
    dropped and counted in a notice; rows and columns are numbered anew, in the old order.
    O(n log n). Item-preserving in the sense of Sachdeva, Wu, McAuley, WSDM 2022 (arXiv:2201.04768):
    no item is taken away from a user who is kept.
    """
    if data.n_events <= max_events:
        return data
    lengths = np.bincount(data.user_rows, minlength=data.n_users)
    share = round(data.n_users * max_events / data.n_events)
    wanted = min(max(share, min_users, 1), data.n_users)
    if wanted == data.n_users:
        return data
    rng = np.random.default_rng(seed)
    by_length = np.lexsort((rng.random(data.n_users), lengths))
    strata = np.linspace(0, data.n_users, wanted + 1)
    drawn = np.floor(strata[:-1] + rng.random(wanted) * np.diff(strata)).astype(np.int64)
    places = np.unique(np.minimum(drawn, data.n_users - 1))  # neighbours can draw the same user
    missing = min(min_users, data.n_users) - len(places)
    if missing > 0:
        rest = np.setdiff1d(np.arange(data.n_users), places)
        places = np.concatenate([places, rng.permutation(rest)[:missing]])
    users = np.sort(by_length[places])
    mask = np.isin(data.user_rows, users)
    part = data.select(mask)
    items = np.unique(part.item_columns)
    n_lost = data.n_items - len(items)
    message = (
        f"sample of {len(users):,} of {data.n_users:,} users with {part.n_events:,} of "
        f"{data.n_events:,} events; {n_lost:,} of {data.n_items:,} items have none of them"
    )
    return replace(
        part,
        users=data.users[users],
        items=data.items[items],
        user_rows=np.searchsorted(users, part.user_rows).astype(np.int32),
        item_columns=np.searchsorted(items, part.item_columns).astype(np.int32),
        user_features=None if data.user_features is None else data.user_features[users],
        item_features=None if data.item_features is None else data.item_features[items],
        notices=(*data.notices, Notice(SAMPLED, "note", message, data.n_events - part.n_events)),
    )
