"""Claims of made-up studies by their labels, and studies in which networks have known shares."""

import numpy as np
import xarray as xr
from nofreelunch.findings.claims import page as claims_page
from nofreelunch.findings.verdicts import Claim


def evaluated(summary: xr.Dataset, theory=()) -> dict[str, Claim]:
    return {claim.id: claim for claim in claims_page.evaluate(summary, theory)}


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
