"""The page of the published models: what each paper said, and what two measures give here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import xarray as xr

from nofreelunch.findings.claims import tables
from nofreelunch.findings.claims.page import estimate_text
from nofreelunch.findings.verdicts import Claim, Evidence

HOW_TO_READ = """\
The talk cites papers that are said to show that path integration yields grid cells. Here their \
models are trained as the papers say, at a budget of {budget}. Each deviation from a paper is \
listed.

Each claim is a sentence of its paper. *By the paper's measure* is an estimate of what the paper \
looked at, mostly by eye: scores at 60° for hexagonal lattices and at 90° for square ones, or \
errors. *By lattices beyond chance* is the share of active units with a hexagonal, square or \
striped map. Such a map stands out, at a level of 5 %, from random maps of the unit's own spectrum \
and rates; 5 % is taken off. Networks (seeds) are the unit of replication: intervals are Student's \
or Welch's over networks. A claim is *reproduced* or *not reproduced* only where its interval \
decides."""


def to_markdown(
    claims: Mapping[str, Sequence[Claim]],
    summaries: Mapping[str, xr.Dataset],
    figures: Mapping[str, str],
) -> str:
    """The page in Markdown.

    Args:
        claims: of each model, from `evaluate`.
        summaries: of each model, from `summarise`.
        figures: an address for each figure, by its name.
    """
    budget = next(iter(summaries.values())).attrs["budget"]
    parts = ["# The models that the talk cites", HOW_TO_READ.format(budget=budget)]
    parts.append(f"![Shares of units with lattices in every model]({figures['side_by_side']})")
    for name, summary in summaries.items():
        deviations = json.loads(summary.attrs["deviations"])
        parts += [
            f"## {summary.attrs['paper']}",
            f"{summary.attrs['title'].capitalize()}. {summary.sizes['network']} networks.",
            f"![{summary.attrs['title'].capitalize()}]({figures[name]})",
            _claims_table(claims[name]),
            "\n".join(f"- {claim.id}: {claim.reason}" for claim in claims[name] if claim.reason),
            f"### {len(deviations)} deviations from the paper",
            "\n".join(f"- {text}" for text in deviations),
        ]
    return "\n\n".join(parts) + "\n"


def _claims_table(claims: Sequence[Claim]) -> str:
    heads = ("claim", "by the paper's measure", "by lattices beyond chance", "N", "the paper")
    rows = [
        (
            f"**{claim.id}.** {claim.sentence}",
            _evidence(claim.first),
            _evidence(claim.second),
            claim.n,
            claim.reference.text,
        )
        for claim in claims
    ]
    return tables.table(heads, rows)


def _evidence(evidence: Evidence | None) -> str:
    return "–" if evidence is None else f"{estimate_text(evidence)}: **{evidence.verdict}**"
