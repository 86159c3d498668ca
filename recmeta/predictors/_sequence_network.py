"""Encoder, regressor and decoder of sequences, many networks of one shape in one computation.

======  ====================================================================  ===============
symbol  meaning                                                               shape
======  ====================================================================  ===============
B, V    networks; tokens
x       tokens                                                                (n, p) ints
E, D    what a token adds to the gates of encoder and decoder (embedding      (B, V, 4 d),
        and input weights in one); the last of D starts a sequence            (B, V + 1, 4 d)
U_E/D   what the state adds to the gates                                      (B, d, 4 d)
O       states of the encoder, each divided by its norm                       (B, n, p, d)
e       their mean, divided by its norm                                       (B, n, d)
======  ====================================================================  ===============

The regressor is a layer of 16 on e. The decoder is an LSTM that starts from e; what it says next
comes of its state and of the mean of O that its state attends to (Luong et al. 2015,
arXiv:1508.04025).
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recmeta.predictors._batched_mlp import forward, glorot

if TYPE_CHECKING:
    from torch import Tensor

I64 = NDArray[np.int64]
Tensors = dict[str, "Tensor"]

N_HIDDEN = 16


def start(
    torch: Any, n_networks: int, n_tokens: int, n_units: int, rng: np.random.Generator
) -> Tensors:
    """Random weights: uniform within 1 / sqrt(d) in the LSTMs, Glorot's elsewhere."""
    edge = 1 / np.sqrt(n_units)

    def uniform(rows: int) -> "Tensor":
        weights = rng.uniform(-edge, edge, size=(n_networks, rows, 4 * n_units))
        tensor: Tensor = torch.from_numpy(weights.astype(np.float32))
        return tensor

    tensors = {"E": uniform(n_tokens), "U_E": uniform(n_units)}
    tensors |= {"D": uniform(n_tokens + 1), "U_D": uniform(n_units)}
    for name, widths in (
        ("attended", [2 * n_units, n_units]),
        ("said", [n_units, n_tokens]),
        ("hidden", [n_units, N_HIDDEN]),
        ("predicted", [N_HIDDEN, 1]),
    ):
        tensors[name], tensors[f"{name}_bias"] = glorot(torch, n_networks, widths, rng)
    return tensors


def encoded(torch: Any, tensors: Tensors, x: "Tensor") -> "Tensor":
    """O."""
    shape = (len(tensors["E"]), len(x), tensors["U_E"].shape[1])
    state = torch.zeros(shape), torch.zeros(shape)
    states = _lstm(torch, tensors["E"], tensors["U_E"], x, state)
    return torch.nn.functional.normalize(states, dim=3)


def embedded(torch: Any, states: "Tensor") -> "Tensor":
    """e."""
    return torch.nn.functional.normalize(states.mean(dim=2), dim=2)


def predicted(torch: Any, tensors: Tensors, embeddings: "Tensor") -> "Tensor":
    """The regressor's predictions, (B, n)."""
    names = ("hidden", "hidden_bias", "predicted", "predicted_bias")
    return forward(torch, [tensors[name] for name in names], embeddings, torch.relu)[:, :, 0]


def surprise(torch: Any, tensors: Tensors, states: "Tensor", x: "Tensor", firsts: I64) -> "Tensor":
    """Mean over its tokens of -log p(token | those before, O), for each row, (B, n)."""
    n_networks, n, p, _ = states.shape
    beginning = torch.full((n, 1), int(firsts[-1]))
    before = torch.cat([beginning, x[:, :-1]], dim=1)
    e = embedded(torch, states)
    decoded = _lstm(torch, tensors["D"], tensors["U_D"], before, (e, e))
    logits = _said(torch, tensors, decoded, states) + _allowed(torch, firsts, p)
    chosen = x.expand(n_networks, -1, -1)[..., None]
    return -logits.log_softmax(dim=3).gather(3, chosen)[..., 0].mean(dim=2)


def decoded(torch: Any, tensors: Tensors, states: "Tensor", firsts: I64) -> "Tensor":
    """The likeliest token at each position, given those before it, (B, n, p): never a missing."""
    n_networks, n, p, _ = states.shape
    state = (embedded(torch, states),) * 2
    allowed = _allowed(torch, firsts, p)
    allowed[torch.arange(p), torch.from_numpy(firsts[1:] - 1)] = -torch.inf
    token = torch.full((n_networks, n), int(firsts[-1]))
    network = torch.arange(n_networks)[:, None]
    tokens = []
    for at in range(p):
        state = _step(torch, tensors["D"][network, token], tensors["U_D"], state)
        logits = _said(torch, tensors, state[0][:, :, None], states)[:, :, 0]
        token = (logits + allowed[at]).argmax(dim=2)
        tokens.append(token)
    return torch.stack(tokens, dim=2)


def climbed(torch: Any, tensors: Tensors, states: "Tensor", step: float) -> "Tensor":
    """O, moved by ``step`` along the gradient of the prediction, each state of norm 1 again."""
    with torch.enable_grad():
        moving = states.detach().requires_grad_(True)
        total = predicted(torch, tensors, embedded(torch, moving)).sum()
        (gradient,) = torch.autograd.grad(total, moving)
    return torch.nn.functional.normalize(states + step * gradient, dim=3)


def _lstm(
    torch: Any, table: "Tensor", weights: "Tensor", x: "Tensor", state: tuple["Tensor", "Tensor"]
) -> "Tensor":
    """The states after each token, (B, n, p, d)."""
    # a product, since adding up the gradients of looked-up rows takes longer
    chosen = torch.nn.functional.one_hot(x.T.flatten(), table.shape[1]).to(table.dtype)
    inputs = torch.matmul(chosen, table).unflatten(1, x.T.shape)  # (B, p, n, 4 d)
    states = []
    for each in inputs.unbind(dim=1):
        state = _step(torch, each, weights, state)
        states.append(state[0])
    return torch.stack(states, dim=2)


def _step(
    torch: Any, inputs: "Tensor", weights: "Tensor", state: tuple["Tensor", "Tensor"]
) -> tuple["Tensor", "Tensor"]:
    hidden, cell = state
    gates = torch.baddbmm(inputs, hidden, weights)
    write, keep, new, read = gates.chunk(4, dim=2)
    cell = keep.sigmoid() * cell + write.sigmoid() * new.tanh()
    return read.sigmoid() * cell.tanh(), cell


def _said(torch: Any, tensors: Tensors, hidden: "Tensor", states: "Tensor") -> "Tensor":
    """Logits of all tokens after each of the decoder's states, (B, n, q, V)."""
    attention = (hidden @ states.transpose(2, 3)).softmax(dim=3)
    both = torch.cat([attention @ states, hidden], dim=3)
    rows = both.flatten(1, 2)  # one product a network, not one a sequence
    joined = torch.baddbmm(tensors["attended_bias"], rows, tensors["attended"]).tanh()
    logits = torch.baddbmm(tensors["said_bias"], joined, tensors["said"])
    said: Tensor = logits.unflatten(1, both.shape[1:3])
    return said


def _allowed(torch: Any, firsts: I64, p: int) -> "Tensor":
    """0 for a column's own tokens, -inf for others, (p, V)."""
    allowed = torch.full((p, int(firsts[-1])), -torch.inf)
    for at in range(p):
        allowed[at, firsts[at] : firsts[at + 1]] = 0.0
    return allowed
