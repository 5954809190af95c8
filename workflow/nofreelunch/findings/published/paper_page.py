"""The page of the published models: what each paper said, and what two measures give here."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

import xarray as xr

from nofreelunch.findings import verdicts
from nofreelunch.findings.claims import tables
from nofreelunch.findings.claims.page import estimate_text
from nofreelunch.findings.published.model_groups import GROUPS
from nofreelunch.findings.published.model_measures import mean
from nofreelunch.findings.verdicts import Claim, Evidence
from nofreelunch.scoring.lattice_classes import LATTICES

SCORES = ("mean_60", "mean_90", "own_mean_60", "own_mean_90")

MEASURES = """\
Means over networks. *Error* is that of the network's own outputs and *ridge* that of a regression \
from all units to position; the first number is for walks as long as those of training, the second \
for walks ten times as long. Maps have bins of 5 cm, or those of the paper where that is said. \
Scores are means, and shares are shares, of active units. *Grid-like* \
units have a score at 60° above {threshold:g}; *chance* is the same share of their surrogates, of \
the kind that has more. Hexagonal, square and striped maps stand out from random maps at a level \
of 5 %, for all three together. *Border* units have a border score above 0.5."""

INTRODUCTION = """\
The talk cites papers that are said to show that path integration yields grid cells. Here their \
models are trained as the papers say, at a budget of {budget}. Each deviation from a paper is \
listed."""

HOW_TO_READ = """\
Each claim is a sentence of its paper. *By the paper's measure* is an estimate of what the paper \
looked at, mostly by eye: scores at 60° for hexagonal lattices and at 90° for square ones, or \
errors. *By lattices beyond chance* is the share of active units with a hexagonal, square or \
striped map. Such a map stands out, at a level of 5 %, from random maps of the unit's own spectrum \
and rates; 5 % is taken off, or the share in untrained networks where that is larger, because maps \
that repeat the symmetry of the arena also stand out. Networks (seeds) are the unit of \
replication: intervals are Student's or Welch's over networks. A claim is *reproduced* or *not \
reproduced* only where its interval decides."""


def to_markdown(
    claims: Mapping[str, Sequence[Claim]],
    summaries: Mapping[str, xr.Dataset],
    figures: Mapping[str, str],
) -> str:
    """The page in Markdown.

    Args:
        claims: of each model, from `evaluate`.
        summaries: of each model, from `summarise`.
        figures: an address for each figure, by its name; those without one are left out.
    """
    budget = next(iter(summaries.values())).attrs["budget"]
    parts = ["# The models that the talk cites", INTRODUCTION.format(budget=budget)]
    parts += _figure("Shares of units with lattices in every model", figures.get("side_by_side"))
    parts += ["## How to read this", HOW_TO_READ]
    for name, summary in summaries.items():
        deviations = json.loads(summary.attrs["deviations"])
        parts += [
            f"## {summary.attrs['paper']}",
            f"{summary.attrs['title'].capitalize()}. {summary.sizes['network']} networks.",
            *_figure(summary.attrs["title"].capitalize(), figures.get(name)),
            _claims_table(claims[name], len(deviations)),
            "\n".join(f"- {claim.id}: {claim.reason}" for claim in claims[name] if claim.reason),
            "### Every group of networks by the same measures",
            _measures_table(name, summary),
            MEASURES.format(threshold=summary.attrs["grid_cell_threshold"]),
            f"### {len(deviations)} deviations from the paper",
            "\n".join(f"- {text}" for text in deviations),
        ]
    return "\n\n".join(parts) + "\n"


def _figure(text: str, address: str | None) -> list[str]:
    return [f"![{text}]({address})"] if address else []


def _measures_table(name: str, summary: xr.Dataset) -> str:
    """One row per group of networks: means over networks."""
    heads = (
        *("networks", "N", "error (cm)", "ridge (cm)", "score at 60°", "at 90°"),
        *("60°, paper's bins", "90°, paper's bins", "grid-like"),
        *("chance", "p ≤ 0.05", "hexagonal", "square", "striped", "border"),
    )
    rows = []
    for label, networks in GROUPS[name](summary):
        if not networks.sizes["network"]:
            continue
        shares = ("grid_like_share", "chance_share", "small_p_share")
        lattices = [networks["lattice_share"].sel(lattice=lattice) for lattice in LATTICES]
        rows.append(
            (
                " ".join(label.split()),
                str(networks.sizes["network"]),
                *(_both_errors(networks[error]) for error in ("position_error", "ridge_error")),
                *(f"{mean(networks[score]):.2f}".replace("-", "−") for score in SCORES),
                *(_percent(networks[share]) for share in shares),
                *(_percent(share) for share in (*lattices, networks["border_share"])),
            )
        )
    return tables.table(heads, rows)


def _both_errors(error: xr.DataArray) -> str:
    found = [100 * mean(error.sel(walks=walks)) for walks in ("trained", "longer")]
    return " / ".join(f"{value:.0f}" if math.isfinite(value) else "–" for value in found)


def _percent(share: xr.DataArray) -> str:
    return verdicts.mean_percent(share.values) or "–"


def _claims_table(claims: Sequence[Claim], deviations: int) -> str:
    heads = ("claim", "by the paper's measure", "by lattices beyond chance", "N", "the paper")
    rows = [
        (
            f"**{claim.id}.** {claim.sentence}",
            _evidence(claim.first),
            _evidence(claim.second),
            f"{claim.n}, {deviations} deviations",
            claim.reference.text,
        )
        for claim in claims
    ]
    return tables.table(heads, rows)


def _evidence(evidence: Evidence | None) -> str:
    return "–" if evidence is None else f"{estimate_text(evidence)}: **{evidence.verdict}**"
