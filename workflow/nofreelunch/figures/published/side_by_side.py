"""Every published model beside the others: shares of units with lattices."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr
from matplotlib.figure import Figure

from nofreelunch.figures import style
from nofreelunch.figures.published import cueva_wei_2018, model_panels, sorscher_2019

GROUPS = {
    "sorscher_2019": sorscher_2019.shown_networks,
    "cueva_wei_2018": cueva_wei_2018.shown_networks,
}
NAMES = {"sorscher_2019": "Sorscher et al.", "cueva_wei_2018": "Cueva & Wei"}


@style.styled
def draw(summaries: Mapping[str, xr.Dataset], maps: Mapping[str, xr.DataArray]) -> Figure:
    """Shares of active units with hexagonal, square or striped maps, in every model."""
    figure = style.figure(height=70)
    counts = {name: len(GROUPS[name](summary)) for name, summary in summaries.items()}
    axes = figure.subplots(
        1, len(counts), sharey=True, squeeze=False, width_ratios=list(counts.values())
    )
    for panel, (name, summary) in zip(axes[0], summaries.items(), strict=True):
        model_panels.lattice_bars(panel, GROUPS[name](summary))
        panel.set_title(NAMES[name])
        panel.tick_params(axis="x", rotation=90)
    for panel in axes[0, 1:]:
        panel.set_ylabel("")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    return figure
