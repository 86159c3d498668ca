"""CurveSVR: support vector regression on features of the curve, for the residual from its end."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import NuSVR

from recmeta.predictors._base import F64
from recmeta.predictors._curves import ONE_DEVIATION, CurvePredictor
from recmeta.predictors._groups import held_out_folds

I64 = NDArray[np.int64]

CLIP = 4.0  # standard deviations, of a feature or a residual
N_FOLDS = 3


class CurveSVR(CurvePredictor):
    """nu-SVR on what was seen of a curve and on X, for what it will gain from its last value.

        features: values, first and second differences, mean, deviation and last value of the
                  curve, and X; each standardised on the training curves and clipped at 4
        y = last value + SVR(features)

    Baker et al. predict y itself, of features as they come; on TaskSet that ranks worse than the
    last value, which the residual keeps. Residuals are centred at their median, scaled by their
    interquartile range and clipped at 4, or a few runs that diverge decide the fit. C, gamma and nu
    are the best of ``n_trials`` random ones by the absolute error over 3 folds; the deviation is
    the .6827 quantile of that error.

    For each length that is asked for, fitted once: O(n_trials n^2 d) to O(n_trials n^3).

    Parameters
    ----------
    n_trials : int
        Random hyperparameters: C in [1e-3, 10], gamma in [1e-3, 1] / d, log-uniform; nu uniform in
        [.1, .9]. Baker et al. try 1,000.
    use_inputs : bool
        Whether X is read, besides the curves.
    random_state : int

    Attributes
    ----------
    models_ : dict of int to tuple
        For each length: means and deviations of the features, centre and scale of the residuals,
        the NuSVR, and the deviation of an observation.

    References
    ----------
    Baker, Gupta, Raskar and Naik (2017), Accelerating neural architecture search using performance
    prediction, arXiv:1705.10823.

    Examples
    --------
    >>> import numpy as np
    >>> rate = np.linspace(0.1, 0.9, 40)[:, None]
    >>> curves = 1 - np.exp(-rate * np.arange(1, 21))
    >>> model = CurveSVR().fit(rate, curves[:, -1], curves=curves)
    >>> mean, std = model.predict(rate, curves=curves[:, :5])
    >>> bool(np.abs(mean - curves[:, -1]).mean() < 0.05)
    True
    """

    exceptions: ClassVar[dict[str, str]] = {
        "test_equal_values_are_predicted": "regression can't undo the level that residuals are from"
    }
    tiny: ClassVar[dict[str, Any]] = {"n_trials": 10}

    def __init__(
        self, n_trials: int = 30, *, use_inputs: bool = True, random_state: int = 0
    ) -> None:
        self.n_trials = n_trials
        self.use_inputs = use_inputs
        self.random_state = random_state

    def _learn(self) -> None:
        self.models_: dict[int, tuple[F64, F64, float, float, NuSVR, float]] = {}

    def _final(self, X: F64, curves: F64, length: int) -> tuple[F64, F64]:
        if length not in self.models_:
            self.models_[length] = self._fitted(length)
        means, spreads, centre, scale, model, deviation = self.models_[length]
        features = self._features(X, curves[:, : self._comparable(length)[1]])
        Z = np.clip((features - means) / spreads, -CLIP, CLIP)
        return curves[:, -1] + centre + scale * model.predict(Z), np.full(len(X), deviation)

    def _fitted(self, length: int) -> tuple[F64, F64, float, float, NuSVR, float]:
        rows, cut = self._comparable(length)
        curves = self.curves_[rows, :cut]
        features = self._features(self.inputs_[rows], curves)
        means, spreads = features.mean(axis=0), features.std(axis=0)
        spreads[spreads < 1e-12 * (1 + np.abs(means))] = 1.0
        Z = np.clip((features - means) / spreads, -CLIP, CLIP)
        gains = self.targets_[rows] - curves[:, -1]
        low, centre, high = np.quantile(gains, [0.25, 0.5, 0.75])
        scale = float((high - low) / 1.349) or float(gains.std()) or 1.0
        r = np.clip((gains - centre) / scale, -CLIP, CLIP)
        errors, model = self._searched(Z, r, self.groups_[rows])
        deviation = scale * float(np.quantile(errors, ONE_DEVIATION))
        return means, spreads, float(centre), scale, model.fit(Z, r), deviation

    def _searched(self, Z: F64, r: F64, groups: I64) -> tuple[F64, NuSVR]:
        """Absolute held-out errors, (n,), and the model that has the least of them."""
        rng = np.random.default_rng(self.random_state)
        folds = held_out_folds(groups, rng, N_FOLDS)
        best: tuple[F64, NuSVR] | None = None
        for _ in range(max(self.n_trials, 1)):
            model = NuSVR(
                C=float(10 ** rng.uniform(-3, 1)),
                gamma=float(10 ** rng.uniform(-3, 0)) / Z.shape[1],
                nu=float(rng.uniform(0.1, 0.9)),
            )
            errors = np.empty(len(r))
            for fold in folds:
                rest = np.setdiff1d(np.arange(len(r)), fold)
                errors[fold] = np.abs(r[fold] - model.fit(Z[rest], r[rest]).predict(Z[fold]))
            if best is None or errors.mean() < best[0].mean():
                best = (errors, model)
        assert best is not None
        return best

    def _features(self, X: F64, curves: F64) -> F64:
        parts = [curves, curves.mean(axis=1, keepdims=True), curves.std(axis=1, keepdims=True)]
        parts += [np.diff(curves, n=order, axis=1) for order in (1, 2) if curves.shape[1] > order]
        return np.hstack([*parts, X] if self.use_inputs else parts)
