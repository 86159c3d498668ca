"""Algorithms on one data set, user by user: intervals of their means, tests against the best."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from recmeta.experiments.leaderboard_runs import PROBLEM
from recmeta.experiments.significance import TESTS, Array, bootstrap_intervals, holm
from recmeta.experiments.store import Store
from recmeta.registry import UnknownNameError

COLUMNS = ["low", "high", "difference", "p", "p_holm", "apart"]


def user_values(store: Store, best: pd.DataFrame, metric: str) -> dict[str, Array]:
    """Algorithm -> ``metric`` of each test user, (n_users,), the mean over seeds.

    Algorithms without such a vector are left out; so are those whose number of users is not the
    one that most have, since then they are not the same users.

    Parameters
    ----------
    store : Store
    best : DataFrame
        Rows of ``Store.best`` on one problem.
    metric : str
    """
    values: dict[str, Array] = {}
    for algorithm, ids in _run_ids(store, best).items():
        try:
            vectors = [store.vector(id_, metric) for id_ in ids]
        except UnknownNameError:
            continue
        values[algorithm] = np.stack(vectors).astype(np.float64).mean(axis=0)
    sizes = [len(vector) for vector in values.values()]
    usual = max(set(sizes), key=lambda size: (sizes.count(size), size), default=0)
    return {name: vector for name, vector in values.items() if len(vector) == usual}


def _run_ids(store: Store, best: pd.DataFrame) -> dict[str, list[str]]:
    if (best["n_seeds"] == 1).all():
        return {name: [id_] for name, id_ in zip(best["algorithm"], best["run_id"], strict=True)}
    runs = store.frame([])  # several seeds: only the table of runs has the ids of all of them
    runs = runs[(runs["status"] == "ok") & (runs["fidelity"] == 1)]
    on = [*PROBLEM, "algorithm", "params"]
    found = runs.merge(best[on], on=on).groupby("algorithm")["id"]
    return {str(algorithm): list(ids) for algorithm, ids in found}


def compare_users(
    values: Mapping[str, Array],
    *,
    higher_is_better: bool = True,
    test: str = "t",
    alpha: float = 0.05,
) -> pd.DataFrame:
    """A row an algorithm: the interval of its mean, and whether it is told apart from the best.

    Parameters
    ----------
    values : mapping of str to array (n_users,)
        The same users in the same order.
    test : str
        A name in ``significance.TESTS``. ``"t"`` and ``"permutation"`` ask about the mean;
        ``"wilcoxon"`` about symmetry around 0, and drops users who are served alike by both.
    alpha : float
        Intervals hold the mean with 1 - alpha (bootstrap, BCa); ``apart`` is p_holm < alpha.

    Returns
    -------
    DataFrame
        Index algorithm, columns low, high, difference (mean - mean of the best), p, p_holm (over
        the tests against the best), apart. The best has NaN and None there; so have all, where
        less than two users have a value of each algorithm.

    Notes
    -----
    The best is chosen by the same users, which makes p of near ties a little too small.
    Time: see ``bootstrap_intervals``.
    """
    names = list(values)
    table = np.column_stack([values[name] for name in names])  # (n_users, n_algorithms)
    table = table[np.isfinite(table).all(axis=1)]
    index = pd.Index(names, name="algorithm")
    if len(table) < 2:
        return pd.DataFrame(np.nan, index, COLUMNS).assign(apart=None)
    low, high = bootstrap_intervals(table, confidence=1 - alpha)
    means = table.mean(axis=0)
    best = int(means.argmax() if higher_is_better else means.argmin())
    p = TESTS[test](table - table[:, [best]])
    p[best] = np.nan
    p_holm = holm(p)
    apart = [None if np.isnan(one) else bool(one < alpha) for one in p_holm]
    difference = np.where(np.arange(len(names)) == best, np.nan, means - means[best])
    columns = (low, high, difference, p, p_holm, pd.Series(apart, dtype=object))
    found = pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))
    return found.set_axis(index)
