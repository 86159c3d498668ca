"""Many small boosted trees asked of many rows at once, with LightGBM's own answers.

======  ==========================================================================  =========
symbol  meaning                                                                     shape
======  ==========================================================================  =========
T, m    trees of all boosters; tests of a tree, at most MOST_TESTS
code    outcomes of a tree's tests for a row, a bit each: 1 goes to the left        (T, n)
table   the value of the leaf that a code leads to                                  (T, 2^m)
======  ==========================================================================  =========

Trees of eight leaves have seven tests, and many trees the same ones. All tests are made, each once
and for all rows, which costs less than following each row through each tree: what LightGBM does,
and mostly waits for branches that it did not foresee.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

MOST_TESTS = 8  # a code is a byte
BLOCK = 2000  # rows: their outcomes stay in the cache
FIELDS = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
DEFAULT_LEFT, NAN_IS_MISSING = 2, 2 << 2  # bits of LightGBM's decision_type


@dataclass(frozen=True)
class TreeTables:
    """Trees of several boosters, in their order.

    Attributes
    ----------
    columns, thresholds : int64 and float64 array, (n_tests,)
        Of each test: whether a value is at most the threshold.
    missing : float64 array, (n_tests,)
        What a missing value counts as.
    places : csr array of uint8, (T, n_tests)
        The bit that a test is in a tree's code.
    leaves : float64 array, (T, 2^m)
        The tables.
    n_trees : list of int
        Of each booster.
    """

    columns: I64
    thresholds: F64
    missing: F64
    places: csr_array
    leaves: F64
    n_trees: list[int]

    @classmethod
    def of(cls, boosters: Sequence[Any]) -> "TreeTables | None":
        """The tables of LightGBM's boosters; None if a tree is too large for one."""
        groups = [_trees(booster.model_to_string()) for booster in boosters]
        trees = [tree for group in groups for tree in group]
        m = max((len(tree["threshold"]) for tree in trees), default=0)
        if m > MOST_TESTS:
            return None
        tree_of = np.repeat(np.arange(len(trees)), [len(tree["threshold"]) for tree in trees])
        flat = {field: np.concatenate([tree[field] for tree in trees]) for field in FIELDS}
        bits = np.concatenate([np.arange(len(tree["threshold"])) for tree in trees])
        kinds = flat["decision_type"].astype(np.int64)
        side = np.where(kinds & DEFAULT_LEFT, -np.inf, np.inf)
        missing = np.where(kinds & NAN_IS_MISSING, side, 0.0)
        # a threshold may be infinite, and a gap that goes to the right is to be above it
        thresholds = np.minimum(flat["threshold"], np.finfo(np.float64).max)
        keys = np.stack([flat["split_feature"], thresholds, missing])
        tests, which = np.unique(keys, axis=1, return_inverse=True)
        places = csr_array(
            ((1 << bits).astype(np.uint8), (tree_of, which.ravel())),
            shape=(len(trees), tests.shape[1]),
            dtype=np.uint8,
        )
        leaves = _leaf_of_each_code(trees, m)
        columns = tests[0].astype(np.int64)
        return cls(columns, tests[1], tests[2], places, leaves, [len(group) for group in groups])

    def __call__(self, Z: F64) -> F64:
        """What each booster says of each row, (n_boosters, n); a NaN is a missing value."""
        firsts = np.cumsum([0, *self.n_trees[:-1]])
        found = np.empty((len(firsts), len(Z)))
        offsets = np.arange(len(self.leaves))[:, None] * self.leaves.shape[1]
        for at in range(0, len(Z), BLOCK):
            codes = self.places @ self._outcomes(np.ascontiguousarray(Z[at : at + BLOCK].T))
            values = self.leaves.ravel().take(codes + offsets)
            found[:, at : at + BLOCK] = np.add.reduceat(values, firsts, axis=0)
        return found

    def _outcomes(self, columns: F64) -> NDArray[np.uint8]:
        """Of each test for each row, (n_tests, n), from columns (d', n)."""
        outcomes = np.empty((len(self.columns), columns.shape[1]), dtype=bool)
        gaps = np.asarray(np.isnan(columns).any(axis=1))
        tests = zip(self.columns.tolist(), self.thresholds, self.missing, strict=True)
        for number, (place, threshold, missing) in enumerate(tests):
            column = columns[place]
            if gaps[place]:
                column = np.where(np.isnan(column), missing, column)
            np.less_equal(column, threshold, out=outcomes[number])
        return outcomes.view(np.uint8)


def _trees(text: str) -> list[dict[str, F64]]:
    """FIELDS and the leaves' values of each tree, from what LightGBM writes."""
    trees = []
    for block in text.split("\nTree=")[1:]:
        lines = dict(line.split("=", 1) for line in block.split("\n\n")[0].split("\n")[1:])
        # a tree that is one leaf has none of FIELDS
        trees.append(
            {
                field: np.array(lines.get(field, "").split(), dtype=np.float64)
                for field in (*FIELDS, "leaf_value")
            }
        )
    return trees


def _leaf_of_each_code(trees: list[dict[str, F64]], m: int) -> F64:
    """The tables, (T, 2^m)."""
    children = np.full((2, len(trees), max(m, 1)), -1, dtype=np.int64)  # ~leaf, or a test
    values = np.zeros((len(trees), m + 1))
    for number, tree in enumerate(trees):
        n = len(tree["threshold"])
        children[0, number, :n], children[1, number, :n] = tree["right_child"], tree["left_child"]
        values[number, : n + 1] = tree["leaf_value"]
    rows, codes = np.arange(len(trees))[:, None], np.arange(2**m)[None]
    node = np.zeros((len(trees), 2**m), dtype=np.int64)
    for _ in range(max(m, 1)):
        inside = np.maximum(node, 0)
        node = np.where(node < 0, node, children[codes >> inside & 1, rows, inside])
    return np.asarray(values[rows, ~node])
