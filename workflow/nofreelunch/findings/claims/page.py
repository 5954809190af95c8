"""The page of claims: every result of the talk, tested on one study and written as Markdown."""

import math
from collections.abc import Sequence

import xarray as xr

from nofreelunch.findings import comparisons, multiplicity, network_measures, power, verdicts
from nofreelunch.findings.claims import (
    about_controls,
    about_networks,
    about_targets,
    about_theory,
    about_widths,
    missing,
    tables,
)
from nofreelunch.findings.verdicts import Claim, percent

__all__ = ["Claim", "estimate_text", "evaluate", "to_markdown"]

RESULTS = {
    "R1": "Most networks solve the task of path integration; few learn grid cells",
    "R2": "Grid cells emerge only under particular encodings of the target",
    "R3": "Small perturbations of the hyperparameters prevent grid cells",
    "R4": "Networks do not learn several grid modules",
    "R5": "Realistic place-cell targets prevent grid cells",
    "R6": "An unmentioned detail of the implementation is critical: softmaxes, not Gaussians",
}
# The heading of every group of claims, by the `part` of a claim.
PARTS = {part: f"Result {part[1]}. {title}" for part, title in RESULTS.items()} | {
    "T": "Theory. The spectrum of a target predicts where grid cells emerge, and their period",
    "C": "Controls. What grid cells need: training, place-cell targets, path integration",
}

COMPARED = ("difference", "m", "score", "deviations")  # units of estimates that may be negative
MODULES_OF_CLAIMS = (about_networks, about_targets, about_widths, about_theory, about_controls)

HOW_TO_READ = """\
Each row is one claim. Those of Results 1 to 6 are the talk's, "No Free Lunch from Deep Learning \
in Neuroscience" (Schaeffer, Khona & Fiete 2022); those on theory and controls ask what the talk \
leaves open. Each has this study's estimates and their 95 % intervals, a verdict on each, the \
number of networks behind them, and a reference with its source (the talk, unless that says \
otherwise). Networks (seeds) are the unit of replication, so units of one network never count as \
independent evidence; for Tc, settings of targets take their place. Shares of networks have \
Wilson's interval, which is wider where seeds of one configuration are alike. Means over networks \
have Student's, differences Welch's, areas below ROC curves Newcombe's, beside an exact test of \
the order. Each interval stands alone: {count} claims are tested, so one in twenty intervals may \
miss by chance. The sentence above says which verdicts are left if the intervals are widened until \
all of them hold at once (Bonferroni). The *d* of a comparison is its effect size: the estimate in \
standard deviations between networks, by Hedges' formula for few networks.

A claim is *reproduced* or *not reproduced* only where its interval decides, by a rule that was \
fixed beforehand. It *cannot be tested at this scale* where networks are too few or too little \
trained, where the study lacks them, or where the interval holds both the talk's effect and none.

Two criteria are kept apart, and neither decides for the other.

- **By grid score, less chance.** A unit is "grid-like" if its grid score (minimum of the peaks \
less maximum of the troughs) is above {threshold:g}, as in the talk. Random maps reach that, too. \
From every share of grid-like units, that of the units' surrogates is taken off. There are two \
kinds of surrogates: maps of random phases with the unit's own spectrum and rates, and the unit's \
own fields shuffled. The kind that supports the claim least decides. A comparison decides only if \
one side has more than its surrogates.
- **By p-values.** A unit's p-value compares its score with both kinds of surrogates. Of units \
without a lattice, about 5 % should have a p-value of at most 0.05. As a check, surrogates are \
tested as if they were units: {size} of them have. Shares of units are shares of active units with \
such a p-value, less 5 %, or less the measured share if that is larger. Fewer pass by chance where \
maps have few fields, so kinds of networks differ by chance alone. A comparison therefore decides \
only if some kind is above 5 %, and if the test can find lattices in maps of the kind that has \
fewer. How many lattices a share can hide follows from the power of the \
test: the share of perfect lattices, made of the network's own fields, that have such a p-value.

Where two kinds of networks are compared, by either criterion, a network of the kind that should \
have fewer counts as at chance if it is below.

*Significant* units have a p-value small enough after a correction for having tested all active \
units of a network: of those that pass, at most one in twenty is expected to be chance. The *grid \
fraction* is the share of active units that are significant. Dead units never fire, constant ones \
fire alike everywhere, and neither is active."""


def evaluate(summary: xr.Dataset, theory: Sequence[xr.Dataset]) -> list[Claim]:
    """Test every claim on a study's summary and the theory datasets of its targets."""
    order = list(PARTS)
    found = [test(summary, theory) for module in MODULES_OF_CLAIMS for test in module.TESTS]
    return sorted(found, key=lambda claim: (order.index(claim.part), claim.id))


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
    for part, title in PARTS.items():
        chosen = [claim for claim in claims if claim.part == part]
        parts += [f"## {title}", _claims_table(chosen), _reasons(chosen, summary)]
    if comparisons.widths(summary):
        parts += [
            "## Networks by place-cell width",
            tables.widths_table(summary),
            tables.WIDTHS,
            "## Grid modules by place-cell width",
            tables.modules_table(summary),
            tables.MODULES,
        ]
    if comparisons.arenas(summary):
        parts += ["## Networks by arena", tables.arenas_table(summary), tables.ARENAS]
    parts += ["## What the shares vary with", tables.variance_table(summary), tables.VARIANCE]
    if lengths := tables.training_lengths(summary):
        parts += ["## Length of training", lengths, tables.LENGTHS]
    if card := tables.scorecard_table(summary):
        parts += ["## Scorecard of published numbers", card, tables.SCORECARD]
    parts += ["## The networks that stand for each target", tables.targets_table(summary)]
    target = comparisons.defaults(summary)["target"]
    target = comparisons.phrase(comparisons.of_target(summary, target), target)
    title = f"## {target} networks by cell and activation"
    parts += [title, tables.architectures_table(summary)]
    return "\n\n".join(parts) + "\n"


def _counts(claims: Sequence[Claim], summary: xr.Dataset) -> str:
    scored = [c.first for c in claims if c.about_units and c.first]
    tested = [c.second for c in claims if c.second]
    others = [c.first for c in claims if not c.about_units and c.first]
    counts = [
        f"By grid score, less chance: {_verdicts(scored)}.",
        f"By p-values: {_verdicts(tested)}.",
        f"Claims that count no units: {_verdicts(others)}.",
    ]
    diverged = int(summary["diverged"].sum())
    networks = f"{verdicts.counted(summary.sizes['network'])}, {diverged} of them diverged"
    left_out = " and left out of every number" if diverged else ""
    units = network_measures.unit_counts(comparisons.trained(summary))
    return (
        f"**{len(claims)} claims. {' '.join(counts)}**\n\n{together(claims)}\n\n"
        f"{networks}{left_out}. {units.present} units, {units.active} active, {units.dead} dead, "
        f"{units.constant} constant."
    )


def together(claims: Sequence[Claim]) -> str:
    """Which verdicts stand if the intervals of all claims have to hold at once, as a sentence."""
    found = multiplicity.all_at_once(claims)
    if not found.alone:
        return "No interval of this study decides a claim."
    standing = ", ".join(found.together)
    return (
        f"Each interval holds alone. If all {found.intervals} have to hold at once with 95 %, "
        f"{len(found.together)} of the {len(found.alone)} verdicts that they give stand"
        f"{f': {standing}' if standing else ''}."
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
            verdict_text(claim.first),
            verdict_text(claim.second),
            claim.n,
            f"{claim.reference.text} ({claim.reference.source})",
        )
        for claim in claims
    ]
    first = "this study [95 % interval]; units by grid score, less chance"
    return tables.table(("claim", first, "by p-values", "N", "reference"), rows)


def verdict_text(evidence: verdicts.Evidence | None) -> str:
    """An estimate, its effect size if it compares networks, and its verdict, as text."""
    if evidence is None:
        return "–"
    effect, compared = evidence.estimate.effect, evidence.unit in COMPARED
    size = f", d {effect:+.1f}".replace("-", "−") if compared and math.isfinite(effect) else ""
    return f"{estimate_text(evidence)}{size}: **{evidence.verdict}**"


def estimate_text(evidence: verdicts.Evidence) -> str:
    """An estimate and its interval: shares in %, their differences in percentage points."""
    value, low, high = evidence.estimate[:3]
    if not math.isfinite(value):
        return "none"
    scale, digits, ending = {
        "share": (100, 1, " %"),
        "difference": (100, 1, " points"),
        "m": (100, 1, " cm"),
        "m per m": (1, 2, " m per m"),
        "area": (1, 2, ""),
        "ratio": (1, 2, ""),
        "score": (1, 2, ""),
        "deviations": (1, 1, " standard deviations"),
        "cycles per box": (1, 2, " cycles per box"),
    }[evidence.unit]
    sign = "+" if evidence.unit in COMPARED else ""
    shown = [f"{scale * v:{sign}.{digits}f}".replace("-", "−") for v in (value, low, high)]
    interval = f" [{shown[1]}, {shown[2]}]" if math.isfinite(low) and math.isfinite(high) else ""
    return f"{shown[0]}{ending}{interval}"


def _reasons(claims: Sequence[Claim], summary: xr.Dataset) -> str:
    texts = {}
    for claim in claims:
        sweep = missing.sweep_text(claim.id, summary)
        wanted = f" A sweep would give these networks: `{sweep}`." if sweep else ""
        texts[claim.id] = f"{power.reason_text(claim)}{wanted}".strip()
    return "\n".join(f"- {name}: {text}" for name, text in texts.items() if text)
