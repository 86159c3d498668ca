"""Algorithms over many data sets: are they alike, which are told apart, and their groups.

=======  ===============================================================  =======================
symbol   meaning                                                          shape
=======  ===============================================================  =======================
r[i,j]   rank of algorithm j on case i, 1 the best, ties shared           (n_cases, n_algorithms)
R[j]     mean over cases of r[i,j]                                        (n_algorithms,)
=======  ===============================================================  =======================

A case is a data set under a split.

References
----------
Demšar. Statistical comparisons of classifiers over multiple data sets. JMLR 7, 2006.
Benavoli, Corani, Mangili. Should we really use post-hoc tests based on mean-ranks? JMLR 17, 2016.
"""

from dataclasses import dataclass
from string import ascii_letters

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from recmeta.experiments.significance import TESTS, Array, holm


@dataclass(frozen=True)
class Friedman:
    """Friedman's test that all algorithms are alike, and Iman and Davenport's sharper form of it.

    Attributes
    ----------
    chi2, chi2_p : float
        Friedman's statistic, chi-squared with k - 1 degrees of freedom.
    f, p : float
        f = (n - 1) chi2 / (n (k - 1) - chi2), F with k - 1 and (k - 1)(n - 1) degrees of freedom.
    n_cases, n_algorithms : int
        n and k.
    """

    chi2: float
    chi2_p: float
    f: float
    p: float
    n_cases: int
    n_algorithms: int


def friedman(ranks: Array, *, correct_ties: bool = True) -> Friedman:
    """Test whether the mean ranks differ by more than chance.

    chi2 = n sum_j (R[j] - (k+1)/2)^2 / (sum_ij (r[i,j] - (k+1)/2)^2 / (n (k - 1)))

    Without ``correct_ties`` the divisor is what it is with no ties, k (k + 1) / 12, as in Demšar's
    example. Two cases and two algorithms are the least.

    References
    ----------
    Friedman. The use of ranks to avoid the assumption of normality. JASA 32, 1937.
    Iman, Davenport. Approximations of the critical region of the Friedman statistic. 1980.
    """
    n, k = ranks.shape
    if n < 2 or k < 2:
        raise ValueError(f"Friedman's test needs 2 cases and 2 algorithms: got {n} and {k}")
    middle = (k + 1) / 2
    between = n * float(((ranks.mean(axis=0) - middle) ** 2).sum())
    within = float(((ranks - middle) ** 2).sum()) / (n * (k - 1))
    divisor = within if correct_ties else k * (k + 1) / 12
    chi2 = between / divisor if divisor > 0 else 0.0
    rest = n * (k - 1) - chi2
    f = (n - 1) * chi2 / rest if rest > 1e-9 * n else np.inf
    p = float(stats.f.sf(f, k - 1, (k - 1) * (n - 1)))
    return Friedman(chi2, float(stats.chi2.sf(chi2, k - 1)), float(f), p, n, k)


def nemenyi_difference(n_algorithms: int, n_cases: int, alpha: float = 0.05) -> float:
    """Mean ranks that differ by this or more are told apart: q sqrt(k (k + 1) / (6 n)).

    q is the studentised range's quantile for k means and infinite degrees of freedom, over sqrt(2).

    References
    ----------
    Nemenyi. Distribution-free multiple comparisons. PhD thesis, Princeton, 1963.
    """
    k = n_algorithms
    q = stats.studentized_range.ppf(1 - alpha, k, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(k * (k + 1) / (6 * n_cases)))


def pairwise_holm(values: Array, test: str = "wilcoxon") -> Array:
    """Holm's adjusted p of all pairs of columns; 1 on the diagonal.  # (n_columns, n_columns)"""
    k = values.shape[1]
    first, second = np.triu_indices(k, 1)
    adjusted = np.ones((k, k))
    adjusted[first, second] = holm(TESTS[test](values[:, first] - values[:, second]))
    adjusted[second, first] = adjusted[first, second]
    return adjusted


def groups(apart: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last place of each longest run of algorithms of which no two are told apart.

    ``apart[i, j]`` says it of the places i and j, in order of the mean rank. Every place is in a
    run, of itself at least. For a critical difference, two share a run if and only if they are not
    told apart; for pairwise tests, two that do not share one may also be parted by one in between.
    """
    found: list[tuple[int, int]] = []
    start = 0
    for last in range(len(apart)):
        clash = np.flatnonzero(apart[start:last, last])
        start = start + int(clash[-1]) + 1 if len(clash) else start
        if found and found[-1][0] == start:
            found[-1] = (start, last)
        else:
            found.append((start, last))
    return found


def letters(runs: list[tuple[int, int]]) -> list[str]:
    """The letters of each place: those who share one are not told apart."""
    n_places = max(last for _, last in runs) + 1
    names = [ascii_letters[i] if i < 52 else f"({i + 1})" for i in range(len(runs))]
    return [
        "".join(name for name, (first, last) in zip(names, runs, strict=True) if first <= i <= last)
        for i in range(n_places)
    ]
