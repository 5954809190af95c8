"""Recurrent networks that integrate velocity, batched over networks.

A `Stack` holds networks of one cell type and size; every weight carries a leading `network` axis
and every step is one batched matrix product. Each network starts from a linear image of the target
code of its start position and then sees one displacement per step. `run` returns g, the layer whose
units are analysed: the recurrent state itself for `rnn`, a dense layer after it for the other
cells. With phi the activation, v_t the displacement and p_0 the start code:

    rnn     h_0 = E p_0,  h_t = phi(I v_t + R h_{t-1}),  g = h
    srnn    u = M v + m,  h_t = phi(I u_t + R h_{t-1}),  g = phi(D h + d)
    lstm    u as srnn, sigmoid gates, phi on candidate and output,  g as srnn
    gru     u as srnn, sigmoid gates, the reset gate applied after the recurrent product,  g as srnn
    ugrnn   u as srnn, h_t = z h_{t-1} + (1 - z) phi(c), z = sigmoid(gate + 1),  g as srnn

and outputs O g (+ o); only `rnn` has no biases. Source: the networks of Nayebi et al. (2021) as
Schaeffer, Khona & Fiete (2022) trained them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

WEIGHT_STREAM = 1
GATES = {"rnn": 1, "srnn": 1, "lstm": 4, "gru": 3, "ugrnn": 2}
FORGET_BIAS = 1.0  # lstm; ugrnn adds the same number to its gate
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "linear": lambda x: x,
}


@dataclass
class Stack:
    """Networks of equal tensor shapes.

    Attributes:
        weights: name -> (network, inputs, outputs); biases are (network, 1, outputs).
        encoder_scale: (network, 1, 1), the factor on the start code.
    """

    cell: str
    activation: str
    weights: dict[str, Tensor]
    encoder_scale: Tensor

    def run(self, start: Tensor, velocity: Tensor, recurrent_mask: Tensor | None = None) -> Tensor:
        """Activity g (network, time, sample, unit).

        Args:
            start: target code of the start position, (network, sample, cell).
            velocity: displacement per step in m, (network, time, sample, 2).
            recurrent_mask: factor on the state as the recurrent kernel sees it, (network, sample,
                unit): dropout.
        """
        w, phi = self.weights, ACTIVATIONS[self.activation]
        time, sample = velocity.shape[1:3]
        drive = velocity.flatten(1, 2)
        if self.cell != "rnn":
            drive = torch.baddbmm(w["embedding_bias"], drive, w["embedding"])
        drive = torch.bmm(drive, w["input"])
        if "bias" in w:
            drive = drive + w["bias"]
        state = _linear(w, "encoder", start * self.encoder_scale)
        memory = _linear(w, "memory", start * self.encoder_scale) if self.cell == "lstm" else None
        states = []
        for now in drive.unflatten(1, (time, sample)).unbind(1):
            seen = state if recurrent_mask is None else state * recurrent_mask
            if self.cell == "lstm":
                state, memory = _lstm(w, phi, now, seen, memory)
            else:
                state = _STEPS[self.cell](w, phi, now, seen, state)
            states.append(state)
        states = torch.stack(states, 1)
        if self.cell == "rnn":
            return states
        return phi(_linear(w, "dense", states.flatten(1, 2))).unflatten(1, (time, sample))

    def read_out(self, activity: Tensor) -> Tensor:
        """Outputs (network, ..., cell) of activity g (network, ..., unit)."""
        output = _linear(self.weights, "decoder", activity.flatten(1, -2))
        return output.unflatten(1, activity.shape[1:-1])


def initialize(specs: Sequence[Mapping[str, Any]], outputs: int) -> Stack:
    """Networks with fresh weights, each drawn from its own seed.

    `torch_default` draws every weight and bias from U(-1/sqrt(n), 1/sqrt(n)) with n the inputs of a
    dense layer or the units of a recurrent one. The other initialisers name the distribution of the
    recurrent kernel (all gates in one matrix); dense and input kernels are then Glorot-uniform,
    biases zero, and the LSTM's forget bias one.

    Args:
        specs: one spec per network, equal in cell, activation and units.
        outputs: number of target cells.
    """
    first = specs[0]
    drawn = [_draw(spec, outputs) for spec in specs]
    weights = {k: torch.from_numpy(np.stack([d[k] for d in drawn])).float() for k in drawn[0]}
    scale = torch.tensor([float(spec["encoder_scale"]) for spec in specs])[:, None, None]
    return Stack(first["cell"], first["activation"], weights, scale)


def shapes(cell: str, units: int, outputs: int) -> dict[str, tuple[int, int]]:
    """(inputs, outputs) of every weight of one network; a bias has one input row."""
    gates = GATES[cell] * units
    if cell == "rnn":
        kernels = {"encoder": (outputs, units), "input": (2, units), "recurrent": (units, units)}
        return kernels | {"decoder": (units, outputs)}
    dense = {
        "encoder": (outputs, units),
        "embedding": (2, units),
        "dense": (units, units),
        "decoder": (units, outputs),
    }
    if cell == "lstm":
        dense["memory"] = (outputs, units)
    biases = {f"{name}_bias": (1, shape[1]) for name, shape in dense.items()}
    recurrent = {"input": (units, gates), "recurrent": (units, gates)}
    if cell != "srnn":
        recurrent["bias"] = (1, gates)
    if cell == "gru":
        recurrent["recurrent_bias"] = (1, gates)
    return dense | biases | recurrent


def _draw(spec: Mapping[str, Any], outputs: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng([spec["seed"], WEIGHT_STREAM])
    units, scheme = spec["units"], spec["initializer"]
    layout = shapes(spec["cell"], units, outputs)
    weights = {}
    for name, shape in layout.items():
        if scheme == "torch_default":
            recurrent = name in ("input", "recurrent", "bias", "recurrent_bias")
            kernel = layout[name.removesuffix("_bias")] if not recurrent else (units,)
            bound = 1 / math.sqrt(kernel[0])
            weights[name] = random.uniform(-bound, bound, shape)
        elif name.endswith("bias"):
            weights[name] = np.zeros(shape)
        else:
            weights[name] = _kernel(
                scheme if name == "recurrent" else "glorot_uniform", shape, random
            )
    if spec["cell"] == "lstm" and scheme != "torch_default":
        weights["bias"][:, units : 2 * units] = FORGET_BIAS
    return weights


def _kernel(scheme: str, shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    fan = sum(shape)
    if scheme == "glorot_uniform":
        bound = math.sqrt(6 / fan)
        return random.uniform(-bound, bound, shape)
    if scheme == "glorot_normal":
        return random.normal(0, math.sqrt(2 / fan), shape)
    rows, columns = shape
    q, r = np.linalg.qr(random.normal(size=(max(shape), min(shape))))
    q = q * np.sign(np.diag(r))  # makes the distribution uniform over orthogonal matrices
    return q if rows >= columns else q.T


def _linear(w: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    bias = w.get(f"{name}_bias")
    return torch.bmm(x, w[name]) if bias is None else torch.baddbmm(bias, x, w[name])


# `seen` is the state as the recurrent kernel sees it; the carry of a gated cell is never dropped,
# because one mask for all steps would compound.


def _simple(w, phi, drive: Tensor, seen: Tensor, state: Tensor) -> Tensor:
    return phi(torch.baddbmm(drive, seen, w["recurrent"]))


def _gru(w, phi, drive: Tensor, seen: Tensor, state: Tensor) -> Tensor:
    update, reset, candidate = drive.chunk(3, -1)
    from_state = torch.baddbmm(w["recurrent_bias"], seen, w["recurrent"]).chunk(3, -1)
    update = torch.sigmoid(update + from_state[0])
    candidate = phi(candidate + torch.sigmoid(reset + from_state[1]) * from_state[2])
    return update * state + (1 - update) * candidate


def _ugrnn(w, phi, drive: Tensor, seen: Tensor, state: Tensor) -> Tensor:
    gate, candidate = torch.baddbmm(drive, seen, w["recurrent"]).chunk(2, -1)
    gate = torch.sigmoid(gate + FORGET_BIAS)
    return gate * state + (1 - gate) * phi(candidate)


def _lstm(w, phi, drive: Tensor, seen: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    entry, forget, candidate, exit_ = torch.baddbmm(drive, seen, w["recurrent"]).chunk(4, -1)
    memory = torch.sigmoid(forget) * memory + torch.sigmoid(entry) * phi(candidate)
    return torch.sigmoid(exit_) * phi(memory), memory


_STEPS = {"rnn": _simple, "srnn": _simple, "gru": _gru, "ugrnn": _ugrnn}
