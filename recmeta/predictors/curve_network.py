"""CurveNetwork: a Bayesian network from a configuration to its learning curve (LC-Net)."""

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from recmeta.predictors._base import F64
from recmeta.predictors._batched_mlp import fold_masks, forward, import_torch, one_thread
from recmeta.predictors._bayesian_mlp import prior_draw
from recmeta.predictors._curve_network import N_OUTPUTS, conditioned, design, weights
from recmeta.predictors._curves import ONE_DEVIATION, CurvePredictor
from recmeta.predictors._groups import held_out_folds
from recmeta.predictors._sghmc import Sampler
from recmeta.predictors._targets import Targets

if TYPE_CHECKING:
    from torch import Tensor

N_FOLDS = 4


class CurveNetwork(CurvePredictor):
    """Curves t(x) = asymptote + sum_i w_i phi_i(x; r_i) + noise, all outputs of a network of X.

    The network's weights are sampled by SGHMC from their posterior given all values of the training
    curves, as normal scores: w ~ N(0, 1 / d_in) for a layer of d_in inputs, ln noise variance its
    last output around a common level. The basis curves fade away (``_curve_network``), so that the
    asymptote is the limit. Of a new candidate, each sample says what its curve would be from X
    alone, and the values seen correct that: Bayesian linear regression of its asymptote and
    weights, with the spread of the training candidates' as the prior. The mean and the variance are
    those of the mixture over samples; chains without each of 4 folds calibrate the deviation.

    Klein et al. train on the partial curves of the candidates that are asked about; here these are
    not known in ``fit``, and the last layer alone learns from them, for each row on its own.

    Time is n_burn_in + n_samples * thinning / n_chains steps of (n_chains + 4) networks of
    n n_points values; a query O(n_samples n t).

    Parameters
    ----------
    horizon : int or None
        The step whose value is predicted; None for the training curves' number of columns.
    n_units : int
        Of two layers of tanh units.
    n_points : int
        Steps of the training curves that are learned from, spread geometrically: neighbouring
        values say much the same.
    n_chains, n_samples : int
        Samples of all chains together.
    n_burn_in, thinning : int
        Steps.
    step_size, friction : float
        epsilon and alpha of ``_sghmc``.
    random_state : int

    Attributes
    ----------
    samples_ : list of float32 array
        W_1, b_1, ... and the noise's level of all samples, (n_samples, ...) each.
    calibrations_ : dict of int to float
        For each length that was asked for: the .6827 quantile of |error| / deviation of held-out
        training curves.

    References
    ----------
    Klein, Falkner, Springenberg and Hutter (2017), Learning curve prediction with Bayesian neural
    networks, ICLR.
    """

    requires: ClassVar[str] = "torch"
    tiny: ClassVar[dict[str, Any]] = {"n_units": 8, "n_points": 4, "n_burn_in": 100, "n_samples": 8}
    exceptions: ClassVar[dict[str, str]] = {
        "test_a_function_of_what_it_reads_is_learned": "the curve says it, whatever was trained on",
        "test_equal_values_are_predicted": "the curve says it, whatever was trained on",
    }

    def __init__(
        self,
        *,
        horizon: int | None = None,
        n_units: int = 32,
        n_points: int = 12,
        n_chains: int = 4,
        n_samples: int = 40,
        n_burn_in: int = 600,
        thinning: int = 20,
        step_size: float = 0.02,
        friction: float = 0.05,
        random_state: int = 0,
    ) -> None:
        self.horizon = horizon
        self.n_units = n_units
        self.n_points = n_points
        self.n_chains = n_chains
        self.n_samples = n_samples
        self.n_burn_in = n_burn_in
        self.thinning = thinning
        self.step_size = step_size
        self.friction = friction
        self.random_state = random_state

    def _learn(self) -> None:
        torch = import_torch(type(self).__name__)
        rng = np.random.default_rng(self.random_state)
        values = np.concatenate([self.curves_[~np.isnan(self.curves_)], self.targets_])
        self.scores_ = Targets.learned(values, True)
        self.centre_, spread = self.inputs_.mean(axis=0), self.inputs_.std(axis=0)
        self.spread_ = np.where(spread > 1e-12, spread, 1.0)
        self.folds_ = held_out_folds(self.groups_, rng, N_FOLDS)
        all_rows = fold_masks(len(self.inputs_), [], self.n_chains)
        masks = np.vstack([all_rows, fold_masks(len(self.inputs_), self.folds_, 1)[1:]])
        with one_thread(torch):
            kept = self._sampled(torch, torch.from_numpy(masks), rng)
        own = [tensor[:, : self.n_chains].flatten(0, 1) for tensor in kept]
        self.samples_ = [tensor.numpy().copy() for tensor in own]
        self.fold_samples_ = [
            [tensor[:, self.n_chains + fold].numpy().copy() for tensor in kept]
            for fold in range(len(self.folds_))
        ]
        self.calibrations_: dict[int, float] = {}

    def _sampled(self, torch: Any, masks: "Tensor", rng: np.random.Generator) -> list["Tensor"]:
        """The samples of all chains, (n_samples / n_chains, B, ...) for each tensor."""
        rows = self._rows(torch, self.inputs_)
        t = self.curves_.shape[1]
        steps = np.unique(np.geomspace(1, t, min(self.n_points, t)).round()).astype(np.int64)
        known = ~np.isnan(self.curves_[:, steps - 1])
        curves = np.where(known, self._scores(self.curves_[:, steps - 1]), 0.0).astype(np.float32)
        seen, targets = torch.from_numpy(known.astype(np.float32)), torch.from_numpy(curves)
        counted = masks[:, :, None] * seen[None]
        x = torch.from_numpy(steps.astype(np.float32))
        start, prior = prior_draw(torch, len(masks), self._widths(), rng)

        def misfit(tensors: list["Tensor"]) -> "Tensor":
            outputs = forward(torch, tensors[:-1], rows[None], torch.tanh)
            fitted = (design(torch, outputs, x, self._at()) @ weights(outputs)[..., None])[..., 0]
            log_noise = (tensors[-1][:, :, 0] + outputs[..., -1]).clamp(-9, 3)[..., None]
            each = (targets - fitted) ** 2 * torch.exp(-log_noise) + log_noise
            return 0.5 * (each * counted).sum()

        sampler = Sampler(torch, start, misfit, prior, self.step_size, self.friction, rng)
        sampler.run(self.n_burn_in, adapt=True)
        rounds = -(-self.n_samples // self.n_chains)
        kept = [[tensor.clone() for tensor in sampler.run(self.thinning)] for _ in range(rounds)]
        return [torch.stack(part) for part in zip(*kept, strict=True)]

    def _final(self, X: F64, curves: F64, length: int) -> tuple[F64, F64]:
        if length not in self.calibrations_:
            self.calibrations_[length] = self._calibrated(length)
        mean, variance = self._mixture(self.samples_, X, curves)
        return self.scores_.moments(mean, variance * self.calibrations_[length] ** 2)

    def _calibrated(self, length: int) -> float:
        rows, cut = self._comparable(length)
        ratios = []
        for fold, samples in zip(self.folds_, self.fold_samples_, strict=True):
            own = np.intersect1d(fold, rows)
            if len(own):
                mean, variance = self._mixture(samples, self.inputs_[own], self.curves_[own, :cut])
                errors = np.abs(self._scores(self.targets_[own]) - mean)
                ratios.append(errors / np.sqrt(variance))
        return float(np.quantile(np.concatenate(ratios), ONE_DEVIATION))

    def _mixture(self, samples: list[Any], X: F64, curves: F64) -> tuple[F64, F64]:
        """Mean and variance of the scores at the horizon, both (n,)."""
        torch = import_torch(type(self).__name__)
        tensors = [torch.from_numpy(array) for array in samples]
        steps = torch.tensor([*range(1, curves.shape[1] + 1), self._at()], dtype=torch.float32)
        with torch.inference_mode(), one_thread(torch):
            known = forward(torch, tensors[:-1], self._rows(torch, self.inputs_)[None], torch.tanh)
            outputs = forward(torch, tensors[:-1], self._rows(torch, X)[None], torch.tanh)
            phi = design(torch, outputs, steps, self._at()).double().numpy()
            log_noise = (tensors[-1][:, :, 0] + outputs[..., -1]).clamp(-9, 3)
            spread = weights(known).double().var(dim=1, correction=0).numpy() + 1e-2
            w, noise = weights(outputs).double().numpy(), torch.exp(log_noise).double().numpy()
        seen = self._scores(curves)
        means, variances = conditioned(phi[:, :, :-1], w, noise, spread, seen, phi[:, :, -1])
        return means.mean(axis=0), variances.mean(axis=0) + means.var(axis=0)

    def _scores(self, values: F64) -> F64:
        return self.scores_(values.ravel()).reshape(values.shape)

    def _rows(self, torch: Any, X: F64) -> "Tensor":
        return torch.from_numpy(((X - self.centre_) / self.spread_).astype(np.float32))

    def _at(self) -> float:
        return float(self.horizon or self.curves_.shape[1])

    def _widths(self) -> list[int]:
        return [self.inputs_.shape[1], self.n_units, self.n_units, N_OUTPUTS]
