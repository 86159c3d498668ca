"""Leaderboards from a store: within a data set by the score, over data sets by rank and regret.

======  ===============================================================  ======================
symbol  meaning                                                          shape
======  ===============================================================  ======================
s[d,a]  test score of algorithm a on data set d, its configuration       (n_problems,
        chosen on validation; 0 where no run of it was ok                n_algorithms)
rank    1 + better ones + half the ties, on one data set
share   s[d,a] / max over a of s[d,a]
======  ===============================================================  ======================
"""

from dataclasses import dataclass

import pandas as pd

from recmeta.experiments.store import Store
from recmeta.metrics import METRICS
from recmeta.registry import UnknownNameError

KEYS = ["dataset", "split", "algorithm"]


@dataclass(frozen=True)
class Leaderboard:
    """A table and what it is of.

    Attributes
    ----------
    metric : str
    datasets : list of str
    table : DataFrame
        Best first. One data set: algorithm, score, se, validation, params, fit_s, peak_mb and the
        numbers of runs by status. Several: algorithm, mean_rank, mean_share (of the best score),
        wins, n_problems (with an ok run), mean_score, mean_fit_s, and runs by status.
    n_left_out : int
        Problems (data set and split) on which an algorithm was not run yet: they don't count.
    """

    metric: str
    datasets: list[str]
    table: pd.DataFrame
    n_left_out: int = 0


def leaderboard(
    store: Store, metric: str = "ndcg@10", *, dataset: str | None = None
) -> Leaderboard:
    """Algorithms by ``metric``, each with the configuration that validation chose.

    Parameters
    ----------
    store : Store
    metric : str
        A name with a cutoff, such as ``"ndcg@10"``.
    dataset : str or None
        One data set, or None for all of the store.

    Raises
    ------
    KeyError
        If the store has no such metric or data set; the message lists those it has.
    """
    if metric not in store.metrics():
        families = sorted({name.partition("@")[0] for name in store.metrics()})
        raise UnknownNameError(f"the store has no metric {metric!r}; it has: {', '.join(families)}")
    if dataset is not None and dataset not in store.datasets():
        names = ", ".join(store.datasets())
        raise UnknownNameError(f"the store has no data set {dataset!r}; it has: {names}")
    runs = store.frame([metric])
    n_left_out = 0
    if dataset is not None:
        runs = runs[runs["dataset"] == dataset]
    else:
        runs, n_left_out = _complete(runs)
    chosen = _chosen(runs, metric)
    statuses = runs.groupby(["algorithm", "status"]).size().unstack(fill_value=0)
    table = _over_all(chosen, metric) if dataset is None else _of_one(chosen, metric)
    table = table.join(statuses, on="algorithm")
    on = sorted(runs["dataset"].unique())
    return Leaderboard(metric, on, table.reset_index(drop=True), n_left_out)


def _complete(runs: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The runs of the problems that every algorithm has been run on, and how many others there are.

    What has not run yet must not count as worst. All runs, where no problem is complete.
    """
    problem = [runs["dataset"], runs["split"]]
    n_algorithms = runs.groupby(problem)["algorithm"].transform("nunique")
    complete = n_algorithms == runs["algorithm"].nunique()
    if not complete.any():
        return runs, 0
    return runs[complete], len(runs[~complete][["dataset", "split"]].drop_duplicates())


def _higher_is_better(metric: str) -> bool:
    # None: it depends on what is wanted; then the table is in descending order
    return METRICS[metric.partition("@")[0]].higher_is_better is not False


def _chosen(runs: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One row a data set, split and algorithm: the mean over seeds of the best configuration."""
    validation, test = f"validation:{metric}", f"test:{metric}"
    scored = runs[(runs["status"] == "ok") & runs[validation].notna() & runs[test].notna()]
    columns = [validation, test, "fit_s", "peak_mb"]
    columns += [f"{test}:se"] if f"{test}:se" in runs else []
    means = scored.groupby([*KEYS, "params"], as_index=False)[columns].mean()
    ascending = not _higher_is_better(metric)
    ordered = means.sort_values([validation, "params"], ascending=[ascending, True])
    return ordered.groupby(KEYS, as_index=False).first()


def _of_one(chosen: pd.DataFrame, metric: str) -> pd.DataFrame:
    names = {f"test:{metric}": "score", f"test:{metric}:se": "se"}
    names[f"validation:{metric}"] = "validation"
    table = chosen.rename(columns=names).drop(columns="dataset")
    first = ["algorithm", "score", *(["se"] if "se" in table else []), "validation"]
    table = table[[*first, "fit_s", "peak_mb", "params", "split"]]
    return table.sort_values("score", ascending=not _higher_is_better(metric), kind="stable")


def _over_all(chosen: pd.DataFrame, metric: str) -> pd.DataFrame:
    higher = _higher_is_better(metric)
    scores = chosen.pivot_table(
        index=["dataset", "split"], columns="algorithm", values=f"test:{metric}"
    )
    # no ok run is the worst place, not a gap that a failing algorithm would gain by
    ranks = scores.rank(axis=1, ascending=not higher, na_option="bottom")
    best = scores.max(axis=1) if higher else scores.min(axis=1)
    shares = scores.div(best, axis=0) if higher else (1 / scores).mul(best, axis=0)
    wins = (ranks.eq(ranks.min(axis=1), axis=0)).sum()
    table = pd.DataFrame(
        {
            "mean_rank": ranks.mean(),
            "mean_share": shares[best > 0].fillna(0.0).mean(),
            "wins": wins,
            "n_problems": scores.notna().sum(),
            "mean_score": scores.mean(),
            "mean_fit_s": chosen.groupby("algorithm")["fit_s"].mean(),
        }
    )
    return table.sort_values("mean_rank", kind="stable").rename_axis("algorithm").reset_index()
