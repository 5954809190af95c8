"""Results of training: weights and curves of each network, and the dataset of a cohort."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

from nofreelunch.networks.cohorts import Cohort
from nofreelunch.training.curves import Curves

GROWN = 10.0  # a network whose loss ends above this multiple of its first loss has diverged


@dataclass(frozen=True)
class Trained:
    """One trained network: its weights (input, output) by name, and the points of its curves."""

    weights: dict[str, np.ndarray]
    diverged: bool
    curve: dict[str, np.ndarray] = field(default_factory=dict)

    def with_curve(self, curves: Curves, network: int) -> Trained:
        """The same network with its learning curves, row `network` of `curves`.

        A network whose loss has grown tenfold counts as diverged, even if the loss is finite.
        """
        points = curves.filled[network]
        names = ("step", "loss", "error")
        curve = {name: getattr(curves, name)[network, :points] for name in names}
        grown = bool(points) and bool(curve["loss"][-1] > GROWN * curve["loss"][0])
        return replace(self, curve=curve, diverged=self.diverged or grown)


def cohort_dataset(
    cohort: Cohort, trained: Sequence[Trained], attributes: Mapping[str, Any]
) -> xr.Dataset:
    """The networks of a cohort as one dataset; `train` describes its variables."""
    variables: dict[str, Any] = {
        f"weight_{name}": (
            ("network", f"{name}_input", f"{name}_output"),
            _stacked([network.weights[name] for network in trained], 0.0).astype(np.float32),
        )
        for name in trained[0].weights
    }
    curves = {
        name: _stacked([network.curve[name] for network in trained], np.nan)
        for name in trained[0].curve
    }
    ended = np.isnan(curves["step"])
    step = np.where(ended, -1, curves["step"]).astype(np.int64)
    dims = ("network", "checkpoint")
    variables |= {
        "loss": (dims, curves["loss"].astype(np.float32)),
        "position_error": (dims, curves["error"].astype(np.float32), {"units": "m"}),
        "diverged": ("network", [network.diverged for network in trained]),
    }
    specs = [json.dumps(dict(network.spec), sort_keys=True) for network in cohort.networks]
    coords = {
        "network": [network.id for network in cohort.networks],
        "spec": ("network", specs),
        "step": (dims, step, {"long_name": "training steps done; -1 where the curve has ended"}),
    }
    made = xr.Dataset(variables, coords, dict(attributes))
    # Numbers along the other axes let xarray join cohorts of different sizes.
    return made.assign_coords({d: np.arange(n) for d, n in made.sizes.items() if d != "network"})


def _stacked(arrays: Sequence[np.ndarray], fill: float) -> np.ndarray:
    """Arrays of different sizes stacked into one, padded at their ends with `fill`."""
    shape = np.max([array.shape for array in arrays], axis=0)
    padded = [
        np.pad(array, [(0, more) for more in shape - array.shape], constant_values=fill)
        for array in arrays
    ]
    return np.stack(padded)
