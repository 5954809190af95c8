"""Result 5: grid scores with homogeneous, heterogeneous and multi-field place cells."""

from collections.abc import Callable, Sequence

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nofreelunch.figures import style
from nofreelunch.findings import comparisons, network_measures, talks, verdicts

ONLY = "no heterogeneous or\nmulti-field place cells"


@style.styled
def draw(
    summary: xr.Dataset, theory: Sequence[xr.Dataset], rate_maps: Callable[[str], xr.Dataset]
) -> Figure:
    """Survival of the grid score by setting, and each network's share of grid-like units."""
    settings = comparisons.realism(summary)
    figure = style.figure(height=max(74, 30 + 11 * len(settings)))
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.05])
    if not settings:
        for axes in (left, right):
            style.missing(axes, "no networks with place-cell\ntargets at the study's defaults")
        return figure
    shades = [
        to_hex(c) for c in matplotlib.colormaps["plasma"](np.linspace(0.65, 0.02, len(settings)))
    ]
    for setting, shade in zip(settings, shades, strict=True):
        line = "-" if comparisons.learnt(setting.networks) else "--"
        style.draw_survival(left, setting.networks, shade, line=line)
    threshold = summary.attrs["grid_cell_threshold"]
    style.survival_axes(left, threshold)
    left.set_title("Units above each grid score")
    left.text(0.03, 0.04, "colours as in b", transform=left.transAxes)
    _shares(right, settings, shades, threshold)
    for letter, axes in zip("ab", (left, right), strict=True):
        style.letter(axes, letter)
    if len(settings) == 1:
        left.text(0.98, 0.93, ONLY, transform=left.transAxes, ha="right", va="top")
    figure.legend(handles=_legend(summary), loc="outside lower center", ncols=3)
    return figure


def _shares(
    axes: Axes, settings: Sequence[comparisons.Setting], shades: Sequence[str], threshold: float
) -> None:
    """One row per setting, homogeneous place cells on top.

    Below its name: how many of its networks meet the error criterion.
    """
    talk = {comparisons.place_cell_label(s): 100 * share for s, share in talks.UNITS_BY_SETTING}
    for row, ((label, networks), shade) in enumerate(zip(settings, shades, strict=True)):
        share = 100 * network_measures.share_above(networks, threshold)
        style.draw_interval(axes, row, verdicts.over_seeds(share), shade, across=True)
        learnt = comparisons.learnt(networks)
        style.draw_dots(axes, row, share, shade, across=True, learnt=learnt)
        chance = style.known_mean(network_measures.chance_above(networks, threshold))
        axes.plot(chance, row, **style.CHANCE_MARK)
        if label in talk:
            axes.plot(talk[label], row + 0.3, **style.TALK)
    labels = [
        f"{label}\n{style.met(networks)}" + ": not learnt" * (not comparisons.learnt(networks))
        for label, networks in settings
    ]
    axes.set_yticks(range(len(settings)), labels)
    for text, shade in zip(axes.get_yticklabels(), shades, strict=True):
        text.set_color(shade)
    axes.set_ylim(len(settings) - 0.5, -0.5)
    axes.set_xlim(-0.3, max(2.0, axes.get_xlim()[1]))
    axes.set_xlabel(f"units with a grid score > {threshold:g} (%)")
    axes.set_title("Grid-like units of each network")


def _legend(summary: xr.Dataset) -> list[Line2D]:
    pooled = f"the talks, units pooled (score > {talks.UNIT_THRESHOLD:g})"
    return [
        *style.network_handles(summary),
        Line2D([], [], **style.CHANCE_MARK, label=style.HARDER),
        Line2D([], [], **style.TALK, label=pooled),
    ]
