"""One time step of each gated cell, batched over networks.

A cell is one function under `cell`: its name, its number of gates (columns of the input and
recurrent kernels per unit) and whether it has a bias of its own on the recurrent product or a
second state, the memory. It is given

    w        the weights, (network, inputs, outputs) each; biases (network, 1, outputs)
    phi      the activation
    drive    what the input adds at this step, with its bias, (network, sample, gates * units)
    seen     the state as the recurrent kernel sees it, after dropout, (network, sample, unit)
    state    the state itself, which one mask for all steps must not compound
    memory   the second state, or None

and returns the new state and memory.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

FORGET_BIAS = 1.0  # ugrnn adds it to its gate; the lstm starts its forget bias at it

Step = Callable[..., tuple[Tensor, Tensor | None]]
STEPS: dict[str, Step] = {}


def cell(
    name: str, gates: int, recurrent_bias: bool = False, memory: bool = False
) -> Callable[[Step], Step]:
    """Register the function below as one time step of the cell `name`."""

    def register(step: Step) -> Step:
        STEPS[name] = step
        return step

    return register


@cell("lstm", gates=4, memory=True)
def lstm(w, phi, drive: Tensor, seen: Tensor, state: Tensor, memory: Tensor):
    """Hochreiter & Schmidhuber (1997), with a forget gate."""
    entry, forget, candidate, exit_ = torch.baddbmm(drive, seen, w["recurrent"]).chunk(4, -1)
    memory = torch.sigmoid(forget) * memory + torch.sigmoid(entry) * phi(candidate)
    return torch.sigmoid(exit_) * phi(memory), memory


@cell("gru", gates=3, recurrent_bias=True)
def gru(w, phi, drive: Tensor, seen: Tensor, state: Tensor, memory: None):
    """Cho et al. (2014), the reset gate applied after the recurrent product."""
    update, reset, candidate = drive.chunk(3, -1)
    from_state = torch.baddbmm(w["recurrent_bias"], seen, w["recurrent"]).chunk(3, -1)
    update = torch.sigmoid(update + from_state[0])
    candidate = phi(candidate + torch.sigmoid(reset + from_state[1]) * from_state[2])
    return update * state + (1 - update) * candidate, None


@cell("ugrnn", gates=2)
def ugrnn(w, phi, drive: Tensor, seen: Tensor, state: Tensor, memory: None):
    """Update-gate network of Collins et al. (2017)."""
    gate, candidate = torch.baddbmm(drive, seen, w["recurrent"]).chunk(2, -1)
    gate = torch.sigmoid(gate + FORGET_BIAS)
    return gate * state + (1 - gate) * phi(candidate), None
