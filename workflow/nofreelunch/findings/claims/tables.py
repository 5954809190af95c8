"""Tables at the end of the page of claims: networks by target, by cell, by width, and variances."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from nofreelunch.findings import comparisons, intervals, network_measures, verdicts
from nofreelunch.findings.claims import about_targets, scorecard
from nofreelunch.findings.verdicts import mean_percent, percent
from nofreelunch.scoring.surrogates import LABELS
from nofreelunch.theory import formulas

WIDTHS = (
    "*Power*: how many perfect lattices of the units' own fields have p ≤ 0.05. *Perfect "
    "lattices*: the upper end of the interval, allowing for those that the test misses. Lattices "
    "with jitter pass less often."
)

# Heads of the columns about lattices.
LATTICES = (
    "networks (criterion met)",
    "training steps",
    "position error",
    "p ≤ 0.05",
    "power",
    "perfect lattices",
    "grid fraction",
)

ARENAS = (
    "The other arenas have the default place cells, activation and target; the number of cells may "
    "differ. The *period* is the median of units above the grid score, which may be chance; "
    "*predicted* is that of the formula for the plane."
)

MODULES = (
    "Counted among the significant units that have a period, from 10 of these on. A network is "
    f"*resolved* by {network_measures.UNITS_NEEDED[2]} of them, with which two modules would be "
    "found in 80 % of cases. Networks whose periods differ look like modules when they are pooled."
)

VARIANCE = (
    "Share of the variance among single networks that lies between the groups, by the intraclass "
    "correlation; the rest lies between seeds of one group. Groups of one network are left out. "
    "Near 0 % the seed decides, near 100 % the factor does. P-values of at most 0.05 are the less "
    "frequent by chance the fewer fields a map has, so that a part of their variance may be chance."
)

LENGTHS = (
    "Each length is a training of its own, whose learning rate follows its schedule to the end. "
    "Shares of active units have Student's interval over networks."
)

SCORECARD = (
    "Published numbers of single configurations, most from networks of 1,024 or 4,096 units after "
    "200,000 steps. The range is their spread, or the precision of the reading. Rows "
    "without networks in this study are left out. Networks of other sizes and budgets may differ, "
    "so no verdict is drawn."
)


def scorecard_table(summary: xr.Dataset) -> str:
    """One row per published number of which the study has networks; empty without any."""
    heads = ("row", "quantity", "published", "this study", "it is", "networks")
    found = list(scorecard.rows(summary))
    return table(heads, found) if found else ""


def variance_table(summary: xr.Dataset) -> str:
    """One row per factor: between its groups, the variance of two shares of units."""
    factors: dict[str, Mapping[Any, xr.Dataset]] = {
        "target": comparisons.networks_by_target(summary),
        "place-cell width": comparisons.widths(summary),
        "cell and activation": comparisons.architectures(summary),
    }
    rows = []
    for name, found in factors.items():
        groups = [networks for networks in found.values() if networks.sizes["network"] > 1]
        count = sum(networks.sizes["network"] for networks in groups)
        measures = (network_measures.excess, network_measures.small_p_values)
        shares = [_between(map(measure, groups)) for measure in measures]
        rows.append((name, f"{len(groups)}, {count} networks", *shares))
    heads = ("units by grid score, less chance", "active units with p ≤ 0.05")
    return table(("factor", "groups", *heads), rows)


def _between(values: Iterable[np.ndarray]) -> str:
    """The share of the variance that lies between groups, and its interval, as text."""
    known = [of_group for of_group in values if np.isfinite(of_group).all()]
    share, low, high = network_measures.variance_between(known)
    if not math.isfinite(share):
        return "not known"
    return f"{100 * share:.0f} % [{100 * low:.0f}, {100 * high:.0f}]"


def training_lengths(summary: xr.Dataset) -> str:
    """Reference networks by length of training, and whether more still changes their units.

    Empty if the study trains them for one length alone. Untrained networks are a length of 0.
    """
    untrained, trained = comparisons.untrained(summary), comparisons.select(summary, ["steps"])
    lengths = np.array([spec["steps"] for spec in comparisons.specs(trained)], int)
    found = {int(n): trained.isel(network=np.flatnonzero(lengths == n)) for n in np.unique(lengths)}
    if len(found) < 2:
        return ""
    groups = ({0: untrained} if untrained.sizes["network"] else {}) | found
    horizon, rows = summary.attrs["position_error_horizon"], []
    for steps, networks in groups.items():
        small = verdicts.over_seeds(network_measures.small_p_values(networks))
        error = float(networks["position_error"].sel(horizon=horizon).mean())
        shown = _percent_text(small)
        fraction = network_measures.fraction_text(networks) or "not known"
        rows.append(
            (f"{steps:,}", str(networks.sizes["network"]), f"{100 * error:.1f} cm", shown, fraction)
        )
    heads = ("training steps", "networks", "position error", "p ≤ 0.05", "grid fraction")
    return f"{table(heads, rows)}\n\n{_still_rising(found)}"


def _still_rising(found: Mapping[int, xr.Dataset]) -> str:
    """Whether the share of small p-values differs between the two longest trainings, in words."""
    shorter, longer = sorted(found)[-2:]
    few, many = (network_measures.small_p_values(found[steps]) for steps in (shorter, longer))
    value, low, high = intervals.difference(many, few)
    said = f"From {shorter:,} to {longer:,} training steps, the share of p ≤ 0.05 "
    if not math.isfinite(low):
        return f"{said}has no interval."
    change = "still rises" if low > 0 else "falls" if high < 0 else "changes by no more than chance"
    return f"{said}{change}: {verdicts.points(value, low, high)}."


def targets_table(summary: xr.Dataset) -> str:
    """One row per target: networks, keys unlike the defaults, errors and shares of units."""
    rows = [
        (comparisons.phrase(networks, target), *_networks_row(summary, networks))
        for target, networks in comparisons.networks_by_target(summary).items()
    ]
    return table(("target", *_networks_heads(summary)), rows)


def architectures_table(summary: xr.Dataset) -> str:
    """As the table of targets, per cell and activation, with the median period."""
    threshold, rows = summary.attrs["grid_cell_threshold"], []
    for (cell, activation), networks in comparisons.architectures(summary).items():
        period = np.concatenate(network_measures.periods(networks, threshold))
        typical = f"{np.median(period):.2f} m" if period.size else "none"
        rows.append((cell, activation, *_networks_row(summary, networks), typical))
    heads = ("cell", "activation", *_networks_heads(summary), "median period of grid-like units")
    return table(heads, rows)


def _networks_heads(summary: xr.Dataset) -> tuple[str, ...]:
    above = f"units above {summary.attrs['grid_cell_threshold']:g} (of active ones)"
    errors = ("position error", "by ridge regression")
    units = ("chance, by kind", "p ≤ 0.05", "power", "grid fraction", "units: dead, constant")
    return ("networks (criterion met)", "keys unlike the defaults", *errors, above, *units)


def _networks_row(summary: xr.Dataset, networks: xr.Dataset) -> tuple[str, ...]:
    """Number of networks, keys unlike the defaults, errors, shares of units, unit counts."""
    threshold, horizon = (
        summary.attrs[k] for k in ("grid_cell_threshold", "position_error_horizon")
    )
    recipe = comparisons.recipe(summary, networks)
    error, ridge = networks["position_error"].sel(horizon=horizon), networks["ridge_error"]
    above, above_active, small = (
        mean_percent(values) or "not known"
        for values in (
            network_measures.share_above(networks, threshold),
            network_measures.share_above_active(networks, threshold),
            network_measures.small_p_values(networks),
        )
    )
    chance = [
        f"{LABELS.get(kind, kind)} {share}"
        for kind in network_measures.kinds(networks)
        if (share := mean_percent(network_measures.chance_above(networks, threshold, kind)))
    ]
    power = network_measures.lattices(networks).power
    units = network_measures.unit_counts(networks)
    return (
        f"{networks.sizes['network']} ({about_targets.passing(networks)})",
        ", ".join(f"{key} {value}" for key, value in recipe.items()) or "none",
        f"{100 * float(error.mean()):.1f} cm",
        f"{100 * float(ridge.mean()):.1f} cm",
        f"{above} ({above_active})",
        ", ".join(chance) or "not known",
        small,
        percent(power) if math.isfinite(power) else "not known",
        network_measures.fraction_text(networks) or "not known",
        f"{units.present}: {units.dead}, {units.constant}",
    )


def widths_table(summary: xr.Dataset) -> str:
    """One row per width: its networks, their error, and how many units pass or may be lattices."""
    rows = [
        (f"{width:g} m", *_lattices_row(summary, networks))
        for width, networks in comparisons.widths(summary).items()
    ]
    return table(("place-cell width", *LATTICES), rows)


def arenas_table(summary: xr.Dataset) -> str:
    """As the table of widths, per arena, with the periods of grid-like units and of theory."""
    threshold, rows = summary.attrs["grid_cell_threshold"], []
    reference = comparisons.Setting(
        f"{summary.attrs['arena']:g} m, the study's", comparisons.select(summary)
    )
    for label, networks in (reference, *comparisons.arenas(summary)):
        found = np.concatenate([*network_measures.periods(networks, threshold), np.empty(0)])
        period = f"{np.median(found):.2f} m" if found.size else "none"
        rows.append((label, *_lattices_row(summary, networks), period, _predicted(networks)))
    return table(("arena", *LATTICES, "period", "predicted"), rows)


def _predicted(networks: xr.Dataset) -> str:
    """The period of the lattice that fields of these networks predict in the plane, as text."""
    specs = comparisons.specs(networks)
    field = formulas.field_of(specs[0]) if specs and specs[0]["surround"] else None
    wave = formulas.ring(*field) if field else math.nan
    return f"{formulas.HEXAGONAL * 2 * math.pi / wave:.2f} m" if math.isfinite(wave) else "none"


def _lattices_row(summary: xr.Dataset, networks: xr.Dataset) -> tuple[str, ...]:
    """What `LATTICES` names, of one kind of networks."""
    if not networks.sizes["network"]:
        return ("0", *["none"] * (len(LATTICES) - 1))
    small = verdicts.over_seeds(network_measures.small_p_values(networks))
    found = network_measures.lattices(networks)
    error = networks["position_error"].sel(horizon=summary.attrs["position_error_horizon"])
    hidden = "any number" if found.high >= 1 else f"at most {percent(found.high)}"
    return (
        f"{networks.sizes['network']} ({about_targets.passing(networks)})",
        f"{comparisons.specs(networks)[0]['steps']:,}",
        f"{100 * float(error.mean()):.1f} cm",
        _percent_text(small),
        percent(found.power) if math.isfinite(found.power) else "not known",
        hidden if math.isfinite(found.high) else "not known",
        network_measures.fraction_text(networks) or "not known",
    )


def _percent_text(found: verdicts.Estimate) -> str:
    """A share and its interval in %, as text."""
    if not math.isfinite(found.value):
        return "not known"
    return f"{percent(found.value)} [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def modules_table(summary: xr.Dataset) -> str:
    """One row per width: the modules of each network, and those of all its networks pooled."""
    rows = []
    for width, networks in comparisons.widths(summary).items():
        found = network_measures.network_modules(networks)
        each = "; ".join(_modules(m) for m in found)
        resolved = f"{sum(m.resolved for m in found)} of {len(found)}"
        rows.append(
            (f"{width:g} m", resolved, each, _modules(network_measures.pooled_modules(networks)))
        )
    heads = ("place-cell width", "resolved networks", "modules of each network [95 % interval]")
    return table((*heads, "of all networks pooled"), rows)


def _modules(found: network_measures.Modules) -> str:
    units = f"{found.units} unit{'' if found.units == 1 else 's'}"
    if not found.count:
        return f"none counted, {units}"
    few = "" if found.resolved else ", not resolved"
    return f"{found.count} [{found.low:.0f}, {found.high:.0f}], {units}{few}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
