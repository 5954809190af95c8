"""Series of networks: which networks of a study are compared with which.

A series holds the networks whose spec equals the study's defaults except for named keys. The seed
is always free. Networks with an arena or place-cell centres of their own are only in the series
of these, and networks that diverged are in none. Every function takes the study's summary
(dimensions network, unit ...) and returns selections of its networks.
"""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from nofreelunch.networks.cohorts import OWN_KEYS
from nofreelunch.networks.shapes import cells
from nofreelunch.task.catalogue import KEYS, catalogue, facts_of
from nofreelunch.task.names import target_name

PLACE_CELL_KEYS = ("place_cell_width", "surround", "fields_per_cell")
# What networks must have to stand for a target. The other keys are the training recipe and sizes.
COMPARED_KEYS = ("target", *PLACE_CELL_KEYS, "amplitude_ratio", "cell", "activation")
# What may differ where place cells lie elsewhere: their number and scale, and the training.
SCALED_KEYS = ("place_cells", "encoder_scale", "steps")
# Targets without a centre and a surround, and one with them but without a softmax.
CONTROL_TARGETS = ("cartesian", "gaussian", "general_difference_of_gaussians")


class Setting(NamedTuple):
    """One point of a series: its label and its networks."""

    label: str
    networks: xr.Dataset


def defaults(summary: xr.Dataset) -> dict[str, Any]:
    """The spec of the reference configuration.

    An amplitude ratio that its target does not use is given as "equal_area".
    """
    found = json.loads(summary.attrs["defaults"])
    return {**found, "amplitude_ratio": found.get("amplitude_ratio") or "equal_area"}


def specs(networks: xr.Dataset) -> list[dict[str, Any]]:
    """The spec of every network."""
    return [json.loads(str(text)) for text in networks["spec"].values]


def configurations(networks: xr.Dataset) -> list[str]:
    """What each network shares with its other seeds, as text."""
    without = ({k: v for k, v in spec.items() if k != "seed"} for spec in specs(networks))
    return [json.dumps(spec, sort_keys=True) for spec in without]


def trained(summary: xr.Dataset, **own: Any) -> xr.Dataset:
    """The networks that were trained to path-integrate and did not diverge.

    Those with an arena or place-cell centres of their own are left out, unless `own` has these
    keys: `arena` (m), `periodic`, `place_cell_centres`.
    """
    return _take(summary, _trained(summary, specs(summary), own))


def untrained(summary: xr.Dataset) -> xr.Dataset:
    """Networks as they were drawn (`steps: 0`), whose spec otherwise equals the defaults."""
    wanted, known = defaults(summary) | {"steps": 0}, specs(summary)
    return _take(summary, [row for row, spec in enumerate(known) if not _differing(spec, wanted)])


def told_position(summary: xr.Dataset) -> xr.Dataset:
    """Networks that receive the position and cannot path-integrate, otherwise as the defaults."""
    wanted = {k: v for k, v in defaults(summary).items() if k != "cell"}
    rows = [
        row
        for row, spec in enumerate(specs(summary))
        if not (cells()[spec["cell"]].recurrent or _differing(spec, wanted))
    ]
    diverged = summary["diverged"].values.astype(bool)
    return _take(summary, [row for row in rows if not diverged[row]])


def select(summary: xr.Dataset, free: Collection[str] = (), **fixed: Any) -> xr.Dataset:
    """Networks whose spec equals the defaults except in some keys.

    Keys in `free` may have any value; `fixed` keys have the given one. A key that a target does not
    use (null) always agrees.
    """
    wanted = {k: v for k, v in (defaults(summary) | fixed).items() if k not in free}
    known = specs(summary)
    rows = _trained(summary, known, _own(fixed))
    return _take(summary, [row for row in rows if not _differing(known[row], wanted)])


def compared_targets(summary: xr.Dataset) -> list[str]:
    """Targets with a network that did not diverge, in the order of the catalogue."""
    found = {str(name) for name in trained(summary)["target"].values}
    return [name for name in catalogue() if name in found] + sorted(found - {*catalogue()})


def networks_by_target(summary: xr.Dataset) -> dict[str, xr.Dataset]:
    """The networks that stand for each target; targets for which none does are left out."""
    found = {target: of_target(summary, target) for target in compared_targets(summary)}
    return {target: networks for target, networks in found.items() if networks.sizes["network"]}


def phrase(networks: xr.Dataset, target: str) -> str:
    """What sentences about `networks` call `target`."""
    return target_name(target, _amplitude_ratios(networks, target))


def short_name(networks: xr.Dataset, target: str, lines: bool = False) -> str:
    """What figures of `networks` call `target`, on one line or, for narrow columns, on several."""
    name = target_name(target, _amplitude_ratios(networks, target), short=True)
    return name if lines else name.replace("-\n", "-").replace("\n", " ")


def _amplitude_ratios(networks: xr.Dataset, target: str) -> set[float | str | None]:
    """Ratios of those networks that have this target; of the study's defaults where none has."""
    if facts_of(target).centre_surround != "amplitude_ratio":
        return set()
    found = {spec["amplitude_ratio"] for spec in specs(networks) if spec["target"] == target}
    return found or {defaults(networks)["amplitude_ratio"]}


def of_target(summary: xr.Dataset, target: str, **fixed: Any) -> xr.Dataset:
    """The networks that stand for `target` when targets are compared.

    They have the default cell, activation and place cells, or what `fixed` names. Coordinates and
    place cells train well with different recipes (learning rate, encoder scale, size ...). Of
    several, `nearest_recipe` takes one.
    """
    wanted = defaults(summary) | {"target": target} | fixed
    compared = {k: wanted[k] for k in COMPARED_KEYS if k in wanted}
    known = specs(summary)
    rows = _trained(summary, known, {})
    agree = {row: known[row] for row in rows if not _differing(known[row], compared)}
    return _take(summary, _nearest(agree, wanted))


def nearest_recipe(networks: xr.Dataset, wanted: dict[str, Any]) -> xr.Dataset:
    """Of networks with several recipes, those of the one that is nearest to the `wanted` keys.

    The fewest keys differ; of several such recipes, the one with the most networks is taken.
    """
    return _take(networks, _nearest(dict(enumerate(specs(networks))), wanted))


def _nearest(known: Mapping[int, dict[str, Any]], wanted: dict[str, Any]) -> list[int]:
    """Rows of the networks that `nearest_recipe` returns; `known` has the spec of each row."""
    recipes: dict[str, list[int]] = {}
    for row, spec in known.items():
        differing = json.dumps(_differing(spec, wanted), sort_keys=True)
        recipes.setdefault(differing, []).append(row)
    if not recipes:
        return []
    return recipes[min(recipes, key=lambda r: (len(json.loads(r)), -len(recipes[r])))]


def architectures(summary: xr.Dataset) -> dict[tuple[str, str], xr.Dataset]:
    """Networks of the default target by (cell, activation), the default pair first."""
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
    """The keys in which the first of `networks` differs from the defaults, with its values.

    Target, cell and activation are left out.
    """
    if not networks.sizes["network"]:
        return {}
    differing = _differing(specs(networks)[0], defaults(summary))
    return {k: v for k, v in differing.items() if k not in ("target", "cell", "activation")}


def widths(summary: xr.Dataset) -> dict[float, xr.Dataset]:
    """The width series: networks with homogeneous place cells, by width in m, ascending.

    Narrow fields may need longer training than the default. Of several lengths at a width, the
    default one is taken, or the longest.
    """
    networks = select(summary, free=["place_cell_width", "steps"])
    width = networks["place_cell_width"].values.astype(float)
    steps = np.array([spec["steps"] for spec in specs(networks)], float)
    chosen = np.where(steps == defaults(summary)["steps"], np.inf, steps)
    found = {}
    for value in np.unique(width[np.isfinite(width)]):
        there = width == value
        rows = np.flatnonzero(there & (chosen == chosen[there].max()))
        found[float(value)] = networks.isel(network=rows)
    return found


def learnt_widths(summary: xr.Dataset) -> xr.Dataset:
    """All networks of the widths that have learnt to path-integrate."""
    names = [n["network"].values for n in widths(summary).values() if learnt(n)]
    kept = np.isin(summary["network"].values, np.concatenate([*names, np.empty(0, str)]))
    return _take(summary, np.flatnonzero(kept))


def controls(summary: xr.Dataset) -> list[Setting]:
    """The reference networks, then the controls that the study has, each with its label.

    Networks of another arena may have another number of place cells, so that these are as dense,
    and another length of training.
    """
    default = defaults(summary)["target"]
    found = [
        Setting("reference", select(summary)),
        Setting("untrained", untrained(summary)),
        Setting("told the position", told_position(summary)),
    ]
    found.append(Setting("place cells on a raster", on_raster(summary)))
    found += arenas(summary)
    for target in CONTROL_TARGETS:
        settings = _by_ratio(summary, target) if target != default else []
        found += [Setting(f"{short_name(n, target)} targets", n) for n in settings]
    return [setting for setting in found if setting.networks.sizes["network"]]


def on_raster(summary: xr.Dataset) -> xr.Dataset:
    """The default networks whose place cells lie on a raster, in the arena of the study.

    There may be another number of them, because it is a square, and another length of training.
    """
    return select(summary, SCALED_KEYS, place_cell_centres="raster")


def arenas(summary: xr.Dataset) -> list[Setting]:
    """The default networks in each arena of their own, those with walls first, by side."""
    elsewhere = [spec for spec in specs(summary) if "place_cell_centres" not in spec]
    spaces = {("periodic" in spec, spec.get("arena", 0.0)): _own(spec) for spec in elsewhere}
    found = []
    for (periodic, side), space in sorted(spaces.items()):
        if space:
            label = "periodic arena" if periodic else "arena"
            label += f" of {side:g} m" if side else ""
            found.append(Setting(label, select(summary, SCALED_KEYS, **space)))
    return [setting for setting in found if setting.networks.sizes["network"]]


def _by_ratio(summary: xr.Dataset, target: str) -> list[xr.Dataset]:
    """The networks that stand for `target`, at each of its amplitude ratios if it has several."""
    ratios = _amplitude_ratios(trained(summary), target)
    if len(ratios) < 2:
        return [of_target(summary, target)]
    numbers = {math.inf if isinstance(ratio, str) else float(ratio or 0): ratio for ratio in ratios}
    ascending = [numbers[number] for number in sorted(numbers)]
    return [of_target(summary, target, amplitude_ratio=ratio) for ratio in ascending]


def learnt(networks: xr.Dataset) -> bool:
    """Whether networks path-integrate: half of them or more, by the study's error criterion."""
    low = networks["low_error"].values.astype(bool)
    return bool(low.size) and float(low.mean()) >= 0.5


def realism(summary: xr.Dataset) -> list[Setting]:
    """The place-cell series: homogeneous first, then by number of fields, then by spread.

    Homogeneous place cells of other widths or surrounds are left out. Empty if the study's default
    target has no place cells.
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
    """A place-cell setting in two lines: its kind, then its widths and surround ratios."""
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
        shared = [k for k in ("target", *KEYS) if None not in (spec.get(k), found.get(k))]
        if "target" in shared and all(found[k] == spec[k] for k in shared):
            return dataset
    return None


def _trained(
    summary: xr.Dataset, known: Sequence[dict[str, Any]], own: dict[str, Any]
) -> list[int]:
    """Rows of the networks that `trained` returns; `known` are the specs of all."""
    alive = ~summary["diverged"].values.astype(bool)
    return [
        row
        for row, spec in enumerate(known)
        if alive[row]
        and cells()[spec["cell"]].recurrent
        and spec["steps"] > 0
        and _own(spec) == own
    ]


def _take(networks: xr.Dataset, rows: Sequence[int] | np.ndarray) -> xr.Dataset:
    return networks.isel(network=np.asarray(rows, int))


def _differing(spec: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Keys of `wanted` for which `spec` has another value, with that value.

    The seed is left out, and so are keys that are null in either. Most networks have no keys of
    `_own`.
    """
    used = {k: spec[k] for k in wanted if k != "seed" and None not in (wanted[k], spec.get(k))}
    found = {k: value for k, value in used.items() if value != wanted[k]}
    return found | {k: value for k, value in _own(spec).items() if k not in wanted}


def _own(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The keys in which a network is unlike the others of the study; mostly none."""
    return {k: spec[k] for k in OWN_KEYS if k in spec}


def _by_spread(entry: tuple[dict[str, Any], list[int]]) -> tuple[float, ...]:
    return _spread(entry[0])


def _spread(setting: dict[str, Any]) -> tuple[float, ...]:
    """How far a setting is from homogeneous: (extra fields, range of widths, range of ratios).

    Empty for a homogeneous setting.
    """
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
