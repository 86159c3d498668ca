"""Networks of one shape trained together by Adam, each without some rows, for an honest deviation.

======  ====================================================================  ==========
symbol  meaning                                                               shape
======  ====================================================================  ==========
B       networks, an even number                                              >= 4
out     where a network does not learn from a row; two networks a row         (B, n) bool
======  ====================================================================  ==========

The rows, those of a group together, are cut into B / 2 folds, and once more at random: a network
leaves out one fold. So the ensemble costs no more than its members, and for each row two networks
that never saw it, nor the same others, say how large errors are beside what the members disagree by
(``_calibration``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recmeta.predictors._calibration import Calibration, calibrated
from recmeta.predictors._groups import held_out_folds

if TYPE_CHECKING:
    from torch import Tensor

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True)
class Adam:
    """How to train: the learning rate falls to 0 along a half cosine; the decay is of squares."""

    n_epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float


def left_out(groups: I64, n_members: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """``out``, the same for all rows of a group.

    Raises
    ------
    ValueError
        If the number of networks is odd or below 4.
    """
    if n_members < 4 or n_members % 2:
        raise ValueError(f"n_members must be even and 4 or more: got {n_members}")
    out = np.zeros((n_members, len(groups)), dtype=bool)
    half = n_members // 2
    for first in (0, half):
        for number, fold in enumerate(held_out_folds(groups, rng, half)):
            out[first + number, fold] = True
    return out


def calibration_of(outputs: F64, out: NDArray[np.bool_], t: F64) -> Calibration:
    """The calibration from what the two networks that did not see a row say of it; O(B n)."""
    unseen = np.array([outputs[out[:, row], row] for row in range(len(t))])  # (n, 2)
    return calibrated(t - unseen.mean(axis=1), unseen.var(axis=1, ddof=1))


def descend(
    torch: Any,
    tensors: list["Tensor"],
    losses: Callable[["Tensor"], "Tensor"],
    shares: NDArray[np.float32],
    adam: Adam,
    rng: np.random.Generator,
) -> None:
    """Minimise each network's mean loss, in place.

    Parameters
    ----------
    tensors : list of tensors
        The first axis is that of the networks.
    losses : callable
        From the rows of a batch, (b,), to the loss of each network on each, (B, b).
    shares : float32 array, (B, n)
        Weight of a row in a network's loss; 0 for one that it does not learn from.
    """
    n = shares.shape[1]
    weights = torch.from_numpy(shares)
    for tensor in tensors:
        tensor.requires_grad_(True)
    n_steps = adam.n_epochs * -(-n // adam.batch_size)
    optimiser = torch.optim.Adam(
        tensors, lr=adam.learning_rate, weight_decay=adam.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, n_steps)
    for _ in range(adam.n_epochs):
        for batch in torch.from_numpy(rng.permutation(n)).split(adam.batch_size):
            counted = weights[:, batch]
            means = (losses(batch) * counted).sum(dim=1) / counted.sum(dim=1).clamp(min=1e-6)
            # without this, gradients of all steps add up, and the last ones hardly count
            optimiser.zero_grad()
            means.sum().backward()
            optimiser.step()
            schedule.step()
    for tensor in tensors:
        tensor.requires_grad_(False)
