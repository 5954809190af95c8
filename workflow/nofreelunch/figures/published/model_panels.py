"""Panels that the figures of several published models have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec

from nofreelunch.figures import style
from nofreelunch.findings import verdicts
from nofreelunch.findings.published.model_measures import SHOWN, WORDS, lattice_share
from nofreelunch.scoring.lattice_classes import LATTICES
from nofreelunch.scoring.significance import LEVEL

PANELS = 60  # mm, height of the panels below the maps
COLOURS = {"hexagonal": "#0072B2", "square": "#D55E00", "stripe": "#009E73"}  # Okabe & Ito


def sheet(
    groups: Sequence[tuple[str, xr.Dataset]],
    maps: Mapping[str, xr.DataArray],
    row: float,
    widths: Sequence[float],
) -> tuple[Figure, list[Axes]]:
    """A figure with a row of maps for each group, `row` mm high, and lettered panels below.

    The first panel has the shares of units with each lattice; the others, of these relative widths,
    are empty.
    """
    figure = style.figure(height=row * len(groups) + PANELS)
    grid = figure.add_gridspec(2, 1, height_ratios=(row * len(groups), PANELS))
    map_rows(figure, grid[0], groups, maps)
    below = grid[1].subgridspec(1, len(widths), width_ratios=widths)
    panels = [figure.add_subplot(below[place]) for place in range(len(widths))]
    for axes, text in zip(panels, "abcd", strict=False):
        style.letter(axes, text, offset=-8)
    lattice_bars(panels[0], groups)
    return figure, panels


def map_rows(
    figure: Figure,
    place: SubplotSpec,
    rows: Sequence[tuple[str, xr.Dataset]],
    maps: Mapping[str, xr.DataArray],
) -> None:
    """One row of `SHOWN` rate maps per label, of the first of the networks that come with it.

    Above each map is the larger of its two scores, with its angle.
    """
    figure.set_layout_engine("constrained", w_pad=0.01, h_pad=0.01, wspace=0.02, hspace=0.02)
    grid = place.subgridspec(len(rows), SHOWN)
    for row, (label, networks) in enumerate(rows):
        for column in range(SHOWN):
            axes = figure.add_subplot(grid[row, column])
            if not networks.sizes["network"]:
                style.missing(axes, "none" if column == 0 else "")
                continue
            network = networks.isel(network=0)
            unit = int(network["shown_unit"][column])
            style.draw_map(axes, maps[str(network["network"].item())].sel(unit=unit).values)
            scores = {name: float(network[f"shown_{name}"][column]) for name in ("60", "90")}
            angle = max(scores, key=lambda name: scores[name])
            axes.set_title(f"{style.score_text(scores[angle])} ({angle}°)", fontsize=7, pad=2)
            if column == 0:
                axes.set_ylabel(label, rotation=0, ha="right", va="center", labelpad=4)


def lattice_bars(axes: Axes, groups: Sequence[tuple[str, xr.Dataset]]) -> None:
    """Shares of units with each lattice, for groups of networks: means, dots and chance."""
    for place, (_, networks) in enumerate(groups):
        for number, lattice in enumerate(LATTICES):
            at = place + 0.25 * (number - 1)
            shares = 100 * lattice_share(networks, lattice)
            known = shares[np.isfinite(shares)]
            if known.size:
                estimate = verdicts.over_seeds(known)
                style.draw_interval(axes, at, estimate, COLOURS[lattice])
                style.draw_dots(axes, at, known, COLOURS[lattice], spread=0.06)
    axes.axhline(100 * LEVEL, color=style.CHANCE, linestyle="--", linewidth=0.8)
    axes.set_xticks(range(len(groups)), [label for label, _ in groups], rotation=90)
    axes.set_xlim(-0.6, len(groups) - 0.4)
    axes.set_ylim(bottom=-2)
    axes.set_ylabel("active units (%)")
    for lattice in LATTICES:
        mark: dict[str, Any] = {
            "marker": "_",
            "linestyle": "none",
            "markersize": 9,
            "markeredgewidth": 2,
        }
        axes.plot([], [], color=COLOURS[lattice], label=WORDS[lattice], **mark)
    axes.plot([], [], color=style.CHANCE, linestyle="--", linewidth=0.8, label="chance, all three")


def legend_above(axes: Axes, columns: int = 4) -> None:
    """The legend of `lattice_bars` above the panel, right of its letter."""
    axes.legend(loc="lower left", bbox_to_anchor=(0.02, 1.0), ncols=columns, borderaxespad=0.2)
