"""The sentences of the papers, tested on the networks of their models.

Each paper judged its maps by eye or by a grid score. The first estimate of a claim is by that
measure. The second is the share of units whose lattice stands out from surrogates of the same
spectrum and rates, of which chance has 5 %. Networks are the unit of replication.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import xarray as xr

from nofreelunch.findings.published import (
    claims_of_banino,
    claims_of_cueva_wei,
    claims_of_nayebi,
    claims_of_sorscher,
    claims_of_whittington,
)
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


def evaluate(summaries: Mapping[str, xr.Dataset]) -> dict[str, list[Claim]]:
    """The claims of each model, by its name."""
    return {name: [test(summaries[name]) for test in TESTS[name]] for name in summaries}
