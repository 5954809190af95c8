"""Recurrent networks of published models as they run again, also beyond a wall that is removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
import xarray as xr
from torch import Tensor

from nofreelunch.evaluation import rate_maps
from nofreelunch.evaluation.restored import Restored
from nofreelunch.networks.network_stack import NetworkStack
from nofreelunch.networks.shapes import weight_shapes
from nofreelunch.task import targets
from nofreelunch.task.trajectories import random_walk

WALL, BEYOND = 1.1, (2000, 50)  # how far a wall is moved, m; walks and steps there


class Encoders(Restored):
    """Networks that encode their position, as those of the other studies do."""

    def __init__(self, specs: Sequence[Mapping[str, Any]], trained: xr.Dataset) -> None:
        arena = float(trained.attrs["arena"])
        target = targets.build_targets(specs, [spec["seed"] for spec in specs], arena)
        layout = self.layout(specs[0], target.cells)
        weights = {name: torch.from_numpy(trained[f"weight_{name}"].values) for name in layout}
        scale = torch.tensor([float(spec["encoder_scale"]) for spec in specs])[:, None, None]
        self.stack = NetworkStack(specs[0]["cell"], specs[0]["activation"], weights, scale)
        self.target = target.to("cpu", torch.float32)

    def layout(self, spec: Mapping[str, Any], outputs: int) -> Mapping[str, tuple[int, int]]:
        """Shape (inputs, outputs) of every weight by name."""
        return weight_shapes(spec["cell"], spec["units"], outputs)

    def activities(self, walks: xr.Dataset) -> Iterator[tuple[int, Tensor, Tensor]]:
        """As in `Restored`."""
        return rate_maps.activities(self.stack, self.target, walks["position"])

    def decode(self, activity: Tensor) -> Tensor:
        """As in `Restored`: by the decoder of the target."""
        return self.target.decode(self.stack.read_out(activity))


class WithoutWall(Encoders):
    """Recurrent networks, which are also tested beyond a wall."""

    def further(
        self, measured: rate_maps.Measured, longer: xr.Dataset, error: Tensor
    ) -> dict[str, Any]:
        """`error_beyond` (network), m.

        That is the mean error at positions beyond a wall that is moved outwards by `WALL`, by the
        regression that was fitted inside.
        """
        moved = random_walk(*BEYOND, int(longer.attrs["seed"]), measured.arena, WALL)
        apart, count = torch.zeros(len(self.target.cells_of)), 0
        for _, path, activity in self.activities(moved):
            outside = path[:, 1:, 0].transpose(0, 1) > measured.arena / 2
            at = path[:, 1:].transpose(0, 1)[outside]
            found = measured.ridge.predict(activity[:, outside])
            apart += torch.linalg.vector_norm(found - at, dim=-1).sum(1)
            count += len(at)
        return {"error_beyond": ("network", (apart / count).numpy(), {"units": "m"})}


RESTORED = WithoutWall
