"""Banino et al.: maps of the bottleneck with and without dropout, and shares of grid-like units."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nofreelunch.figures import style
from nofreelunch.figures.published import model_panels
from nofreelunch.findings.published.claims_of_banino import GRID_LIKE, share_grid_like
from nofreelunch.findings.published.groups_of_banino import of_banino
from nofreelunch.scoring.ring_radii import CRITERIA, INNER_RADII

SHADES = ("#0072B2", "#D55E00", "#777777")  # of the groups; Okabe & Ito, and grey
NAMES = {
    "fixed": "above 0.37",
    "phase": "above 95 % of\nrandom phases",
    "shuffle": "above 95 % of\nshuffled fields",
}


@style.styled
def draw(summaries: Mapping[str, xr.Dataset], maps: Mapping[str, xr.DataArray]) -> Figure:
    """Maps of one network of each group; lattices, and grid-like units by radius, of all."""
    shown = of_banino(summaries["banino_2018"])
    figure, panels = model_panels.sheet(shown, maps, row=20, widths=(1.3, 1, 1, 1))
    model_panels.legend_above(panels[0], columns=2)
    for axes, criterion in zip(panels[1:], CRITERIA, strict=True):
        _by_radius(axes, shown, criterion)
        axes.sharey(panels[1])
    panels[1].set_ylabel("grid-like units (%)")
    figure.legend(*panels[1].get_legend_handles_labels(), loc="outside lower right", ncols=4)
    return figure


def _by_radius(axes: Axes, groups: list[tuple[str, xr.Dataset]], criterion: str) -> None:
    """Shares of grid-like units by inner radius: means as lines, networks as dots."""
    shifts = (-0.25, 0.0, 0.25)
    for (label, networks), shade, shift in zip(groups, SHADES, shifts, strict=True):
        if not networks.sizes["network"]:
            continue
        shares = [share_grid_like(networks, criterion, radius) for radius in INNER_RADII]
        for radius, found in zip(INNER_RADII, shares, strict=True):
            style.draw_dots(axes, radius + shift, 100 * found, shade, spread=0.2)
        axes.plot(INNER_RADII, [style.known_mean(s) for s in shares], color=shade, label=label)
    if criterion == "fixed":
        axes.axhline(100 * GRID_LIKE.value, color=style.CHANCE, linestyle=":", label="in the paper")
    else:
        axes.axhline(5, color=style.CHANCE, linestyle="--", linewidth=0.8)
    axes.set_title(NAMES[criterion], fontsize=7)
    axes.set_xticks(INNER_RADII, [f"{radius:g}" for radius in INNER_RADII])
    axes.set_xlabel("inner radius (bins)")
    axes.set_ylim(bottom=-1)
