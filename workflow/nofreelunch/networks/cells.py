"""The recurrent cells: one function per cell, which takes one time step of a stack of networks."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

FORGET_BIAS = 1.0  # ugrnn adds this to its gate; the forget bias of the lstm starts here

Step = Callable[..., tuple[Tensor, Tensor | None]]
STEPS: dict[str, Step] = {}


def cell(
    name: str,
    gates: int,
    bias: bool = True,
    recurrent_bias: bool = False,
    memory: bool = False,
    bare: bool = False,
    forget_gate: int | None = None,
    by_hand: bool = False,
    recurrent: bool = True,
) -> Callable[[Step], Step]:
    """Register the function below as one time step of the cell `name`.

    The function takes these arguments and returns the new state and the new memory:

        w        weights by name, (network, inputs, outputs); biases are (network, 1, outputs)
        phi      activation function
        drive    product of input and input kernel, with its bias, (network, sample, gates * unit)
        seen     state that the recurrent kernel sees, after dropout, (network, sample, unit)
        state    state before dropout; carrying `seen` on would compound its mask at every step
        memory   second state, (network, sample, unit), or None

    The arguments of this decorator are literals, so that studies are planned without torch.

    Args:
        name: what studies call the cell.
        gates: number of gates: columns of the input and recurrent kernels per unit.
        bias: whether the product with the input kernel has a bias.
        recurrent_bias: whether the product with the recurrent kernel has a bias of its own.
        memory: whether the cell has a second state.
        bare: whether velocity enters the cell itself and its state is read out. Other cells have an
            embedding before them and a dense layer after them.
        forget_gate: number of the gate, from 0, whose bias starts at one, unless the initializer
            is torch_default.
        by_hand: whether `networks.recurrence` runs the cell in place of the function, with a
            gradient written by hand. It knows one recurrence, that of `rnn`.
        recurrent: whether the cell carries a state on and receives velocity. A cell that does not
            receives the position itself: it has no recurrent kernel, no start, and cannot
            path-integrate. `seen` and `state` are then None.
    """

    def register(step: Step) -> Step:
        STEPS[name] = step
        return step

    return register


@cell("rnn", gates=1, bias=False, bare=True, by_hand=True)
def rnn(w, phi, drive: Tensor, seen: Tensor, state: Tensor, memory: None):
    """Simple recurrent network (Elman 1990) without biases, as in Sorscher et al. (2019)."""
    return phi(torch.baddbmm(drive, seen, w["recurrent"])), None


@cell("srnn", gates=1, bias=False, by_hand=True)
def srnn(w, phi, drive: Tensor, seen: Tensor, state: Tensor, memory: None):
    """The recurrence of `rnn` between an embedding and a dense layer (Nayebi et al. 2021)."""
    return phi(torch.baddbmm(drive, seen, w["recurrent"])), None


@cell("lstm", gates=4, memory=True, forget_gate=1)
def lstm(w, phi, drive: Tensor, seen: Tensor, state: Tensor, memory: Tensor):
    """LSTM (Hochreiter & Schmidhuber 1997) with a forget gate."""
    entry, forget, candidate, exit_ = torch.baddbmm(drive, seen, w["recurrent"]).chunk(4, -1)
    memory = torch.sigmoid(forget) * memory + torch.sigmoid(entry) * phi(candidate)
    return torch.sigmoid(exit_) * phi(memory), memory


@cell("gru", gates=3, recurrent_bias=True)
def gru(w, phi, drive: Tensor, seen: Tensor, state: Tensor, memory: None):
    """GRU (Cho et al. 2014), with the reset gate applied after the recurrent product."""
    update, reset, candidate = drive.chunk(3, -1)
    from_state = torch.baddbmm(w["recurrent_bias"], seen, w["recurrent"]).chunk(3, -1)
    update = torch.sigmoid(update + from_state[0])
    candidate = phi(candidate + torch.sigmoid(reset + from_state[1]) * from_state[2])
    return update * state + (1 - update) * candidate, None


@cell("ugrnn", gates=2)
def ugrnn(w, phi, drive: Tensor, seen: Tensor, state: Tensor, memory: None):
    """Update-gate recurrent network (Collins et al. 2017)."""
    gate, candidate = torch.baddbmm(drive, seen, w["recurrent"]).chunk(2, -1)
    gate = torch.sigmoid(gate + FORGET_BIAS)
    return gate * state + (1 - gate) * phi(candidate), None


@cell("feedforward", gates=1, recurrent=False)
def feedforward(w, phi, drive: Tensor, seen: None, state: Tensor | None, memory: None):
    """Dense layers from position to target: the control without path integration."""
    return phi(drive), None
