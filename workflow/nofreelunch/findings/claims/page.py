"""The page of claims: every result of the talk, tested on one study and written as Markdown."""

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr

from nofreelunch.findings import comparisons, network_measures, verdicts
from nofreelunch.findings.claims import about_networks, about_targets, about_widths
from nofreelunch.findings.verdicts import Claim, mean_percent, percent
from nofreelunch.scoring.surrogates import LABELS

__all__ = ["Claim", "estimate_text", "evaluate", "to_markdown"]

RESULTS = {
    1: "Most networks solve the task of path integration; few learn grid cells",
    2: "Grid cells emerge only under particular encodings of the target",
    3: "Small perturbations of the hyperparameters prevent grid cells",
    4: "Networks do not learn several grid modules",
    5: "Realistic place-cell targets prevent grid cells",
    6: "An unmentioned detail of the implementation is critical: softmaxes, not Gaussians",
}

HOW_TO_READ = """\
Each row is one claim of the talk "No Free Lunch from Deep Learning in Neuroscience" (Schaeffer, \
Khona & Fiete 2022), with this study's estimates and their 95 % intervals, a verdict on each, the \
number of networks behind them, and a reference with its source (the talk, unless that says \
otherwise). Networks (seeds) are the unit of replication, so units of one network never count as \
independent evidence. Shares of networks have Wilson's interval, means over networks Student's, \
differences Welch's. Each interval stands alone: {count} claims are tested, so one in twenty \
intervals may miss by chance.

A claim is *reproduced* or *not reproduced* only where its interval decides, by a rule that was \
fixed beforehand. It *cannot be tested at this scale* where networks are too few or too little \
trained, where the study lacks them, or where the interval holds both the talk's effect and none.

Two criteria are kept apart, and neither decides for the other.

- **By grid score, less chance.** A unit is "grid-like" if its grid score (minimum of the peaks \
less maximum of the troughs) is above {threshold:g}, as in the talk. Random maps reach that, too. \
From every share of grid-like units, that of the units' surrogates is taken off. There are two \
kinds of surrogates: maps of random phases with the unit's own spectrum and rates, and the unit's \
own fields shuffled. The kind that supports the claim least decides.
- **By p-values.** A unit's p-value compares its score with both kinds of surrogates. Of units \
without a lattice, at most 5 % should have a p-value of at most 0.05. As a check, surrogates are \
tested as if they were units: {size} of them have. Shares of units are shares of active units with \
such a p-value, less 5 %, or less the measured share if that is larger. How many lattices that can \
hide follows from the power of the test: the share of perfect lattices, made of the network's own \
fields, that have such a p-value.

*Significant* units have a p-value small enough after a correction for having tested all active \
units of a network: of those that pass, at most one in twenty is expected to be chance. The *grid \
fraction* is the share of active units that are significant. Dead units never fire, constant ones \
fire alike everywhere, and neither is active."""

MODULES = (
    "Counted among the significant units that have a period, from 10 of these on. A network is "
    f"*resolved* by {network_measures.UNITS_NEEDED[2]} of them, with which two modules would be "
    "found in 80 % of cases. Networks whose periods differ look like modules when they are pooled."
)


def evaluate(summary: xr.Dataset, theory: Sequence[xr.Dataset]) -> list[Claim]:
    """Test every claim on a study's summary and the theory datasets of its targets."""
    tests = (*about_networks.TESTS, *about_targets.TESTS, *about_widths.TESTS)
    return sorted((test(summary, theory) for test in tests), key=lambda claim: claim.id)


def to_markdown(claims: Sequence[Claim], summary: xr.Dataset) -> str:
    """The claims as a page of Markdown.

    The page says how to read it, counts the verdicts, has one section per result, and ends with
    tables of the networks by width, by target, and by cell and activation.
    """
    parts = [f"# Claims of the study “{summary.attrs['study']}”", _counts(claims, summary)]
    threshold = summary.attrs["grid_cell_threshold"]
    size = summary.attrs["test_size"]
    known = percent(size) if math.isfinite(size) else "an unknown share"
    how = HOW_TO_READ.format(count=len(claims), threshold=threshold, size=known)
    parts += ["## How to read this", how, _thresholds(summary)]
    for number, title in RESULTS.items():
        chosen = [claim for claim in claims if claim.result == number]
        parts += [f"## Result {number}. {title}", _claims_table(chosen), _reasons(chosen)]
    if comparisons.widths(summary):
        parts += ["## Grid modules by place-cell width", _modules_table(summary), MODULES]
    parts += ["## The networks that stand for each target", _targets_table(summary)]
    target = comparisons.defaults(summary)["target"]
    target = comparisons.phrase(comparisons.of_target(summary, target), target)
    title = f"## {target} networks by cell and activation"
    parts += [title, _architectures_table(summary)]
    return "\n\n".join(parts) + "\n"


def _counts(claims: Sequence[Claim], summary: xr.Dataset) -> str:
    scored = [c.first for c in claims if c.about_units and c.first]
    tested = [c.second for c in claims if c.second]
    others = [c.first for c in claims if not c.about_units and c.first]
    counts = [
        f"By grid score, less chance: {_verdicts(scored)}.",
        f"By p-values: {_verdicts(tested)}.",
        f"Claims that involve no unit: {_verdicts(others)}.",
    ]
    diverged = int(summary["diverged"].sum())
    networks = f"{verdicts.counted(summary.sizes['network'])}, {diverged} of them diverged"
    left_out = " and left out of every number" if diverged else ""
    units = network_measures.unit_counts(comparisons.trained(summary))
    return (
        f"**{len(claims)} claims. {' '.join(counts)}**\n\n{networks}{left_out}. {units.present} "
        f"units, {units.active} active, {units.dead} dead, {units.constant} constant."
    )


def _verdicts(found: Sequence[verdicts.Evidence]) -> str:
    """How many estimates have each verdict, as text."""
    order = (verdicts.REPRODUCED, verdicts.NOT_REPRODUCED, verdicts.UNTESTABLE)
    of = [evidence.verdict for evidence in found]
    return ", ".join(f"{of.count(verdict)} {verdict}" for verdict in order)


def _thresholds(summary: xr.Dataset) -> str:
    values = summary.attrs
    error, horizon = 100 * values["position_error_threshold"], values["position_error_horizon"]
    least = network_measures.least_fraction(summary)
    fraction = f"of {percent(least)} or more, or none" if math.isfinite(least) else "is not known"
    return (
        f"- Low position error: below {error:g} cm, the mean over {horizon} steps of held-out "
        "walks.\n"
        f"- Grid-like unit: grid score above {values['grid_cell_threshold']:g}; a network has grid "
        "cells if its highest score reaches it.\n"
        f"- Significant unit: false-discovery rate {100 * network_measures.DISCOVERY_RATE:g} % "
        f"within its network; with as many surrogates as were made, a grid fraction {fraction}.\n"
        f"- Arena {values['arena']:g} m, bins of {100 * values['bin_size']:g} cm."
    )


def _claims_table(claims: Sequence[Claim]) -> str:
    rows = [
        (
            f"**{claim.id}.** {claim.sentence}",
            _evidence(claim.first),
            _evidence(claim.second),
            claim.n,
            f"{claim.reference.text} ({claim.reference.source})",
        )
        for claim in claims
    ]
    first = "this study [95 % interval]; units by grid score, less chance"
    return _table(("claim", first, "by p-values", "N", "reference"), rows)


def _evidence(evidence: verdicts.Evidence | None) -> str:
    """An estimate and its verdict, as text."""
    return "–" if evidence is None else f"{estimate_text(evidence)}: **{evidence.verdict}**"


def estimate_text(evidence: verdicts.Evidence) -> str:
    """An estimate and its interval: shares in %, their differences in percentage points."""
    value, low, high = evidence.estimate[:3]
    if not math.isfinite(value):
        return "none"
    scale, digits, ending = {
        "share": (100, 1, " %"),
        "difference": (100, 1, " points"),
        "m per m": (1, 2, " m per m"),
        "ratio": (1, 2, ""),
        "cycles per box": (1, 2, " cycles per box"),
    }[evidence.unit]
    sign = "+" if evidence.unit == "difference" else ""
    shown = [f"{scale * v:{sign}.{digits}f}".replace("-", "−") for v in (value, low, high)]
    interval = f" [{shown[1]}, {shown[2]}]" if math.isfinite(low) and math.isfinite(high) else ""
    return f"{shown[0]}{ending}{interval}"


def _reasons(claims: Sequence[Claim]) -> str:
    return "\n".join(f"- {claim.id}: {claim.reason}" for claim in claims if claim.reason)


def _targets_table(summary: xr.Dataset) -> str:
    """One row per target: networks, keys unlike the defaults, errors and shares of units."""
    rows = [
        (comparisons.phrase(networks, target), *_networks_row(summary, networks))
        for target, networks in comparisons.networks_by_target(summary).items()
    ]
    return _table(("target", *_networks_heads(summary)), rows)


def _architectures_table(summary: xr.Dataset) -> str:
    """As the table of targets, per cell and activation, with the median period."""
    threshold, rows = summary.attrs["grid_cell_threshold"], []
    for (cell, activation), networks in comparisons.architectures(summary).items():
        period = np.concatenate(network_measures.periods(networks, threshold))
        typical = f"{np.median(period):.2f} m" if period.size else "none"
        rows.append((cell, activation, *_networks_row(summary, networks), typical))
    heads = ("cell", "activation", *_networks_heads(summary), "median period of grid-like units")
    return _table(heads, rows)


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


def _modules_table(summary: xr.Dataset) -> str:
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
    return _table((*heads, "of all networks pooled"), rows)


def _modules(found: network_measures.Modules) -> str:
    units = f"{found.units} unit{'' if found.units == 1 else 's'}"
    if not found.count:
        return f"none counted, {units}"
    few = "" if found.resolved else ", not resolved"
    return f"{found.count} [{found.low:.0f}, {found.high:.0f}], {units}{few}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
