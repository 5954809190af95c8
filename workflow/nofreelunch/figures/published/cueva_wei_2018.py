"""Cueva & Wei: maps of leaky networks in three arenas, and what each ingredient does."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nofreelunch.figures import style
from nofreelunch.figures.published import model_panels
from nofreelunch.findings.published.groups_of_cueva_wei import (
    SHAPES,
    combinations,
    factorial_shares,
    of_cueva_wei,
)
from nofreelunch.findings.published.model_measures import specs

LETTERS = {"stillness": "S", "noise": "N", "metabolic_cost": "C"}
FULL = 25  # % of units that have the darkest colour
SHADES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # Okabe & Ito


@style.styled
def draw(summaries: Mapping[str, xr.Dataset], maps: Mapping[str, xr.DataArray]) -> Figure:
    """Maps of one network of each group; lattices and errors of all."""
    summary = summaries["cueva_wei_2018"]
    shown = of_cueva_wei(summary)
    figure, panels = model_panels.sheet(shown, maps, row=20, widths=(1.8, 1, 1, 0.9))
    model_panels.legend_above(panels[0], columns=2)
    _errors(panels[1], panels[2], shown[:4])
    _factorial(panels[3], summary)
    figure.legend(*panels[1].get_legend_handles_labels(), loc="outside lower right", ncols=4)
    return figure


def _factorial(axes: Axes, summary: xr.Dataset) -> None:
    """Share of active units with lattices or bands, of each combination in each arena."""
    shares = 100 * factorial_shares(summary)
    for (row, column), share in np.ndenumerate(shares):
        if np.isfinite(share):
            axes.text(column, row, f"{share:.1f}", ha="center", va="center", fontsize=7)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=FULL, aspect="auto")
    names = ["".join(LETTERS[key] for key, value in row.items() if value) for row in combinations()]
    axes.set_yticks(range(len(names)), [name or "none" for name in names])
    axes.set_xticks(range(len(SHAPES)), SHAPES, rotation=90)
    axes.tick_params(length=0)
    axes.set_title("lattices, bands (%)", loc="right")


def _errors(steps: Axes, wall: Axes, shown: list[tuple[str, xr.Dataset]]) -> None:
    for (label, networks), shade in zip(shown, SHADES, strict=True):
        if not networks.sizes["network"]:
            continue
        name = label.replace("\n", " ")
        error = 100 * networks["error_by_step"].mean("network").values
        steps.plot(np.arange(1, error.size + 1), error, color=shade, label=name)
        since = 100 * networks["error_since_wall"].mean("network")
        wall.plot(np.maximum(since["since"], 0.5), since, color=shade, marker="o", markersize=2)
        steps.axvline(specs(networks)[0]["sequence_length"], color=style.CHANCE, linestyle=":")
    for axes, label in ((steps, "steps since the start"), (wall, "steps since a wall")):
        axes.set_xscale("log")
        axes.set_xlabel(label)
        axes.set_ylim(bottom=0)
    steps.set_ylabel("mean position error (cm)")
