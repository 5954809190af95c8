"""The pictures of the sheet of corrections."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from nofreelunch.figures import style, tuning
from nofreelunch.findings import talks
from nofreelunch.findings.corrections import encodings, map_scores, records
from nofreelunch.task.trajectories import ARENA


def picture(name: str, folder: str | Path) -> Path:
    """Draw one of `sheet.PICTURES` as `corrections_<name>.svg`."""
    draw = {"period_unit": draw_period_unit, "inverted_ring": draw_inverted_ring}[name]
    pdf, png, svg = style.save_figure(draw(), Path(folder) / f"corrections_{name}")
    pdf.unlink()
    png.unlink()
    return svg


@style.styled
def draw_period_unit() -> Figure:
    """Rate maps of a lattice with the period of the slide, in bins and in cm."""
    bins = talks.PERIOD_MODES[talks.WIDTHS.index(records.WIDTH)]
    side = (np.arange(220) + 0.5) / 220 * ARENA - ARENA / 2
    place = np.stack(np.meshgrid(side, side), axis=-1)
    figure = style.figure(height=52, width=90)
    for axes, period, unit in zip(
        figure.subplots(1, 2),
        (bins * talks.PUBLISHED_BIN, bins / 100),
        ("bins", "cm"),
        strict=True,
    ):
        style.draw_map(axes, map_scores.lattice_rates(place, period))
        axes.set_title(
            f"{bins:.1f} {unit} = {100 * period:.0f} cm" if unit == "bins" else f"{bins:.1f} cm"
        )
    return figure


@style.styled
def draw_inverted_ring() -> Figure:
    """Activity by distance from a cell's centre: equal amplitudes, and equal areas."""
    figure = style.figure(height=55, width=90)
    axes = figure.subplots()
    spec = {
        "place_cells": encodings.CELLS,
        "place_cell_width": records.WIDTH,
        "surround": {"width_ratio": encodings.RATIO},
        "seed": 0,
    }
    for name, label in (
        ("difference_of_gaussians", "equal amplitudes"),
        ("general_difference_of_gaussians", "equal areas"),
    ):
        distance, activity = tuning.radial_profile(spec | {"target": name})
        axes.plot(100 * distance, activity, color=style.colour(name), label=label)
    axes.axhline(1, color=style.CHANCE, linewidth=0.6, zorder=0)
    axes.set_xlabel("distance from the cell's centre (cm)")
    axes.set_ylabel("activity / mean")
    axes.legend()
    return figure
