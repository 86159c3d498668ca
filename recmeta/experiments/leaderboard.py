"""Leaderboards from a store: within a data set by the score, over data sets by rank and share.

======  ===============================================================  ======================
symbol  meaning                                                          shape
======  ===============================================================  ======================
s[d,a]  test score of algorithm a on problem d (a data set under a       (n_problems,
        split), its configuration chosen on validation                   n_algorithms)
rank    1 + better ones + half the ties, on one problem; the worst
        place where no run was ok
share   s[d,a] / max over a of s[d,a]; 0 where no run was ok
======  ===============================================================  ======================
"""

import math
from dataclasses import dataclass, field

import pandas as pd

from recmeta.experiments.leaderboard_runs import (
    PROBLEM,
    complete,
    counts_of,
    measured,
    rows_of,
    unscored,
)
from recmeta.experiments.over_datasets import OverDatasets, compare_over_datasets
from recmeta.experiments.significance import TESTS
from recmeta.experiments.store import Store
from recmeta.experiments.user_tests import COLUMNS, compare_users, user_values
from recmeta.metrics import METRICS
from recmeta.registry import UnknownNameError


@dataclass(frozen=True)
class Leaderboard:
    """A table and what it is of.

    Attributes
    ----------
    metric : str
    datasets : list of str
    table : DataFrame
        Best first. One data set: algorithm, score, low and high (its bootstrap interval),
        difference (to the best), p, p_holm, apart, se, validation, fit_s, peak_mb, params, split
        and the numbers of runs by status. Several: algorithm, mean_rank, nemenyi and wilcoxon
        (letters: those who share one are not told apart), mean_share (of the best score), wins,
        n_problems (with an ok run), mean_score and mean_fit_s (over those), and runs by status.
    n_left_out : int
        Problems on which an algorithm of the table was not run yet: they don't count.
    notes : list of str
        What to know before the table is believed: what is left out, what failed, what is missing.
    over : OverDatasets or None
        Ranks, shares and tests over data sets; None for one data set.
    alpha : float or None
        The level of the tests; None where none was made.
    """

    metric: str
    datasets: list[str]
    table: pd.DataFrame
    n_left_out: int = 0
    notes: list[str] = field(default_factory=list)
    over: OverDatasets | None = None
    alpha: float | None = None


def leaderboard(
    store: Store,
    metric: str = "ndcg@10",
    *,
    dataset: str | None = None,
    split: str | None = None,
    test: str | None = "t",
    alpha: float = 0.05,
) -> Leaderboard:
    """Algorithms by ``metric``, each with the configuration that validation chose.

    Parameters
    ----------
    store : Store
    metric : str
        A name with a cutoff, such as ``"ndcg@10"``.
    dataset, split : str or None
        One of them, or None for all of the store.
    test : str or None
        How users are compared on one data set: a name in ``significance.TESTS``. None: no tests,
        neither there nor over data sets.
    alpha : float
        The level of all tests; intervals hold the mean with 1 - alpha.

    Raises
    ------
    KeyError
        If the store has no such metric, data set or split; the message lists those it has.
    ValueError
        If ``test`` is none, ``alpha`` is not between 0 and 1, or no run was fitted on all users
        and measured on both parts.
    """
    _check(store, metric, test, alpha)
    higher = _higher_is_better(metric)
    best = store.best(metric, higher_is_better=higher, dataset=dataset)
    counts = rows_of(counts_of(store, best, dataset), split=split)
    best = rows_of(best, split=split)
    n_left_out, notes = 0, list[str]()
    level = None if test is None else alpha
    if dataset is None:
        counts, n_left_out, notes = complete(measured(counts, best))
        best = best.merge(counts[[*PROBLEM, "algorithm"]].drop_duplicates())
        over = compare_over_datasets(_scores(best, counts), higher_is_better=higher, alpha=level)
        table = _over_all(best, over)
        notes += _failures(counts, over) + _repeated(counts) + _too_few(over)
    else:
        over = None
        table, notes = _of_one(best, higher), _failed(counts, best) + _pooled(best)
        if test is not None and len(best):
            table, untested = _with_tests(store, best, table, (metric, higher, test, alpha))
            notes += untested
    notes += unscored(store, best, metric)
    table = _with_statuses(table, counts, best if dataset is not None else None)
    on = sorted(counts["dataset"].unique())
    return Leaderboard(metric, on, table, n_left_out, notes, over, level)


def _pooled(best: pd.DataFrame) -> list[str]:
    """That one list has several splits, each with a best of its own."""
    splits = sorted(best["split"].unique())
    if len(splits) < 2:
        return []
    return [f"scores of different splits cannot be compared: choose one of {', '.join(splits)}"]


def _check(store: Store, metric: str, test: str | None, alpha: float) -> None:
    if metric not in store.metrics():
        if not store.metrics():
            raise UnknownNameError(_why_no_score(store))
        families = ", ".join(sorted({name.partition("@")[0] for name in store.metrics()}))
        if f"{metric}@10" in store.metrics():
            raise UnknownNameError(f"{metric} needs a cutoff: {metric}@10")
        raise UnknownNameError(
            f"the store has no metric {metric!r}; it has: {families}, with cutoffs as in "
            f"{store.metrics()[0]}"
        )
    if test is not None and test not in TESTS:
        raise ValueError(f"test is one of {', '.join(TESTS)} or None, not {test!r}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha lies between 0 and 1: got {alpha}")


def _why_no_score(store: Store) -> str:
    by_status = store.counts().groupby("status")["n"].sum()
    if by_status.empty:
        return "the store has no run: there is nothing to rank"
    kinds = ", ".join(f"{status} {n}" for status, n in by_status.items())
    advice = "; allow more by --time or --memory" if {"timeout", "oom"} & {*by_status.index} else ""
    return f"the store has no run with a score ({kinds}): there is nothing to rank{advice}"


def _higher_is_better(metric: str) -> bool:
    # None: it depends on what is wanted; then the table is in descending order
    return METRICS[metric.partition("@")[0]].higher_is_better is not False


def _scores(best: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """Test scores, NaN where no run was ok.  # (n_problems, n_algorithms)"""
    problems = counts[PROBLEM].drop_duplicates().sort_values(PROBLEM)
    scores = best.pivot_table(index=PROBLEM, columns="algorithm", values="test")
    index = pd.MultiIndex.from_frame(problems)
    return scores.reindex(index=index, columns=sorted(counts["algorithm"].unique()))


def _failures(counts: pd.DataFrame, over: OverDatasets) -> list[str]:
    missing = over.scores.isna().melt(ignore_index=False, value_name="missing").reset_index()
    runs = counts.merge(missing[missing["missing"]], on=[*PROBLEM, "algorithm"])
    if runs.empty:
        return []
    statuses = runs.groupby([*PROBLEM, "algorithm"])["status"].agg("+".join)
    kinds = ", ".join(f"{status} {n}" for status, n in statuses.value_counts().sort_index().items())
    return [
        f"{len(statuses)} of {over.scores.size} results missing, no run was ok ({kinds}): "
        "they count as the worst rank and a share of 0"
    ]


def _failed(counts: pd.DataFrame, best: pd.DataFrame) -> list[str]:
    """The algorithms of one data set that are not in its table."""
    rest = counts[~counts["algorithm"].isin(best["algorithm"])]
    if rest.empty:
        return []
    statuses = rest.groupby("algorithm")["status"].agg(lambda one: "+".join(sorted(set(one))))
    names = ", ".join(f"{name} ({status})" for name, status in statuses.items())
    return [f"no run was ok and measured: {names}"]


def _repeated(counts: pd.DataFrame) -> list[str]:
    n_problems, n_datasets = len(counts[PROBLEM].drop_duplicates()), counts["dataset"].nunique()
    if n_problems == n_datasets:
        return []
    return [
        f"{n_problems} problems of {n_datasets} data sets: the tests take splits of one data set "
        "for independent; choose one split"
    ]


def _too_few(over: OverDatasets) -> list[str]:
    """Whether Wilcoxon's test can reject: its least p is 2^(1 - n), times k (k - 1) / 2 by Holm."""
    n_problems, k = over.scores.shape
    n_pairs = k * (k - 1) / 2
    if not over.runs or over.alpha is None or 2.0 ** (1 - n_problems) * n_pairs < over.alpha:
        return []
    needed = math.floor(1 + math.log2(n_pairs / over.alpha)) + 1
    return [
        f"{n_problems} problems are too few to tell any two of {k} algorithms apart by Wilcoxon's "
        f"test with Holm's correction: {needed} are the least"
    ]


def _of_one(best: pd.DataFrame, higher: bool) -> pd.DataFrame:
    table = best.rename(columns={"test": "score", "test_se": "se"})
    table = table[["algorithm", "score", "se", "validation", "fit_s", "peak_mb", "params", "split"]]
    table = table.drop(columns=[] if table["se"].notna().any() else ["se"])
    return table.sort_values("score", ascending=not higher, kind="stable")


def _with_statuses(
    table: pd.DataFrame, counts: pd.DataFrame, best: pd.DataFrame | None
) -> pd.DataFrame:
    """The numbers of runs by status: over all problems, or where a row is of one, on that."""
    key = ["algorithm"] if best is None else [*PROBLEM, "algorithm"]
    statuses = counts.pivot_table(
        index=key, columns="status", values="n", aggfunc="sum", fill_value=0
    )
    if best is None:
        return table.join(statuses, on=key).reset_index(drop=True)
    of_rows = best[key].join(statuses, on=key).drop(columns=key)  # the index is the table's
    return table.join(of_rows).reset_index(drop=True)


def _with_tests(
    store: Store, best: pd.DataFrame, table: pd.DataFrame, how: tuple[str, bool, str, float]
) -> tuple[pd.DataFrame, list[str]]:
    """The table with intervals and tests, a problem at a time; notes of what cannot be tested."""
    metric, higher, test, alpha = how
    found, without = [], []
    for _, rows in best.groupby("data_key"):
        values = user_values(store, rows, metric)
        without += [name for name in rows["algorithm"] if name not in values]
        if values:
            compared = compare_users(values, higher_is_better=higher, test=test, alpha=alpha)
            places = rows.set_index("algorithm").index
            found.append(compared.reindex(places).set_index(rows.index))
    if not found:
        return table, [
            f"no {metric} of each user in the store: no intervals, no tests; "
            "keep_users in the plan of a sweep keeps them"
        ]
    table = table.join(pd.concat(found))
    first = ["algorithm", "score", *COLUMNS]
    table = table[[*first, *(name for name in table if name not in first)]]
    notes = [f"no {metric} of the same users of: {', '.join(without)}"] if without else []
    return table, notes


def _over_all(best: pd.DataFrame, over: OverDatasets) -> pd.DataFrame:
    ranks = over.ranks
    table = pd.DataFrame({"mean_rank": ranks.mean()})
    for name, letters in over.letters().items():
        table[name] = letters
    table["mean_share"] = over.shares.mean()
    table["wins"] = ranks.eq(ranks.min(axis=1), axis=0).sum()
    table["n_problems"] = over.scores.notna().sum()
    table["mean_score"] = over.scores.mean()
    table["mean_fit_s"] = best.groupby("algorithm")["fit_s"].mean()
    return table.rename_axis("algorithm").reset_index()
