"""Every published model beside the others: by what the papers looked at, and beyond chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nofreelunch.figures import style
from nofreelunch.figures.published import model_panels
from nofreelunch.findings import verdicts
from nofreelunch.findings.published.model_groups import GROUPS
from nofreelunch.findings.published.model_measures import Groups

NAMES = {"sorscher_2019": "Sorscher et al.", "cueva_wei_2018": "Cueva & Wei"}
ANGLES = {"60": "hexagonal", "90": "square"}  # score -> lattice whose colour it has


@style.styled
def draw(summaries: Mapping[str, xr.Dataset], maps: Mapping[str, xr.DataArray]) -> Figure:
    """Mean scores above, shares of active units with lattices below, in every model."""
    figure = style.figure(height=110)
    groups = {name: GROUPS[name](summary) for name, summary in summaries.items()}
    axes = figure.subplots(
        2, len(groups), sharey="row", squeeze=False, width_ratios=[len(g) for g in groups.values()]
    )
    for column, (name, shown) in enumerate(groups.items()):
        _scores(axes[0, column], shown)
        axes[0, column].set_title(NAMES[name])
        model_panels.lattice_bars(axes[1, column], shown)
        if column:
            axes[0, column].set_ylabel("")
            axes[1, column].set_ylabel("")
    handles, labels = axes[1, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    return figure


def _scores(axes: Axes, groups: Groups) -> None:
    """Mean scores of active units at both angles, one dot per network."""
    for place, (_, networks) in enumerate(groups):
        for shift, (angle, lattice) in zip((-0.12, 0.12), ANGLES.items(), strict=True):
            values = networks[f"mean_{angle}"].values
            known = values[np.isfinite(values)]
            if known.size:
                shade = model_panels.COLOURS[lattice]
                mean = verdicts.over_seeds(known).value
                mark: dict[str, Any] = {"marker": "_", "markersize": 9, "markeredgewidth": 2}
                axes.plot([place + shift], [mean], color=shade, linestyle="none", **mark)
                style.draw_dots(axes, place + shift, known, shade, spread=0.06)
    axes.axhline(0, color=style.CHANCE, linewidth=0.6)
    axes.set_xticks(range(len(groups)), [""] * len(groups))
    axes.set_xlim(-0.6, len(groups) - 0.4)
    axes.set_ylabel("mean score at 60° and 90°")
