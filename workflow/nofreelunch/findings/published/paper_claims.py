"""The sentences of the papers, tested on the networks of their models.

Each paper judged its maps by eye or by a grid score. The first estimate of a claim is by that
measure. The second is the share of units whose lattice stands out from surrogates of the same
spectrum and rates, of which chance has 5 %. Networks are the unit of replication.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import xarray as xr

from nofreelunch.findings import verdicts
from nofreelunch.findings.published import (
    claims_of_banino,
    claims_of_cueva_wei,
    claims_of_nayebi,
    claims_of_sorscher,
    claims_of_whittington,
)
from nofreelunch.findings.published.claim_parts import UPDATES
from nofreelunch.findings.published.model_measures import specs
from nofreelunch.findings.verdicts import Claim

TESTS: dict[str, Sequence[Callable[[xr.Dataset], Claim]]] = {
    "cueva_wei_2018": claims_of_cueva_wei.TESTS,
    "banino_2018": claims_of_banino.TESTS,
    "sorscher_2019": claims_of_sorscher.TESTS,
    "whittington_2020": claims_of_whittington.TESTS,
    "nayebi_2021": claims_of_nayebi.TESTS,
}
# The claim that each paper is cited for.
HEADLINES = {
    "cueva_wei_2018": "Wc",
    "banino_2018": "Bb",
    "sorscher_2019": "Sd",
    "whittington_2020": "Ta",
    "nayebi_2021": "Na",
}
# Claims that few updates leave as they are: on factorisations, an LSTM at its published budget, and
# untrained networks; and Bc, against which grid-like units without dropout speak at any time.
WHATEVER_UPDATES = ("Sa", "Sb", "Sc", "Sd", "Nb", "Bc")


def evaluate(summaries: Mapping[str, xr.Dataset]) -> dict[str, list[Claim]]:
    """The claims of each model, by its name.

    Networks that were trained for fewer updates than the paper's can support a claim, but do not
    speak against it: more training may bring about what they lack.
    """
    return {
        name: [_within_budget(test(summary), summary) for test in TESTS[name]]
        for name, summary in summaries.items()
    }


def _within_budget(claim: Claim, summary: xr.Dataset) -> Claim:
    """The claim, with verdicts against it left open if networks had fewer updates than it takes."""
    trained = [s for s in specs(summary) if s["kind"] in UPDATES and s["steps"]]
    short = [spec for spec in trained if spec["steps"] < UPDATES[spec["kind"]]]
    if claim.id in WHATEVER_UPDATES or not short:
        return claim
    done = min(spec["steps"] for spec in short)
    sides = claim.first, claim.second
    first, second = (e and e._replace(rule=verdicts.only_for(e.rule)) for e in sides)
    why = ""
    if any(evidence and evidence.verdict == verdicts.NOT_REPRODUCED for evidence in sides):
        why = f"After {done:,} of {UPDATES[short[0]['kind']]:,} updates nothing speaks against it."
    return replace(claim, first=first, second=second, reason=f"{claim.reason} {why}".strip())
