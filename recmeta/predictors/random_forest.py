"""Random forest: an average of trees, with the variance of leaves and between trees."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recmeta.predictors._calibration import calibrated
from recmeta.predictors._features import FeaturePredictor

F64 = NDArray[np.float64]


class RandomForest(FeaturePredictor):
    """Trees on bootstrap samples (Breiman 2001), or extremely randomised ones.

    mean = average of the trees' means m_b; variance = average of the leaves' variances + variance
    of the m_b (law of total variance: Hutter et al. 2014, section 4.3.2). Slope and offset of the
    variance come from out-of-bag rows (``_calibration``): no second fit.

    Time is n_trees * d' * n log n.

    Parameters
    ----------
    n_trees : int
    max_features : float
        Share of the columns that each split looks at.
    min_leaf : int
        Rows in a leaf, at least.
    extremely_random : bool
        One random threshold a column in place of the best (Geurts et al. 2006).
    normal_scores : bool
        Learn the normal scores of y in place of y itself (``_targets``).
    random_state : int or None

    Attributes
    ----------
    forest_ : RandomForestRegressor or ExtraTreesRegressor
    leaf_variances_ : list of float64 array, (n_nodes,)
        Of each tree, by node: that of the training rows that fell there.
    calibration_ : Calibration

    References
    ----------
    Breiman (2001), Random forests, doi:10.1023/A:1010933404324.
    Geurts, Ernst and Wehenkel (2006), doi:10.1007/s10994-006-6226-1.
    Hutter, Xu, Hoos and Leyton-Brown (2014), Algorithm runtime prediction,
    doi:10.1016/j.artint.2013.10.003.

    Examples
    --------
    >>> X = np.linspace(0, 1, 30)[:, None]
    >>> mean, std = RandomForest().fit(X, X[:, 0] > 0.5).predict(np.array([[0.1], [0.9]]))
    >>> mean.round(1).tolist()
    [0.0, 1.0]
    """

    takes_missing = True
    tiny: ClassVar[dict[str, Any]] = {"n_trees": 20}

    def __init__(
        self,
        *,
        n_trees: int = 200,
        max_features: float = 0.5,
        min_leaf: int = 1,
        extremely_random: bool = False,
        normal_scores: bool = True,
        random_state: int | None = 0,
    ) -> None:
        self.n_trees = n_trees
        self.max_features = max_features
        self.min_leaf = min_leaf
        self.extremely_random = extremely_random
        self.normal_scores = normal_scores
        self.random_state = random_state

    def _learn(self, Z: F64, t: F64, rng: np.random.Generator) -> None:
        # takes a second to import
        from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

        kind = ExtraTreesRegressor if self.extremely_random else RandomForestRegressor
        self.forest_ = kind(
            n_estimators=self.n_trees,
            max_features=self.max_features,
            min_samples_leaf=self.min_leaf,
            bootstrap=True,
            random_state=int(rng.integers(2**31)),
        ).fit(Z, t)
        # an impurity of equal values is a little below 0 by rounding
        self.leaf_variances_ = [np.maximum(one.tree_.impurity, 0) for one in self.forest_]
        means, leaves = self._members(Z)
        out = np.ones(means.shape, dtype=bool)  # (n_trees, n): rows that a tree did not see
        for tree, rows in enumerate(self.forest_.estimators_samples_):
            out[tree, rows] = False
        seen = out.sum(axis=0) > 1
        mean, variance = _total(means, leaves, out)
        self.calibration_ = calibrated((t - mean)[seen], variance[seen])

    def _posterior(self, Z: F64) -> tuple[F64, F64]:
        means, leaves = self._members(Z)
        mean, variance = _total(means, leaves, np.ones(means.shape, dtype=bool))
        return mean, self.calibration_(variance)

    def draw(self, X: F64, rng: np.random.Generator) -> F64:
        """Performances of all rows under one function: a tree, (n_rows,)."""
        tree = self.forest_.estimators_[rng.integers(len(self.forest_.estimators_))]
        return self._drawn(X, lambda Z: np.asarray(tree.predict(Z)))

    def _members(self, Z: F64) -> tuple[F64, F64]:
        """Each tree's mean, and the variance of its leaf: both (n_trees, n_rows)."""
        rows = Z.astype(np.float32)
        means, leaves = np.empty((2, len(self.forest_.estimators_), len(Z)))
        for number, tree in enumerate(self.forest_.estimators_):
            nodes = tree.tree_.apply(rows)
            means[number] = tree.tree_.value[nodes, 0, 0]
            leaves[number] = self.leaf_variances_[number][nodes]
        return means, leaves


def _total(means: F64, leaves: F64, counted: NDArray[np.bool_]) -> tuple[F64, F64]:
    """Mean and total variance over the trees that are counted for each row."""
    n = np.maximum(counted.sum(axis=0), 1)
    mean = (means * counted).sum(axis=0) / n
    between = ((means - mean) ** 2 * counted).sum(axis=0) / n
    return mean, between + (leaves * counted).sum(axis=0) / n
