"""Trees on bootstrap samples of groups of rows, and all of them asked of many rows at once.

======  ==========================================================================  ========
symbol  meaning                                                                     shape
======  ==========================================================================  ========
T, N    trees; nodes of all of them, one tree after the other
counts  how often a row is in a tree's bootstrap sample                             (T, n)
======  ==========================================================================  ========

scikit-learn's forests draw rows, and no groups of them. The trees are theirs, from the same seeds,
and so are the draws where each row is a group.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recmeta.predictors._groups import numbered

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
I64 = NDArray[np.int64]

MOST_SEEDS = np.iinfo(np.int32).max
INFINITE = np.float32(np.inf)
MANY = 1000  # rows that are worth compiling the kernel


def grown(tree: Any, Z: F64, t: F64, groups: I64, n_trees: int, seed: int) -> tuple[list[Any], I64]:
    """``n_trees`` trees like this unfitted one, each with its own seed and sample; the counts.

    Raises
    ------
    ValueError
        For no trees, or a parameter of a tree that scikit-learn refuses.
    """
    from sklearn import clone, config_context  # takes a second to import

    if n_trees < 1:
        raise ValueError(f"a forest has n_trees of 1 or more: got {n_trees}")
    n, place = numbered(groups)
    rows, trees, counts = Z.astype(np.float32), [], np.empty((n_trees, len(t)), dtype=np.int64)
    seeds = np.random.RandomState(seed).randint(MOST_SEEDS, size=n_trees)
    for number, own in enumerate(seeds.tolist()):
        drawn = np.random.RandomState(own).randint(0, n, n)
        counts[number] = np.bincount(drawn, minlength=n)[place]
        fresh = clone(tree).set_params(random_state=own)
        # half the time of a small tree: parameters of all are those of the first
        with config_context(skip_parameter_validation=number > 0):
            trees.append(fresh.fit(rows, t, sample_weight=counts[number].astype(np.float64)))
    return trees, counts


@dataclass(frozen=True)
class Forest:
    """What trees know, by node.

    Attributes
    ----------
    trees : sequence of tree
    roots : int64 array, (T,)
    columns, lefts, rights : int64 array, (N,)
        What a node tests, and where it leads if the value is at most the threshold, and if not;
        -1 of a leaf.
    thresholds : float64 array, (N,)
    missing_left : uint8 array, (N,)
        1 where a missing value goes to the left.
    means, variances : float64 array, (N,)
        Of the training rows that fell there.
    """

    trees: Sequence[Any]
    roots: I64
    columns: I64
    lefts: I64
    rights: I64
    thresholds: F64
    missing_left: NDArray[np.uint8]
    means: F64
    variances: F64

    @classmethod
    def of(cls, trees: Sequence[Any]) -> "Forest":
        """Of fitted trees of scikit-learn with a squared error."""
        parts = [one.tree_ for one in trees]
        roots = np.cumsum([0, *(part.node_count for part in parts[:-1])])

        def together(field: str) -> NDArray[Any]:
            return np.concatenate([getattr(part, field) for part in parts])

        first = np.repeat(roots, [part.node_count for part in parts])
        lefts, rights = together("children_left"), together("children_right")
        return cls(
            trees=trees,
            roots=roots,
            columns=together("feature"),
            lefts=np.where(lefts < 0, -1, lefts + first),
            rights=np.where(rights < 0, -1, rights + first),
            # infinite where a node parts what is missing from all that is there
            thresholds=np.minimum(together("threshold"), np.finfo(np.float64).max),
            missing_left=together("missing_go_to_left").astype(np.uint8),
            means=together("value")[:, 0, 0],
            # an impurity of equal values is a little below 0 by rounding
            variances=np.maximum(together("impurity"), 0),
        )

    def leaves(self, rows: F32) -> NDArray[np.integer[Any]]:
        """The node of the leaf that each row falls into, (T, n_rows)."""
        if len(rows) < MANY:
            return np.stack([one.tree_.apply(rows) for one in self.trees]) + self.roots[:, None]
        from recmeta.predictors._sift import sift  # numba takes a second to import

        Zt, found = rows.T, np.empty((len(self.roots), len(rows)), dtype=np.int32)
        sides = np.stack([np.where(np.isnan(Zt), fill, Zt) for fill in (INFINITE, -INFINITE)])
        depth = max(one.tree_.max_depth for one in self.trees)
        sift(
            sides, self.roots, self.columns, self.lefts, self.rights, self.thresholds,
            self.missing_left, depth, found,
        )  # fmt: skip
        return found
