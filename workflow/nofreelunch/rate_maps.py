"""Rate maps of trained networks on held-out trajectories, and how well position can be read out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from nofreelunch import networks, spatial, targets
from nofreelunch.binning import bin_count
from nofreelunch.datasets import DatasetError

HORIZONS = (20, 50)  # steps; the published networks are trained on the first, tested on the second
DECODED_TRAJECTORIES = 1000  # enough for a standard error of 0.1 cm; several fields decode slowly
RIDGE = 1e-4  # penalty in units of the mean squared activity, as small as float32 activity allows
CHUNK_BYTES = 2**27


def measure(trained: xr.Dataset, evaluation: xr.Dataset, bin_size: float) -> xr.Dataset:
    """Rate maps and position errors of a trained cohort.

    Args:
        trained: what `training.train` returned.
        evaluation: trajectories that were not trained on, `position` (trajectory, time, axis) in m.
        bin_size: side of a bin in m; a whole number of bins must fill the arena.

    Returns:
        `rate_map` (network, unit, y, x), the mean activity per bin, NaN in unvisited bins;
        `occupancy` (y, x), samples per bin; `stability` (network, unit), the correlation of the
        maps of the first and the second half of the trajectories (`spatial.stability`), NaN for a
        network of infinite rates; `position_error` (network, horizon) in m, the mean distance of
        the target's own decoder over the first `horizon` steps; `ridge_error` (network) in m, the
        same over all steps for a ridge regression from all units to position, fitted on the first
        half of the trajectories and tested on the second: one decoder for all targets.

    Raises:
        ValueError: where bins do not fill the arena, or the arenas of the inputs differ.
    """
    arena = float(evaluation.attrs["arena"])
    if arena != float(trained.attrs["arena"]):
        raise ValueError(f"arena: trained in {trained.attrs['arena']} m, evaluated in {arena} m")
    bins = bin_count(arena, bin_size)
    specs, stack, target = restore(trained)
    position = evaluation["position"]
    units = stack.weights["recurrent"].shape[1]
    half = len(position) // 2
    halves = [Maps(len(specs), units, bins, arena) for _ in range(2)]
    ridge = Ridge(len(specs), units, half)
    horizons = sorted({min(horizon, position.shape[1] - 1) for horizon in HORIZONS})
    errors = []
    with torch.no_grad():
        for first, path, activity in _activities(stack, target, position):
            split = min(max(half - first, 0), len(path))
            for maps, part in zip(halves, (slice(split), slice(split, None)), strict=True):
                maps.add(path[part], activity[:, :, part])
            ridge.add(first, path, activity)
            if first < DECODED_TRAJECTORIES:
                errors.append(_decoding_errors(stack, target, path, activity))
    error = torch.cat(errors, 2)[:, :, :DECODED_TRAJECTORIES]
    position_error = torch.stack([error[:, :h].mean((1, 2)) for h in horizons], 1)
    centres = (np.arange(bins) + 0.5) * bin_size - arena / 2
    stability = _stability(*halves)
    maps = halves[0].merge(halves[1])
    return xr.Dataset(
        {
            "rate_map": (("network", "unit", "y", "x"), maps.mean()),
            "occupancy": (("y", "x"), maps.occupancy.reshape(bins, bins).numpy()),
            "stability": (("network", "unit"), stability),
            "position_error": (("network", "horizon"), position_error.numpy(), {"units": "m"}),
            "ridge_error": ("network", ridge.error(), {"units": "m"}),
        },
        coords={
            "network": trained["network"],
            "spec": trained["spec"],
            "horizon": ("horizon", horizons, {"units": "steps"}),
            "x": ("x", centres, {"units": "m"}),
            "y": ("y", centres, {"units": "m"}),
        },
        attrs={
            "arena": arena,
            "bin_size": bin_size,
            "evaluation_seed": evaluation.attrs.get("seed", "unknown"),
            "device": "cpu",
        },
    )


def restore(trained: xr.Dataset) -> tuple[list[dict], networks.Stack, targets.Target]:
    """Specs, networks and target of a trained cohort's file."""
    specs = [json.loads(text) for text in trained["spec"].values]
    target = targets.build_stack(specs, [s["seed"] for s in specs], float(trained.attrs["arena"]))
    layout = networks.shapes(specs[0]["cell"], specs[0]["units"], target.cells)
    missing = [k for k in layout if f"weight_{k}" not in trained]
    if missing:
        raise DatasetError(f"{trained.encoding.get('source', 'networks')}: no weights {missing}")
    weights = {k: torch.from_numpy(trained[f"weight_{k}"].values) for k in layout}
    scale = torch.tensor([float(s["encoder_scale"]) for s in specs])[:, None, None]
    stack = networks.Stack(specs[0]["cell"], specs[0]["activation"], weights, scale)
    return specs, stack, target.to("cpu", torch.float32)


def _activities(
    stack: networks.Stack, target: targets.Target, position: xr.DataArray
) -> Iterator[tuple[int, Tensor, Tensor]]:
    """First trajectory, positions (sample, time, axis), activity (network, time, sample, unit)."""
    count, units = stack.weights["recurrent"].shape[:2]
    gates = networks.GATES[stack.cell]
    per_trajectory = 4 * count * position.shape[1] * (units * (gates + 1) + target.cells)
    chunk = max(1, min(CHUNK_BYTES // per_trajectory, 1000))
    for first in range(0, len(position), chunk):
        path = torch.from_numpy(position[first : first + chunk].values).float()
        everyone = path.transpose(0, 1).expand(count, -1, -1, -1)
        start = target.encode(everyone[:, 0])
        yield first, path, stack.run(start, everyone[:, 1:] - everyone[:, :-1])


def _decoding_errors(stack, target, path: Tensor, activity: Tensor) -> Tensor:
    """Distances (network, time, sample) in m between decoded and true position."""
    decoded = target.decode(stack.read_out(activity))
    return torch.linalg.vector_norm(decoded - path[:, 1:].transpose(0, 1), dim=-1)


def _stability(first: Maps, second: Maps) -> np.ndarray:
    """Correlation of each unit's maps in two halves of the data (network, unit)."""
    found = np.full((len(first.sums), first.sums.shape[2]), np.nan)
    for index in range(len(found)):
        pair = [maps.mean(slice(index, index + 1))[0] for maps in (first, second)]
        if not any(np.isinf(maps).any() for maps in pair):
            found[index] = spatial.stability(*pair)
    return found


class Maps:
    """Sums of activity per bin; samples outside the arena are left out."""

    def __init__(self, count: int, units: int, bins: int, arena: float) -> None:
        self.bins, self.arena = bins, arena
        self.sums = torch.zeros(count, bins * bins, units, dtype=torch.float64)
        self.occupancy = torch.zeros(bins * bins, dtype=torch.int64)

    def add(self, path: Tensor, activity: Tensor) -> None:
        """Add activity (network, time, sample, unit) at positions (sample, time + 1, axis)."""
        position = path[:, 1:].transpose(0, 1).flatten(0, 1).double()
        half = self.arena / 2
        inside = (position.abs() <= half).all(1)
        column_row = ((position[inside] + half) * (self.bins / self.arena)).long()
        column, row = column_row.clamp_max(self.bins - 1).unbind(1)
        index = row * self.bins + column
        self.occupancy += torch.bincount(index, minlength=self.bins**2)
        for sums, values in zip(self.sums, activity.flatten(1, 2), strict=True):
            chunk = torch.zeros(sums.shape, dtype=values.dtype)
            sums += chunk.index_add_(0, index, values[inside])

    def merge(self, other: Maps) -> Maps:
        """Takes up the samples of `other`; returns itself."""
        self.sums += other.sums
        self.occupancy += other.occupancy
        return self

    def mean(self, chosen: slice = slice(None)) -> np.ndarray:
        """Of the `chosen` networks: (network, unit, y, x), float32, NaN where no sample fell."""
        samples = torch.where(self.occupancy > 0, self.occupancy.double(), torch.nan)
        sums = self.sums[chosen]
        means = torch.empty(sums.mT.shape)
        for mean, of_network in zip(means, sums, strict=True):  # all at once would double memory
            mean.copy_(of_network.mT / samples)
        return means.unflatten(-1, (self.bins, self.bins)).numpy()


@dataclass
class Ridge:
    """Streaming ridge regression from units (and a constant) to position."""

    count: int
    units: int
    fitted_on: int

    def __post_init__(self) -> None:
        size = self.units + 1
        self.gram = torch.zeros(self.count, size, size, dtype=torch.float64)
        self.cross = torch.zeros(self.count, size, 2, dtype=torch.float64)
        self.weights: Tensor | None = None
        self.distance, self.samples = torch.zeros(self.count, dtype=torch.float64), 0

    def add(self, first: int, path: Tensor, activity: Tensor) -> None:
        """Fit to the trajectories before `fitted_on`, test on the others."""
        split = min(max(self.fitted_on - first, 0), len(path))
        if split:
            x, y = self._design(path[:split], activity[:, :, :split])
            self.gram += x.mT @ x
            self.cross += x.mT @ y
        if split < len(path):
            if self.weights is None:
                self.weights = self._solve()
            x, y = self._design(path[split:], activity[:, :, split:])
            self.distance += torch.linalg.vector_norm(x @ self.weights - y, dim=-1).sum(1)
            self.samples += y.shape[1]

    def error(self) -> np.ndarray:
        """Mean distance in m on the tested trajectories, (network,)."""
        return (self.distance / self.samples).numpy()

    def _design(self, path: Tensor, activity: Tensor) -> tuple[Tensor, Tensor]:
        x = activity.flatten(1, 2)
        x = torch.cat([x, torch.ones_like(x[..., :1])], -1)
        y = path[:, 1:].transpose(0, 1).flatten(0, 1).expand(self.count, -1, -1)
        return x, y

    def _solve(self) -> Tensor:
        penalty = RIDGE * self.gram.diagonal(dim1=1, dim2=2)[:, :-1].mean(1)
        diagonal = penalty[:, None].expand(-1, self.units).clamp_min(1e-12)
        constant = torch.full_like(diagonal[:, :1], 1e-12)  # the constant is not penalised
        system = self.gram + torch.diag_embed(torch.cat([diagonal, constant], 1))
        # A diverged network has no finite solution; lstsq would refuse the whole cohort for it.
        usable = system.isfinite().all(-1).all(-1)[:, None, None]
        identity = torch.eye(self.units + 1, dtype=torch.float64)
        solution = torch.linalg.solve(torch.where(usable, system, identity), self.cross)
        return torch.where(usable, solution, torch.nan).float()
