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
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Energy = Callable[[list["Tensor"]], "Tensor"]


class Sampler:
    """Chains that run side by side: ``energy`` is the sum of theirs.

    Parameters
    ----------
    start : list of Tensor, (n_chains, ...)
    energy : callable
        From tensors like ``start`` to U.
    step_size, friction : float
        epsilon, alpha.
    rng : Generator
    """

    def __init__(
        self,
        torch: Any,
        start: list["Tensor"],
        energy: Energy,
        step_size: float,
        friction: float,
        rng: np.random.Generator,
    ) -> None:
        self.torch = torch
        self.energy = energy
        self.step_size = step_size
        self.friction = friction
        self.generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        self.positions = [tensor.clone().requires_grad_(True) for tensor in start]
        self.velocities = [torch.zeros_like(tensor) for tensor in start]
        self.squares = [torch.ones_like(tensor) for tensor in start]
        self.gradients = [torch.zeros_like(tensor) for tensor in start]
        self.windows = [torch.ones_like(tensor) for tensor in start]

    def run(self, n_steps: int, *, adapt: bool = False) -> list["Tensor"]:
        """The positions after so many steps; they are the sampler's own."""
        for _ in range(n_steps):
            gradients = self.torch.autograd.grad(self.energy(self.positions), self.positions)
            with self.torch.no_grad():
                for number, gradient in enumerate(gradients):
                    if adapt:
                        self._adapt(number, gradient)
                    self._move(number, gradient)
        return [position.detach() for position in self.positions]

    def _adapt(self, number: int, gradient: "Tensor") -> None:
        window, mean = self.windows[number], self.gradients[number]
        square = self.squares[number]
        share = 1 / (window + 1)
        window += 1 - window * mean * mean / square
        mean += share * (gradient - mean)
        square += share * (gradient * gradient - square)
        square.clamp_(min=1e-12)

    def _move(self, number: int, gradient: "Tensor") -> None:
        velocity, inverse_mass = self.velocities[number], self.squares[number].rsqrt()
        noise = self.torch.randn(gradient.shape, generator=self.generator)
        velocity.mul_(1 - self.friction)
        velocity -= self.step_size**2 * inverse_mass * gradient
        velocity += (2 * self.friction * self.step_size**2 * inverse_mass).sqrt() * noise
        self.positions[number] += velocity
