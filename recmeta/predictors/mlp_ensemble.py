"""MLPEnsemble: the meta neural network of BANANAS, all members in one computation."""

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recmeta.predictors._batched_mlp import (
    fold_masks,
    forward,
    glorot,
    import_torch,
    one_thread,
)
from recmeta.predictors._calibration import calibrated
from recmeta.predictors._features import FeaturePredictor
from recmeta.predictors._groups import held_out_folds

if TYPE_CHECKING:
    from torch import Tensor

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

BETAS = (0.9, 0.99)  # of Adam, as BANANAS has them
N_FOLDS = 4


class MLPEnsemble(FeaturePredictor):
    """Multilayer perceptrons from different random starts, trained by Adam on the absolute error.

    mean = average of the members; variance = theirs, calibrated on held-out rows: beside the
    members that learn from all rows, as many are trained without each of 4 folds, in the same
    batched computation (``_calibration``, ``_batched_mlp``). Each member has its own order of the
    rows. The learning rate falls to 0 along a half cosine.

    Time is n_epochs * n / batch_size steps, of 5 n_members n_layers products of matrices each.

    Parameters
    ----------
    n_members, n_layers, n_units : int
    n_epochs, batch_size : int
    learning_rate : float
        Of Adam, at the start.
    normal_scores : bool
        Learn the normal scores of y in place of y itself (``_targets``).
    random_state : int or None

    Attributes
    ----------
    weights_ : list of float32 array
        W_1, b_1, W_2, ... of the members: (n_members, d_in, d_out), (n_members, 1, d_out).
    calibration_ : Calibration

    References
    ----------
    White, Neiswanger and Savani (2021), BANANAS, arXiv:1910.11858.
    Lakshminarayanan, Pritzel and Blundell (2017), Deep ensembles, arXiv:1612.01474.
    """

    requires = "torch"
    tiny: ClassVar[dict[str, Any]] = {"n_layers": 2, "n_epochs": 60}

    def __init__(
        self,
        *,
        n_members: int = 5,
        n_layers: int = 10,
        n_units: int = 20,
        n_epochs: int = 150,
        batch_size: int = 32,
        learning_rate: float = 0.01,
        normal_scores: bool = True,
        random_state: int | None = 0,
    ) -> None:
        self.n_members = n_members
        self.n_layers = n_layers
        self.n_units = n_units
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.normal_scores = normal_scores
        self.random_state = random_state

    def _learn(self, Z: F64, t: F64, groups: I64, rng: np.random.Generator) -> None:
        torch = import_torch(type(self).__name__)
        folds = held_out_folds(groups, rng, N_FOLDS)
        masks = torch.from_numpy(fold_masks(len(t), folds, self.n_members))
        widths = [Z.shape[1], *[self.n_units] * self.n_layers, 1]
        with one_thread(torch):
            tensors = glorot(torch, len(masks), widths, rng)
            rows, targets = (torch.from_numpy(part.astype(np.float32)) for part in (Z, t))
            self._train(torch, tensors, rows, targets, masks, rng)
            outputs = _outputs(torch, tensors, rows)
        self.weights_ = [tensor[: self.n_members].numpy().copy() for tensor in tensors]
        errors, variances = np.empty(len(t)), np.empty(len(t))
        for number, fold in enumerate(folds, start=1):
            part = outputs[number * self.n_members : (number + 1) * self.n_members, fold]
            errors[fold] = t[fold] - part.mean(axis=0)
            variances[fold] = part.var(axis=0, ddof=self.n_members > 1)
        self.calibration_ = calibrated(errors, variances)

    def _train(
        self,
        torch: Any,
        tensors: list["Tensor"],
        rows: "Tensor",
        targets: "Tensor",
        masks: "Tensor",
        rng: np.random.Generator,
    ) -> None:
        n, n_networks = len(rows), len(masks)
        for tensor in tensors:
            tensor.requires_grad_(True)
        n_batches = -(-n // self.batch_size)
        adam = torch.optim.Adam(tensors, lr=self.learning_rate, betas=BETAS, foreach=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, self.n_epochs * n_batches)
        for _ in range(self.n_epochs):
            orders = torch.from_numpy(rng.permuted(np.tile(np.arange(n), (n_networks, 1)), axis=1))
            for batch in orders.split(self.batch_size, dim=1):  # (B, batch_size)
                predicted = forward(torch, tensors, rows[batch], torch.relu)[:, :, 0]
                counted = masks.gather(1, batch)
                losses = ((predicted - targets[batch]).abs() * counted).sum(dim=1)
                loss = (losses / counted.sum(dim=1).clamp(min=1)).sum()
                adam.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                adam.step()
                schedule.step()
        for tensor in tensors:
            tensor.requires_grad_(False)

    def _posterior(self, Z: F64) -> tuple[F64, F64]:
        torch = import_torch(type(self).__name__)
        with one_thread(torch):
            tensors = [torch.from_numpy(array) for array in self.weights_]
            members = _outputs(torch, tensors, torch.from_numpy(Z.astype(np.float32)))
        variance = members.var(axis=0, ddof=self.n_members > 1)
        return members.mean(axis=0), self.calibration_(variance)


def _outputs(torch: Any, tensors: list["Tensor"], rows: "Tensor") -> F64:
    """What each network says of each row, (B, n)."""
    with torch.inference_mode():
        outputs = forward(torch, tensors, rows[None], torch.relu)[:, :, 0]
        return np.asarray(outputs.numpy(), dtype=np.float64)
