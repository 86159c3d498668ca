"""Rows that are variants of one thing stay together wherever rows are drawn or left out.

======  ==================================================================  ========
symbol  meaning                                                             shape
======  ==================================================================  ========
groups  of which thing each row is a variant: equal numbers, the same one   (n,)
P       inverse covariance of the training rows' t, noise included          (n, n)
======  ==================================================================  ========

A row whose twin was learned from is remembered, not predicted: errors on such rows are smaller than
those on new things, and a deviation that is calibrated by them is too small. Without groups each
row is a thing of its own, and all below are the usual folds, bootstrap and left-out rows.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

LEAST = 1e-9  # eigenvalue of a block of P, of its largest


def checked_groups(groups: ArrayLike | None, n_rows: int) -> I64:
    """The groups, numbered from 0, (n_rows,): any labels of one type, or None, a group a row.

    Raises
    ------
    ValueError
        For another shape, labels that are missing or that cannot be compared, or a single group:
        nothing would be left to calibrate by.
    """
    if groups is None:
        return np.arange(n_rows)
    labels: NDArray[Any] = np.asarray(groups)
    if labels.shape != (n_rows,):
        raise ValueError(
            f"groups must be ({n_rows},), a label a row of X: got shape {labels.shape}"
        )
    try:
        # NaN is not itself; among sorted labels, all of them would count as one group
        missing = sum(label is None or bool(label != label) for label in labels.tolist())
        names, place = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise ValueError("groups must be labels of one type: give numbers or text") from error
    if missing:
        raise ValueError(f"groups has {missing} missing labels: give a row without twins its own")
    if len(names) < 2:
        raise ValueError("groups has one group: give two or more, or None where rows have no twins")
    return place.astype(np.int64)


def numbered(groups: I64) -> tuple[int, I64]:
    """How many groups some of the rows are in, and the groups numbered from 0 without a gap.

    Where it is one, nothing but its rows could be drawn: each counts as a group.
    """
    names, place = np.unique(groups, return_inverse=True)
    return (len(names), place) if len(names) > 1 else (len(groups), np.arange(len(groups)))


def held_out_folds(groups: I64, rng: np.random.Generator, n_folds: int = 5) -> list[I64]:
    """Groups in random order, cut into folds: the rows of each one, increasing."""
    n, place = numbered(groups)
    parts = np.array_split(rng.permutation(n), min(n_folds, n))
    return [np.flatnonzero(np.isin(place, part)) for part in parts]


def bootstrap_counts(groups: I64, n_samples: int, rng: np.random.Generator) -> I64:
    """How often each row is in bootstrap samples of groups, (n_samples, n)."""
    n, place = numbered(groups)
    return np.asarray(rng.multinomial(n, np.full(n, 1 / n), size=n_samples)[:, place])


def shared(groups: I64) -> list[I64]:
    """The rows of each group that has several."""
    order = np.argsort(groups, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    return [part for part in parts if len(part) > 1]


def left_out_group(precision: F64, weighted: F64) -> tuple[F64, F64]:
    """Errors and variances of a group's rows without all of them: P_II^-1 (P t)_I and the diagonal
    of P_II^-1, from P_II and (P t)_I (Rasmussen and Williams 2006, eqs. 5.10-5.12, for a block).
    """
    values, vectors = np.linalg.eigh(precision)
    # a direction that only this group has is not known without it, however rounding has it
    inverse = vectors / np.maximum(values, LEAST * values[-1]) @ vectors.T
    return inverse @ weighted, np.diag(inverse)
