"""PosteriorCurves: Markov chain Monte Carlo over a weighted combination of curves."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from recmeta.predictors._base import F64
from recmeta.predictors._curve_posterior import CurvePosterior
from recmeta.predictors._curve_scale import CurveScale, check_families
from recmeta.predictors._curves import CurvePredictor
from recmeta.predictors._ensemble_sampler import sample

KEPT = 500  # draws of the final value for each curve
BAND = (0.1587, 0.5, 0.8413)  # one standard deviation around the middle of a normal
LEVELS = 50  # steps of a chain that are kept, with all walkers: draws are picked from these
BLOCK = 32  # curves whose chains run side by side

COMBINATION = (
    "pow3",
    "pow4",
    "log_log_linear",
    "weibull",
    "janoschek",
    "mmf",
    "hill3",
    "log_power",
    "exp4",
)


class PosteriorCurves(CurvePredictor):
    """The posterior of a curve's end under a weighted sum of parametric curves and noise.

        u_t ~ N(sum_k w_k f_k(t; theta_k) / sum_k w_k, s^2)
        theta_k uniform in its bounds,  w_k ~ Exp(1),  ln s uniform in [ln 1e-4, 0]
        f(horizon) >= f(1)

    on scores u as ParametricCurves makes them: weights are positive and uniform on the simplex, and
    the combination does not end lower than it began. Chains begin around the least-squares
    parameters. Predicted are the median of draws of u at the horizon, noise included, and half the
    range from their 16 % to their 84 % quantile: a few draws of families that improve without limit
    pull the mean. The training curves give the unit and the horizon alone, so that X, y and groups
    could be anything.

    O(n_steps n_walkers t n_families) a curve; ParametricCurves is the quick stand-in.

    Parameters
    ----------
    larger_is_better : bool
        Of the curves: True for scores, False for losses.
    horizon : int or None
        The step whose value is predicted; None for the training curves' number of columns.
    families : sequence of str
        The nine that Domhan et al. combine.
    n_walkers, n_steps, burn_in : int
        At least two walkers a dimension, and an even number.
    random_state : int

    Attributes
    ----------
    scale_ : CurveScale

    References
    ----------
    Domhan, Springenberg and Hutter (2015), Speeding up automatic hyperparameter optimization of
    deep neural networks by extrapolation of learning curves, IJCAI.

    Examples
    --------
    >>> import numpy as np
    >>> curves = 0.8 - 0.5 * np.arange(1, 31) ** -np.array([[0.5], [1.0]])
    >>> model = PosteriorCurves(families=("pow3",), n_walkers=20, n_steps=100, burn_in=100)
    >>> model = model.fit(np.zeros((2, 1)), curves[:, -1], curves=curves)
    >>> mean, std = model.predict(np.zeros((2, 1)), curves=curves[:, :15])
    >>> bool(np.abs(mean - curves[:, -1]).max() < 0.02)
    True
    """

    tiny: ClassVar[dict[str, Any]] = {
        "families": ("log_log_linear",),
        "n_walkers": 12,
        "n_steps": 100,
        "burn_in": 50,
    }
    exceptions: ClassVar[dict[str, str]] = {
        "test_a_function_of_what_it_reads_is_learned": "the curve says it, whatever was trained on",
        "test_equal_values_are_predicted": "the curve says it, whatever was trained on",
    }

    def __init__(
        self,
        *,
        larger_is_better: bool = True,
        horizon: int | None = None,
        families: Sequence[str] = COMBINATION,
        n_walkers: int = 100,
        n_steps: int = 2000,
        burn_in: int = 500,
        random_state: int = 0,
    ) -> None:
        self.larger_is_better = larger_is_better
        self.horizon = horizon
        self.families = families
        self.n_walkers = n_walkers
        self.n_steps = n_steps
        self.burn_in = burn_in
        self.random_state = random_state

    def _learn(self) -> None:
        check_families(self.families)
        self.scale_ = CurveScale.learned(self.curves_, larger_is_better=self.larger_is_better)

    def _final(self, X: F64, curves: F64, length: int) -> tuple[F64, F64]:
        low, middle, high = np.quantile(self._drawn(curves), BAND, axis=1)
        return middle, (high - low) / 2

    def draws(self, curves: F64) -> F64:
        """Draws from the posterior of the final value, noise included, (n, 500).

        ``curves`` is (n, t), seen to the end: no NaN.
        """
        curves = np.asarray(curves, dtype=np.float64)
        if curves.ndim != 2 or not curves.shape[1] or not np.isfinite(curves).all():
            raise ValueError(f"draws needs finite curves (n, t): got shape {curves.shape}")
        return self._drawn(curves)

    def _drawn(self, curves: F64) -> F64:
        U, blocks = self.scale_(curves), range(0, len(curves), BLOCK)
        parts = [self._block(U[start : start + BLOCK]) for start in blocks]
        return self.scale_.inverse(np.concatenate(parts) if parts else np.empty((0, KEPT)))

    def _block(self, U: F64) -> F64:
        """Scores at the horizon, (n, 500): chains of several curves side by side."""
        at = float(self.horizon or self.curves_.shape[1])
        first, rng = np.random.default_rng(self.random_state).spawn(2)
        posterior = CurvePosterior(tuple(self.families), U, at)
        chain = sample(
            posterior,
            posterior.start(self.n_walkers, first),
            self.n_steps,
            rng,
            burn_in=self.burn_in,
            thin=max(self.n_steps // LEVELS, 1),
        )
        flat = chain.samples.swapaxes(0, 1).reshape(len(U), -1, chain.samples.shape[-1])
        picked = flat[:, np.linspace(0, flat.shape[1] - 1, KEPT).astype(int)]
        noise = posterior.noise(picked) * rng.normal(size=KEPT)
        return posterior.values(picked, np.array([at]))[:, :, 0] + noise
