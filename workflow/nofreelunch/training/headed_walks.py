"""Walks with headings that networks of published models are trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from nofreelunch import seeds
from nofreelunch.errors import refused


class HeadedWalks:
    """A pool of walks with headings, on a device.

    Attributes:
        position: (walk, time + 1, axis), m.
        heading: (walk, time) or (walk, time + 1), rad, as walked.
        arena: side of the square around the arena, m.
        provenance: what trained networks record of it.
    """

    def __init__(
        self, walks: xr.Dataset, specs: Sequence[Mapping[str, Any]], device: torch.device
    ) -> None:
        steps, length = walks.sizes["step"], max(spec["sequence_length"] for spec in specs)
        if length > steps:
            raise refused("sequence_length", f"{length}", f"at most {steps}, as walked")
        dropped = steps - length
        position, heading = (
            walks[name].values[:, : walks[name].shape[1] - dropped]
            for name in ("position", "heading")
        )
        self.position = torch.from_numpy(position).to(device)
        self.heading = torch.from_numpy(heading).to(device)
        self.arena = float(walks.attrs["arena"])
        content = hashlib.sha256(np.ascontiguousarray(position).data)
        self.provenance = {
            "arena": self.arena,
            "pool_seed": int(walks.attrs["seed"]),
            "pool_trajectories": walks.sizes["trajectory"],
            "pool_content": content.hexdigest()[:16],
        }

    def minibatch(self, specs: Sequence[Mapping[str, Any]], step: int) -> tuple[Tensor, Tensor]:
        """Positions (network, time + 1, sample, axis), m, and headings, for an update.

        Each network draws its own walks.
        """
        drawn = [
            seeds.generator(spec["seed"], seeds.MINIBATCHES, step).integers(
                len(self.position), size=spec["batch_size"]
            )
            for spec in specs
        ]
        index = torch.from_numpy(np.stack(drawn)).to(self.position.device)
        return self.position[index].transpose(1, 2), self.heading[index].transpose(1, 2)
