"""BOHAMIANN: a Bayesian neural network sampled by scale-adapted stochastic gradient HMC."""

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recmeta.predictors._batched_mlp import fold_masks, import_torch, one_thread
from recmeta.predictors._bayesian_mlp import Prior, mean_and_noise, mixture, prior_draw
from recmeta.predictors._calibration import calibrated
from recmeta.predictors._features import FeaturePredictor
from recmeta.predictors._groups import held_out_folds
from recmeta.predictors._sghmc import Sampler

if TYPE_CHECKING:
    from torch import Tensor

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

N_FOLDS = 4
MOST_HALVINGS = 6
FAR = 10.0  # prior deviations, root mean square: a chain that is there has diverged


class BOHAMIANN(FeaturePredictor):
    """t = f(z; W) + noise, with weights drawn from their posterior.

    f has tanh units; w ~ N(0, 1 / d_in) for a weight of a layer with d_in inputs, N(0, 1) for a
    bias; ln noise variance ~ N(-3, 1.5^2), or, if ``heteroscedastic``, a second output of the
    network around -3. Chains of scale-adapted SGHMC (``_sghmc``) on all rows: ``n_burn_in`` steps,
    during which the scales adapt, then every ``thinning``-th step is a sample. mean and variance
    are those of the mixture of the samples' normals. The chains walk in the span of the rows alone:
    across it nothing is learned, and first weights have their prior there. Chains without each of
    4 folds run in the same batched computation and give slope and offset of the variance
    (``_calibration``).

    Time is n_burn_in + n_samples * thinning / n_chains steps, of (n_chains + 4) networks each.

    Parameters
    ----------
    n_layers, n_units : int
        ``n_layers=0`` is Bayesian linear regression.
    heteroscedastic : bool
        Noise that depends on z.
    n_chains, n_samples : int
        Samples of all chains together.
    n_burn_in, thinning : int
        Steps.
    step_size, friction : float
        epsilon n^(1/4) and alpha of ``_sghmc``. Chains that diverge begin anew with half of it.
    normal_scores : bool
        Learn the normal scores of y in place of y itself (``_targets``).
    random_state : int or None

    Attributes
    ----------
    samples_ : list of float32 array
        W_1, b_1, ... and the noise's logarithm of all samples, (n_samples, ...) each.
    centre_, spread_ : float64 array, (d',), and float
        Columns are centred and have one common scale: chains mix faster.
    calibration_ : Calibration

    References
    ----------
    Springenberg, Klein, Falkner and Hutter (2016), Bayesian optimization with robust Bayesian
    neural networks, NeurIPS 29.
    """

    requires = "torch"
    tiny: ClassVar[dict[str, Any]] = {
        "n_layers": 1,
        "n_units": 10,
        "n_burn_in": 200,
        "n_samples": 40,
        "thinning": 5,
    }

    def __init__(
        self,
        *,
        n_layers: int = 2,
        n_units: int = 50,
        heteroscedastic: bool = False,
        n_chains: int = 4,
        n_samples: int = 100,
        n_burn_in: int = 1000,
        thinning: int = 30,
        step_size: float = 0.06,
        friction: float = 0.05,
        normal_scores: bool = True,
        random_state: int | None = 0,
    ) -> None:
        self.n_layers = n_layers
        self.n_units = n_units
        self.heteroscedastic = heteroscedastic
        self.n_chains = n_chains
        self.n_samples = n_samples
        self.n_burn_in = n_burn_in
        self.thinning = thinning
        self.step_size = step_size
        self.friction = friction
        self.normal_scores = normal_scores
        self.random_state = random_state

    def _learn(self, Z: F64, t: F64, groups: I64, rng: np.random.Generator) -> None:
        torch = import_torch(type(self).__name__)
        folds = held_out_folds(groups, rng, N_FOLDS)
        all_rows = fold_masks(len(t), [], self.n_chains)
        masks = torch.from_numpy(np.vstack([all_rows, fold_masks(len(t), folds, 1)[1:]]))
        self.centre_ = Z.mean(axis=0)
        self.spread_ = float(np.sqrt(((Z - self.centre_) ** 2).mean())) or 1.0
        rows = (Z - self.centre_) / self.spread_
        basis = _span(rows)
        # of r columns, whose weights have the prior N(0, 1 / r): the products keep theirs
        rate = np.sqrt(basis.shape[1] / max(basis.shape[0], 1))
        reduced = torch.from_numpy((rows @ basis * rate).astype(np.float32))
        targets = torch.from_numpy(t.astype(np.float32))
        with one_thread(torch):
            kept = self._sampled(torch, reduced, targets, masks, rng)
            errors, variances = np.empty(len(t)), np.empty(len(t))
            for number, fold in enumerate(folds, start=self.n_chains):
                chain = [tensor[:, number] for tensor in kept]
                mean, variances[fold] = mixture(torch, chain, reduced[fold])
                errors[fold] = t[fold] - mean
        first, *rest = [tensor[:, : self.n_chains].flatten(0, 1).numpy().copy() for tensor in kept]
        self.samples_ = [_completed(rate * first, basis, rng), *rest]
        self.calibration_ = calibrated(errors, variances)

    def _sampled(
        self, torch: Any, rows: "Tensor", targets: "Tensor", masks: "Tensor", rng: Any
    ) -> list["Tensor"]:
        """The samples of all chains, (n_samples / n_chains, B, ...) for each tensor."""
        outputs = 2 if self.heteroscedastic else 1
        widths = [rows.shape[1], *[self.n_units] * self.n_layers, outputs]
        start, prior = prior_draw(torch, len(masks), widths, rng)

        def misfit(tensors: list["Tensor"]) -> "Tensor":
            mean, log_noise = mean_and_noise(torch, tensors, rows)
            each = (targets - mean) ** 2 * torch.exp(-log_noise) + log_noise
            return 0.5 * (each * masks).sum()

        # curvature grows as n, and the fastest frequency as epsilon n^(1/4)
        step_size = self.step_size / len(rows) ** 0.25
        for _ in range(MOST_HALVINGS):
            sampler = Sampler(torch, start, misfit, prior, step_size, self.friction, rng)
            sampler.run(self.n_burn_in, adapt=True)
            rounds = range(-(-self.n_samples // self.n_chains))
            kept = [[tensor.clone() for tensor in sampler.run(self.thinning)] for _ in rounds]
            samples = [torch.stack(part) for part in zip(*kept, strict=True)]
            if _is_posterior(samples, prior):
                return samples
            step_size /= 2
        raise FloatingPointError(f"chains diverged: lower step_size={self.step_size}")

    def _posterior(self, Z: F64) -> tuple[F64, F64]:
        torch = import_torch(type(self).__name__)
        with one_thread(torch):
            samples = [torch.from_numpy(array) for array in self.samples_]
            mean, variance = mixture(torch, samples, self._rows(torch, Z))
        return mean, self.calibration_(variance)

    def _rows(self, torch: Any, Z: F64) -> "Tensor":
        return torch.from_numpy(((Z - self.centre_) / self.spread_).astype(np.float32))


def _is_posterior(samples: list["Tensor"], prior: Prior) -> bool:
    """Whether all weights are where a prior lets them be."""
    pairs = zip(samples[:-1], prior, strict=False)  # the noise's own is left out
    return all(bool((weights**2).mean() < (FAR * d) ** 2) for weights, (_, d) in pairs)


def _span(rows: F64) -> F64:
    """An orthonormal basis of the rows' span, (d, r); one direction at least where d is not 0."""
    _, sizes, directions = np.linalg.svd(rows, full_matrices=False)
    rank = int((sizes > 1e-6 * sizes.max(initial=0.0)).sum())
    return np.asarray(directions[: max(rank, 1)].T)


def _completed(first: NDArray[np.float32], basis: F64, rng: np.random.Generator) -> Any:
    """W_1 of samples, (n, d, u), from their part in the basis, (n, r, u): a draw of the prior
    across it.
    """
    d = basis.shape[0]
    draws = rng.normal(size=(len(first), d, first.shape[2])) / np.sqrt(max(d, 1))
    return (draws + basis @ (first - basis.T @ draws)).astype(np.float32)
