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

from nofreelunch.cells import FORGET_BIAS, STEPS
from nofreelunch.costs import GATES, shapes
from nofreelunch.recurrence import SimpleRecurrence

__all__ = ["ACTIVATIONS", "GATES", "Stack", "initialize", "shapes"]

WEIGHT_STREAM = 1
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

    @property
    def dtype(self) -> torch.dtype:
        """Floating type of the weights, in which the networks run."""
        return self.weights["recurrent"].dtype

    def to(self, dtype: torch.dtype) -> Stack:
        """The same networks in another floating type; gradients flow back to these weights."""
        weights = {name: weight.to(dtype) for name, weight in self.weights.items()}
        return Stack(self.cell, self.activation, weights, self.encoder_scale.to(dtype))

    def run(
        self,
        start: Tensor,
        velocity: Tensor,
        recurrent_mask: Tensor | None = None,
        ended: Tensor | None = None,
    ) -> Tensor:
        """Activity g (network, time, sample, unit).

        Args:
            start: target code of the start position, (network, sample, cell).
            velocity: displacement per step in m, (network, time, sample, 2).
            recurrent_mask: factor on the state as the recurrent kernel sees it, (network, sample,
                unit): dropout.
            ended: (network, time), the steps after a network's sequence; the state is zero there,
                so that it cannot overflow.
        """
        w, phi = self.weights, ACTIVATIONS[self.activation]
        time, sample = velocity.shape[1:3]
        start, velocity = start.to(self.dtype), velocity.to(self.dtype)
        if recurrent_mask is not None:
            recurrent_mask = recurrent_mask.to(self.dtype)
        inputs = velocity
        if self.cell != "rnn":
            inputs = torch.baddbmm(w["embedding_bias"], inputs.flatten(1, 2), w["embedding"])
            inputs = inputs.unflatten(1, (time, sample))
        state = _linear(w, "encoder", start * self.encoder_scale)
        if self.cell in ("rnn", "srnn"):
            states = SimpleRecurrence.apply(
                inputs, w["input"], state, w["recurrent"], recurrent_mask, self.activation, ended
            )
        else:
            states = self._run_gated(inputs, state, start, recurrent_mask, ended)
        if self.cell == "rnn":
            return states
        return phi(_linear(w, "dense", states.flatten(1, 2))).unflatten(1, (time, sample))

    def _run_gated(self, inputs, state, start, recurrent_mask, ended) -> Tensor:
        w, phi, step = self.weights, ACTIVATIONS[self.activation], STEPS[self.cell]
        drive = torch.baddbmm(w["bias"], inputs.flatten(1, 2), w["input"])
        memory = _linear(w, "memory", start * self.encoder_scale) if "memory" in w else None
        states = []
        for t, now in enumerate(drive.unflatten(1, inputs.shape[1:3]).unbind(1)):
            seen = state if recurrent_mask is None else state * recurrent_mask
            state, memory = step(w, phi, now, seen, state, memory)
            if ended is not None:
                over = ended[:, t, None, None]
                state = state.masked_fill(over, 0.0)
                memory = None if memory is None else memory.masked_fill(over, 0.0)
            states.append(state)
        return torch.stack(states, 1)

    def read_out(self, activity: Tensor) -> Tensor:
        """Outputs (network, ..., cell) of activity g (network, ..., unit)."""
        output = _linear(self.weights, "decoder", activity.flatten(1, -2).to(self.dtype))
        return output.unflatten(1, activity.shape[1:-1])


def initialize(specs: Sequence[Mapping[str, Any]], outputs: int | Sequence[int]) -> Stack:
    """Networks with fresh weights, each drawn from its own seed.

    `torch_default` draws every weight and bias from U(-1/sqrt(n), 1/sqrt(n)) with n the inputs of a
    dense layer or the units of a recurrent one. The other initialisers name the distribution of the
    recurrent kernel (all gates in one matrix); dense and input kernels are then Glorot-uniform,
    biases zero, and the LSTM's forget bias one.

    Args:
        specs: one spec per network, equal in cell, activation and units.
        outputs: number of target cells, of all networks or of each. Weights of cells that a
            network lacks are zero; they stay so, for a code is zero there.

    Raises:
        ValueError: for networks of several cells, activations or sizes, or for none.
    """
    for key in ("cell", "activation", "units"):
        if len(found := {spec[key] for spec in specs}) != 1:
            raise ValueError(f"{key}: the networks of a stack share one, found {sorted(found)}")
    first = specs[0]
    counts = [outputs] * len(specs) if isinstance(outputs, int) else list(outputs)
    drawn = [_draw(spec, count) for spec, count in zip(specs, counts, strict=True)]
    weights = {
        name: torch.from_numpy(np.stack([_padded(d[name], shape) for d in drawn])).float()
        for name, shape in shapes(first["cell"], first["units"], max(counts)).items()
    }
    scale = torch.tensor([float(spec["encoder_scale"]) for spec in specs])[:, None, None]
    return Stack(first["cell"], first["activation"], weights, scale)


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


def _padded(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    more = [(0, size - found) for size, found in zip(shape, values.shape, strict=True)]
    return np.pad(values, more)


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
