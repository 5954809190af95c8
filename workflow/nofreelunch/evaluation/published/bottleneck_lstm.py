"""The networks of Banino et al. as they run again, and how many units they call grid-like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from nofreelunch.evaluation.rate_maps import BinnedActivity, Measured
from nofreelunch.evaluation.restored import Restored
from nofreelunch.networks.published import banino
from nofreelunch.scoring import ring_radii
from nofreelunch.scoring.grid_scores import DEFINITIONS
from nofreelunch.task import targets
from nofreelunch.task.head_directions import HeadDirections

SAMPLES = 50_000  # that are run at once: walks times steps


class BottleneckLSTMs(Restored):
    """LSTMs with a linear bottleneck. Nothing is dropped here; the released code still drops."""

    def __init__(self, specs: Sequence[Mapping[str, Any]], trained: xr.Dataset) -> None:
        first, drawn = specs[0], [spec["seed"] for spec in specs]
        arena = float(trained.attrs["arena"])
        layout = banino.weight_shapes(first)
        weights = {name: torch.from_numpy(trained[f"weight_{name}"].values) for name in layout}
        self.networks, self.specs = banino.BottleneckNetworks(weights), specs
        self.target = targets.build_targets(specs, drawn, arena).to("cpu", torch.float32)
        self.directions = HeadDirections(drawn, first["direction_cells"], first["concentration"])
        self.binned = {
            layer: BinnedActivity(len(specs), first[layer], ring_radii.SIDE, arena)
            for layer in ("units", "lstm_units")
        }

    def activities(self, walks: xr.Dataset) -> Iterator[tuple[int, Tensor, Tensor]]:
        """As in `Restored`, of the bottleneck.

        Walks of training's length also go into the maps of both layers with the paper's bins.
        """
        mapped = walks.sizes["step"] == self.specs[0]["sequence_length"]
        size, count = max(1, SAMPLES // walks.sizes["step"]), len(self.specs)
        for first in range(0, walks.sizes["trajectory"], size):
            chunk = walks.isel(trajectory=slice(first, first + size))
            path, heading = (torch.from_numpy(chunk[k].values) for k in ("position", "heading"))
            everyone = path[:, 0].expand(count, -1, -1)
            at_start = self.directions.encode(heading[:, 0].expand(count, -1))
            start = torch.cat([self.target.encode(everyone), at_start], -1)
            step = float(walks.attrs["time_step"])
            inputs = banino.inputs_of(path.transpose(0, 1), heading.T, step)
            states, activity = self.networks.run(start, inputs.expand(count, -1, -1, -1))
            if mapped:
                self.binned["units"].add(path, activity)
                self.binned["lstm_units"].add(path, states)
            yield first, path, activity

    def decode(self, activity: Tensor) -> Tensor:
        """As in `Restored`: the mean of the centres of the three most active place cells.

        The paper does not say how it decodes.
        """
        return self.target.decode(self.networks.read_out(activity)[0])

    def further(self, measured: Measured, longer: xr.Dataset, error: Tensor) -> dict[str, Any]:
        """Shares of grid-like units by inner radius, and `error_by_step` (network, step), m.

        `grid_like_by_radius` (network, definition, criterion, inner_radius) is of the bottleneck,
        by each criterion of `grid_like_units`. `lstm_grid_like_by_radius` (network, definition,
        inner_radius) is of the LSTM, by the fixed score.
        """
        shares: dict[str, list[np.ndarray]] = {"units": [], "lstm_units": []}
        criteria = {"units": ring_radii.CRITERIA, "lstm_units": (ring_radii.FIXED,)}
        for layer, binned in self.binned.items():
            for place, spec in enumerate(self.specs):
                maps = binned.mean(slice(place, place + 1))[0]
                maps = np.where(np.isfinite(maps), maps, np.nan)  # of a network that diverged
                passed = ring_radii.grid_like_units(maps, spec["seed"], criteria[layer])
                shares[layer].append(passed.mean(axis=-1))
        dims = ("network", "definition", "criterion", "inner_radius")
        lstm = np.stack(shares["lstm_units"])[:, :, 0]
        return {
            "grid_like_by_radius": (dims, np.stack(shares["units"])),
            "lstm_grid_like_by_radius": (("network", "definition", "inner_radius"), lstm),
            "error_by_step": (("network", "step"), error.mean(2).numpy(), {"units": "m"}),
            "definition": ("definition", list(DEFINITIONS)),
            "criterion": ("criterion", list(ring_radii.CRITERIA)),
            "inner_radius": ("inner_radius", list(ring_radii.INNER_RADII), {"units": "bins"}),
        }


RESTORED = BottleneckLSTMs
