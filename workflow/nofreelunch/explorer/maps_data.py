"""What the explorer shows of anyone's rate maps: the page of one network, whatever recorded it."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from nofreelunch.errors import refused
from nofreelunch.explorer.blocks import pack_units
from nofreelunch.explorer.columns import ACTIVITY
from nofreelunch.explorer.study_data import DEGREES
from nofreelunch.scoring.grid_scores import DEFINITIONS
from nofreelunch.scoring.maps import labelled
from nofreelunch.scoring.score_maps import score
from nofreelunch.scoring.significance import false_discovery
from nofreelunch.scoring.unit_scores import REASONS, classify_activity

NAME = "maps"  # of the only network, in links


def collect_maps(
    rate_maps: xr.DataArray,
    bin_size: float,
    title: str,
    surrogates: int = 0,
    seed: int = 0,
    progress: bool = False,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Data and blocks of a page of rate maps, for `to_html`.

    Every map is a unit of one network. With surrogates, `significant` corrects for all active
    maps.

    Args:
        rate_maps: (..., y, x); NaN marks an unvisited bin.
        bin_size: side of a bin, m.
        title: what the page is called.
        surrogates, seed, progress: as in `score`.

    Raises:
        ValueError: if there is no map, and as `score` does.
    """
    maps = labelled(rate_maps)
    if not maps.size:
        raise refused("rate_maps", f"shape {maps.shape}", "one map or more")
    scores = score(rate_maps, bin_size, surrogates=surrogates, seed=seed, progress=progress)
    leading = maps.dims[:-2]
    flat = maps.values.reshape(-1, *maps.shape[-2:])
    drawn = None
    if surrogates:
        drawn = scores["surrogate_score"].transpose(*leading, "kind", "surrogate").values
        drawn = drawn.reshape(len(flat), *drawn.shape[-2:])
    block, columns = pack_units(flat, _columns(scores, leading, flat), drawn)
    network = {
        "id": NAME,
        "units": len(flat),
        "present": len(flat),
        "side": flat.shape[-1],
        "columns": columns,
        "surrogates": 0 if drawn is None else drawn.shape[-1],
        "labels": _labels(maps),
    }
    data = {
        "kind": "maps",
        "title": title,
        "networks": [network],
        "notes": [] if surrogates else ["No surrogates were scored, so chance is not known."],
        "tested": surrogates,
        "bin_size": float(bin_size),
    }
    return data, {NAME: block}


def _columns(
    scores: xr.Dataset, leading: tuple[Any, ...], flat: np.ndarray
) -> dict[str, np.ndarray]:
    """Every score with one number per map, as (map,)."""
    found = {
        str(name): values.transpose(*leading).values.ravel().astype(float)
        for name, values in scores.data_vars.items()
        if {*values.dims} == {*leading} and values.dtype.kind in "fiub"
    }
    for definition, suffix in zip(DEFINITIONS, ("", "_mean"), strict=True):
        for name in ("score_60", "ring_60"):
            of_one = scores[name].sel(definition=definition, drop=True)
            found[name + suffix] = of_one.transpose(*leading).values.ravel()
    reasons = [reason or REASONS[0] for reason in scores["reason"].values.ravel().tolist()]
    found["lattice_reason"] = np.array([REASONS.index(reason) for reason in reasons], float)
    for name in DEGREES:
        found[name] = np.degrees(found[name])
    activity = classify_activity(xr.DataArray(flat, dims=("unit", "y", "x")))
    kinds = [activity[kind].values for kind in ACTIVITY[:-1]]
    found["activity"] = np.select(kinds, range(len(kinds)), len(kinds)).astype(float)
    if "p_value" in found:
        tested = np.where(found["activity"] == 0, found["p_value"], np.nan)
        found["significant"] = np.asarray(false_discovery(tested), float)
    return found


def _labels(maps: xr.DataArray) -> list[str]:
    """What each map is called: its place along the leading dimensions, by their coordinates."""
    leading = maps.isel({dim: 0 for dim in maps.dims[-2:]}, drop=True)
    labels = []
    for place in np.ndindex(leading.shape):
        parts = []
        for dim, index in zip(leading.dims, place, strict=True):
            value = leading[dim].values[index] if dim in leading.coords else index
            parts.append(f"{dim} {value}")
        labels.append(", ".join(parts) or "map")
    return labels
