"""Whittington et al.: predictions beside two agents, maps of cells g, and what is preserved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec

from nofreelunch.figures import style
from nofreelunch.findings.published.groups_of_whittington import of_whittington
from nofreelunch.findings.published.model_measures import SHOWN

NAMES = {
    "network": "networks",
    "node": "node agent",
    "edge": "edge agent",
    "symbol": "symbol agent",
}
SHADES = {  # Okabe & Ito
    "network": "#0072B2",
    "node": "#009E73",
    "edge": "#D55E00",
    "symbol": "#E69F00",
}
CODES = {"g": "#0072B2", "p": "#CC79A7"}
BY = {"nodes": "nodes visited (%)", "edges": "edges used (%)"}


@style.styled
def draw(summaries: Mapping[str, xr.Dataset], maps: Mapping[str, xr.DataArray]) -> Figure:
    """Maps of one network above; accuracies, links and what is preserved below."""
    groups = of_whittington(summaries["whittington_2020"])
    figure = style.figure(height=95)
    grid = figure.add_gridspec(2, 1, height_ratios=(1, 2))
    _maps(figure, grid[0], groups[0][1])
    below = grid[1].subgridspec(1, 4, width_ratios=(1.3, 1.3, 0.8, 0.8))
    panels = [figure.add_subplot(below[k]) for k in range(4)]
    for axes, text in zip(panels, "abcd", strict=True):
        style.letter(axes, text, offset=-8)
    for axes, (share, label) in zip(panels[:2], BY.items(), strict=True):
        _curves(axes, groups, share)
        axes.set_xlabel(label)
    panels[0].set_ylabel("symbols predicted (%)")
    _links(panels[2], groups)
    _preserved(panels[3], groups)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5)
    return figure


def _maps(figure: Figure, place: SubplotSpec, networks: xr.Dataset) -> None:
    """Node maps of cells g of one network, in the largest environment, with rotation scores."""
    grid = place.subgridspec(1, SHOWN)
    for column in range(SHOWN):
        axes = figure.add_subplot(grid[column])
        if not networks.sizes["network"]:
            style.missing(axes, "none" if column == 0 else "")
            continue
        shown = networks.isel(network=0, shown=column)
        x, y = shown["node_position"].values.T
        rates, limit = shown["shown_map"].values, np.nanmax(abs(shown["shown_map"].values))
        shades: dict[str, Any] = {"cmap": style.SIGNED_COLOURS, "vmin": -limit, "vmax": limit}
        axes.scatter(x, y, c=rates, s=28, marker="s", **shades)
        axes.set_aspect("equal")
        axes.margins(0.2)
        axes.set_axis_off()
        axes.set_title(style.score_text(float(shown["shown_rotation"])), fontsize=7, pad=2)


def _curves(axes: Axes, groups: list[tuple[str, xr.Dataset]], share: str) -> None:
    """Accuracies of networks and agents against a share: means, and a thin line per network."""
    for label, networks in groups:
        found = 100 * networks[f"accuracy_by_{share}"]
        at = 100 * found["share"].values
        drawn = NAMES if label == "trained" else {"network": "untrained networks"}
        for agent, name in drawn.items():
            line: dict[str, Any] = {"color": SHADES[agent] if label == "trained" else style.CHANCE}
            values = found.sel(agent=agent)
            if agent == "network":
                for one in values.values:
                    axes.plot(at, one, linewidth=0.5, **line)
            if networks.sizes["network"]:
                axes.plot(at, values.mean("network"), label=name, **line)
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 102)


def _links(axes: Axes, groups: list[tuple[str, xr.Dataset]]) -> None:
    """Accuracy at visited nodes that are reached by an edge that was never used."""
    for place, (label, networks) in enumerate(groups):
        found = 100 * networks["link_accuracy"]
        shade = SHADES["network"] if label == "trained" else style.CHANCE
        values = found.sel(agent="network").values
        style.draw_dots(axes, place, values, shade, spread=0.1)
    for agent in ("node", "symbol", "edge"):
        level = 100 * groups[0][1]["link_accuracy"].sel(agent=agent)
        if level.size:
            axes.axhline(float(level.mean()), color=SHADES[agent], linestyle="--", linewidth=0.8)
    axes.set_xticks(range(len(groups)), [label for label, _ in groups], rotation=30, ha="right")
    axes.set_xlim(-0.6, len(groups) - 0.4)
    axes.set_ylim(0, 102)
    axes.set_ylabel("symbols predicted at the end\nof unused edges (%)")


def _preserved(axes: Axes, groups: list[tuple[str, xr.Dataset]]) -> None:
    """How well correlations between cells are preserved between environments."""
    networks = groups[0][1]
    for place, (code, shade) in enumerate(CODES.items()):
        values = networks["preserved"].sel(code=code).values
        style.draw_dots(axes, place, values[np.isfinite(values)], shade, spread=0.1)
    axes.axhline(0, color=style.CHANCE, linewidth=0.6)
    axes.set_xticks(range(len(CODES)), [f"cells {code}" for code in CODES])
    axes.set_xlim(-0.6, len(CODES) - 0.4)
    axes.set_ylim(-0.2, 1.05)
    axes.set_ylabel("correlations preserved")
