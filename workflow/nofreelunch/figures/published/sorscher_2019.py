"""Sorscher et al.: maps of factorisations, of the LSTM and of recurrent networks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nofreelunch.figures import style
from nofreelunch.figures.published import model_panels
from nofreelunch.findings.published.groups_of_sorscher import of_sorscher
from nofreelunch.findings.published.model_measures import select, specs

SHADES = {"relu": "#0072B2", "tanh": "#E69F00"}  # Okabe & Ito


@style.styled
def draw(summaries: Mapping[str, xr.Dataset], maps: Mapping[str, xr.DataArray]) -> Figure:
    """Maps of one network of each group; lattices, and errors beyond the wall, of all."""
    summary = summaries["sorscher_2019"]
    figure, panels = model_panels.sheet(of_sorscher(summary), maps, row=17, widths=(2.4, 1))
    model_panels.legend_above(panels[0])
    _wall(panels[1], select(summary, part="rectification"))
    return figure


def _wall(axes: Axes, networks: xr.Dataset) -> None:
    decays = sorted({spec["weight_decay"] for spec in specs(networks)})
    for activation, shade in SHADES.items():
        means = []
        for place, decay in enumerate(decays):
            found = select(networks, activation=activation, weight_decay=decay)
            errors = 100 * found["error_beyond"].values
            style.draw_dots(axes, place, errors, shade, spread=0.05)
            means.append(errors.mean() if errors.size else np.nan)
        axes.plot(range(len(decays)), means, color=shade, label=activation)
    axes.set_xticks(range(len(decays)), [f"{decay:g}" for decay in decays])
    axes.set_xlabel("weight decay")
    axes.set_ylabel("error beyond the wall (cm)")
    axes.set_ylim(bottom=0)
    axes.legend()
