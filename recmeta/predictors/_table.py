"""What comes in, as one table: columns of X, then of curves, proxies and task; checked once.

======  =============================================================  ================
symbol  meaning                                                        shape
======  =============================================================  ================
table   all columns of what was given, NaN where a value is missing    (n, d + t + p + m)
widths  how many columns each of the four families has                 (4,)
Z       the table for a model of distances or products: no NaN,        (n, d')
        columns on one scale
======  =============================================================  ================
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

F64 = NDArray[np.float64]

FAMILIES = ("encoding", "curves", "proxies", "task")
DIVERGED = 1e30  # what stands for an infinite value of a curve: beyond all others, of finite square


def stacked(
    X: F64, curves: F64 | None = None, proxies: F64 | None = None, task: F64 | None = None
) -> tuple[F64, tuple[int, ...]]:
    """The table and the width of each family, 0 where it was not given.

    Raises
    ------
    ValueError
        For what is no matrix, other numbers of rows, infinite values but of a curve (a run that
        diverged), or NaN in X.
    """
    encoding = checked_encoding(X)
    n = len(encoding)
    if task is not None and np.ndim(task) == 1:
        task = np.broadcast_to(np.asarray(task, dtype=np.float64), (n, len(task)))
    if curves is not None:
        curves = np.clip(np.asarray(curves, dtype=np.float64), -DIVERGED, DIVERGED)
    parts = [encoding]
    for name, given in (("curves", curves), ("proxies", proxies), ("task", task)):
        part = np.empty((n, 0)) if given is None else checked_rows(name, given, n)
        parts.append(_without_infinite(name, part))
    return np.hstack(parts), tuple(part.shape[1] for part in parts)


def checked_encoding(X: F64) -> F64:
    """X as float64, (n, d), finite.

    Raises
    ------
    ValueError
        If it is no matrix, or has a value that is no finite number.
    """
    encoding = _without_infinite("X", _matrix("X", X))
    if np.isnan(encoding).any():
        raise ValueError("X has NaN: encode what is missing, or give it as proxies")
    return encoding


def checked_rows(name: str, given: F64, n: int) -> F64:
    """A family beside X as float64, (n, columns).

    Raises
    ------
    ValueError
        If it is no matrix, or has another number of rows.
    """
    part = _matrix(name, given)
    if len(part) != n:
        raise ValueError(f"{name} has {len(part)} rows for {n} of X: give one a candidate")
    return part


def _matrix(name: str, given: F64) -> F64:
    matrix = np.asarray(given, dtype=np.float64)
    if matrix.ndim != 2:
        raise ValueError(f"{name} must be a matrix, a row a candidate: got shape {matrix.shape}")
    return matrix


def _without_infinite(name: str, matrix: F64) -> F64:
    if np.isinf(matrix).any():
        raise ValueError(f"{name} has infinite values: give NaN for what failed")
    return matrix


def checked_targets(y: F64, n_rows: int) -> F64:
    """y as float64, (n_rows,).

    Raises
    ------
    ValueError
        For another shape, fewer than two values, or a value that is no finite number.
    """
    targets = np.asarray(y, dtype=np.float64)
    if targets.shape != (n_rows,):
        raise ValueError(f"y must be ({n_rows},), a value a row of X: got shape {targets.shape}")
    if n_rows < 2:
        raise ValueError(f"a predictor learns from two candidates or more: got {n_rows}")
    if not np.isfinite(targets).all():
        raise ValueError("y has values that are not finite: leave those candidates out")
    return targets


def check_widths(name: str, got: tuple[int, ...], known: tuple[int, ...]) -> None:
    """Raise a ValueError if the families of ``predict`` are not those of ``fit``."""
    for family, new, old in zip(FAMILIES, got, known, strict=True):
        if new != old:
            what = "X" if family == "encoding" else family
            raise ValueError(
                f"{name} was fitted with {old} columns of {what}: got {new}; give the same"
            )


@dataclass(frozen=True)
class Scaling:
    """From a table to Z, learned from the training rows.

    Columns of X that lie in [0, 1] stay as they are, others are brought there by their range. The
    other columns become normal scores: what a value's rank among the training rows is under the
    standard normal, linear in between, so that neither units nor tails matter. A missing value has
    the median's score, 0, and a column of 0 and 1 says where: one for each column of the training
    rows with missing values.

    Attributes
    ----------
    low, spread : float64 array, (d,)
    values, scores : tuple of float64 array
        Of each other column: its distinct training values, increasing, and their scores.
    masked : int64 array
        Columns of the table that have an indicator.
    """

    low: F64
    spread: F64
    values: tuple[F64, ...]
    scores: tuple[F64, ...]
    masked: NDArray[np.int64]

    @classmethod
    def learned(cls, table: F64, n_encoding: int) -> "Scaling":
        encoding, rest = table[:, :n_encoding], table[:, n_encoding:]
        low, high = encoding.min(axis=0), encoding.max(axis=0)
        inside = (low >= 0) & (high <= 1)
        low = np.where(inside, 0.0, low)
        spread = np.where(inside | (high == low), 1.0, high - low)
        pairs = [_normal_scores(column) for column in rest.T]
        masked = np.flatnonzero(np.isnan(table).any(axis=0))
        return cls(
            low, spread, tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs), masked
        )

    def __call__(self, table: F64) -> F64:
        """Z: X scaled, the scores, the indicators."""
        n_encoding = len(self.low)
        Z = np.empty((len(table), table.shape[1] + len(self.masked)))
        Z[:, :n_encoding] = (table[:, :n_encoding] - self.low) / self.spread
        for number, (values, scores) in enumerate(zip(self.values, self.scores, strict=True)):
            column = table[:, n_encoding + number]
            score = np.interp(column, values, scores) if len(values) else np.zeros(len(column))
            Z[:, n_encoding + number] = np.where(np.isnan(column), 0.0, score)
        Z[:, table.shape[1] :] = np.isnan(table[:, self.masked])
        return Z

    def family_of(self, widths: tuple[int, ...]) -> NDArray[np.int64]:
        """The position in FAMILIES of each column of Z, (d',)."""
        families = np.repeat(np.arange(len(widths)), widths)
        return np.concatenate([families, families[self.masked]])


def _normal_scores(column: F64) -> tuple[F64, F64]:
    """Distinct values that are there, and the normal score of the middle of each one's ranks."""
    values, counts = np.unique(column[~np.isnan(column)], return_counts=True)
    if not len(values):
        return values, values
    middles = np.cumsum(counts) - counts / 2
    return values, np.asarray(norm.ppf(middles / counts.sum()))
