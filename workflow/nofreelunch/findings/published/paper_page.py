"""The page of the published models: what each paper said, and what two measures give here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import xarray as xr

from nofreelunch.findings import power
from nofreelunch.findings.claims import tables
from nofreelunch.findings.claims.page import estimate_text
from nofreelunch.findings.published.measure_tables import measures_table
from nofreelunch.findings.published.paper_claims import HEADLINES
from nofreelunch.findings.verdicts import Claim, Evidence

INTRODUCTION = """\
The NeurIPS talk cites papers that are said to show that path integration yields grid cells. Here \
their models are trained at a budget of {budget}. Each deviation from a paper is listed.

The first table has one claim of each paper, on trained networks. What a paper says of untrained \
maps, such as factorisations of a target, is in its own section."""

HOW_TO_READ = """\
Most claims are sentences of their paper. Where its column says *no such control*, the question is \
ours. *By the paper's measure* is an estimate of what the paper \
looked at, sometimes by eye: scores at 60° for hexagonal lattices and at 90° for square ones, \
errors, or predictions. *Beyond chance* is stricter. It is the share of active units with a \
hexagonal, square or striped map, where a map counts if it stands out, at a level of 5 %, from \
random maps of the unit's own spectrum and rates. From this share 5 % is taken off, or the share \
in untrained networks where that is larger, because maps that repeat the symmetry of the arena \
also stand out. Where a claim is about predicting cells, *beyond chance* compares sources of equal \
size and dimension. On graphs it is the share of cells whose map has the symmetry of the graph, \
less 5 %.

Networks (seeds) are the unit of replication: intervals are Student's or Welch's over networks. A \
claim is *reproduced* or *not reproduced* only where its interval decides, and then at this budget \
and with these deviations. Networks that were trained for fewer updates than the paper's can \
support a claim; what they lack never speaks against it."""


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
    parts += [_glance(claims, summaries)]
    parts += _figure(
        "What each paper measured, and shares of units with lattices, in groups of every model",
        figures.get("side_by_side"),
    )
    parts += ["## How to read this", HOW_TO_READ]
    for name, summary in summaries.items():
        deviations = json.loads(summary.attrs["deviations"])
        parts += [
            f"## {summary.attrs['paper']}",
            f"{_title(summary)}. {summary.sizes['network']} networks.",
            *_figure(_title(summary), figures.get(name)),
            _claims_table(claims[name], len(deviations)),
            "\n".join(f"- {k}: {text}" for k, text in _reasons(claims[name]).items() if text),
            "### Groups of networks by the same measures",
            measures_table(name, summary),
            f"### {len(deviations)} deviations from the paper",
            "\n".join(f"- {text}" for text in deviations),
        ]
    return "\n\n".join(parts) + "\n"


def _title(summary: xr.Dataset) -> str:
    title: str = summary.attrs["networks_are"]
    return title[:1].upper() + title[1:]


def _figure(text: str, address: str | None) -> list[str]:
    return [f"![{text}]({address})"] if address else []


def _glance(claims: Mapping[str, Sequence[Claim]], summaries: Mapping[str, xr.Dataset]) -> str:
    """One row per model, with the claim that its paper is cited for."""
    heads = ("paper", "claim", "the paper", "by its measure, here", "beyond chance", "deviations")
    rows = []
    for name, summary in summaries.items():
        found = [claim for claim in claims[name] if claim.id == HEADLINES[name]]
        rows += [
            (
                claim.reference.source,
                f"{claim.sentence} ({claim.id})",
                claim.reference.text,
                _evidence(claim.first),
                _evidence(claim.second),
                str(len(json.loads(summary.attrs["deviations"]))),
            )
            for claim in found
        ]
    return tables.table(heads, rows)


def _claims_table(claims: Sequence[Claim], deviations: int) -> str:
    heads = ("claim", "by the paper's measure", "beyond chance", "N", "the paper")
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


def _reasons(claims: Sequence[Claim]) -> dict[str, str]:
    return {claim.id: power.reason_text(claim) for claim in claims}


def _evidence(evidence: Evidence | None) -> str:
    return "–" if evidence is None else f"{estimate_text(evidence)}: **{evidence.verdict}**"
