"""Which runs a leaderboard is about: fits on all users, in a block without gaps."""

from typing import Any

import numpy as np
import pandas as pd

from recmeta.experiments.store import Store
from recmeta.experiments.store_schema import HEADLINE
from recmeta.registry import UnknownNameError

PROBLEM = ["dataset", "split", "data_key"]
N_NAMED = 10  # of the problems left out


def counts_of(store: Store, best: pd.DataFrame, dataset: str | None) -> pd.DataFrame:
    """Runs by status: those on a share of the users don't count where they are all that there is.

    Which ones they are is asked only if an ok run has no score, since it takes the whole table.
    """
    counts = rows_of(store.counts(), dataset=dataset)
    if best.empty or _is_unmeasured(counts, best).any():
        whole = store.counts(whole=True)
        counts = whole[whole["dataset"].isin(counts["dataset"])]
    if counts.empty:
        raise ValueError("no run was fitted on all users yet: there is nothing to rank")
    return counts


def measured(counts: pd.DataFrame, best: pd.DataFrame) -> pd.DataFrame:
    """Without the ok runs of an algorithm that has no score: it wasn't measured, it didn't fail.

    Raises
    ------
    ValueError
        If nothing is left.
    """
    found = counts[~_is_unmeasured(counts, best)]
    if found.empty:
        raise ValueError(
            "no run has this metric on validation and test: sweep with both parts to rank"
        )
    return found


def _is_unmeasured(counts: pd.DataFrame, best: pd.DataFrame) -> "pd.Series[bool]":
    key = [*PROBLEM, "algorithm"]
    scored = pd.MultiIndex.from_frame(counts[key]).isin(pd.MultiIndex.from_frame(best[key]))
    return (counts["status"] == "ok") & ~scored


def unscored(store: Store, best: pd.DataFrame, metric: str) -> list[str]:
    """That ok runs lack the metric, so that configurations are chosen among fewer.

    Every ok run has the headline metrics; the others are left out of an export of the best.
    """
    if metric.endswith(HEADLINE) or best.empty:
        return []
    counts = store.counts(whole=True)
    runs = counts[counts["status"] == "ok"].merge(best[[*PROBLEM, "algorithm", "n_scored"]])
    n_ok, n_scored = int(runs["n"].sum()), int(runs["n_scored"].sum())
    if n_scored == n_ok:
        return []
    return [
        f"{n_ok - n_scored:,} of {n_ok:,} ok runs have no {metric} (a store exported with --keep "
        "best?): configurations are chosen among the others"
    ]


def rows_of(rows: pd.DataFrame, **wanted: str | None) -> pd.DataFrame:
    """The rows of this data set and split; the names that there are, if there is no such row."""
    for column, name in wanted.items():
        if name is None:
            continue
        kept = rows[rows[column] == name]
        if kept.empty and len(rows):
            kind = {"dataset": "data set"}.get(column, column)
            names = ", ".join(sorted(rows[column].unique()))
            raise UnknownNameError(f"the store has no {kind} {name!r}; it has: {names}")
        rows = kept
    return rows


def _named(problems: "pd.Index[Any]") -> str:
    """The first few by their data sets, with the split where there are several."""
    splits = problems.get_level_values("split")
    several = splits.nunique() > 1
    names = [
        f"{dataset} {split}" if several else str(dataset)
        for dataset, split in zip(problems.get_level_values("dataset"), splits, strict=True)
    ]
    more = f" and {len(names) - N_NAMED:,} more" if len(names) > N_NAMED else ""
    return ", ".join(names[:N_NAMED]) + more


def complete(counts: pd.DataFrame) -> tuple[pd.DataFrame, int, list[str]]:
    """The runs of a block of algorithms and problems that has no gap, and what is outside of it.

    What has not run yet must not count as worst. Of the blocks with the algorithms that ran most,
    the one that compares most pairs: n_problems x n_algorithms (n_algorithms - 1) / 2.
    """
    done = counts.groupby([*PROBLEM, "algorithm"]).size().unstack("algorithm").notna()
    n_run = done.sum().sort_values(ascending=False, kind="stable")
    whole = np.logical_and.accumulate(done[n_run.index].to_numpy(), axis=1)
    n_others = np.arange(len(n_run))
    pairs = whole.sum(axis=0) * n_others * (n_others + 1)
    # of equals the one with most algorithms; no two ran on one problem: the one that ran most
    last = len(pairs) - 1 - int(pairs[::-1].argmax()) if pairs.any() else 0
    inside = done.index[whole[:, last]]
    kept = counts.set_index(PROBLEM).loc[inside].reset_index()
    kept = kept[kept["algorithm"].isin(n_run.index[: last + 1])]
    n_left_out = len(done) - len(inside)
    notes = []
    if n_left_out:
        plural = "" if n_left_out == 1 else "s"
        names = _named(done.index[~whole[:, last]])
        notes.append(
            f"{n_left_out:,} problem{plural} left out: not every algorithm ran there ({names})"
        )
    if last + 1 < len(n_run):
        few = ", ".join(f"{name} ({n})" for name, n in n_run.iloc[last + 1 :].items())
        notes.append(f"left out, run on too few of the {len(done)} problems: {few}")
    return kept, n_left_out, notes
