"""Series: which networks of a study are compared with which.

A series is the networks whose spec equals the study's defaults except for named keys; the seed is
always free. Networks that diverged are in no series. Every function takes the study's summary
(dimensions network, unit ...) and returns selections of its networks.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

# Coordinates first, the target that is said to work last; and what sentences call them. A target
# that is not listed comes after them and is called by its own name.
TARGETS = {
    "cartesian": "Cartesian",
    "high_dim_cartesian": "High-dimensional Cartesian",
    "polar": "Polar",
    "high_dim_polar": "High-dimensional polar",
    "gaussian": "Gaussian place-cell",
    "softmax_of_differences": "Softmax-of-differences",
    "difference_of_gaussians": "Equal-amplitude difference-of-Gaussians",
    "general_difference_of_gaussians": "General difference-of-Gaussians",
    "difference_of_softmaxes": "Difference-of-softmaxes",
}
PLACE_CELL_KEYS = ("place_cell_width", "surround", "fields_per_cell")
TARGET_KEYS = ("target", "place_cells", *PLACE_CELL_KEYS, "amplitude_ratio")
# What must agree for two targets to be compared; the rest is the recipe of training, and size.
COMPARED_KEYS = ("target", *PLACE_CELL_KEYS, "amplitude_ratio", "cell", "activation")


class Setting(NamedTuple):
    """The networks of one point of a series and its label."""

    label: str
    networks: xr.Dataset


def defaults(summary: xr.Dataset) -> dict[str, Any]:
    """The spec of the reference configuration. An amplitude ratio that its target does not use is
    read as the equal-area one."""
    found = json.loads(summary.attrs["defaults"])
    return {**found, "amplitude_ratio": found.get("amplitude_ratio") or "equal_area"}


def specs(networks: xr.Dataset) -> list[dict[str, Any]]:
    """The spec of every network."""
    return [json.loads(str(text)) for text in networks["spec"].values]


def trained(summary: xr.Dataset) -> xr.Dataset:
    """The networks that did not diverge."""
    return _keep(summary, ~summary["diverged"].values.astype(bool))


def select(summary: xr.Dataset, free: Collection[str] = (), **fixed: Any) -> xr.Dataset:
    """Networks whose spec equals the defaults, except that `free` keys may have any value and
    `fixed` keys have the given one. Keys that a target does not use (null) always agree."""
    wanted = {k: v for k, v in (defaults(summary) | fixed).items() if k not in free}
    networks = trained(summary)
    return _keep(networks, [not _differing(spec, wanted) for spec in specs(networks)])


def targets(summary: xr.Dataset) -> list[str]:
    """Targets with networks that did not diverge, in the order of `TARGETS`."""
    found = {str(name) for name in trained(summary)["target"].values}
    return [t for t in TARGETS if t in found] + sorted(found - set(TARGETS))


def phrase(summary: xr.Dataset, target: str) -> str:
    """What sentences call `target` as the study has it."""
    called = TARGETS.get(target, target.replace("_", " ").capitalize())
    if target != "general_difference_of_gaussians":
        return called
    ratio = defaults(summary)["amplitude_ratio"]
    if ratio == "equal_area":
        return called.replace("General", "Equal-area")
    return f"{called} (amplitude ratio {ratio:g})"


def of_target(summary: xr.Dataset, target: str, **fixed: Any) -> xr.Dataset:
    """The networks that stand for `target` when targets are compared.

    They have the default cell, activation and place cells, or what `fixed` names. Coordinates and
    place cells do not train well with one recipe (learning rate, encoder scale, size ...), so of
    the recipes that a study gives a target the one nearest to the defaults is taken: fewest keys
    that differ, then most networks.
    """
    wanted = defaults(summary) | {"target": target} | fixed
    compared = {k: wanted[k] for k in COMPARED_KEYS if k in wanted}
    networks = trained(summary)
    recipes: dict[str, list[int]] = {}
    for index, spec in enumerate(specs(networks)):
        if not _differing(spec, compared):
            differing = json.dumps(_differing(spec, wanted), sort_keys=True)
            recipes.setdefault(differing, []).append(index)
    if not recipes:
        return networks.isel(network=[])
    nearest = min(recipes, key=lambda r: (len(json.loads(r)), -len(recipes[r])))
    return networks.isel(network=recipes[nearest])


def architectures(summary: xr.Dataset) -> dict[tuple[str, str], xr.Dataset]:
    """The networks of the default target by (cell, activation), the default ones first."""
    default = defaults(summary)
    networks, first = trained(summary), (default["cell"], default["activation"])
    pairs = zip(
        networks["cell"].values.tolist(), networks["activation"].values.tolist(), strict=True
    )
    found = {
        pair: of_target(summary, default["target"], cell=pair[0], activation=pair[1])
        for pair in sorted(set(pairs), key=lambda pair: (pair != first, pair))
    }
    return {pair: chosen for pair, chosen in found.items() if chosen.sizes["network"]}


def recipe(summary: xr.Dataset, networks: xr.Dataset) -> dict[str, Any]:
    """The keys, other than target, cell and activation, in which the first of `networks` leaves
    the defaults."""
    if not networks.sizes["network"]:
        return {}
    differing = _differing(specs(networks)[0], defaults(summary))
    return {k: v for k, v in differing.items() if k not in ("target", "cell", "activation")}


def widths(summary: xr.Dataset) -> dict[float, xr.Dataset]:
    """The width series: homogeneous place cells, by width in m, ascending."""
    networks = select(summary, free=["place_cell_width"])
    width = networks["place_cell_width"].values.astype(float)
    found = np.unique(width[np.isfinite(width)])
    return {float(w): networks.isel(network=np.flatnonzero(width == w)) for w in found}


def realism(summary: xr.Dataset) -> list[Setting]:
    """The place-cell series: homogeneous first, then settings by growing spread and fields.

    Homogeneous place cells of other widths or surrounds are not part of it. Empty for a study whose
    default target has no place cells.
    """
    homogeneous = {k: defaults(summary).get(k) for k in PLACE_CELL_KEYS}
    if homogeneous["place_cell_width"] is None:
        return []
    networks = select(summary, free=PLACE_CELL_KEYS)
    groups: dict[str, list[int]] = {}
    for index, spec in enumerate(specs(networks)):
        setting = {k: spec.get(k) for k in PLACE_CELL_KEYS}
        if setting == homogeneous or _spread(setting):
            groups.setdefault(json.dumps(setting), []).append(index)
    settings = sorted(((json.loads(text), rows) for text, rows in groups.items()), key=_by_spread)
    return [Setting(place_cell_label(s), networks.isel(network=rows)) for s, rows in settings]


def place_cell_label(spec: dict[str, Any]) -> str:
    """A place-cell setting in two lines: what kind it is, and its widths and surround ratios."""
    kinds = ["mixed widths"] * any(_spread(spec)[1:])
    if isinstance(spec["fields_per_cell"], dict):
        kinds.append(f"1 + Poisson({spec['fields_per_cell']['poisson']:g}) fields")
    numbers = [_range("σ", spec["place_cell_width"], " m")]
    for convention, ratio in (spec["surround"] or {}).items():
        numbers.append(_range("s" if convention == "width_ratio" else "s²", ratio))
    return f"{' and '.join(kinds) or 'homogeneous'}\n{', '.join(numbers)}"


def theory_of(theory: Sequence[xr.Dataset], spec: dict[str, Any]) -> xr.Dataset | None:
    """The theory dataset of the target that `spec` describes, or None."""
    for dataset in theory:
        found = json.loads(dataset.attrs["spec"])
        shared = [k for k in TARGET_KEYS if None not in (spec.get(k), found.get(k))]
        if "target" in shared and all(found[k] == spec[k] for k in shared):
            return dataset
    return None


def _keep(networks: xr.Dataset, mask: Sequence[bool] | np.ndarray) -> xr.Dataset:
    return networks.isel(network=np.flatnonzero(np.asarray(mask, dtype=bool)))


def _differing(spec: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """The keys of `wanted`, the seed apart, for which `spec` has another value, with that value."""
    used = {k: spec[k] for k in wanted if k != "seed" and None not in (wanted[k], spec.get(k))}
    return {k: value for k, value in used.items() if value != wanted[k]}


def _by_spread(entry: tuple[dict[str, Any], list[int]]) -> tuple[float, ...]:
    return _spread(entry[0])


def _spread(setting: dict[str, Any]) -> tuple[float, ...]:
    """How far a setting is from homogeneous: (extra fields, range of widths, range of ratios), or
    an empty tuple where it is homogeneous."""
    fields = setting["fields_per_cell"]
    extra = float(fields["poisson"]) if isinstance(fields, dict) else 0.0
    values = (setting["place_cell_width"], *(setting["surround"] or {}).values())
    ranges = [float(np.ptp(v["uniform"])) if isinstance(v, dict) else 0.0 for v in values]
    return (extra, *ranges) if any((extra, *ranges)) else ()


def _range(symbol: str, value: float | dict[str, list[float]], unit: str = "") -> str:
    if isinstance(value, dict):
        low, high = value["uniform"]
        return f"{symbol} {low:g}–{high:g}{unit}"
    return f"{symbol} {value:g}{unit}"
