"""Scores of algorithms on many problems: ranks, shares of the best, and who is told apart."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from recmeta.experiments.rank_tests import (
    Friedman,
    friedman,
    groups,
    letters,
    nemenyi_difference,
    pairwise_holm,
)


@dataclass(frozen=True)
class OverDatasets:
    """Algorithms over problems; columns of all frames are algorithms, the best mean rank first.

    Attributes
    ----------
    scores : DataFrame (n_problems, n_algorithms)
        NaN where no run was ok.
    ranks : DataFrame, same shape
        1 the best, ties shared; the worst place where no run was ok.
    shares : DataFrame, same columns
        Score over the best one (best over score, if lower is better), 0 where no run was ok;
        problems whose best score is 0 are left out.
    alpha : float or None
        The level of the tests; None where none was made. Then what follows is None or empty.
    friedman : Friedman or None
        None also for one problem or one algorithm.
    critical_difference : float or None
        Nemenyi's: mean ranks that differ by it are told apart.
    runs : dict of str to list of (first, last)
        "nemenyi" and "wilcoxon" (all pairs of shares by the signed rank test, Holm's correction):
        the places of those who are not told apart. One run of all, where Friedman's test finds no
        difference.
    """

    scores: pd.DataFrame
    ranks: pd.DataFrame
    shares: pd.DataFrame
    alpha: float | None
    friedman: Friedman | None
    critical_difference: float | None
    runs: dict[str, list[tuple[int, int]]]

    def letters(self) -> dict[str, list[str]]:
        """Kind of test -> the letters of each algorithm; those who share one are not told apart."""
        return {name: letters(runs) for name, runs in self.runs.items()}


def compare_over_datasets(
    scores: pd.DataFrame, *, higher_is_better: bool = True, alpha: float | None = 0.05
) -> OverDatasets:
    """Rank the algorithms on each problem and test the ranks.

    Parameters
    ----------
    scores : DataFrame (n_problems, n_algorithms)
        NaN where no run was ok: the worst place, not a gap that a failing algorithm would gain by.
    higher_is_better : bool
    alpha : float or None
        The level of the tests; None for none.

    Notes
    -----
    Wilcoxon's test takes shares, not scores: it ranks the differences of problems against each
    other, and scores of an easy and a hard data set are on two scales (Demšar 2006, 3.1.3, asks for
    commensurable differences). Time grows with n_problems x n_algorithms^2.
    """
    ranks = scores.rank(axis=1, ascending=not higher_is_better, na_option="bottom")
    order = ranks.mean().sort_values(kind="stable").index
    scores, ranks = scores[order], ranks[order]
    best = scores.max(axis=1) if higher_is_better else scores.min(axis=1)
    shares = scores.div(best, axis=0) if higher_is_better else (1 / scores).mul(best, axis=0)
    shares = shares[best > 0].fillna(0.0)
    if alpha is None or min(scores.shape) < 2:
        return OverDatasets(scores, ranks, shares, alpha, None, None, {})
    omnibus = friedman(ranks.to_numpy())
    n_problems, k = ranks.shape
    difference = nemenyi_difference(k, n_problems, alpha)
    means = ranks.mean().to_numpy()
    apart = {
        "nemenyi": np.abs(means[:, None] - means) >= difference,
        "wilcoxon": pairwise_holm(shares.to_numpy()) < alpha,
    }
    # tests of pairs are for algorithms that are not all alike (Demšar 2006, 3.2.2)
    runs = {name: groups(found & (omnibus.p < alpha)) for name, found in apart.items()}
    return OverDatasets(scores, ranks, shares, alpha, omnibus, difference, runs)
