"""A stack of recurrent networks that run side by side: weights have a leading `network` axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from nofreelunch.networks.cells import STEPS
from nofreelunch.networks.fused_lstm import fused_lstm
from nofreelunch.networks.recurrence import SimpleRecurrence
from nofreelunch.networks.shapes import cells

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "linear": lambda x: x,
}


@dataclass
class NetworkStack:
    """Networks of one cell type and size that integrate velocity, side by side.

    Each network starts from a linear image of the target code of its start position. It then
    receives one displacement per time step, and a batched matrix product advances all networks at
    once. `run` returns g, the layer whose units are analysed: for `rnn` the recurrent state, for
    other cells a dense layer after it. With activation phi, displacement v_t and start code p_0:

        rnn     h_0 = E p_0,  h_t = phi(I v_t + R h_{t-1}),  g = h
        srnn    h_0 = E p_0 + e,  u = M v + m,  h_t = phi(I u_t + R h_{t-1}),  g = phi(D h + d)
        lstm    as srnn, with sigmoid gates, and phi on candidate and output
        gru     as srnn, with sigmoid gates, the reset gate after the recurrent product
        ugrnn   as srnn, with h_t = z h_{t-1} + (1 - z) phi(c), z = sigmoid(gate + 1)
        feedforward  u = M x + m,  h_t = phi(I u_t + b),  g = phi(D h + d), with position x_t

    The outputs are O g + o; `rnn` has no biases. Source: the networks of Nayebi et al. (2021) as
    trained by Schaeffer, Khona & Fiete (2022).

    Attributes:
        cell: name of the cell.
        activation: name of phi, a key of `ACTIVATIONS`.
        weights: by name, (network, inputs, outputs); biases are (network, 1, outputs).
        encoder_scale: factor on the start code, (network, 1, 1).
    """

    cell: str
    activation: str
    weights: dict[str, Tensor]
    encoder_scale: Tensor

    @property
    def dtype(self) -> torch.dtype:
        """Floating type of the weights and of all that the networks compute."""
        return self.weights["decoder"].dtype

    def to(self, dtype: torch.dtype) -> NetworkStack:
        """The same networks in another floating type. Gradients flow back to these weights."""
        weights = {name: weight.to(dtype) for name, weight in self.weights.items()}
        return NetworkStack(self.cell, self.activation, weights, self.encoder_scale.to(dtype))

    def inputs_of(self, position: Tensor) -> Tensor:
        """What the networks receive at each time step, (..., time, sample, 2), m.

        Displacements, or positions where the cell has no recurrence. `position` (..., time + 1,
        sample, 2) begins with the start.
        """
        after = position[..., 1:, :, :]
        return after - position[..., :-1, :, :] if cells()[self.cell].recurrent else after

    def run(
        self,
        start: Tensor,
        inputs: Tensor,
        recurrent_mask: Tensor | None = None,
        ended: Tensor | None = None,
    ) -> Tensor:
        """Activity g (network, time, sample, unit).

        Args:
            start: target code of the start position, (network, sample, cell).
            inputs: those of `inputs_of`, (network, time, sample, 2).
            recurrent_mask: dropout factor on the state that the recurrent kernel sees, (network,
                sample, unit).
            ended: (network, time), True after a network's sequence. Its state is zero there, so
                that it cannot overflow.
        """
        w, phi = self.weights, ACTIVATIONS[self.activation]
        time, sample = inputs.shape[1:3]
        start, inputs = start.to(self.dtype), inputs.to(self.dtype)
        if recurrent_mask is not None:
            recurrent_mask = recurrent_mask.to(self.dtype)
        if "embedding" in w:
            inputs = torch.baddbmm(w["embedding_bias"], inputs.flatten(1, 2), w["embedding"])
            inputs = inputs.unflatten(1, (time, sample))
        state = None
        if cells()[self.cell].recurrent:
            state = _linear(w, "encoder", start * self.encoder_scale)
        else:
            recurrent_mask = None
        if cells()[self.cell].by_hand:
            states = SimpleRecurrence.apply(
                inputs, w["input"], state, w["recurrent"], recurrent_mask, self.activation, ended
            )
        else:
            states = self._run_cell(inputs, state, start, recurrent_mask, ended)
        if cells()[self.cell].bare:
            return states
        return phi(_linear(w, "dense", states.flatten(1, 2))).unflatten(1, (time, sample))

    def _run_cell(self, inputs, state, start, recurrent_mask, ended) -> Tensor:
        w, phi, step = self.weights, ACTIVATIONS[self.activation], STEPS[self.cell]
        memory = _linear(w, "memory", start * self.encoder_scale) if "memory" in w else None
        plain = recurrent_mask is None and ended is None and inputs.device.type == "cpu"
        if plain and (self.cell, self.activation) == ("lstm", "tanh"):
            assert state is not None and memory is not None
            return fused_lstm(inputs, state, memory, w["input"], w["recurrent"], w["bias"])
        drive = _product(w, "input", "bias", inputs.flatten(1, 2))
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
        """Outputs (network, ..., cell) for activity g (network, ..., unit)."""
        output = _linear(self.weights, "decoder", activity.flatten(1, -2).to(self.dtype))
        return output.unflatten(1, activity.shape[1:-1])


def _linear(w: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    return _product(w, name, f"{name}_bias", x)


def _product(w: Mapping[str, Tensor], kernel: str, bias: str, x: Tensor) -> Tensor:
    """x times a kernel, plus a bias if there is one of that name."""
    return torch.baddbmm(w[bias], x, w[kernel]) if bias in w else torch.bmm(x, w[kernel])
