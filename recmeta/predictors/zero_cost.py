"""Zero-cost proxies: what one minibatch says of an untrained network of torch.

======  =====================================================================
symbol  meaning
======  =====================================================================
W_l     weights of a linear or convolutional layer l; a tied weight counts once
L       the loss on the minibatch
g_l     dL/dW_l
H       Hessian of L with respect to all W_l
J_i     gradient of the sum of sample i's outputs with respect to its inputs
======  =====================================================================

A proxy is a function of a ``Probe``, in ``_proxy_gradients``, ``_proxy_activations`` or
``_proxy_sizes``; PROXIES lists them. Each gets a copy of the network, so none sees what another
did to it. What cannot be computed is NaN: never a sentinel that would sink a mean or a correlation.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recmeta.predictors import _proxy_activations as activations
from recmeta.predictors import _proxy_gradients as gradients
from recmeta.predictors import _proxy_sizes as sizes
from recmeta.predictors._probe import Probe
from recmeta.registry import UnknownNameError

if TYPE_CHECKING:
    from torch import Tensor, nn

logger = logging.getLogger(__name__)

PROXIES: dict[str, Callable[[Probe], float]] = {
    "epe_nas": activations.epe_nas,
    "fisher": gradients.fisher,
    "flops": sizes.flops,
    "grad_norm": gradients.grad_norm,
    "grasp": gradients.grasp,
    "jacob_cov": activations.jacob_cov,
    "l2_norm": gradients.l2_norm,
    "nwot": activations.nwot,
    "params": sizes.params,
    "plain": gradients.plain,
    "snip": gradients.snip,
    "synflow": gradients.synflow,
    "zen": activations.zen,
}


@dataclass(frozen=True)
class Score:
    """A proxy's value, NaN where it failed, and the seconds that it took."""

    value: float
    seconds: float


def zero_cost(
    network: "nn.Module",
    inputs: "Tensor",
    targets: "Tensor",
    loss: "Callable[[Tensor, Tensor], Tensor]",
    *,
    proxies: Iterable[str] = tuple(PROXIES),
    labels: "Tensor | None" = None,
    seed: int = 0,
) -> dict[str, Score]:
    """Proxies of a network at its random start. The network is not changed.

    Parameters
    ----------
    network : torch module
        Untrained. Dropout is off while it is probed.
    inputs : float tensor, (n_samples, ...)
        One minibatch.
    targets : tensor
        What ``loss`` compares the outputs with.
    loss : callable
        (outputs, targets) -> a scalar tensor.
    proxies : iterable of str
        Names of PROXIES.
    labels : int tensor, (n_samples,), or None
        Classes of the samples, which ``epe_nas`` needs; without them it is NaN.
    seed : int
        Of what is drawn: the noise of ``zen``.

    Returns
    -------
    dict
        Name -> Score.

    Raises
    ------
    KeyError
        If a name is not in PROXIES.
    ValueError
        If the minibatch is empty.

    References
    ----------
    Abdelfattah et al. (2021), Zero-Cost Proxies for Lightweight NAS, arXiv:2101.08134; Krishnakumar
    et al. (2022), NAS-Bench-Suite-Zero, arXiv:2210.03230.
    """
    names = list(proxies)
    unknown = [name for name in names if name not in PROXIES]
    if unknown:
        raise UnknownNameError(f"no proxy is named {unknown[0]!r}; there are: {', '.join(PROXIES)}")
    if len(inputs) == 0:
        raise ValueError("a minibatch of at least one sample is needed: got none")
    probe = Probe(network, inputs, targets, loss, labels, seed)
    return {name: _one(name, probe) for name in names}


def _one(name: str, probe: Probe) -> Score:
    started = time.perf_counter()
    try:
        value = PROXIES[name](probe)
    except (RuntimeError, ValueError, ArithmeticError) as error:
        # what a proxy assumes of a network (a gradient, a positive determinant) may not hold
        logger.info("proxy %s failed: %s", name, error)
        value = math.nan
    seconds = time.perf_counter() - started
    return Score(value if math.isfinite(value) else math.nan, seconds)
