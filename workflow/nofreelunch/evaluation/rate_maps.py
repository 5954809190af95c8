"""Rate maps of trained networks on held-out trajectories, and errors of decoded positions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from nofreelunch.errors import DatasetError, refused
from nofreelunch.networks.network_stack import NetworkStack
from nofreelunch.networks.shapes import cells, weight_shapes
from nofreelunch.scoring import spatial_measures
from nofreelunch.task import targets
from nofreelunch.task.arena import bin_count
from nofreelunch.task.trajectories import inside

HORIZONS = (20, 50)  # steps; published networks are trained on 20 and tested on 50
DECODED_TRAJECTORIES = 1000  # more take long to decode where cells have several fields
RIDGE = 1e-4  # penalty in units of the mean squared activity; less is lost in float32 rounding
CHUNK_BYTES = 2**27  # of activity that is held at once


def measure_rate_maps(trained: xr.Dataset, evaluation: xr.Dataset, bin_size: float) -> xr.Dataset:
    """Rate maps and position errors of a trained cohort.

    >>> import nofreelunch as nfl
    >>> cohort = nfl.load_study("smoke").cohorts[0]
    >>> trained = nfl.train(cohort, nfl.random_walk(count=100, steps=20, seed=0), device="cpu")
    >>> held_out = nfl.random_walk(count=100, steps=50, seed=1)
    >>> measured = nfl.measure_rate_maps(trained, held_out, bin_size=0.1)
    >>> dict(measured["rate_map"].sizes)
    {'network': 1, 'unit': 16, 'y': 22, 'x': 22}

    Args:
        trained: what `train` returned.
        evaluation: trajectories that were not trained on: `position` (trajectory, moment, axis), m,
            the side of the arena (m) as attribute `arena`, and `periodic` as trained.
        bin_size: side of a bin, m; a whole number of bins must fill the arena.

    Returns:
        `rate_map` (network, unit, y, x): mean activity per bin, NaN in unvisited bins.
        `occupancy` (y, x): samples per bin.
        `stability` (network, unit): correlation of the maps from the first and the second half of
        the trajectories, as by `stability`; NaN for a network with infinite rates.
        `position_error` (network, horizon), m: mean error of the target's own decoder over the
        first `horizon` steps.
        `ridge_error` (network), m: mean error over all steps of a ridge regression from all units
        to position, a decoder that is the same for all targets. It is fitted on the first half of
        the trajectories and tested on the second.

    Raises:
        ValueError: where bins do not fill the arena, or the inputs have unlike arenas.
        DatasetError: where the weights are missing, as after pruning.
    """
    arena = float(evaluation.attrs["arena"])
    if arena != float(trained.attrs["arena"]):
        raise refused(
            "arena of the evaluation", f"{arena} m", f"{trained.attrs['arena']} m, as trained"
        )
    periodic, joined = (bool(data.attrs.get("periodic", 0)) for data in (evaluation, trained))
    if periodic != joined:
        raise refused("evaluation: periodic", str(periodic), f"{joined}, as trained")
    specs, stack, target = restore_networks(trained)
    position = evaluation["position"]
    horizons = sorted({min(horizon, position.shape[1] - 1) for horizon in HORIZONS})
    units = stack.weights["decoder"].shape[1]
    measured = Measured(len(specs), units, len(position), arena, bin_size, periodic=periodic)
    errors = []
    with torch.no_grad():
        for first, path, activity in activities(stack, target, position):
            measured.add(first, path, activity)
            if first < DECODED_TRAJECTORIES:
                errors.append(decoding_errors(stack, target, path, activity))
    error = torch.cat(errors, 2)[:, :, :DECODED_TRAJECTORIES]
    position_error = torch.stack([error[:, :h].mean((1, 2)) for h in horizons], 1).numpy()
    return measured.dataset(trained, evaluation, dict(zip(horizons, position_error.T, strict=True)))


def restore_networks(trained: xr.Dataset) -> tuple[list[dict], NetworkStack, targets.Target]:
    """Specs, networks and target of a trained cohort, from the dataset that `train` returned.

    Raises DatasetError where weights are missing.
    """
    specs = [json.loads(text) for text in trained["spec"].values]
    target = targets.build_targets(specs, [s["seed"] for s in specs], float(trained.attrs["arena"]))
    layout = weight_shapes(specs[0]["cell"], specs[0]["units"], target.cells)
    missing = [k for k in layout if f"weight_{k}" not in trained]
    if missing:
        raise DatasetError(f"{trained.encoding.get('source', 'networks')}: no weights {missing}")
    weights = {k: torch.from_numpy(trained[f"weight_{k}"].values) for k in layout}
    scale = torch.tensor([float(s["encoder_scale"] or 0) for s in specs])[:, None, None]
    stack = NetworkStack(specs[0]["cell"], specs[0]["activation"], weights, scale)
    return specs, stack, target.to("cpu", torch.float32)


def activities(
    stack: NetworkStack, target: targets.Target, position: xr.DataArray
) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Activity of the networks, one chunk of trajectories after another.

    Yields the number of the chunk's first trajectory, positions (sample, time + 1, axis) in m, and
    activity (network, time, sample, unit).
    """
    count, units = stack.weights["decoder"].shape[:2]
    gates = cells()[stack.cell].gates
    per_trajectory = 4 * count * position.shape[1] * (units * (gates + 1) + target.cells)
    chunk = max(1, min(CHUNK_BYTES // per_trajectory, 1000))
    for first in range(0, len(position), chunk):
        path = torch.from_numpy(position[first : first + chunk].values).float()
        everyone = path.transpose(0, 1).expand(count, -1, -1, -1)
        start = target.encode(everyone[:, 0])
        yield first, path, stack.run(start, stack.inputs_of(everyone))


def decoding_errors(
    stack: NetworkStack, target: targets.Target, path: Tensor, activity: Tensor
) -> Tensor:
    """Distances (network, time, sample), m, between decoded and true positions.

    `path` and `activity` are those of `activities`.
    """
    return target.distance(target.decode(stack.read_out(activity)), path[:, 1:].transpose(0, 1))


class Measured:
    """What is measured of networks while they run on walks, one chunk of walks after another.

    Args:
        count: number of networks.
        units: of each.
        walks: number of walks. Stability compares their halves; the ridge regression is fitted to
            the first and tested on the second.
        arena: side of the square that is binned, m.
        bin_size: side of a bin, m.
        fitted_on: walks that the ridge regression is fitted to, if not the first half.
        periodic: whether opposite walls of the square are joined.

    Raises ValueError where bins do not fill the arena.
    """

    def __init__(
        self,
        count: int,
        units: int,
        walks: int,
        arena: float,
        bin_size: float,
        fitted_on: int | None = None,
        periodic: bool = False,
    ) -> None:
        self.half, self.arena, self.bin_size = walks // 2, arena, bin_size
        self.bins = bin_count(arena, bin_size)
        self.halves = [BinnedActivity(count, units, self.bins, arena) for _ in range(2)]
        self.around = arena if periodic else None
        self.ridge = Ridge(count, units, self.half if fitted_on is None else fitted_on, self.around)

    def add(self, first: int, path: Tensor, activity: Tensor) -> None:
        """Add a chunk as `activities` yields it."""
        there = path if self.around is None else inside(path.double(), self.around)
        split = min(max(self.half - first, 0), len(path))
        for maps, part in zip(self.halves, (slice(split), slice(split, None)), strict=True):
            maps.add(there[part], activity[:, :, part])
        self.ridge.add(first, path, activity)

    def dataset(
        self, trained: xr.Dataset, evaluation: xr.Dataset, errors: Mapping[int, np.ndarray]
    ) -> xr.Dataset:
        """The dataset of `measure_rate_maps`, given the position `errors` (network,) by horizon."""
        centres = (np.arange(self.bins) + 0.5) * self.bin_size - self.arena / 2
        stability = _stability(*self.halves)
        maps = self.halves[0].merge(self.halves[1])
        error = np.stack(list(errors.values()), 1)
        return xr.Dataset(
            {
                "rate_map": (("network", "unit", "y", "x"), maps.mean()),
                "occupancy": (("y", "x"), maps.occupancy.reshape(self.bins, self.bins).numpy()),
                "stability": (("network", "unit"), stability),
                "position_error": (("network", "horizon"), error, {"units": "m"}),
                "ridge_error": ("network", self.ridge.error(), {"units": "m"}),
            },
            coords={
                "network": trained["network"],
                "spec": trained["spec"],
                "horizon": ("horizon", list(errors), {"units": "steps"}),
                "x": ("x", centres, {"units": "m"}),
                "y": ("y", centres, {"units": "m"}),
            },
            attrs={
                "arena": self.arena,
                "periodic": int(self.around is not None),
                "bin_size": self.bin_size,
                "evaluation_seed": evaluation.attrs.get("seed", "unknown"),
                "device": "cpu",
            },
        )


def _stability(first: BinnedActivity, second: BinnedActivity) -> np.ndarray:
    """Correlation (network, unit) of each unit's maps from two halves of the trajectories."""
    found = np.full((len(first.sums), first.sums.shape[2]), np.nan)
    for index in range(len(found)):
        pair = [maps.mean(slice(index, index + 1))[0] for maps in (first, second)]
        if not any(np.isinf(maps).any() for maps in pair):
            found[index] = spatial_measures.stability(*pair)
    return found


class BinnedActivity:
    """Sums of activity and counts of samples per bin, without samples outside the arena."""

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

    def merge(self, other: BinnedActivity) -> BinnedActivity:
        """Add the samples of `other` to these; returns itself."""
        self.sums += other.sums
        self.occupancy += other.occupancy
        return self

    def mean(self, chosen: slice = slice(None)) -> np.ndarray:
        """Rate maps (network, unit, y, x) of the `chosen` networks, float32; NaN if unvisited."""
        samples = torch.where(self.occupancy > 0, self.occupancy.double(), torch.nan)
        sums = self.sums[chosen]
        means = torch.empty(sums.mT.shape)
        for mean, of_network in zip(means, sums, strict=True):  # all at once would double memory
            mean.copy_(of_network.mT / samples)
        return means.unflatten(-1, (self.bins, self.bins)).numpy()


@dataclass
class Ridge:
    """Ridge regression from units and a constant to position, one chunk of data after another.

    In a periodic arena, whose side (m) is `around`, it predicts the cosine and the sine of each
    coordinate as an angle.
    """

    count: int
    units: int
    fitted_on: int
    around: float | None = None

    def __post_init__(self) -> None:
        size = self.units + 1
        self.gram = torch.zeros(self.count, size, size, dtype=torch.float64)
        predicted = 2 if self.around is None else 4
        self.cross = torch.zeros(self.count, size, predicted, dtype=torch.float64)
        self.weights: Tensor | None = None
        self.distance, self.samples = torch.zeros(self.count, 1, dtype=torch.float64), 0

    def add(self, first: int, path: Tensor, activity: Tensor) -> None:
        """Fit to trajectories before number `fitted_on`, and test on the later ones."""
        split = min(max(self.fitted_on - first, 0), len(path))
        if split:
            x, y = self._design(path[:split], activity[:, :, :split])
            self.gram += x.mT @ x
            self.cross += x.mT @ self._predicted(y)
        if split < len(path):
            if self.weights is None:
                self.weights = self._solve()
            x, y = self._design(path[split:], activity[:, :, split:])
            apart = self._positions(x @ self.weights) - y
            apart = apart if self.around is None else inside(apart, self.around)
            distance = torch.linalg.vector_norm(apart, dim=-1)
            by_step = distance.unflatten(1, (activity.shape[1], -1)).sum(2)
            self.distance = by_step + self.distance
            self.samples += len(path) - split

    def predict(self, activity: Tensor) -> Tensor:
        """Positions (network, sample, axis), m, for activity (network, sample, unit)."""
        assert self.weights is not None
        design = torch.cat([activity, torch.ones_like(activity[..., :1])], -1)
        return self._positions(design @ self.weights)

    def error(self, steps: int | None = None) -> np.ndarray:
        """Mean distance (network,), m, in the first `steps` of the tested walks, or in all."""
        return (self.distance / self.samples)[:, :steps].mean(1).numpy()

    def _design(self, path: Tensor, activity: Tensor) -> tuple[Tensor, Tensor]:
        x = activity.flatten(1, 2)
        x = torch.cat([x, torch.ones_like(x[..., :1])], -1)
        y = path[:, 1:].transpose(0, 1).flatten(0, 1).expand(self.count, -1, -1)
        return x, y

    def _predicted(self, y: Tensor) -> Tensor:
        """What is regressed on units, for positions (..., 2)."""
        if self.around is None:
            return y
        angle = y * (2 * torch.pi / self.around)
        return torch.cat([angle.cos(), angle.sin()], -1)

    def _positions(self, predicted: Tensor) -> Tensor:
        """Positions (..., 2), m, from what was predicted."""
        if self.around is None:
            return predicted
        cosine, sine = predicted.chunk(2, -1)
        return torch.atan2(sine, cosine) * (self.around / (2 * torch.pi))

    def _solve(self) -> Tensor:
        penalty = RIDGE * self.gram.diagonal(dim1=1, dim2=2)[:, :-1].mean(1)
        diagonal = penalty[:, None].expand(-1, self.units).clamp_min(1e-12)
        constant = torch.full_like(diagonal[:, :1], 1e-12)  # the constant is not penalised
        system = self.gram + torch.diag_embed(torch.cat([diagonal, constant], 1))
        # A diverged network has no finite solution, which must not stop the rest of its cohort.
        usable = system.isfinite().all(-1).all(-1)[:, None, None]
        identity = torch.eye(self.units + 1, dtype=torch.float64)
        solution = torch.linalg.solve(torch.where(usable, system, identity), self.cross)
        return torch.where(usable, solution, torch.nan).float()
