"""Nayebi et al.: populations of cells, and how well networks and controls predict them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nofreelunch.figures import style
from nofreelunch.findings.published.groups_of_nayebi import trained, untrained

ROW, PANELS = 19, 75  # mm, height of a row of maps, and of the panels below
POPULATIONS = {
    "grid": "grid cells",
    "like_grid": "grid cells,\nrandom phases",
    "no_grid": "border and\nirregular cells",
    "mixed": "mixed as in\nthe cortex",
    "head_direction": "head-direction\ncells",
}
KINDS = {"like_grid": "random phases", "head_direction": "head direction"}
SHADES = {  # Okabe & Ito
    "trained networks": "#0072B2",
    "untrained networks": "#56B4E9",
    "noise with their spectrum": "#D55E00",
    "plane waves": "#009E73",
    "place cells": "#E69F00",
}
FOOTINGS = {"published": "all units, as published", "equal_dimension": "equal units and dimension"}


@style.styled
def draw(summaries: Mapping[str, xr.Dataset], maps: Mapping[str, xr.DataArray]) -> Figure:
    """Cells of each population; predictivity by source, at two footings and by dimension."""
    summary = summaries["nayebi_2021"]
    names = [str(name) for name in summary["population"].values]
    figure = style.figure(height=ROW * len(names) + PANELS)
    grid = figure.add_gridspec(2, 1, height_ratios=(ROW * len(names), PANELS))
    rows = grid[0].subgridspec(len(names), summary.sizes["example"])
    for row, name in enumerate(names):
        cells = summary.sel(population=name)
        for column in range(summary.sizes["example"]):
            axes = figure.add_subplot(rows[row, column])
            style.draw_map(axes, cells["cell_map"].isel(example=column).values)
            kind = str(cells["cell_kind"].values[column])
            axes.set_title(KINDS.get(kind, kind), fontsize=7, pad=2)
            if column == 0:
                axes.set_ylabel(_label(name), rotation=0, ha="right", va="center", labelpad=4)
    below = grid[1].subgridspec(1, 3)
    panels = [figure.add_subplot(below[place]) for place in range(3)]
    for axes, text in zip(panels, "abc", strict=True):
        style.letter(axes, text, offset=-8)
    sources = _sources(summary)
    for axes, footing in zip(panels, FOOTINGS, strict=False):
        _by_population(axes, sources, names, footing)
    panels[0].set_ylabel("predictivity (correlation)")
    _by_dimension(panels[2], sources, names[0])
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _sources(summary: xr.Dataset) -> dict[str, xr.Dataset]:
    """What predicts, by its name: networks, and the controls of the trained ones."""
    found = trained(summary)
    sides = (found, untrained(summary), found, found, found)
    kinds = ("network", "network", "noise", "fourier", "place_cells")
    return {
        name: side.sel(source=kind) for name, side, kind in zip(SHADES, sides, kinds, strict=True)
    }


def _by_population(
    axes: Axes, sources: Mapping[str, xr.Dataset], names: list[str], footing: str
) -> None:
    """Predictivity of each population by each source: one dot per network, and means."""
    for number, (source, found) in enumerate(sources.items()):
        shade = SHADES[source]
        mark: dict[str, Any] = {"marker": "_", "markersize": 8, "markeredgewidth": 2}
        axes.plot([], [], color=shade, linestyle="none", label=source, **mark)
        for place, name in enumerate(names):
            at = place + 0.16 * (number - 2)
            values = found["predictivity"].sel(population=name, footing=footing).values
            known = values[np.isfinite(values)]
            if known.size:
                axes.plot([at], [known.mean()], color=shade, **mark)
                style.draw_dots(axes, at, known, shade, spread=0.05)
    axes.axhline(0, color=style.CHANCE, linewidth=0.6)
    axes.set_xticks(range(len(names)), [_label(name) for name in names], rotation=90)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_title(FOOTINGS[footing])


def _by_dimension(axes: Axes, sources: Mapping[str, xr.Dataset], name: str) -> None:
    """Predictivity of one population at equal units against the source's participation ratio."""
    dots: dict[str, Any] = style.DOT
    for source, found in sources.items():
        values = found["predictivity"].sel(population=name, footing="equal_units")
        axes.plot(found["participation_ratio"], values, color=SHADES[source], **dots)
    axes.set_xlim(left=0)
    axes.set_xlabel("participation ratio of the source")
    axes.set_ylabel("predictivity (correlation)")
    axes.set_title(f"{POPULATIONS.get(name, name)} at equal units".replace("\n", " "))


def _label(name: str) -> str:
    return POPULATIONS.get(name, name.replace("_", " "))
