"""Random forest: an average of trees, with the variance of leaves and between trees."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recmeta.predictors._calibration import calibrated
from recmeta.predictors._features import FeaturePredictor
from recmeta.predictors._forest import Forest, grown

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

BLOCK = 2000  # rows: what is computed of them stays in the cache


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
    forest_ : Forest
        The trees of scikit-learn, and means and variances by node.
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

    def _learn(self, Z: F64, t: F64, groups: I64, rng: np.random.Generator) -> None:
        from sklearn.tree import DecisionTreeRegressor, ExtraTreeRegressor  # takes a second

        kind = ExtraTreeRegressor if self.extremely_random else DecisionTreeRegressor
        tree = kind(max_features=self.max_features, min_samples_leaf=self.min_leaf)
        seed = int(rng.integers(2**31))
        trees, counts = grown(tree, Z, t, groups, self.n_trees, seed)
        self.forest_ = Forest.of(trees)
        out = counts == 0  # (n_trees, n): rows that a tree did not see
        seen = out.sum(axis=0) > 1
        if seen.sum() < 2:
            out, seen = np.ones_like(out), np.ones(len(t), dtype=bool)
        means, variances = self._members(Z)
        n = np.maximum(out.sum(axis=0), 1)
        mean = (means * out).sum(axis=0) / n
        variance = ((means - mean) ** 2 * out).sum(axis=0) / n + (variances * out).sum(axis=0) / n
        self.calibration_ = calibrated((t - mean)[seen], variance[seen])

    def _posterior(self, Z: F64) -> tuple[F64, F64]:
        mean, variance = np.empty((2, len(Z)))
        for at in range(0, len(Z), BLOCK):
            means, variances = self._members(Z[at : at + BLOCK])
            mean[at : at + BLOCK] = means.mean(axis=0)
            variance[at : at + BLOCK] = means.var(axis=0) + variances.mean(axis=0)
        return mean, self.calibration_(variance)

    def draw(self, X: F64, rng: np.random.Generator) -> F64:
        """Performances of all rows under one function: a tree, (n_rows,)."""
        tree = self.forest_.trees[int(rng.integers(self.n_trees))]
        return self._drawn(X, lambda Z: np.asarray(tree.predict(Z)))

    def _members(self, Z: F64) -> tuple[F64, F64]:
        """Each tree's mean, and the variance of its leaf: both (n_trees, n_rows)."""
        leaves = self.forest_.leaves(Z.astype(np.float32))
        return self.forest_.means.take(leaves), self.forest_.variances.take(leaves)
