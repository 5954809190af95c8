"""Claims of made-up studies by their labels, and studies in which networks have known shares."""

import numpy as np
import xarray as xr
from nofreelunch.findings.claims import (
    about_controls,
    about_networks,
    about_targets,
    about_theory,
    about_widths,
)
from nofreelunch.findings.claims import page as claims_page
from nofreelunch.findings.verdicts import Claim


def evaluated(summary: xr.Dataset, theory=()) -> dict[str, Claim]:
    return {claim.id: claim for claim in claims_page.evaluate(summary, theory)}


MODULES = {
    "R1": about_networks,
    **dict.fromkeys(("R2", "R5", "R6"), about_targets),
    **dict.fromkeys(("R3", "R4"), about_widths),
    "T": about_theory,
    "C": about_controls,
}


def one_claim(label: str, summary: xr.Dataset, theory=()) -> Claim:
    """The claim with this label, without the claims that other modules test."""
    found = (test(summary, theory) for test in MODULES[label[:-1]].TESTS)
    return next(claim for claim in found if claim.id == label)


def with_share(summary: xr.Dataset, networks: xr.Dataset, shares: list[float]) -> xr.Dataset:
    """The summary in which `networks` have the given shares of grid-like units, one each."""
    scores = summary["score_60"].copy(deep=True)
    for name, share in zip(networks["network"].values, shares, strict=True):
        units = int(summary["units_present"].sel(network=name))
        values = np.where(np.arange(summary.sizes["unit"]) < round(share * units), 1.0, -0.2)
        scores.loc[{"network": name}] = values
    return summary.assign(score_60=scores)


def all_verdicts(found) -> set[str]:
    return {e.verdict for claim in found for e in (claim.first, claim.second) if e}
