"""The networks of Banino et al., "Vector-based navigation using grid-like representations in
artificial agents" (Nature 2018), without the agent.

An LSTM receives speed and turns, and reports the activity of place cells and head-direction cells
through a linear bottleneck. Dropout of the bottleneck is said to be needed for grid-like units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.stats
import torch
from torch import Tensor

from nofreelunch import seeds
from nofreelunch.networks.fused_lstm import fused_lstm

INPUTS = 3  # speed, and sine and cosine of the turn
FORGET_BIAS = 1.0
HEADS = ("place", "place_bias", "direction", "direction_bias")  # all weights after the dropout


@dataclass
class BottleneckNetworks:
    """LSTMs with a linear bottleneck, side by side.

    With the code p_0 of the place cells and d_0 of the head-direction cells at the start, and
    inputs v_t:

        h_0 = E [p_0; d_0],  c_0 = M [p_0; d_0],  h_t, c_t = LSTM(v_t, h_{t-1}, c_{t-1})
        g_t = B h_t + b,  place cells: P g_t + p,  head-direction cells: D g_t + d

    The first layer has no bias, as in the paper. Codes of place cells sum to one, so that a bias,
    which the released code has, can be absorbed into E and M. A bottleneck of more units than the
    LSTM has, as in the paper, holds linear combinations of these.

    Attributes:
        weights: by name, (network, inputs, outputs): `encoder` E, `memory` M, `input`, `recurrent`
            and `bias` of the LSTM, `bottleneck` B, `bottleneck_bias` b unless it has none, `place`
            P and `place_bias` p, `direction` D and `direction_bias` d.
    """

    weights: Mapping[str, Tensor]

    def run(
        self, start: Tensor, inputs: Tensor, times: slice = slice(None)
    ) -> tuple[Tensor, Tensor]:
        """States h and activity g of the bottleneck, (network, time, sample, unit).

        Args:
            start: codes [p_0; d_0], (network, sample, cell).
            inputs: (network, time, sample, 3), from `inputs_of`.
            times: the time steps that are returned; all if not given.
        """
        w = self.weights
        state, memory = torch.bmm(start, w["encoder"]), torch.bmm(start, w["memory"])
        states = fused_lstm(inputs, state, memory, w["input"], w["recurrent"], w["bias"])[:, times]
        activity = torch.bmm(states.flatten(1, 2), w["bottleneck"])
        if "bottleneck_bias" in w:
            activity = activity + w["bottleneck_bias"]
        return states, activity.unflatten(1, states.shape[1:3])

    def read_out(self, activity: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs (network, ..., cell) for place cells and for head-direction cells."""
        flat, w = activity.flatten(1, -2), self.weights
        heads = [
            torch.baddbmm(w[f"{name}_bias"], flat, w[name]).unflatten(1, activity.shape[1:-1])
            for name in ("place", "direction")
        ]
        return heads[0], heads[1]


def inputs_of(position: Tensor, heading: Tensor, time_step: float) -> Tensor:
    """What a network receives (..., time, sample, 3): speed, and sine and cosine of the turn.

    Speed, m/s, and turn are those between two moments.

    Args:
        position: (..., time + 1, sample, 2), m.
        heading: (..., time + 1, sample), rad.
        time_step: between two moments, s.
    """
    moved = torch.linalg.vector_norm(position.diff(dim=-3), dim=-1) / time_step
    turn = heading.diff(dim=-2)
    return torch.stack([moved, turn.sin(), turn.cos()], -1)


def dropout_factors(
    specs: Sequence[Mapping[str, Any]], step: int, shape: tuple[int, ...]
) -> Tensor | None:
    """Factors (network, *shape) on the bottleneck at a step: 0, or 1 / (1 - rate).

    None where no network drops units. Each network's come from its own seed.
    """
    if not any(spec["dropout"] for spec in specs):
        return None
    factors = torch.ones(len(specs), *shape)
    for factor, spec in zip(factors, specs, strict=True):
        if rate := spec["dropout"]:
            random = seeds.generator(spec["seed"], seeds.DROPOUT, step)
            kept = torch.from_numpy(random.random(shape, dtype=np.float32)) >= rate
            torch.div(kept, 1 - rate, out=factor)
    return factors


def weight_shapes(spec: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Shape (inputs, outputs) of every weight of one network by name; a bias has one input row."""
    hidden, units = spec["lstm_units"], spec["units"]
    place, direction = spec["place_cells"], spec["direction_cells"]
    bottleneck = {"bottleneck": (hidden, units)}
    if spec["bottleneck_bias"]:
        bottleneck["bottleneck_bias"] = (1, units)
    return {
        "encoder": (place + direction, hidden),
        "memory": (place + direction, hidden),
        "input": (INPUTS, 4 * hidden),
        "recurrent": (hidden, 4 * hidden),
        "bias": (1, 4 * hidden),
        **bottleneck,
        "place": (units, place),
        "place_bias": (1, place),
        "direction": (units, direction),
        "direction_bias": (1, direction),
    }


def initialize(specs: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
    """Initial weights, each network's drawn from its own seed.

    Kernels are normal, cut at two standard deviations, which are 1 / sqrt(inputs); an LSTM's inputs
    are the network's and its own state together. Biases are zero but for the forget gate's, which
    is one.
    """
    drawn = [_draw(spec) for spec in specs]
    return {k: torch.from_numpy(np.stack([d[k] for d in drawn])).float() for k in drawn[0]}


def _draw(spec: Mapping[str, Any]) -> dict[str, np.ndarray]:
    random, hidden = seeds.generator(spec["seed"], seeds.WEIGHTS), spec["lstm_units"]
    weights = {}
    for name, shape in weight_shapes(spec).items():
        inputs = INPUTS + hidden if name in ("input", "recurrent") else shape[0]
        kernel = scipy.stats.truncnorm.rvs(-2, 2, size=shape, random_state=random)
        weights[name] = np.zeros(shape) if name.endswith("bias") else kernel / inputs**0.5
    weights["bias"][:, hidden : 2 * hidden] = FORGET_BIAS
    return weights
