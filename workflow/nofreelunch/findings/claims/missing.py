"""What a study lacks to test a claim, as a sweep that could be added to it."""

from typing import Any

import xarray as xr
import yaml

from nofreelunch.findings import comparisons, talks, verdicts
from nofreelunch.findings.claims import about_targets
from nofreelunch.findings.claims.about_targets import TARGETS_WITHOUT_RING
from nofreelunch.findings.claims.about_widths import FEWEST_WIDTHS
from nofreelunch.findings.claims.obstacles import WORKING

TARGETS = {
    "R2a": [WORKING],
    **{label: [target] for label, target in TARGETS_WITHOUT_RING.items()},
    "R6a": ["difference_of_gaussians", WORKING],
    "R6b": ["general_difference_of_gaussians"],
    "Cc": ["cartesian", WORKING],
}
UNTRAINED = ("Ca", "Cb")
TOLD_POSITION = ("Cd", "Ce")
ON_RASTER = ("Cg",)
STEP = 0.01  # m; the talk's small change of the width


def sweep_for(label: str, summary: xr.Dataset) -> dict[str, Any] | None:
    """Keys of a sweep that would give the claim `label` the networks that the study lacks.

    None where the study has three networks of each kind, or where no sweep alone would do.
    """
    first = comparisons.defaults(summary).get("seed", 0)
    seeds = list(range(first, first + verdicts.FEWEST_SEEDS))
    keys = _lacking(label, summary)
    return {**keys, "seed": seeds} if keys else None


def sweep_text(label: str, summary: xr.Dataset) -> str:
    """The sweep of `sweep_for` as one line of YAML; empty without one."""
    keys = sweep_for(label, summary)
    return yaml.safe_dump(keys, default_flow_style=True, width=10**6).strip() if keys else ""


def _lacking(label: str, summary: xr.Dataset) -> dict[str, Any]:
    """The keys that no three networks of the study have; empty if they have all."""
    if label in TARGETS:
        found = {t: comparisons.of_target(summary, t) for t in TARGETS[label]}
        few = [target for target, networks in found.items() if _few(networks)]
        return {"target": few if len(few) > 1 else few[0]} if few else {}
    if label in UNTRAINED:
        return {"steps": 0} if _few(comparisons.untrained(summary)) else {}
    if label in TOLD_POSITION:
        return {"cell": "feedforward"} if _few(comparisons.told_position(summary)) else {}
    if label in ON_RASTER:
        return _raster(summary) if _few(comparisons.on_raster(summary)) else {}
    if label in about_targets.PLACE_CELL_SETTINGS:
        setting, _ = about_targets.PLACE_CELL_SETTINGS[label]
        return dict(setting) if _few(comparisons.select(summary, **setting)) else {}
    return _lacking_widths(label, summary)


def _raster(summary: xr.Dataset) -> dict[str, Any]:
    """A raster of as many place cells as the reference has, or of a square number near to it."""
    default = comparisons.defaults(summary)
    if default["place_cell_width"] is None or default["fields_per_cell"] != 1:
        return {}
    square = round(default["place_cells"] ** 0.5) ** 2
    number = {} if square == default["place_cells"] else {"place_cells": square}
    return {"place_cell_centres": "raster", **number}


def _lacking_widths(label: str, summary: xr.Dataset) -> dict[str, Any]:
    enough = [w for w, networks in comparisons.widths(summary).items() if not _few(networks)]
    if label == "R3b":
        centre = comparisons.defaults(summary).get("place_cell_width")
        if not isinstance(centre, float):
            return {}
        wanted = [round(centre + step, 4) for step in (-STEP, 0.0, STEP)]
        return {} if set(wanted) <= set(enough) else {"place_cell_width": wanted}
    found = {"R3a": len(enough), "R4a": len(comparisons.widths(summary))}
    if found.get(label, FEWEST_WIDTHS) < FEWEST_WIDTHS:
        return {"place_cell_width": list(talks.WIDTHS[:: len(talks.WIDTHS) // 2])}
    return {}


def _few(networks: xr.Dataset) -> bool:
    return networks.sizes["network"] < verdicts.FEWEST_SEEDS
