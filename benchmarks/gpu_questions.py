"""Questions that a GPU answers in minutes: parts of `gpu_check.py`.

`precision` asks whether fewer bits change what networks learn. `talk` asks whether the talk's own
setting, at the talk's own sizes, has grid cells that stand out from chance. Both train on the
device; rate maps and p-values are computed on the CPU, p-values by one process per core.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import engine
import numpy as np
import torch
import xarray as xr
from nofreelunch.compute import devices
from nofreelunch.evaluation.rate_maps import measure_rate_maps
from nofreelunch.findings import intervals
from nofreelunch.networks.cohorts import Cohort, Network
from nofreelunch.scoring import unit_scores
from nofreelunch.scoring.significance import LEVEL
from nofreelunch.task.trajectories import random_walk
from nofreelunch.training import loop

Result = dict[str, Any]
Spec = dict[str, Any]

BIN_SIZE, SURROGATES = 0.1, 400  # as in config.yaml
HELD_OUT = 10_000  # trajectories of the rate maps
PRECISION_SEEDS, PRECISION_STEPS = range(8), 3000
TALK_SEEDS = range(2)
SURROUNDS = ({"width_ratio": 2.0}, {"variance_ratio": 2.0})
SIZES = (1024, 2048, 4096)  # units of the talk's networks
MEASURED_STEPS = 30  # by which the speed is known, and from it the steps that fit
MARGIN = 0.6  # share of a network's time that training may take; maps and p-values have the rest


def precision(where: torch.device, folder: Path, seconds: float, small: bool) -> Iterator[Result]:
    """The same seeds in float32 and in each other precision that the device has.

    For every precision: per network, position error, share of units above 0.8 and share with a
    small p-value; then mean differences from float32 with their 95 % intervals over seeds.
    """
    units, cells, steps = (8, 16, 3) if small else (128, 256, PRECISION_STEPS)
    keys = {"learning_rate": 3e-3, "schedule": "cosine", "batch_size": 100, "loss_steps": 4}
    seeds = PRECISION_SEEDS[:2] if small else PRECISION_SEEDS
    specs = [engine.spec(units, cells, seed, **keys, steps=steps) for seed in seeds]
    found: Result = {"precisions": {}, "differences": {}, "failed": []}
    kinds = devices.PRECISIONS if where.type == "cuda" else ("float32", "bfloat16")
    for kind in kinds:
        maps = mapped(trained(specs, where, kind), small)
        found["precisions"][kind] = measured(maps, small)
        exact = found["precisions"]["float32"]
        if kind != "float32":
            found["differences"][kind] = {
                name: intervals.seed_interval(np.array(values) - np.array(exact[name]))
                for name, values in found["precisions"][kind].items()
            }
        yield found


def talk(where: torch.device, folder: Path, seconds: float, small: bool) -> Iterator[Result]:
    """The talk's setting: width 0.12 m, both surround conventions, 1,024 to 4,096 units.

    Each size trains both conventions and two seeds side by side, for as many steps as fit its share
    of the time. Rate maps and scores are written into `folder` as netCDF.
    """
    found: Result = {"networks": [], "failed": []}
    sizes = (8, 12) if small else SIZES
    ends = time.monotonic() + seconds
    for done, units in enumerate(sizes):
        share = (ends - time.monotonic()) / (len(sizes) - done)
        keys = {"learning_rate": 1e-3, "schedule": "warmup_cosine"}
        specs = [
            engine.spec(units, 16 if small else 512, seed, surround=surround, **keys)
            for surround in SURROUNDS
            for seed in TALK_SEEDS
        ]
        steps = 3 if small else steps_that_fit(specs, where, MARGIN * share)
        maps = mapped(trained([spec | {"steps": steps} for spec in specs], where, "tf32"), small)
        scores = scored(maps, small)
        maps.drop_vars("spec").to_netcdf(folder / f"talk-{units}-rate_maps.nc")
        scores.drop_vars("spec").to_netcdf(folder / f"talk-{units}-scores.nc")
        of_units = measured(maps, small, scores)
        for k, spec in enumerate(specs):
            row = {name: values[k] for name, values in of_units.items()}
            row |= {"units": units, "surround": spec["surround"], "seed": spec["seed"]}
            found["networks"].append(row | {"steps": steps})
        yield found


def steps_that_fit(specs: list[Spec], where: torch.device, seconds: float) -> int:
    """Training steps that take `seconds`, from the time that a few take."""
    devices.choose(where.type, "tf32")
    stack = engine.stack(engine.walks(), specs, where.type, "tf32")
    stack.advance(0)
    torch.cuda.synchronize()
    start = time.monotonic()
    for step in range(1, MEASURED_STEPS + 1):
        stack.advance(step)
    torch.cuda.synchronize()
    return max(100, int(seconds * MEASURED_STEPS / (time.monotonic() - start)))


def trained(specs: list[Spec], where: torch.device, kind: str) -> xr.Dataset:
    """The networks of `specs`, trained side by side; a CPU has no tf32 and takes float32."""
    if where.type == "cpu" and kind == "tf32":
        kind = "float32"
    cohort = Cohort("gpu", tuple(map(Network, specs)))
    return loop.train(cohort, engine.walks(), where.type, kind)


def mapped(networks: xr.Dataset, small: bool) -> xr.Dataset:
    """Rate maps of trained networks on trajectories that they were not trained on."""
    held_out = random_walk(200 if small else HELD_OUT, 50, seed=1)
    return measure_rate_maps(networks, held_out, BIN_SIZE)


def scored(maps: xr.Dataset, small: bool) -> xr.Dataset:
    """All scores of all units, by one process per core."""
    surrogates = 19 if small else SURROGATES
    parts = [maps.isel(network=[k]) for k in range(maps.sizes["network"])]
    if small:
        return unit_scores.score_units(maps, surrogates)
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), _one_thread) as pool:
        made = pool.map(unit_scores.score_units, parts, [surrogates] * len(parts))
        return xr.concat(made, "network")


def _one_thread() -> None:
    torch.set_num_threads(1)


def measured(
    maps: xr.Dataset, small: bool, scores: xr.Dataset | None = None
) -> dict[str, list[float]]:
    """For each network: errors (m) and the shares of active units that chance is asked about."""
    scores = scored(maps, small) if scores is None else scores
    active = scores["active"]
    of_active = {
        "share_above_0.8": scores["score_60"].sel(definition="min_max") > 0.8,
        "share_small_p": scores["p_value"] <= LEVEL,
        "share_significant": scores["significant"] != 0,
    }
    found: Mapping[str, Any] = {
        name: which.where(active).mean("unit") for name, which in of_active.items()
    }
    errors = {
        f"error_{int(horizon)}": maps["position_error"].sel(horizon=horizon)
        for horizon in maps["horizon"].values
    }
    return {name: [float(v) for v in values] for name, values in {**errors, **found}.items()}
