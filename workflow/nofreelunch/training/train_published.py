"""Training of the networks of published models, by the loop that trains all other networks."""

from __future__ import annotations

import importlib

import xarray as xr

from nofreelunch.compute import devices
from nofreelunch.networks.cohorts import Cohort
from nofreelunch.training.checkpoints import Checkpoints
from nofreelunch.training.loop import train_stacks


def train_published(
    cohort: Cohort, walks: xr.Dataset | None, device: str, checkpoints: Checkpoints | None = None
) -> xr.Dataset:
    """Train networks of one kind of a published model; the result is that of `loop.train`.

    Args:
        cohort: networks whose specs name the kind, a module of `training.published`.
        walks: what they are trained on, from `random_walk`, `still_walk` or `foraging_walk`; None
            for networks that draw their own.
        device: "cpu", "cuda" or "auto".
        checkpoints: where to save; None saves nothing.
    """
    specs = [network.spec for network in cohort.networks]
    kind = importlib.import_module(f"nofreelunch.training.published.{specs[0]['kind']}")
    pool = kind.POOL(walks, specs, devices.choose(device, "float32"))
    return train_stacks(kind.STACK, cohort, pool, "float32", checkpoints)
