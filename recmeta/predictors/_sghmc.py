"""Scale-adapted stochastic gradient Hamiltonian Monte Carlo (Springenberg et al. 2016, eqs. 7-10).

======  =====================================================================================
symbol  meaning
======  =====================================================================================
x, v    position and velocity of a chain, a tensor of parameters each
U       energy: minus the logarithm of likelihood times prior
s       mean square of the gradient of U by each parameter; 1 / sqrt(s) is its inverse mass
tau     window of that mean, in steps, adapted too
======  =====================================================================================

A step:  v += -epsilon^2 s^(-1/2) dU/dx - alpha v + N(0, 2 alpha epsilon^2 s^(-1/2)),  x += v.
Gradients are of all rows, so that nothing has to be taken off the noise for theirs (their eq. 10
takes off epsilon^4). Scales adapt during the burn-in alone: after it the chain has one target.

The noise is uniform, of the same variance: a velocity is a sum of some 1 / alpha draws, so that its
excess kurtosis is -1.2 alpha, and normal draws would take as long as the rest of a step.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

HALF = 2**15
Misfit = Callable[[list["Tensor"]], "Tensor"]


class Sampler:
    """Chains that run side by side, under normal priors: U = misfit + sum((x - m)^2 / 2 d^2).

    All tensors are parts of one vector: a step is then a few operations, however many there are.

    Parameters
    ----------
    start : list of Tensor, (n_chains, ...)
    misfit : callable
        From tensors like ``start`` to minus the logarithm of the likelihood, summed over chains.
    prior : list of (float, float)
        m and d of each tensor.
    step_size, friction : float
        epsilon, alpha.
    rng : Generator
    """

    def __init__(
        self,
        torch: Any,
        start: list["Tensor"],
        misfit: Misfit,
        prior: list[tuple[float, float]],
        step_size: float,
        friction: float,
        rng: np.random.Generator,
    ) -> None:
        self.torch = torch
        self.misfit = misfit
        self.step_size = step_size
        self.friction = friction
        self.generator = np.random.Generator(np.random.SFC64(int(rng.integers(2**62))))
        self.position = torch.cat([tensor.reshape(-1) for tensor in start])
        sizes = [tensor.numel() for tensor in start]
        parts = zip(self.position.split(sizes), start, strict=True)
        self.tensors = [part.view(tensor.shape).requires_grad_(True) for part, tensor in parts]
        repeats = torch.tensor(sizes)
        means, deviations = torch.tensor(prior, dtype=self.position.dtype).T
        self.centre = means.repeat_interleave(repeats)
        self.precision = (deviations**-2).repeat_interleave(repeats)
        self.velocity = torch.zeros_like(self.position)
        self.square = torch.ones_like(self.position)
        self.mean = torch.zeros_like(self.position)
        self.window = torch.ones_like(self.position)

    def run(self, n_steps: int, *, adapt: bool = False) -> list["Tensor"]:
        """The positions after so many steps; they are the sampler's own."""
        scales = self._scales()
        for _ in range(n_steps):
            gradients = self.torch.autograd.grad(self.misfit(self.tensors), self.tensors)
            with self.torch.no_grad():
                gradient = self.torch.cat([part.reshape(-1) for part in gradients])
                gradient.addcmul_(self.position - self.centre, self.precision)
                if adapt:
                    self._adapt(gradient)
                    scales = self._scales()
                self._move(gradient, *scales)
        return [tensor.detach() for tensor in self.tensors]

    def _adapt(self, gradient: "Tensor") -> None:
        share = 1 / (self.window + 1)
        self.window.addcmul_(self.window * self.mean, self.mean / self.square, value=-1).add_(1)
        self.mean.lerp_(gradient, share)
        self.square.lerp_(gradient * gradient, share).clamp_(min=1e-12)

    def _scales(self) -> tuple["Tensor", "Tensor"]:
        """epsilon^2 times the inverse mass, and what a draw of the noise is multiplied by."""
        forces = self.step_size**2 * self.square.rsqrt()
        # of a draw from -HALF .. HALF - 1, whose deviation is HALF / sqrt(3)
        return forces, (6 * self.friction * forces).sqrt() / HALF

    def _move(self, gradient: "Tensor", forces: "Tensor", deviations: "Tensor") -> None:
        draws = self.generator.integers(-HALF, HALF, size=len(gradient), dtype=np.int16)
        noise = self.torch.from_numpy(draws.astype(np.float32))
        self.velocity.mul_(1 - self.friction)
        self.velocity.addcmul_(forces, gradient, value=-1)
        self.velocity.addcmul_(deviations, noise)
        self.position += self.velocity
