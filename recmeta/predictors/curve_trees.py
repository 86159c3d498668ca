"""CurveTrees: extremely randomised trees on the residual from the last values, in ranks."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor

from recmeta.predictors._base import F64
from recmeta.predictors._curve_features import SHORT, curve_features
from recmeta.predictors._curve_scores import CurveScores
from recmeta.predictors._curve_trends import trend_features
from recmeta.predictors._curves import ONE_DEVIATION, CurvePredictor
from recmeta.predictors._groups import numbered

I64 = NDArray[np.int64]

N_FOLDS = 10
RATIOS = np.geomspace(0.05, 20, 200)  # of a deviation to the spread of the trees
LEAST_SPREAD = 0.05  # of the trees, in normal scores: a flat leaf is no certainty
SMOOTHED = 5  # last steps of a full training curve: their mean is less noisy than its end
SHIFT = 2  # steps: curves cut a little earlier and later are training rows of their own


class CurveTrees(CurvePredictor):
    """What a curve will gain from here on, learned from curves that were trained to the end.

        u = normal score of a value among all values of the training curves
        u_final ~ base + trees(features, X),   base = mean(u_(s-2)..u_s)

    Features are levels, slopes and extremes of u_1..u_s (``_curve_features``), and the ranks that
    trends of the values themselves lead to (``_curve_trends``).

    In normal scores the mass of runs that end alike is spread out and those that diverged are not
    far off. The trees model the residual, so that what they can't tell apart is ranked by its last
    values. Targets are the mean of the last steps of a curve, where it was trained that far.

    For each length that is asked for, trees are fitted once: O(n_trees n d log n) for n training
    curves of d features.

    Parameters
    ----------
    n_trees : int
    min_samples_leaf : int
        Training rows in a leaf; each curve gives up to 2 * 2 + 1 rows.
    max_features : float
        Share of the features that a node may split on.
    use_inputs : bool
        Whether X is read, besides the curves.
    random_state : int

    Attributes
    ----------
    scores_ : CurveScores
        The ranking of all values of the training curves and of y.
    trees_ : dict of int to (list of ExtraTreesRegressor, float)
        For each length that was asked for: a forest for each fold, trained on the curves of the
        others, and what multiplies the trees' spread for .6827 of the errors on the folds left
        out to be within a deviation.

    References
    ----------
    Geurts, Ernst and Wehenkel (2006), Extremely randomized trees, doi:10.1007/s10994-006-6226-1.
    Baker, Gupta, Raskar and Naik (2017), Accelerating neural architecture search using performance
    prediction, arXiv:1705.10823: regression on features of the curve and the configuration.

    Examples
    --------
    >>> import numpy as np
    >>> rate = np.linspace(0.1, 0.9, 40)[:, None]
    >>> curves = 1 - np.exp(-rate * np.arange(1, 21))
    >>> model = CurveTrees(n_trees=50, random_state=0).fit(rate, curves[:, -1], curves=curves)
    >>> mean, std = model.predict(rate[::13], curves=curves[::13, :5])
    >>> bool(np.all(np.diff(mean) > 0))
    True
    """

    exceptions: ClassVar[dict[str, str]] = {
        "test_equal_values_are_predicted": "trees can't undo the level that residuals are from",
    }
    tiny: ClassVar[dict[str, Any]] = {"n_trees": 20}

    def __init__(
        self,
        n_trees: int = 200,
        min_samples_leaf: int = 5,
        max_features: float = 0.5,
        *,
        use_inputs: bool = True,
        random_state: int = 0,
    ) -> None:
        self.n_trees = n_trees
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.use_inputs = use_inputs
        self.random_state = random_state

    def _learn(self) -> None:
        self.scores_ = CurveScores.learned(self.curves_, self.targets_)
        self.trees_: dict[int, tuple[list[ExtraTreesRegressor], float]] = {}

    def _final(self, X: F64, curves: F64, length: int) -> tuple[F64, F64]:
        if length not in self.trees_:
            self.trees_[length] = self._fitted(length)
        forests, ratio = self.trees_[length]
        curves = curves[:, : self._comparable(length)[1]]
        score, spread = _predicted(forests, self._features(X, curves))
        score += self._base(curves)
        return self.scores_.around(score, ratio * spread)

    def _fitted(self, length: int) -> tuple[list[ExtraTreesRegressor], float]:
        """A forest a fold, and by how much errors on what it left out exceed its trees' spread."""
        rows, cut = self._comparable(length)
        inputs, targets, owners = self._examples(rows, cut)
        base = self._base(self.curves_[rows, :cut])
        n, place = numbered(self.groups_[rows])
        folds = np.random.default_rng(self.random_state).permutation(n)[place] % N_FOLDS
        forests, score, spread = [], np.empty(len(rows)), np.empty(len(rows))
        for fold in range(min(N_FOLDS, n)):
            forest = ExtraTreesRegressor(
                -(-self.n_trees // N_FOLDS),
                min_samples_leaf=self.min_samples_leaf,
                max_features=self.max_features,
                random_state=self.random_state + fold,
            )
            train = (folds[owners] != fold) | (n == 1)
            forests.append(forest.fit(inputs[train], targets[train]))
            own = np.flatnonzero(folds == fold)  # the first examples are those cut at ``cut``
            score[own], spread[own] = _predicted([forest], inputs[own])
        mean, half = self.scores_.around(base + score, RATIOS[:, None] * spread)
        shares = (np.abs(self.targets_[rows] - mean) <= half).mean(axis=1)
        return forests, float(np.interp(ONE_DEVIATION, shares, RATIOS))

    def _examples(self, rows: I64, cut: int) -> tuple[F64, F64, I64]:
        """Features, residuals and rows' places of the curves cut near ``cut``; there first."""
        scores, ends = self.scores_(self.curves_[rows]), self.scores_(self.targets_[rows])
        full = scores[:, -1] == ends
        ends[full] = scores[full, -SMOOTHED:].mean(axis=1)
        shift = min(SHIFT, cut // 4)
        inputs, targets, owners = [], [], []
        for at in sorted(range(cut - shift, cut + shift + 1), key=lambda at: at != cut):
            seen = np.flatnonzero(self.lengths_[rows] >= at)
            if len(seen):
                curves = self.curves_[rows[seen], :at]
                inputs.append(self._features(self.inputs_[rows[seen]], curves))
                targets.append(ends[seen] - self._base(curves))
                owners.append(seen)
        return np.vstack(inputs), np.concatenate(targets), np.concatenate(owners)

    def _features(self, X: F64, curves: F64) -> F64:
        trends = trend_features(curves, self.scores_, self.curves_.shape[1])
        features = [curve_features(self.scores_(curves)), trends]
        return np.hstack([*features, X] if self.use_inputs else features)

    def _base(self, curves: F64) -> F64:
        """What a residual is from: mean score of the last steps, of a short curve the last."""
        last = SHORT if curves.shape[1] > 2 * SHORT else 1
        return np.asarray(self.scores_(curves[:, -last:]).mean(axis=1))


def _predicted(forests: list[ExtraTreesRegressor], inputs: F64) -> tuple[F64, F64]:
    """Mean over all trees and their deviation within a forest, both (n,)."""
    inputs = inputs.astype(np.float32)
    trees = np.stack([[tree.predict(inputs) for tree in forest.estimators_] for forest in forests])
    spread = trees.std(axis=1).mean(axis=0)
    return trees.mean(axis=(0, 1)), np.maximum(spread, LEAST_SPREAD)
