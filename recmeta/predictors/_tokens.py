"""Tables as sequences: a token for each column, from numbers that no other column uses."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True)
class Tokens:
    """A column of few distinct values has a token for each, another is cut at its quantiles.

    A value that was not seen has the token of the nearest, and a missing one the column's last.

    Attributes
    ----------
    values : tuple of float64 array
        What the tokens of each column stand for, increasing: values, or medians of what lies
        between two cuts.
    cuts : tuple of float64 array
        Between the tokens of each column: a value that is a cut has the upper one.
    """

    values: tuple[F64, ...]
    cuts: tuple[F64, ...]

    @classmethod
    def learned(cls, table: F64, n_levels: int) -> "Tokens":
        """The tokens of these rows, (n, p), NaN where a value is missing."""
        pairs = [_levels(column[~np.isnan(column)], n_levels) for column in table.T]
        return cls(tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs))

    @property
    def firsts(self) -> I64:
        """The first token of each column, and the number of all, (p + 1,)."""
        return np.cumsum([0, *(len(values) + 1 for values in self.values)])

    def __call__(self, table: F64) -> I64:
        """Tokens of rows, (n, p)."""
        tokens = np.empty(table.shape, dtype=np.int64)
        for at, (values, cuts) in enumerate(zip(self.values, self.cuts, strict=True)):
            column = table[:, at]
            place = np.searchsorted(cuts, column, side="right")
            tokens[:, at] = np.where(np.isnan(column), len(values), place)
        return tokens + self.firsts[:-1]

    def table(self, tokens: I64) -> F64:
        """What the tokens stand for, (n, p); NaN for a missing value."""
        every = np.concatenate([part for values in self.values for part in (values, [np.nan])])
        return np.asarray(every[tokens])


def _levels(known: F64, n_levels: int) -> tuple[F64, F64]:
    distinct = np.unique(known)
    if len(distinct) <= n_levels:
        return distinct, (distinct[1:] + distinct[:-1]) / 2
    edges = np.quantile(known, np.arange(1, n_levels) / n_levels, method="higher")
    cuts = np.unique(edges[edges > distinct[0]])
    place = np.searchsorted(cuts, known, side="right")
    return np.array([np.median(known[place == level]) for level in range(len(cuts) + 1)]), cuts
