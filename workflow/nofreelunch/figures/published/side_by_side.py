"""Every published model beside the others: by its paper's own measure, and beyond chance."""

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
from nofreelunch.findings.published.claims_of_banino import GRID_LIKE, share_grid_like
from nofreelunch.findings.published.claims_of_nayebi import LIKE_MEC, PUBLISHED, UGRNN
from nofreelunch.findings.published.model_groups import GROUPS
from nofreelunch.findings.published.model_measures import Groups

NAMES = {
    "cueva_wei_2018": "Cueva & Wei",
    "sorscher_2019": "Sorscher et al.",
    "banino_2018": "Banino et al.",
    "nayebi_2021": "Nayebi et al.",
    "whittington_2020": "Whittington\net al.",
}
LABELS = {  # of the groups that are drawn, where not all are
    "cueva_wei_2018": (
        *("all three,\nsquare", "all three,\nhexagon", "all three,\ntriangle"),
        "untrained,\nsquare",
    ),
    "sorscher_2019": (
        *("no surround,\nno constraint", "surround,\nNMF of 9", "surround,\nNMF of 32"),
        *("surround,\nrates ≥ 0", "LSTM", "LSTM,\nuntrained"),
        *("RNN, ReLU", "RNN, tanh", "RNN, ReLU,\nuntrained"),
    ),
    "nayebi_2021": ("UGRNN, ReLU", "GRU, ReLU", "SRNN, ReLU", "UGRNN, ReLU,\nuntrained"),
}
ANGLES = {"60": "hexagonal", "90": "square"}  # score -> lattice whose colour it has
MARK: dict[str, Any] = {"marker": "_", "markersize": 9, "markeredgewidth": 2}


@style.styled
def draw(summaries: Mapping[str, xr.Dataset], maps: Mapping[str, xr.DataArray]) -> Figure:
    """What a paper measured above, shares of active units with lattices below, in every model.

    Papers that judged maps by eye or by scores have mean scores above.
    """
    figure = style.figure(height=125)
    groups = {name: _shown(name, summaries[name]) for name in NAMES if name in summaries}
    widths = [max(len(found), 3) for found in groups.values()]
    axes = figure.subplots(2, len(groups), sharex="col", squeeze=False, width_ratios=widths)
    in_arenas = [k for k, name in enumerate(groups) if name != "whittington_2020"]
    by_score = [k for k, name in enumerate(groups) if name not in OWN]
    for column, (name, found) in enumerate(groups.items()):
        above, below = axes[:, column]
        above.set_title(NAMES[name])
        OWN.get(name, _scores)(above, found)
        (model_panels.lattice_bars if column in in_arenas else _turning)(below, found)
        labels = [label.replace("\n", " ") for label, _ in found]
        below.set_xticks(range(len(found)), labels, rotation=90)
        below.set_xlim(-0.6, len(found) - 0.4)
    for lone in (*axes[0, by_score[1:]], *axes[1, 1:]):
        lone.set_ylabel("")
    _alike(axes[0, by_score])
    _alike(axes[1])
    if in_arenas:
        figure.legend(
            *axes[1, in_arenas[0]].get_legend_handles_labels(), loc="outside upper center", ncols=4
        )
    return figure


def _alike(panels: np.ndarray) -> None:
    """Give panels one range of y, which holds all that is drawn in them."""
    ranges = [axes.dataLim for axes in panels]
    if ranges:
        low, high = min(r.y0 for r in ranges), max(r.y1 for r in ranges)
        for axes in panels:
            axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))


def _shown(name: str, summary: xr.Dataset) -> Groups:
    groups = GROUPS[name](summary)
    return [group for group in groups if group[0] in LABELS.get(name, dict(groups))]


def _scores(axes: Axes, groups: Groups) -> None:
    """Mean scores of active units at both angles, one dot per network."""
    for place, (_, networks) in enumerate(groups):
        for shift, (angle, lattice) in zip((-0.12, 0.12), ANGLES.items(), strict=True):
            shade = model_panels.COLOURS[lattice]
            _mean_and_dots(axes, place + shift, networks[f"mean_{angle}"].values, shade)
    axes.axhline(0, color=style.CHANCE, linewidth=0.6)
    axes.set_ylabel("mean score at 60° and 90°")


def _grid_like(axes: Axes, groups: Groups) -> None:
    """Shares of units that Banino et al. call grid-like, one dot per network, and the paper's."""
    for place, (_, networks) in enumerate(groups):
        _mean_and_dots(axes, place, 100 * share_grid_like(networks), style.INK)
    _dotted(axes, 100 * GRID_LIKE.value, "paper")
    axes.set_ylim(0, max(32, axes.dataLim.y1 + 5))
    axes.set_ylabel("units above 0.37 (%)")


def _predictivity(axes: Axes, groups: Groups) -> None:
    """How well networks predict the cells that stand for the cortex, and those of the paper."""
    for place, (_, networks) in enumerate(groups):
        found = networks["predictivity"].sel(footing=PUBLISHED, source="network")
        for cells in [name for name in LIKE_MEC if name in found["population"]][:1]:
            _mean_and_dots(axes, place, found.sel(population=cells).values, style.INK)
    _dotted(axes, UGRNN[0], "paper", "right")
    _dotted(axes, UGRNN[1], "untrained", "right")
    axes.set_ylim(min(0, axes.dataLim.y0), 1)
    axes.set_ylabel("predictivity")


def _dotted(axes: Axes, level: float, text: str, side: str = "left") -> None:
    """A dotted line at a published number, or at that of an agent."""
    axes.axhline(level, color=style.CHANCE, linestyle=":", linewidth=0.8)
    place, shift = (0.0, 2) if side == "left" else (1.0, -2)
    axes.annotate(text, (place, level), (shift, 1), **_above_line(side), fontsize=7)


def _links(axes: Axes, groups: Groups) -> None:
    """Predictions at visited nodes at the end of unused edges, with those of both agents."""
    for place, (_, networks) in enumerate(groups):
        accuracy = 100 * networks["link_accuracy"]
        _mean_and_dots(axes, place, accuracy.sel(agent="network").values, style.INK)
        if place == 0 and networks.sizes["network"]:
            for agent in ("node", "edge"):
                _dotted(axes, float(accuracy.sel(agent=agent).mean()), f"{agent} agent")
    axes.set_ylim(0, 115)
    axes.set_ylabel("links predicted (%)")


def _above_line(side: str) -> dict[str, Any]:
    """How a text stands above a horizontal line, at one side of the panel."""
    places = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    return {**places, "ha": side, "va": "bottom"}


def _turning(axes: Axes, groups: Groups) -> None:
    """Shares of active cells g whose map turns into itself beyond chance."""
    for place, (_, networks) in enumerate(groups):
        shares = 100 * networks["turning_share"].mean("size").values
        _mean_and_dots(axes, place, shares, model_panels.COLOURS["square"])
    axes.axhline(5, color=style.CHANCE, linestyle="--", linewidth=0.8)


def _mean_and_dots(axes: Axes, at: float, values: np.ndarray, shade: str) -> None:
    known = values[np.isfinite(values)]
    if known.size:
        mean = verdicts.over_seeds(known).value
        axes.plot([at], [mean], color=shade, linestyle="none", **MARK)
        style.draw_dots(axes, at, known, shade, spread=0.06)


# Papers that have a measure of their own; the others judge maps by eye, or by scores.
OWN = {"banino_2018": _grid_like, "nayebi_2021": _predictivity, "whittington_2020": _links}
