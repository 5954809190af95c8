"""The networks of Nayebi et al., "Explaining heterogeneity in medial entorhinal cortex with
task-driven neural networks" (NeurIPS 2021).

They are the three-layer networks of `NetworkStack`: an embedding, a cell, and a dense layer whose
units g are analysed. Two variants differ in what they are trained on:

    cue     u = M [v_t; d_t] + m, where d_t are the distances from five zones of the arena
    reward  most walks of training go to a reward zone and stay there; see `task.reward_walks`

The reward itself enters no network.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nofreelunch import seeds
from nofreelunch.networks import initialize as initial
from nofreelunch.networks import shapes
from nofreelunch.networks.network_stack import NetworkStack

# Square cue zones: x and y of the centre, and side, m.
ZONES = (
    (0.0, 0.0, 0.3),
    (0.35, 0.35, 0.2),
    (-0.3, -0.3, 0.1),
    (0.6, 0.5, 0.1),
    (-0.7, -0.6, 0.06),
)
WITH_CUES = 2  # of so many walks, one has cues


def cue_distances(position: Tensor) -> Tensor:
    """Distance (..., 5), m, of positions (..., 2) from each of the `ZONES`; 0 inside."""
    zones = torch.tensor(ZONES, dtype=position.dtype, device=position.device)
    apart = (position[..., None, :] - zones[:, :2]).abs() - zones[:, 2:] / 2
    return torch.linalg.vector_norm(apart.clamp_min(0), dim=-1)


@dataclass
class CuedStack(NetworkStack):
    """Three-layer networks that also receive the distances from the cue zones.

    Every second walk of a batch has cues. Distances are those before the step; they are zero on
    walks without cues.
    """

    def inputs_of(self, position: Tensor) -> Tensor:
        """As in `NetworkStack`: displacements, and after them the distances, m."""
        cued = torch.arange(position.shape[-2], device=position.device) % WITH_CUES == 0
        distances = cue_distances(position[..., :-1, :, :]) * cued[:, None]
        return torch.cat([super().inputs_of(position), distances], -1)


def weight_shapes(spec: Mapping[str, Any], outputs: int) -> dict[str, tuple[int, int]]:
    """Shape (inputs, outputs) of every weight of one network by name."""
    layout = shapes.weight_shapes(spec["cell"], spec["units"], outputs)
    if spec["variant"] == "cue":
        layout["embedding"] = (2 + len(ZONES), spec["units"])
    return layout


def stacked(stack: NetworkStack, variant: str) -> NetworkStack:
    """The networks as those of a variant; the stacks share their weights."""
    return CuedStack(**vars(stack)) if variant == "cue" else stack


def initialize(specs: Sequence[Mapping[str, Any]], outputs: Sequence[int]) -> NetworkStack:
    """Networks with initial weights, each network's drawn from its own seed.

    Kernels are those of `networks.initialize`; a larger embedding is Glorot-uniform as well.
    """
    stack = initial.initialize(specs, outputs)
    rows, columns = weight_shapes(specs[0], 1)["embedding"]
    if rows != stack.weights["embedding"].shape[1]:
        bound = math.sqrt(6 / (rows + columns))
        drawn = [
            seeds.generator(spec["seed"], seeds.WEIGHTS, 1).uniform(-bound, bound, (rows, columns))
            for spec in specs
        ]
        stack.weights["embedding"] = torch.stack([torch.from_numpy(d).float() for d in drawn])
    return stacked(stack, specs[0]["variant"])
