"""Groups of networks of Banino et al. that figures and tables compare."""

from __future__ import annotations

import xarray as xr

from nofreelunch.findings.published.model_measures import Groups, select


def of_banino(summary: xr.Dataset) -> Groups:
    """LSTMs with a bottleneck: with dropout, without it, and untrained."""
    trained = select(summary, part="dropout")
    return [
        ("dropout", select(trained, dropout=0.5)),
        ("no dropout", select(trained, dropout=0.0)),
        ("untrained", select(summary, part="untrained")),
    ]
