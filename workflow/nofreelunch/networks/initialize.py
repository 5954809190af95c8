"""Initial weights of networks, drawn from each network's own seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from nofreelunch import seeds
from nofreelunch.errors import refused
from nofreelunch.networks.cells import FORGET_BIAS
from nofreelunch.networks.network_stack import NetworkStack
from nofreelunch.networks.shapes import cells, kernel_between_units, weight_shapes


def initialize(specs: Sequence[Mapping[str, Any]], outputs: int | Sequence[int]) -> NetworkStack:
    """A stack of networks with initial weights, each network's drawn from its own seed.

    The initialiser `torch_default` draws every weight and bias from U(-1/sqrt(n), 1/sqrt(n)), where
    n is the number of inputs of a dense layer, or of units of a recurrent one. Every other
    initialiser names the distribution of the recurrent kernel, with all gates in one matrix. Dense
    and input kernels are then Glorot-uniform, the LSTM's forget bias is one, and other biases zero.
    A cell without a recurrence has the named distribution in its input kernel.

    Args:
        specs: one spec per network, equal in cell, activation and units.
        outputs: number of target cells, for all networks or for each. Weights of cells that a
            network lacks are zero. They stay zero, because codes are zero there.

    Raises:
        ValueError: for networks of several cells, activations or sizes, or for no networks.
    """
    for key in ("cell", "activation", "units"):
        if len(found := {spec[key] for spec in specs}) != 1:
            raise refused(
                key, ", ".join(map(str, sorted(found))), "one for all networks of a stack"
            )
    first = specs[0]
    counts = [outputs] * len(specs) if isinstance(outputs, int) else list(outputs)
    drawn = [_draw(spec, count) for spec, count in zip(specs, counts, strict=True)]
    weights = {
        name: torch.from_numpy(np.stack([_padded(d[name], shape) for d in drawn])).float()
        for name, shape in weight_shapes(first["cell"], first["units"], max(counts)).items()
    }
    scale = torch.tensor([float(spec["encoder_scale"] or 0) for spec in specs])[:, None, None]
    return NetworkStack(first["cell"], first["activation"], weights, scale)


def _draw(spec: Mapping[str, Any], outputs: int) -> dict[str, np.ndarray]:
    random = seeds.generator(spec["seed"], seeds.WEIGHTS)
    units, scheme = spec["units"], spec["initializer"]
    layout = weight_shapes(spec["cell"], units, outputs)
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
            named = name == kernel_between_units(layout)
            weights[name] = _kernel(scheme if named else "glorot_uniform", shape, random)
    gate = cells()[spec["cell"]].forget_gate
    if gate is not None and scheme != "torch_default":
        weights["bias"][:, gate * units : (gate + 1) * units] = FORGET_BIAS
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
    q = q * np.sign(np.diag(r))  # makes the draw uniform over orthogonal matrices
    return q if rows >= columns else q.T
