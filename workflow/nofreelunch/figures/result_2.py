"""Result 2: the best rate maps of each target, beside the target itself."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nofreelunch.figures import style, tuning
from nofreelunch.findings import comparisons, network_measures
from nofreelunch.findings.verdicts import counted, mean_percent

COLUMNS = 8


@style.styled
def draw(
    summary: xr.Dataset, theory: Sequence[xr.Dataset], rate_maps: Callable[[str], xr.Dataset]
) -> Figure:
    """One row per target: counts of its units, one of its cells, and its best-scoring units."""
    rows = {
        target: comparisons.of_target(summary, target)
        for target in comparisons.compared_targets(summary)
    }
    rows = {target: networks for target, networks in rows.items() if networks.sizes["network"]}
    figure = style.figure(height=12 + 19.5 * max(len(rows), 1))
    if not rows:
        style.missing(figure.subplots(), "no target has networks with the default place cells")
        return figure
    widths = [1.75, 1, 0.12, *[1] * COLUMNS]
    axes = figure.subplots(len(rows), len(widths), squeeze=False, width_ratios=widths)
    figure.set_layout_engine("constrained", w_pad=0.01, h_pad=0.01, wspace=0.02, hspace=0.02)
    for row, (target, networks) in zip(axes, rows.items(), strict=True):
        row[2].set_axis_off()
        _describe(row[0], target, networks)
        encoding, _ = tuning.central_cell(
            comparisons.specs(networks)[0], float(summary.attrs["arena"])
        )
        style.draw_map(row[1], encoding, colours=style.TARGET_COLOURS)
        _best(row[3:], networks, rate_maps)
    axes[0, 1].set_title("target,\none cell")
    arena = f"{summary.attrs['arena']:g} m"
    figure.suptitle(
        "best units by grid score (above each map; ★ significant) · "
        f"chance: surrogates that are harder to beat · arena {arena} × {arena}"
    )
    return figure


def _describe(axes: Axes, target: str, networks: xr.Dataset) -> None:
    """Name of a target; how many of its units are grid-like, by chance too, and significant."""
    axes.set_axis_off()
    threshold = networks.attrs["grid_cell_threshold"]
    scores = network_measures.scores(networks)
    chance = mean_percent(network_measures.chance_above(networks, threshold))
    passed = f"{network_measures.significant(networks).sum()} ★, " if chance else ""
    lines = [
        f"{(scores > threshold).sum()} of {np.isfinite(scores).sum()} units > {threshold:g}",
        f"chance {chance}" if chance else "chance not known",
        passed + counted(networks.sizes["network"]),
    ]
    at: dict[str, Any] = {"transform": axes.transAxes, "ha": "left", "va": "top"}
    name = style.name(networks, target)
    axes.text(0, 0.98, name, color=style.colour(target), fontweight="bold", **at)
    axes.text(0, 0.76, "\n".join(lines), linespacing=1.25, **at)


def _best(row: Sequence[Axes], networks: xr.Dataset, rate_maps: Callable) -> None:
    units = network_measures.best_units(networks, len(row))
    for axes, unit in zip(row, units, strict=False):
        with rate_maps(unit.cohort) as cohort:
            values = cohort["rate_map"].sel(network=unit.network).isel(unit=unit.unit)
            style.draw_map(axes, values.transpose("y", "x").values)
        axes.set_title(style.score_text(unit.score, unit.significant), pad=2, fontsize=7)
    for axes in row[len(units) :]:
        axes.set_axis_off()
    if not units:
        style.missing(row[0], "no unit has a grid score")
