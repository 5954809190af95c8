"""Groups of Tolman-Eichenbaum Machines that figures and tables compare."""

from __future__ import annotations

import xarray as xr

from nofreelunch.findings.published.model_measures import Groups, select, specs


def of_whittington(summary: xr.Dataset) -> Groups:
    """Trained and untrained machines, with their labels."""
    steps = max((spec["steps"] for spec in specs(summary)), default=0)
    return [
        ("trained", select(summary, steps=steps)),
        ("untrained", select(summary, steps=0)),
    ]
