"""The LSTM of Sorscher, Mel, Ganguli & Ocko, "A unified theory for the origin of grid cells through
the lens of pattern formation" (NeurIPS 2019; Neuron 2023).

It differs from the talk's LSTM in its weights alone. There is no embedding, so that velocity enters
the LSTM itself. The layer after it, whose units are analysed, has a size of its own and no bias:

    h_0 = E p_0,  c_0 = M p_0,  h_t = LSTM(v_t, h_{t-1}),  g = phi(D h_t)

for the start code p_0, the displacement v_t and the activation phi, which is also inside the LSTM.
The outputs are O g.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from nofreelunch import seeds
from nofreelunch.networks.cells import FORGET_BIAS
from nofreelunch.networks.network_stack import NetworkStack


def weight_shapes(spec: Mapping[str, Any], outputs: int) -> dict[str, tuple[int, int]]:
    """Shape (inputs, outputs) of every weight of one network by name; a bias has one input row."""
    hidden, units = spec["lstm_units"], spec["units"]
    return {
        "encoder": (outputs, hidden),
        "memory": (outputs, hidden),
        "input": (2, 4 * hidden),
        "recurrent": (hidden, 4 * hidden),
        "bias": (1, 4 * hidden),
        "dense": (hidden, units),
        "decoder": (units, outputs),
    }


def initialize(specs: Sequence[Mapping[str, Any]], outputs: Sequence[int]) -> NetworkStack:
    """Networks with initial weights, each network's drawn from its own seed.

    All kernels are Glorot-uniform, as those of the paper's library are unless told otherwise, and
    biases are zero but for the forget gate's, which is one. Networks of a stack have equal sizes.
    """
    drawn = [_draw(spec, cells) for spec, cells in zip(specs, outputs, strict=True)]
    weights = {k: torch.from_numpy(np.stack([d[k] for d in drawn])).float() for k in drawn[0]}
    scale = torch.tensor([float(spec["encoder_scale"]) for spec in specs])[:, None, None]
    return NetworkStack("lstm", specs[0]["activation"], weights, scale)


def _draw(spec: Mapping[str, Any], outputs: int) -> dict[str, np.ndarray]:
    random = seeds.generator(spec["seed"], seeds.WEIGHTS)
    weights = {}
    for name, shape in weight_shapes(spec, outputs).items():
        bound = (6 / sum(shape)) ** 0.5
        weights[name] = random.uniform(-bound, bound, shape) if name != "bias" else np.zeros(shape)
    weights["bias"][:, spec["lstm_units"] : 2 * spec["lstm_units"]] = FORGET_BIAS
    return weights
