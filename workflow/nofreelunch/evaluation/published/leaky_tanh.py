"""The networks of Cueva & Wei as they run again, with noise of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from nofreelunch.evaluation.rate_maps import Measured
from nofreelunch.evaluation.restored import Restored
from nofreelunch.networks.published import cueva_wei

SAMPLES = 20_000  # that are run at once: walks times steps
AT_EVALUATION = 2**40  # number of the first block of noise, beyond those of training
SINCE_WALL = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)  # steps; edges of bins


class LeakyTanh(Restored):
    """Leaky tanh networks with fresh noise."""

    def __init__(self, specs: Sequence[Mapping[str, Any]], trained: xr.Dataset) -> None:
        layout = cueva_wei.weight_shapes(specs[0]["units"], specs[0]["angle"])
        weights = {name: torch.from_numpy(trained[f"weight_{name}"].values) for name in layout}
        noise = torch.tensor([float(spec["noise"]) for spec in specs])[:, None, None]
        self.networks = cueva_wei.LeakyNetworks(weights, noise)
        self.specs = specs

    def activities(self, walks: xr.Dataset) -> Iterator[tuple[int, Tensor, Tensor]]:
        """As in `Restored`; each chunk of walks has noise of its own."""
        scale, angle = float(walks.attrs["mean_step"]), self.specs[0]["angle"]
        steps, seed = walks.sizes["step"], int(walks.attrs["seed"])
        size = max(1, SAMPLES // steps)
        for first in range(0, walks.sizes["trajectory"], size):
            chunk = walks.isel(trajectory=slice(first, first + size))
            path = torch.from_numpy(chunk["position"].values)
            heading = torch.from_numpy(chunk["heading"].values)
            velocity = (path[:, 1:] - path[:, :-1]).transpose(0, 1)
            inputs = cueva_wei.inputs_of(velocity, heading.T, scale, angle)
            inputs = inputs.expand(len(self.specs), -1, -1, -1).contiguous()
            block = AT_EVALUATION * (1 + seed) + first
            drawn = cueva_wei.noise_of(self.specs, block, inputs)
            yield first, path, self.networks.run(inputs, drawn)

    def decode(self, activity: Tensor) -> Tensor:
        """As in `Restored`: the outputs are positions."""
        return self.networks.read_out(activity) * cueva_wei.OUTPUT_UNIT

    def further(self, measured: Measured, longer: xr.Dataset, error: Tensor) -> dict[str, Any]:
        """`error_by_step` (network, step) and `error_since_wall` (network, since), m.

        These are the mean errors so many steps after the start, and so many steps or more after a
        wall last turned the animal.
        """
        distance = error.numpy()
        since = since_wall(longer["wall"].values.T)
        bins = np.digitize(since, SINCE_WALL) - 1  # -1 before the first wall
        chosen = [distance[:, bins == k] for k in range(len(SINCE_WALL))]
        means = [e.mean(1) if e.shape[1] else np.full(len(distance), np.nan) for e in chosen]
        return {
            "error_by_step": (("network", "step"), distance.mean(2), {"units": "m"}),
            "error_since_wall": (("network", "since"), np.stack(means, 1), {"units": "m"}),
            "since": ("since", list(SINCE_WALL), {"units": "steps"}),
        }


def since_wall(wall: np.ndarray) -> np.ndarray:
    """Steps (step, walk) since a wall last turned the animal; -1 before the first time.

    `wall` (step, walk) says whether it did.
    """
    since = np.full(wall.shape, -1)
    last = np.full(wall.shape[1], -1)
    for step, touched in enumerate(wall):
        last[touched] = step
        since[step] = np.where(last >= 0, step - last, -1)
    return since


RESTORED = LeakyTanh
